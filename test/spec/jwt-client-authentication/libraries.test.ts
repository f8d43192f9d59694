/** Libraries of others that sign client assertions, with their defaults. */
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { beforeEach, expect, it } from 'vitest';
import { ISSUER } from '../setup.ts';
import { type JwtWorld, makeJwtWorld } from './assertions.ts';

let world: JwtWorld;
let keys: CryptoKeyPair;
beforeEach(async () => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  const jwk = await crypto.subtle.exportKey('jwk', keys.publicKey);
  const { kty, crv, x, y } = jwk;
  // Both libraries tell the time by the clock of the machine.
  const clock = (): number => Math.floor(Date.now() / 1000);
  world = await makeJwtWorld({}, { jwks: { keys: [{ kty, crv, x, y }] } }, { clock });
});

const ask = async (url: string, options: RequestInit): Promise<Response> =>
  await world.provider.fetch(new Request(url, options));

it('[RFC7523 §2.2] openid-client proves a client by a key', async () => {
  const config = await client.discovery(
    new URL(ISSUER),
    world.jwt.clientId,
    undefined,
    client.PrivateKeyJwt(keys.privateKey),
    { [client.customFetch]: async (url, options) => await ask(url, options as RequestInit) },
  );
  const tokens = await client.clientCredentialsGrant(config, { scope: 'read' });
  expect([tokens.scope, tokens.token_type]).toEqual(['read', 'bearer']);
});

it('[RFC7523 §2.2] oauth4webapi proves a client by a key', async () => {
  const options = {
    [oauth.customFetch]: async (url: string, init: object) => await ask(url, init),
  };
  const issuer = new URL(ISSUER);
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, options),
  );
  const own = { client_id: world.jwt.clientId };
  const response = await oauth.clientCredentialsGrantRequest(
    server,
    own,
    oauth.PrivateKeyJwt(keys.privateKey),
    { scope: 'read' },
    options,
  );
  const tokens = await oauth.processClientCredentialsResponse(server, own, response);
  expect(tokens.scope).toBe('read');
});

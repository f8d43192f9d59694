/** Each endpoint that authenticates clients treats each method alike. Rule CL-17. */
import {
  type ClientMetadata,
  deviceAuthorization,
  jwtClientAuthentication,
  mutualTls,
} from 'valetkey';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../../src/store/records.ts';
import { sendTo } from '../mutual-tls/asking.ts';
import {
  jwkOf as jwkOfCertificate,
  makeUsual,
  NOW,
  SUBJECT,
  shown,
} from '../mutual-tls/certificates.ts';
import { type Answer, basic, makeWorld, pkce, REDIRECT_URI, type World } from '../setup.ts';
import { asserting, assertionOf, byEc, bySecret, EC, jwkOf, OTHER, send } from './assertions.ts';

const METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
] as const;
type Method = (typeof METHODS)[number];
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

const ENDPOINTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'token/': { grant_type: 'client_credentials', scope: 'read' },
  'revoke_token/': { token: 'unknown' },
  'introspect/': { token: 'unknown' },
  'device_authorization/': { scope: 'read' },
  'par/': {
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'read',
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
  },
};

const { authority, good, other: stranger, own: selfSigned } = makeUsual();
afterAll(() => authority.remove());

/** What else a client is registered with. */
const KEYS: Readonly<Partial<Record<Method, Partial<ClientMetadata>>>> = {
  private_key_jwt: { jwks: { keys: [jwkOf(EC.publicKey, { kid: 'ec' })] } },
  tls_client_auth: { fields: SUBJECT },
  self_signed_tls_client_auth: { jwks: { keys: [jwkOfCertificate(selfSigned)] } },
};

let world: World;
let registered: Readonly<Record<Method, { readonly client: Client; readonly secret: string }>>;
beforeEach(async () => {
  world = await makeWorld({
    features: [
      jwtClientAuthentication({ allowClientSecretJwt: true }),
      deviceAuthorization(),
      mutualTls({ enabled: true }),
    ],
    // What is counted as failed has a test of its own.
    rateLimits: { clientAuthentication: { limit: 10_000, seconds: 60 } },
  });
  world.now = NOW;
  const entries = [];
  for (const method of METHODS) {
    const made = await world.provider.clients.create({
      name: method,
      redirectUris: [REDIRECT_URI],
      grantTypes: ['authorization_code', 'client_credentials', DEVICE_GRANT],
      scopes: ['read', 'introspection'],
      tokenEndpointAuthMethod: method,
      ...KEYS[method],
    });
    entries.push([method, { client: made.client, secret: made.clientSecret ?? '' }] as const);
  }
  registered = Object.fromEntries(entries) as typeof registered;
});

/** A request that proves a client by a method. @param of whose registration is used */
async function prove(
  path: string,
  method: Method,
  { client: { clientId }, secret }: { readonly client: Client; readonly secret: string },
  isGood = true,
): Promise<Answer> {
  const fields = ENDPOINTS[path] ?? {};
  const used = isGood ? secret : `${secret}x`;
  const header = { alg: 'HS256', kid: undefined };
  switch (method) {
    case 'client_secret_basic':
      return await send(world, path, fields, { authorization: basic(clientId, used || 'x') });
    case 'client_secret_post':
      return await send(world, path, {
        ...fields,
        client_id: clientId,
        client_secret: used || 'x',
      });
    case 'client_secret_jwt': {
      const assertion = assertionOf(world, clientId, { header, signed: bySecret(used || 'x') });
      return await send(world, path, { ...fields, client_id: clientId, ...asserting(assertion) });
    }
    case 'tls_client_auth': {
      const certificate = shown(isGood ? good : stranger, true);
      return await sendTo(world, path, { ...fields, client_id: clientId }, certificate);
    }
    case 'self_signed_tls_client_auth': {
      const certificate = shown(isGood ? selfSigned : good, !isGood);
      return await sendTo(world, path, { ...fields, client_id: clientId }, certificate);
    }
    case 'private_key_jwt': {
      const { privateKey } = isGood ? EC : OTHER;
      const assertion = assertionOf(world, clientId, { signed: byEc(privateKey) });
      return await send(world, path, { ...fields, client_id: clientId, ...asserting(assertion) });
    }
  }
}

describe.each(Object.keys(ENDPOINTS))('%s', (path) => {
  it.each(METHODS)('CL-17 lets in a client by %s, and nobody by a wrong proof', async (method) => {
    const own = registered[method];
    expect([200, 201]).toContain((await prove(path, method, own)).status);
    const wrong = await prove(path, method, own, false);
    expect([wrong.status, wrong.body['error']]).toEqual([401, 'invalid_client']);
  });
  it.each(METHODS)('CL-17 CL-02 holds a client to %s, which is registered', async (method) => {
    for (const other of METHODS) {
      if (other === method) continue;
      const answer = await prove(path, other, registered[method]);
      expect([other, answer.status, answer.body['error']]).toEqual([other, 401, 'invalid_client']);
    }
  });
  it('CL-17 CL-09 takes no assertion that was used at another endpoint', async () => {
    const { clientId } = registered.private_key_jwt.client;
    const proof = { client_id: clientId, ...asserting(assertionOf(world, clientId)) };
    const paths = Object.keys(ENDPOINTS);
    const next = paths[(paths.indexOf(path) + 1) % paths.length] ?? '';
    expect([200, 201]).toContain(
      (await send(world, path, { ...ENDPOINTS[path], ...proof })).status,
    );
    const again = await send(world, next, { ...ENDPOINTS[next], ...proof });
    expect([again.status, again.body['error'], world.reasons.at(-1)]).toEqual([
      401,
      'invalid_client',
      'client_assertion_replayed',
    ]);
  });
  it('CL-17 CL-03 CL-12 takes one method, and one client', async () => {
    const { clientId } = registered.private_key_jwt.client;
    const { client, secret } = registered.client_secret_post;
    const fields = { ...ENDPOINTS[path], ...asserting(assertionOf(world, clientId)) };
    const both = await send(world, path, { ...fields, client_id: clientId, client_secret: secret });
    expect([both.status, both.body['error']]).toEqual([400, 'invalid_request']);
    const other = await send(world, path, { ...fields, client_id: client.clientId });
    expect([other.status, other.body['error']]).toEqual([401, 'invalid_client']);
  });
});

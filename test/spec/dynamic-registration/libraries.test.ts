/** Libraries of others register, read, change and delete a client, and use what they got. */
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { beforeEach, expect, it } from 'vitest';
import { ISSUER, type World } from '../setup.ts';
import { registeringWorld, tokenFor } from './registering.ts';

let world: World;
beforeEach(async () => {
  // Both libraries tell the time by the clock of the machine.
  const clock = (): number => Math.floor(Date.now() / 1000);
  world = await registeringWorld({ grantTypes: ['client_credentials'] }, { clock });
});

const ask = async (url: string, options: object): Promise<Response> =>
  await world.provider.fetch(new Request(url, options));
const METADATA = { client_name: 'A job', grant_types: ['client_credentials'], scope: 'read' };

it('[RFC7591 §3.1] [RFC7592 §2] oauth4webapi registers, reads, changes and deletes', async () => {
  const options = { [oauth.customFetch]: ask };
  const issuer = new URL(ISSUER);
  const as = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, options),
  );
  const registered = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(as, METADATA, {
      ...options,
      initialAccessToken: await tokenFor(world),
    }),
  );
  expect(registered).toMatchObject({ ...METADATA, client_secret_expires_at: 0 });
  const secret = String(registered['client_secret']);
  const tokens = await oauth.processClientCredentialsResponse(
    as,
    registered,
    await oauth.clientCredentialsGrantRequest(
      as,
      registered,
      oauth.ClientSecretBasic(secret),
      { scope: 'read' },
      options,
    ),
  );
  expect(tokens.scope).toBe('read');

  const address = new URL(String(registered['registration_client_uri']));
  const manage = async (token: unknown, method: string, body?: object): Promise<Response> =>
    await oauth.protectedResourceRequest(
      String(token),
      method,
      address,
      new Headers({ 'content-type': 'application/json' }),
      body === undefined ? undefined : JSON.stringify(body),
      options,
    );
  const token = registered['registration_access_token'];
  expect(await (await manage(token, 'GET')).json()).toMatchObject(METADATA);
  const changed = await manage(token, 'PUT', {
    ...METADATA,
    client_id: registered.client_id,
    client_name: 'Another job',
  });
  const after = (await changed.json()) as Record<string, unknown>;
  expect(after['client_name']).toBe('Another job');
  expect((await manage(after['registration_access_token'], 'DELETE')).status).toBe(204);
});

it('[RFC7591 §3.1] openid-client registers itself, and gets a token', async () => {
  const config = await client.dynamicClientRegistration(
    new URL(ISSUER),
    METADATA,
    // What the server registers where no method is named (RFC 7591 §2). The library has another.
    client.ClientSecretBasic(),
    {
      initialAccessToken: await tokenFor(world),
      [client.customFetch]: async (url, options) => await ask(url, options as RequestInit),
    },
  );
  expect(config.clientMetadata()).toMatchObject(METADATA);
  const tokens = await client.clientCredentialsGrant(config, { scope: 'read' });
  expect(tokens.scope).toBe('read');
});

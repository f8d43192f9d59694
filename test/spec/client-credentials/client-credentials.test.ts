/** The client credentials grant (RFC 6749 §4.4). */

import { beforeEach, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { type Answer, makeWorld, post, type World } from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
const ask = async (scope: string): Promise<Answer> =>
  await post(world, 'token', { grant_type: 'client_credentials', scope });
it('[RFC6749 §4.4] [RFC6749 §4.4.3] [RFC9700 §4.15] TK-14 issues an access token about the client itself, and no refresh token', async () => {
  const answer = await ask('read');
  expect(Object.keys(answer.body).sort()).toEqual([
    'access_token',
    'expires_in',
    'scope',
    'token_type',
  ]);
  const token = String(answer.body['access_token']);
  const seen = await post(world, 'introspect', { token });
  expect(seen.body).toMatchObject({
    active: true,
    sub: world.web.clientId,
    client_id: world.web.clientId,
    scope: 'read',
  });
});
it('[RFC6749 §3.3] grants no scope about users', async () => {
  expect((await ask('openid read')).body['scope']).toBe('read');
  expectRefusal(world, await ask('openid'), {
    status: 400,
    error: 'invalid_scope',
    reason: 'scope_not_available',
  });
});
it('[RFC6749 §3.3] TK-12 grants no scope that the client may not have', async () => {
  await world.provider.clients.update(world.web.clientId, { scopes: ['openid', 'read'] });
  expect((await ask('read write')).body['scope']).toBe('read');
  const answer = await ask('write');
  expectRefusal(world, answer, {
    status: 400,
    error: 'invalid_scope',
    reason: 'scope_not_available',
  });
});
it('[RFC6749 §4.4] refuses public clients, which have no credentials to act with', async () => {
  await expect(
    world.provider.clients.create({
      name: 'x',
      tokenEndpointAuthMethod: 'none',
      grantTypes: ['client_credentials'],
    }),
  ).rejects.toThrow(/confidential/);
  // Even if a row says otherwise, the grant refuses.
  await world.provider.store.clients.insert(
    {
      ...world.spa,
      clientId: 'forged',
      grantTypes: ['client_credentials'],
    },
    null,
  );
  const answer = await post(
    world,
    'token',
    { grant_type: 'client_credentials', client_id: 'forged' },
    {},
  );
  expectRefusal(world, answer, {
    status: 400,
    error: 'unauthorized_client',
    reason: 'client_not_confidential',
  });
});

/** Claims that a host adds (`claims`). */
import { expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  ALICE,
  claimsOf,
  getCode,
  getTokens,
  ISSUER,
  makeWorld,
  pkce,
  post,
  redeem,
} from '../setup.ts';

it('adds the claims of the host to userinfo and ID tokens, and replaces none of the protocol', async () => {
  const asked: string[] = [];
  const world = await makeWorld({
    claims: async ({ target, account, client, scopes }) => {
      asked.push(`${target} ${account.sub} ${client.name} ${scopes.join(' ')}`);
      const forged = {
        sub: 'bob',
        iss: 'https://evil.example',
        aud: 'x',
        exp: 1,
        nonce: 'x',
        at_hash: 'x',
      };
      return {
        ...forged,
        roles: ['admin'],
        nothing: null,
        ...(target === 'userinfo' ? { name: 'From the host' } : {}),
      };
    },
  });
  const tokens = await getTokens(world, { scope: 'openid profile' });
  const claims = claimsOf(tokens.id_token);
  expect(claims).toMatchObject({
    sub: ALICE.sub,
    iss: ISSUER,
    aud: world.web.clientId,
    nonce: 'the-nonce',
    roles: ['admin'],
  });
  expect([claims['exp'], 'nothing' in claims, 'name' in claims]).toEqual([
    world.now + 3600,
    false,
    false,
  ]);
  const info = await post(
    world,
    'userinfo',
    {},
    { authorization: `Bearer ${tokens.access_token}` },
  );
  expect(info.body).toMatchObject({
    sub: ALICE.sub,
    name: 'From the host',
    given_name: 'Alice',
    roles: ['admin'],
  });
  expect(info.body).not.toHaveProperty('iss');
  expect(asked).toEqual([
    'id_token alice-sub Web App openid profile',
    'userinfo alice-sub Web App openid profile',
  ]);
  await post(world, 'token', {
    grant_type: 'refresh_token',
    refresh_token: tokens.refresh_token,
  });
  expect(asked.at(-1)).toBe('id_token alice-sub Web App openid profile');
});
it('fails with server_error when the host fails, and uses nothing up', async () => {
  let broken = true;
  const world = await makeWorld({
    claims: () => (broken ? Promise.reject(new Error('secret detail')) : {}),
  });
  const proof = pkce();
  const code = await getCode(world, proof);
  const answer = await redeem(world, code, proof.verifier);
  expectRefusal(world, answer, { status: 500, error: 'server_error', reason: 'unexpected' });
  expect(Object.keys(answer.body)).toEqual(['error', 'error_description']);
  broken = false;
  expect((await redeem(world, code, proof.verifier)).status).toBe(200);
});

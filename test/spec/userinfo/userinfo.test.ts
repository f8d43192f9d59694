/** UserInfo (OIDC Core §5.3): the access token, and the claims it releases. Rules UF. */

import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  ALICE,
  type Answer,
  damaged,
  getTokens,
  makeWorld,
  post,
  read,
  type Tokens,
  type World,
} from '../setup.ts';

let world: World;
let tokens: Tokens;
beforeEach(async () => {
  world = await makeWorld();
  tokens = await getTokens(world);
});

const get = async (authorization: string | null, query = ''): Promise<Answer> =>
  await read(
    await world.provider.fetch(
      new Request(world.provider.url('userinfo') + query, {
        headers: authorization === null ? {} : { authorization },
      }),
    ),
  );

describe('the access token', () => {
  it('[RFC6750 §3.1] UF-01 answers a request without token with a challenge without error code', async () => {
    const answer = await get(null);
    expectRefusal(world, answer, { status: 401, error: 'invalid_token', reason: 'token_missing' });
    expect(answer.headers.get('www-authenticate')).toMatch(
      /^Bearer realm="userinfo", DPoP algs="[A-Za-z0-9 ]+"$/,
    );
  });
  it('[RFC6750 §2] [RFC9700 §4.3.2] UF-01 ignores a token in the query', async () => {
    expectRefusal(world, await get(null, `?access_token=${tokens.access_token}`), {
      status: 401,
      error: 'invalid_token',
      reason: 'token_missing',
    });
  });
  it('[RFC6750 §3] [RFC6750 §3.1] TK-16 TK-17 refuses anything but a live access token', async () => {
    const text = tokens.access_token;
    for (const wrong of [
      'x',
      text.slice(0, -1),
      `${text}A`,
      tokens.refresh_token,
      tokens.id_token,
      damaged(text),
    ]) {
      const answer = await get(`Bearer ${wrong}`);
      expectRefusal(world, answer, {
        status: 401,
        error: 'invalid_token',
        reason: 'token_invalid',
      });
      expect(answer.headers.get('www-authenticate')).toMatch(
        /^Bearer realm="userinfo", error="invalid_token", error_description="/,
      );
      expect(answer.headers.get('content-type')).toBe('application/json');
    }
  });
  it('[OIDC Core §5.3] UF-01 refuses a token without the scope openid with 403 insufficient_scope', async () => {
    const plain = await getTokens(world, { scope: 'read' });
    const answer = await get(`Bearer ${plain.access_token}`);
    expectRefusal(world, answer, {
      status: 403,
      error: 'insufficient_scope',
      reason: 'openid_scope_missing',
    });
    expect(answer.headers.get('www-authenticate')).toContain('scope="openid"');
  });
  it('[OIDC Core §5.3] refuses a token of the client credentials grant with 403', async () => {
    const answer = await post(world, 'token', { grant_type: 'client_credentials', scope: 'read' });
    expectRefusal(world, await get(`Bearer ${String(answer.body['access_token'])}`), {
      status: 403,
      error: 'insufficient_scope',
      reason: 'openid_scope_missing',
    });
  });
  it('[RFC6750 §2] refuses a token that is given twice', async () => {
    const answer = await post(
      world,
      'userinfo',
      { access_token: tokens.access_token },
      { authorization: `Bearer ${tokens.access_token}` },
    );
    expectRefusal(world, answer, {
      status: 400,
      error: 'invalid_request',
      reason: 'several_tokens',
    });
  });
  it('refuses the token of a disabled account', async () => {
    world.accounts.setEnabled(ALICE.sub, false);
    expectRefusal(world, await get(`Bearer ${tokens.access_token}`), {
      status: 401,
      error: 'invalid_token',
      reason: 'token_subject',
    });
  });
  it('refuses an expired token', async () => {
    world.now += 900;
    expectRefusal(world, await get(`Bearer ${tokens.access_token}`), {
      status: 401,
      error: 'invalid_token',
      reason: 'token_invalid',
    });
  });
});

describe('the claims', () => {
  it.each<[string, () => Promise<Answer>]>([
    ['GET with the header', async () => await get(`Bearer ${tokens.access_token}`)],
    ['GET, scheme in another case', async () => await get(`bearer ${tokens.access_token}`)],
    [
      'POST with the header',
      async () =>
        await read(
          await world.provider.fetch(
            new Request(world.provider.url('userinfo'), {
              method: 'POST',
              headers: { authorization: `Bearer ${tokens.access_token}` },
            }),
          ),
        ),
    ],
    [
      'POST with the body',
      async () => await post(world, 'userinfo', { access_token: tokens.access_token }, {}),
    ],
  ])(
    '[OIDC Core §5.3.2] [OIDC Core §5.3] answers a %s with the claims of the scopes, without blank ones',
    async (_name, ask) => {
      const answer = await ask();
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const { birthdate: _blank, ...claims } = ALICE.claims;
      expect(answer.body).toEqual({ sub: ALICE.sub, ...claims });
    },
  );
  it('[OIDC Core §5.4] releases the claims of granted scopes only', async () => {
    const few = await getTokens(world, { scope: 'openid email' });
    expect((await get(`Bearer ${few.access_token}`)).body).toEqual({
      sub: ALICE.sub,
      email: 'alice@example.com',
      email_verified: true,
    });
  });
  it('releases the claims of a scope of the configuration', async () => {
    world = await makeWorld({
      scopes: { department: { description: 'See your department', claims: ['department'] } },
      accounts: {
        ...world.accounts,
        find: async (sub) => ({ sub, enabled: true, claims: { department: 'Keys' } }),
      },
    });
    const own = await getTokens(world, { scope: 'openid department' });
    expect((await get(`Bearer ${own.access_token}`)).body).toEqual({
      sub: ALICE.sub,
      department: 'Keys',
    });
  });
});

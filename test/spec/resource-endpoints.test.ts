/** UserInfo, introspection and revocation. Rows UF, IR, RV. */
import { StoreUnavailable } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ALICE,
  type Answer,
  basic,
  getTokens,
  isActive,
  makeWorld,
  post,
  read,
  type Tokens,
  type World,
} from './setup.ts';

let world: World;
let tokens: Tokens;
beforeEach(async () => {
  world = await makeWorld();
  tokens = await getTokens(world);
});

describe('userinfo', () => {
  const get = async (authorization: string | null, query = ''): Promise<Answer> =>
    await read(
      await world.provider.fetch(
        new Request(world.provider.url('userinfo') + query, {
          headers: authorization === null ? {} : { authorization },
        }),
      ),
    );

  it('[RFC6750 §3.1] UF-01 no token: a challenge without error code', async () => {
    const answer = await get(null);
    expect([answer.status, answer.headers.get('www-authenticate'), answer.body['error']]).toEqual([
      401,
      'Bearer realm="userinfo"',
      'invalid_token',
    ]);
    expect(world.reasons.at(-1)).toBe('token_missing');
  });
  it('[RFC6750 §2] [RFC9700 §4.3.2] UF-01 a token in the query is no token', async () => {
    expect((await get(null, `?access_token=${tokens.access_token}`)).status).toBe(401);
    expect(world.reasons.at(-1)).toBe('token_missing');
  });
  it('[RFC6750 §3] [RFC6750 §3.1] TK-16 TK-17 anything but a live access token', async () => {
    const text = tokens.access_token;
    for (const wrong of [
      'x',
      text.slice(0, -1),
      `${text}A`,
      tokens.refresh_token,
      tokens.id_token,
      `${text.slice(0, 20)}${text[20] === 'A' ? 'B' : 'A'}${text.slice(21)}`,
    ]) {
      const answer = await get(`Bearer ${wrong}`);
      expect([answer.status, answer.body['error']]).toEqual([401, 'invalid_token']);
      expect(answer.headers.get('www-authenticate')).toMatch(
        /^Bearer realm="userinfo", error="invalid_token", error_description="/,
      );
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(world.reasons.at(-1)).toBe('token_invalid');
    }
  });
  it('[OIDC Core §5.3] UF-01 a token without openid is 403 insufficient_scope', async () => {
    const plain = await getTokens(world, { scope: 'read' });
    const answer = await get(`Bearer ${plain.access_token}`);
    expect([answer.status, answer.body['error']]).toEqual([403, 'insufficient_scope']);
    expect(answer.headers.get('www-authenticate')).toContain('scope="openid"');
    expect(world.reasons.at(-1)).toBe('openid_scope_missing');
  });
  it('[OIDC Core §5.3] a client credentials token is 403, not an accident', async () => {
    const answer = await post(world, 'token', { grant_type: 'client_credentials', scope: 'read' });
    expect((await get(`Bearer ${String(answer.body['access_token'])}`)).status).toBe(403);
  });
  it('[RFC6750 §2] a token given twice', async () => {
    const answer = await post(
      world,
      'userinfo',
      { access_token: tokens.access_token },
      { authorization: `Bearer ${tokens.access_token}` },
    );
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_request']);
    expect(world.reasons.at(-1)).toBe('several_tokens');
  });
  it('an account that is disabled', async () => {
    world.accounts.setEnabled(ALICE.sub, false);
    expect((await get(`Bearer ${tokens.access_token}`)).status).toBe(401);
    expect(world.reasons.at(-1)).toBe('token_subject');
  });
  it('an expired token', async () => {
    world.now += 900;
    expect((await get(`Bearer ${tokens.access_token}`)).status).toBe(401);
  });
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
    '[OIDC Core §5.3.2] [OIDC Core §5.3] %s: claims by scope, blank ones left out',
    async (_name, ask) => {
      const answer = await ask();
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const { birthdate: _blank, ...claims } = ALICE.claims;
      expect(answer.body).toEqual({ sub: ALICE.sub, ...claims });
    },
  );
  it('[OIDC Core §5.4] only the scopes granted', async () => {
    const few = await getTokens(world, { scope: 'openid email' });
    expect((await get(`Bearer ${few.access_token}`)).body).toEqual({
      sub: ALICE.sub,
      email: 'alice@example.com',
      email_verified: true,
    });
  });
  it('a scope of the configuration releases its claims', async () => {
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

describe('introspection', () => {
  it('[RFC7662 §2.2] what a live access token says', async () => {
    const answer = await post(world, 'introspect', { token: tokens.access_token });
    expect(answer.body).toEqual({
      active: true,
      scope: 'openid profile email',
      client_id: world.web.clientId,
      token_type: 'Bearer',
      exp: world.now + 900,
      iat: world.now,
      sub: ALICE.sub,
      iss: world.provider.issuer,
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });
  it('[RFC7662 §2.2] and a live refresh token, which stays usable', async () => {
    expect(
      (
        await post(world, 'introspect', {
          token: tokens.refresh_token,
          token_type_hint: 'access_token',
        })
      ).body,
    ).toMatchObject({
      active: true,
      sub: ALICE.sub,
    });
    const next = await post(world, 'token', {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
    });
    expect((await post(world, 'introspect', { token: tokens.refresh_token })).body).toEqual({
      active: false,
    });
    expect(await isActive(world, String(next.body['refresh_token']))).toBe(true);
  });
  it('[RFC7662 §2.1] IR-01 a public client cannot ask', async () => {
    const answer = await post(
      world,
      'introspect',
      { token: tokens.access_token, client_id: world.spa.clientId },
      {},
    );
    expect([answer.status, answer.body['error']]).toEqual([401, 'invalid_client']);
    expect(world.reasons.at(-1)).toBe('client_not_confidential');
  });
  it('[RFC7662 §4] IR-02 a stranger learns nothing', async () => {
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      const answer = await post(
        world,
        'introspect',
        { token, client_id: world.other.clientId, client_secret: world.otherSecret },
        {},
      );
      expect(answer.body).toEqual({ active: false });
    }
  });
  it('[RFC7662 §4] IR-02 a resource server, registered as such, may', async () => {
    const api = await world.provider.clients.create({
      name: 'API',
      grantTypes: ['client_credentials'],
      scopes: ['introspection'],
    });
    const answer = await post(
      world,
      'introspect',
      { token: tokens.access_token },
      { authorization: basic(api.client.clientId, api.clientSecret ?? '') },
    );
    expect(answer.body).toMatchObject({ active: true, client_id: world.web.clientId });
  });
  it.each([
    'x',
    'é',
    `vkat_${'A'.repeat(49)}`,
    'a.b.c',
    '<script>',
    '../../etc/passwd',
    "' OR 1=1 --",
    'x'.repeat(8000),
  ])('[RFC7662 §2.2] IR-03 junk is inactive: %#', async (token) => {
    expect((await post(world, 'introspect', { token })).body).toEqual({ active: false });
  });
  it('[RFC7662 §2.1] a missing token', async () => {
    expect((await post(world, 'introspect', {})).body).toMatchObject({
      error: 'invalid_request',
      error_description: 'The parameter token is missing.',
    });
  });
  const levels: [string, () => Promise<unknown>][] = [
    ['the token', async () => await post(world, 'revoke-token', { token: tokens.access_token })],
    [
      'its refresh token',
      async () => await post(world, 'revoke-token', { token: tokens.refresh_token }),
    ],
    [
      'the authorization',
      async () => await world.provider.subjects.withdraw(ALICE.sub, world.web.clientId),
    ],
    ['the subject', async () => await world.provider.subjects.revoke(ALICE.sub)],
    [
      'time',
      async () => {
        world.now += 900;
      },
    ],
  ];
  it.each(levels)('[RFC7662 §2.2] IR-04 inactive after the end of %s', async (_level, end) => {
    expect(await isActive(world, tokens.access_token)).toBe(true);
    await end();
    expect(await isActive(world, tokens.access_token)).toBe(false);
  });
  it('[RFC7662 §2.2] IR-04 inactive after the client was disabled', async () => {
    const api = await world.provider.clients.create({
      name: 'API',
      grantTypes: ['client_credentials'],
      scopes: ['introspection'],
    });
    await world.provider.clients.update(world.web.clientId, { disabled: true });
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      expect(
        (
          await post(
            world,
            'introspect',
            { token },
            { authorization: basic(api.client.clientId, api.clientSecret ?? '') },
          )
        ).body,
      ).toEqual({ active: false });
    }
  });
});

describe('revocation', () => {
  const revoke = async (token: string, hint = {}): Promise<Answer> =>
    await post(world, 'revoke-token', { token, ...hint });

  it.each(['access_token', 'refresh_token'] as const)(
    '[RFC7009 §2.1] RV-01 a foreign %s stays alive, and the answer does not tell',
    async (kind) => {
      const answer = await post(
        world,
        'revoke-token',
        { token: tokens[kind], client_id: world.other.clientId, client_secret: world.otherSecret },
        {},
      );
      expect(answer.status).toBe(200);
      expect(await isActive(world, tokens[kind])).toBe(true);
    },
  );
  it.each(['x', `vkrt_${'A'.repeat(71)}`, 'a.b.c'])(
    '[RFC7009 §2.2] an unknown token is 200: %s',
    async (token) => {
      expect((await revoke(token)).status).toBe(200);
    },
  );
  it('[RFC7009 §2.1] a missing token', async () => {
    expect((await post(world, 'revoke-token', {})).body['error']).toBe('invalid_request');
  });
  it.each(['access_token', 'refresh_token'] as const)(
    '[RFC7009 §2.1] RV-04 revoking the %s ends both, whatever the hint',
    async (kind) => {
      for (const hint of [
        { token_type_hint: 'refresh_token' },
        { token_type_hint: 'access_token' },
        { token_type_hint: 'nonsense' },
      ]) {
        const pair = await getTokens(world);
        expect((await revoke(pair[kind], hint)).status).toBe(200);
        expect([
          await isActive(world, pair.access_token),
          await isActive(world, pair.refresh_token),
        ]).toEqual([false, false]);
      }
    },
  );
  it('[RFC7009 §2.1] a client credentials token', async () => {
    const token = String(
      (await post(world, 'token', { grant_type: 'client_credentials' })).body['access_token'],
    );
    expect(await isActive(world, token)).toBe(true);
    await revoke(token);
    expect(await isActive(world, token)).toBe(false);
  });
  it('[RFC7009 §2.1] RV-02 a public client revokes its own', async () => {
    const { getCode, pkce } = await import('./setup.ts');
    const proof = pkce();
    const spa = { client_id: world.spa.clientId };
    const code = await getCode(world, proof, { ...spa, redirect_uri: 'https://spa.example/cb' });
    const mine = await post(
      world,
      'token',
      {
        grant_type: 'authorization_code',
        code,
        redirect_uri: 'https://spa.example/cb',
        code_verifier: proof.verifier,
        ...spa,
      },
      {},
    );
    expect(
      (await post(world, 'revoke-token', { token: String(mine.body['refresh_token']), ...spa }, {}))
        .status,
    ).toBe(200);
    const again = await post(
      world,
      'token',
      { grant_type: 'refresh_token', refresh_token: String(mine.body['refresh_token']), ...spa },
      {},
    );
    expect(again.body['error']).toBe('invalid_grant');
  });
  it('[RFC7009 §2.2.1] RV-03 a store that does not answer is 503, never 200', async () => {
    const broken = async (): Promise<never> => {
      throw new StoreUnavailable('no answer');
    };
    Object.assign(world.provider.store.tokens, { revokeFamily: broken });
    const answer = await revoke(tokens.refresh_token);
    expect([answer.status, answer.headers.get('retry-after'), answer.body['error']]).toEqual([
      503,
      '1',
      'temporarily_unavailable',
    ]);
    expect(world.reasons.at(-1)).toBe('store_unavailable');
  });
  it('RV-05 revoke and refresh side by side leave nothing alive', async () => {
    const [, next] = await Promise.all([
      revoke(tokens.refresh_token),
      post(world, 'token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }),
    ]);
    expect(await isActive(world, tokens.access_token)).toBe(false);
    if (next.status === 200)
      expect(await isActive(world, String(next.body['access_token']))).toBe(false);
  });
  it('a failure nobody foresaw is 500 server_error and says nothing', async () => {
    Object.assign(world.provider.store.tokens, {
      findFamily: async () => Promise.reject(new Error('secret detail')),
    });
    const answer = await revoke(tokens.refresh_token);
    expect(answer.status).toBe(500);
    expect(answer.body).toEqual({
      error: 'server_error',
      error_description: 'Something went wrong on our side.',
    });
    expect(world.reasons.at(-1)).toBe('unexpected');
  });
});

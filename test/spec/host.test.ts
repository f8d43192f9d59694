/**
 * What a host sees: pages and grant types of its own, storage trips, and what rests in the store.
 */
import { defineGrant, memoryDatabase, type Redemption, type Store } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { describe, expect, it } from 'vitest';
import {
  ALICE,
  type Answer,
  allow,
  authorizeParams,
  authorizeUrl,
  BOB,
  basic,
  browserOf,
  claimsOf,
  cookieOf,
  getCode,
  getTokens,
  ISSUER,
  isActive,
  logIn,
  makeWorld,
  pkce,
  post,
  reasonOf,
  redeem,
  type World,
  watched,
} from './setup.ts';

describe('pages of the host', () => {
  it('learn what is asked and answer it', async () => {
    const world = await makeWorld({
      pages: { ...builtInPages(), login: '/my/login', consent: 'https://op.example/my/consent' },
    });
    const browser = browserOf(world);
    const cookie = (): Record<string, string> => ({ cookie: cookieOf(browser) });
    const login = await browser.open(
      authorizeUrl(world, authorizeParams(world, pkce().challenge, { login_hint: 'alice' })),
    );
    expect([login.status, new URL(login.url).pathname]).toEqual([404, '/my/login']);
    const { interactions } = world.provider;
    const request = (url: string): Request => new Request(url, { headers: cookie() });
    expect(await interactions.details(request(login.url))).toMatchObject({
      step: 'login',
      because: 'no_session',
      loginHint: 'alice',
      sub: null,
      client: { name: 'Web App', host: 'rp.example' },
    });
    await expect(interactions.details(new Request(login.url))).rejects.toMatchObject({
      reason: 'interaction_other_browser',
    });
    await expect(interactions.consent(request(login.url))).resolves.toMatchObject({ status: 303 });

    const signedIn = await interactions.login(request(login.url), {
      sub: ALICE.sub,
      amr: ['hwk'],
      authTime: world.now - 50,
    });
    for (const line of signedIn.headers.getSetCookie())
      browser.cookies.set(
        line.split('=')[0] ?? '',
        line.slice(line.indexOf('=') + 1, line.indexOf(';')),
      );
    const consent = await browser.open(signedIn.headers.get('location') ?? '');
    expect(new URL(consent.url).pathname).toBe('/my/consent');
    expect(
      (await interactions.details(request(consent.url))).scopes.map(({ name }) => name),
    ).toEqual(['openid', 'profile', 'email']);
    const partly = await interactions.consent(request(consent.url), ['openid']);
    expect(partly.headers.get('location')).toContain('error=access_denied');
    expect(world.events.some(({ reason }) => reason === 'consent_partial')).toBe(true);
    const denied = await interactions.deny(request(consent.url));
    expect(new URL(denied.headers.get('location') ?? '').searchParams.get('error')).toBe(
      'access_denied',
    );
    const allowed = await interactions.consent(request(consent.url), [
      'openid',
      'profile',
      'email',
      'write',
    ]);
    const done = await browser.open(allowed.headers.get('location') ?? '');
    expect(done.leaves?.searchParams.get('code')).toMatch(/^vkac_/);
  });
  it('[RFC6749 §4.1.2.1] a consent without session is login_required', async () => {
    const world = await makeWorld({ pages: { ...builtInPages(), login: '/my/login' } });
    const browser = browserOf(world);
    const login = await browser.open(authorizeUrl(world, authorizeParams(world, pkce().challenge)));
    const cookie = cookieOf(browser);
    const answer = await world.provider.interactions.consent(
      new Request(login.url, { headers: { cookie } }),
    );
    expect(new URL(answer.headers.get('location') ?? '').searchParams.get('error')).toBe(
      'login_required',
    );
    expect(world.events.at(-1)?.reason).toBe('session_ended');
  });
});

describe('a login the host vouches for', () => {
  it('[OIDC Core §3.1.2.1] of long ago is no new authentication, and an account that is not there cannot log in', async () => {
    const world = await makeWorld({ pages: { ...builtInPages(), login: '/my/login' } });
    const browser = browserOf(world);
    const login = await browser.open(
      authorizeUrl(world, authorizeParams(world, pkce().challenge, { max_age: '10' })),
    );
    const cookie = (): string => cookieOf(browser);
    const { interactions } = world.provider;
    await expect(
      interactions.login(new Request(login.url, { headers: { cookie: cookie() } }), {
        sub: 'nobody',
        amr: [],
      }),
    ).rejects.toMatchObject({ reason: 'login_account' });
    await expect(
      interactions.login(new Request(login.url, { headers: { cookie: cookie() } }), {
        sub: ALICE.sub,
        amr: ['pwd'],
        authTime: world.now - 5000,
      }),
    ).rejects.toMatchObject({ code: 'login_required', reason: 'login_too_old' });
    expect(await world.provider.store.sessions.listBySubject(ALICE.sub)).toEqual([]);
  });
});

describe('pages that fail', () => {
  it('an error page that throws leaves a JSON error', async () => {
    const error = (): string => {
      throw new Error('template');
    };
    const world = await makeWorld({ pages: { ...builtInPages(), error } });
    const response = await world.provider.fetch(new Request(`${ISSUER}/o/authorize/`));
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'The parameter client_id is missing.' },
    ]);
  });
});

describe('only an ES256 key is given', () => {
  it('[OIDC Discovery §3] MD-03 what is announced and registered is what can be signed', async () => {
    const { SIGNING_KEYS } = await import('./setup.ts');
    const world = await makeWorld({
      signingKeys: SIGNING_KEYS.filter(({ alg }) => alg === 'ES256'),
    });
    expect(world.web.idTokenSignedResponseAlg).toBe('ES256');
    expect((await getTokens(world)).id_token.split('.')[0]).toBe(
      Buffer.from(
        JSON.stringify({
          alg: 'ES256',
          typ: 'JWT',
          kid: (await world.provider.keys.list())[0]?.kid,
        }),
      ).toString('base64url'),
    );
    const metadata = (await (
      await world.provider.fetch(new Request(`${ISSUER}/.well-known/openid-configuration`))
    ).json()) as Record<string, unknown>;
    expect(metadata['id_token_signing_alg_values_supported']).toEqual(['ES256', 'HS256']);
  });
});

describe('a grant type of the host', () => {
  it('is one definition and one entry', async () => {
    const own = defineGrant({
      type: 'urn:example:grant',
      params: (params) => ({ word: params.need('word') }),
      redeem: async (_ctx, _client, { word }) => ({
        entitlement: null,
        refreshable: false,
        scopes: [word],
        nonce: null,
        consumption: null,
      }),
    });
    const world = await makeWorld({ grants: [own] });
    await world.provider.clients.update(world.web.clientId, {
      grantTypes: ['urn:example:grant'],
      responseTypes: [],
    });
    expect(
      (await post(world, 'token', { grant_type: 'urn:example:grant', word: 'read' })).body['scope'],
    ).toBe('read');
    expect((await post(world, 'token', { grant_type: 'urn:example:grant' })).body['error']).toBe(
      'invalid_request',
    );
    const metadata = (await (
      await world.provider.fetch(new Request(`${ISSUER}/.well-known/openid-configuration`))
    ).json()) as {
      grant_types_supported: string[];
    };
    expect(metadata.grant_types_supported).toContain('urn:example:grant');
  });
  describe('that proves too much', () => {
    const facts = {
      authorizationId: null,
      sid: null,
      authTime: null,
      amr: [],
      acr: null,
      details: {},
    };
    const tooMuch = async (world: World, redemption: Partial<Redemption>): Promise<Answer> => {
      await world.provider.clients.update(world.web.clientId, {
        grantTypes: ['x'],
        responseTypes: [],
        scopes: ['openid', 'read'],
      });
      current = {
        entitlement: null,
        refreshable: true,
        scopes: ['read'],
        nonce: null,
        consumption: null,
        ...redemption,
      };
      return await post(world, 'token', { grant_type: 'x' });
    };
    let current: Redemption;
    const own = defineGrant({ type: 'x', params: () => null, redeem: async () => current });
    const makeHost = async (): Promise<World> => await makeWorld({ grants: [own] });
    const entitled = (
      world: World,
      sub: string,
      scopes: readonly string[],
    ): Redemption['entitlement'] => ({
      ...facts,
      clientId: world.web.clientId,
      sub,
      scopes,
    });

    it('[RFC6749 §3.3] gets no scope that is not there, not the client’s, or about a user it does not speak of', async () => {
      const world = await makeHost();
      expect(
        (await tooMuch(world, { scopes: ['openid', 'read', 'write', 'admin'] })).body['scope'],
      ).toBe('read');
      const scopes = ['openid', 'write', 'admin'];
      expect(
        (await tooMuch(world, { entitlement: entitled(world, ALICE.sub, scopes), scopes })).body[
          'scope'
        ],
      ).toBe('openid');
    });
    it('[RFC6749 §3.3] for another client, or more than the entitlement, is a failure of ours and issues nothing', async () => {
      const world = await makeHost();
      const foreign = {
        ...entitled(world, ALICE.sub, ['read']),
        clientId: world.other.clientId,
      } as NonNullable<Redemption['entitlement']>;
      for (const redemption of [
        { entitlement: foreign },
        { entitlement: entitled(world, ALICE.sub, ['openid']), scopes: ['read'] },
      ]) {
        const answer = await tooMuch(world, redemption);
        expect([answer.status, answer.body['error'], Object.keys(answer.body)]).toEqual([
          500,
          'server_error',
          ['error', 'error_description'],
        ]);
      }
    });
    it('[RFC6749 §5.2] for an account that is disabled or not there gets nothing', async () => {
      const world = await makeHost();
      world.accounts.setEnabled(BOB.sub, false);
      for (const sub of [BOB.sub, 'nobody']) {
        const answer = await tooMuch(world, { entitlement: entitled(world, sub, ['read']) });
        expect([answer.status, answer.body['error'], world.reasons.at(-1)]).toEqual([
          400,
          'invalid_grant',
          'account_disabled',
        ]);
      }
    });
    it('[RFC6749 §5.2] RT-09 for a subject that was revoked meanwhile gets nothing, and a later proof gets tokens', async () => {
      const revoking = defineGrant({
        type: 'x',
        params: () => null,
        redeem: async () => {
          await world.provider.subjects.revoke(ALICE.sub);
          return current;
        },
      });
      const world = await makeWorld({ grants: [revoking] });
      const entitlement = entitled(world, ALICE.sub, ['read']);
      const answer = await tooMuch(world, { entitlement });
      expect([answer.status, answer.body['error'], world.reasons.at(-1)]).toEqual([
        400,
        'invalid_grant',
        'subject_revoked',
      ]);
      expect((await tooMuch(world, { entitlement, provenAt: world.now + 1 })).status).toBe(200);
    });
    it('has a refresh token only where it says so and the client is registered for it', async () => {
      const world = await makeHost();
      const entitlement = entitled(world, ALICE.sub, ['read']);
      expect((await tooMuch(world, { entitlement })).body).not.toHaveProperty('refresh_token');
      await world.provider.clients.update(world.web.clientId, {
        grantTypes: ['x', 'refresh_token'],
      });
      for (const refreshable of [false, true]) {
        current = { ...current, entitlement, refreshable };
        expect('refresh_token' in (await post(world, 'token', { grant_type: 'x' })).body).toBe(
          refreshable,
        );
      }
    });
  });

  it('a request that another answer consumed meanwhile ends on a page', async () => {
    const world = await makeWorld();
    const browser = browserOf(world);
    Object.assign(world.provider.store.codes, { insert: async () => 'consumed' });
    const page = await browser.open(authorizeUrl(world, authorizeParams(world, pkce().challenge)));
    const visit = await allow(browser, await logIn(browser, page));
    expect([visit.status, reasonOf(visit)]).toEqual([400, 'request_consumed']);
  });
  it('that is always too late ends in invalid_grant (used_concurrently)', async () => {
    const world = await makeWorld();
    const proof = pkce();
    const code = await getCode(world, proof);
    Object.assign(world.provider.store.tokens, { issue: async () => 'consumed' });
    const answer = await redeem(world, code, proof.verifier);
    expect([answer.status, answer.body['error'], world.reasons.at(-1)]).toEqual([
      400,
      'invalid_grant',
      'used_concurrently',
    ]);
  });
});

describe('storage trips, clients and keys in memory', () => {
  it('authorize 3, code exchange 2, refresh 2, introspection 1, userinfo 1, client credentials 1, an anonymous visit 0', async () => {
    const world = await makeWorld();
    const browser = browserOf(world);
    await getTokens(world, {}, browser);
    const calls = watched(world.provider.store);
    const trips = async <T>(work: () => Promise<T>): Promise<[T, string[]]> => {
      calls.length = 0;
      const result = await work();
      return [result, calls.filter((call) => call !== 'audit.append')];
    };
    const proof = pkce();
    const [code, authorize] = await trips(async () => await getCode(world, proof, {}, browser));
    expect(authorize).toEqual(['sessions.find', 'authorizations.find', 'codes.insert']);
    const [exchanged, exchange] = await trips(
      async () => await redeem(world, code, proof.verifier),
    );
    expect(exchange).toEqual(['codes.find', 'tokens.issue']);
    const { access_token: token, refresh_token: refresh } = exchanged.body as Record<
      string,
      string
    >;
    expect(
      (
        await trips(
          async () =>
            await post(world, 'token', {
              grant_type: 'refresh_token',
              refresh_token: refresh ?? '',
            }),
        )
      )[1],
    ).toEqual(['tokens.findFamily', 'tokens.issue']);
    expect((await trips(async () => await isActive(world, token ?? '')))[1]).toEqual([
      'tokens.findAccessToken',
    ]);
    expect(
      (
        await trips(async () => await post(world, 'userinfo', { access_token: token ?? '' }, {}))
      )[1],
    ).toEqual(['tokens.findAccessToken']);
    expect(
      (
        await trips(async () => await post(world, 'token', { grant_type: 'client_credentials' }))
      )[1],
    ).toEqual(['tokens.issue']);
    expect(
      (
        await trips(
          async () =>
            await browserOf(world).open(
              authorizeUrl(world, authorizeParams(world, proof.challenge)),
            ),
        )
      )[1],
    ).toEqual([]);
  });
});

describe('what rests', () => {
  it('ST-01 ST-02 no code, token, secret or cookie stands in the store, the events or the log', async () => {
    const lines: string[] = [];
    const log = (fields: object, message: string): void =>
      void lines.push(JSON.stringify(fields) + message);
    const store = memoryDatabase();
    const world = await makeWorld({
      store,
      secret: 'a secret of at least thirty-two characters',
      logger: { info: log, warn: log, error: log },
      onEvent: (event) => lines.push(JSON.stringify(event)),
    });
    const written: unknown[] = [];
    recording(world.provider.store, written);
    const browser = browserOf(world);
    const proof = pkce();
    const code = await getCode(world, proof, {}, browser);
    const first = (await redeem(world, code, proof.verifier)).body as Record<string, string>;
    const second = (
      await post(world, 'token', {
        grant_type: 'refresh_token',
        refresh_token: first['refresh_token'] ?? '',
      })
    ).body as Record<string, string>;
    await logIn(
      browser,
      await browser.open(
        authorizeUrl(world, authorizeParams(world, proof.challenge, { prompt: 'login' })),
      ),
      {
        username: 'alice',
        password: 'a wrong password',
      },
    );
    await post(
      world,
      'token',
      { grant_type: 'client_credentials' },
      { authorization: basic(world.web.clientId, 'a wrong secret') },
    );
    await redeem(world, code, proof.verifier);
    await world.provider.close();
    const secrets = [
      code,
      proof.verifier,
      world.webSecret,
      'a wrong password',
      'a wrong secret',
      ALICE.password,
      ...Object.values(first),
      ...Object.values(second).filter((value) => typeof value === 'string' && value.length > 20),
      ...browser.cookies.values(),
    ].filter((text) => String(text).length > 12 && !String(text).includes(' profile'));
    const held = JSON.stringify(written);
    for (const secret of secrets) {
      expect(held).not.toContain(secret);
      expect(lines.join('\n')).not.toContain(secret);
    }
    expect(secrets.length).toBeGreaterThan(10);
    expect(held).toContain(ALICE.sub);
    expect(written.length).toBeGreaterThan(15);
  });
});

/** Keeps everything that is handed to the store, to be written or to be looked for. */
function recording(store: Store, written: unknown[]): void {
  for (const methods of Object.values(store) as unknown[]) {
    if (typeof methods !== 'object' || methods === null) continue;
    for (const [name, method] of Object.entries(methods) as [
      string,
      (...args: unknown[]) => unknown,
    ][]) {
      Object.assign(methods, {
        [name]: (...args: unknown[]) => {
          written.push(args);
          return method(...args);
        },
      });
    }
  }
}

describe('claims of the host', () => {
  it('stand in userinfo and ID tokens as it says, and replace nothing the protocol says', async () => {
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
  it('that fail are a failure of ours and use nothing up', async () => {
    let broken = true;
    const world = await makeWorld({
      claims: () => (broken ? Promise.reject(new Error('secret detail')) : {}),
    });
    const proof = pkce();
    const code = await getCode(world, proof);
    expect((await redeem(world, code, proof.verifier)).body).toEqual({
      error: 'server_error',
      error_description: expect.any(String),
    });
    broken = false;
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
  });
});

describe('audit', () => {
  it('ST-05 what anybody can cause in any number leaves no row; the listener hears it', async () => {
    const world = await makeWorld();
    await world.provider.close();
    const before = await world.provider.store.audit.list({ limit: 1000 });
    for (let index = 0; index < 50; index += 1) {
      const params = authorizeParams(world, pkce().challenge, {
        prompt: 'none',
        claims: 'x'.repeat(7000),
        state: String(index),
      });
      await browserOf(world).open(authorizeUrl(world, params));
      await post(
        world,
        'token',
        { grant_type: 'client_credentials' },
        { authorization: basic(`nobody ${index}`, 'x') },
      );
    }
    await world.provider.close();
    expect(await world.provider.store.audit.list({ limit: 1000 })).toEqual(before);
    expect(world.events.filter(({ reason }) => reason === 'prompt_none')).toHaveLength(50);
    expect(world.events.filter(({ reason }) => reason === 'client_unknown')).toHaveLength(20);
  });
  it('ST-05 lines are kept for as long as the configuration says', async () => {
    const world = await makeWorld({ lifetimes: { audit: 1000 } });
    world.now += 1000;
    expect((await world.provider.clear(100)).audit).toBe(0);
    world.now += 1;
    expect((await world.provider.clear(100)).audit).toBe(3);
  });
  it('ST-05 grants, refusals and acts are written; revocations at once', async () => {
    const world = await makeWorld();
    const browser = browserOf(world);
    await allow(
      browser,
      await logIn(
        browser,
        await browser.open(authorizeUrl(world, authorizeParams(world, pkce().challenge))),
      ),
    );
    await world.provider.subjects.withdraw(ALICE.sub, world.web.clientId);
    expect((await world.provider.store.audit.list({ limit: 1 })).map(({ type }) => type)).toEqual([
      'authorization.revoked',
    ]);
    await world.provider.close();
    const types = (await world.provider.store.audit.list({ limit: 100 })).map(({ type }) => type);
    for (const type of ['client.created', 'login.succeeded', 'authorization.granted'])
      expect(types).toContain(type);
  });
});

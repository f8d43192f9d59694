/** What a host sees: configuration, pages of its own, registration of clients, storage trips, and what rests in the store. */
import fc from 'fast-check';
import { type ClientMetadata, type Config, ConfigError, createProvider, defineGrant, memoryDatabase, type Store } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ALICE,
  allow,
  authorizeParams,
  authorizeUrl,
  basic,
  browserOf,
  getCode,
  getTokens,
  ISSUER,
  isActive,
  logIn,
  makeWorld,
  pkce,
  post,
  redeem,
  type World,
} from './setup.ts';

const GOOD: Config = { issuer: ISSUER, store: memoryDatabase(), accounts: memoryAccounts([]), pages: builtInPages() };
const problems = (config: object): string[] => {
  try {
    createProvider({ ...GOOD, ...config });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ option }) => option);
    throw error;
  }
  return [];
};

describe('configuration', () => {
  it.each<[object, string[]]>([
    [{}, []],
    [{ issuer: 'nonsense' }, ['issuer']],
    [{ issuer: 'http://op.example' }, ['issuer']],
    [{ issuer: 'http://localhost:4000' }, []],
    [{ issuer: 'https://op.example/?x' }, ['issuer']],
    [{ issuer: 'https://op.example/' }, ['issuer']],
    [{ store: undefined }, ['store', 'secret']],
    [{ accounts: {} }, ['accounts', 'accounts.authenticate']],
    [{ pages: undefined }, ['pages']],
    [{ basePath: 'o o' }, ['basePath']],
    [{ secret: 'short' }, ['secret']],
    [{ store: { ...GOOD.store, ephemeral: false } }, ['secret']],
    [{ lifetimes: { code: 601 } }, ['lifetimes.code']],
    [{ lifetimes: { accessToken: -1 } }, ['lifetimes.accessToken']],
    [{ keySchedule: { keepAfter: 60 } }, ['keySchedule.keepAfter']],
    [{ lifetimes: { acessToken: 60 } }, ['lifetimes.acessToken']],
    [{ logout: { confirmation: 'Always' } }, ['logout.confirmation']],
    [{ refreshTokens: { grace: -5 } }, ['refreshTokens.grace']],
    [{ defaultScopes: ['nothing'] }, ['defaultScopes']],
    [{ signingKeys: [{ pem: 'x', alg: 'RS256', active: true }] }, ['signingKeys[0]']],
    [{ clientCacheSeconds: 0 }, ['clientCacheSeconds']],
    [{ keySchedule: { rotateEvery: 1.5 } }, ['keySchedule.rotateEvery']],
    [{ budgets: { login: { limit: 0, seconds: 900 } } }, ['budgets.login']],
    [{ budgets: { logins: { limit: 5, seconds: 900 } } }, ['budgets.logins']],
    [{ grants: [{ type: 'refresh_token' }] }, ['grants']],
    [{ clientAuthMethods: [{ method: 'none' }] }, ['clientAuthMethods']],
    [{ scopes: { 'two words': 'x' } }, ['scopes.two words']],
    [{ isuer: ISSUER, issuer: 'x', secret: 'short' }, ['isuer', 'issuer', 'secret']],
  ])('[RFC8414 §2] [OIDC Discovery §3] every problem at once: %o', (config, expected) => expect(problems(config)).toEqual(expected));
  it('an unknown option names the nearest one', () => {
    expect(() => createProvider({ ...GOOD, accessTokenTtl: 1, basePaht: '/x' } as Config)).toThrow(/Did you mean basePath\?/);
  });
  it('options that weaken security are named at start-up', async () => {
    const warned: object[] = [];
    createProvider({
      ...GOOD,
      allowMissingPkce: true,
      logger: { info: () => undefined, warn: (fields) => warned.push(fields), error: () => undefined },
    });
    expect(warned).toEqual([{ options: ['allowMissingPkce'] }]);
  });
});

describe('registering clients', () => {
  let world: World;
  beforeEach(async () => {
    world = await makeWorld();
  });
  const refuses = async (metadata: Partial<ClientMetadata>): Promise<string> => {
    try {
      await world.provider.clients.create({ name: 'x', ...metadata });
    } catch (error) {
      return (error as Error).message;
    }
    return 'accepted';
  };
  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://x/y',
    ' https://x.example/',
    'https://x.example/\r\nSet-Cookie:a',
    'https://*.x.example/',
    '//x.example',
    'http://x.example/',
    'https://x.example/cb#',
    'https://x.example/#f',
    'https://u:p@x.example/',
    'https://x.example/cb?code=a',
    'https://x.example/?state=',
    'https://x.example/?iss=1',
    'https://x.example/?error=1',
    'https://x.example/?response=1',
    'https://x.example/a/../b',
    'https://x.example/%2e%2e/b',
    'https://x.example/%zz',
    'https://x。example/',
    'https:x.example',
    'https://',
    'not a uri',
    'http://localhost/cb',
    `https://x.example/${'a'.repeat(2048)}`,
    'myapp:/cb',
    'com.example.app://cb',
  ])('[RFC6749 §3.1.2] [RFC8252 §7.1] [RFC8252 §8.3] AZ-05 AZ-07 NB-04 never registered: %s', async (uri) => {
    expect(await refuses({ redirectUris: [uri], ...(uri.includes('app:') ? { applicationType: 'native' as const } : {}) })).toMatch(
      /^redirectUris /,
    );
    expect(await refuses({ redirectUris: ['https://x.example/'], postLogoutRedirectUris: [uri] })).toMatch(/^postLogoutRedirectUris /);
  });
  it.each([
    'https://x.example/cb',
    'https://x.example/cb?tenant=1',
    'https://x.example:8443/',
    'http://127.0.0.1/cb',
    'http://127.0.0.1:1234/cb',
    'http://[::1]/cb',
  ])('[RFC6749 §3.1.2] registered: %s', async (uri) => {
    expect(await refuses({ redirectUris: [uri] })).toBe('accepted');
  });
  it('[RFC8252 §7.1] a private scheme of a native application', async () => {
    expect(await refuses({ redirectUris: ['com.example.app:/cb'], applicationType: 'native' })).toBe('accepted');
    expect(await refuses({ redirectUris: ['com.example.app:/cb'] })).toMatch(/native/);
  });
  it.each<[Partial<ClientMetadata>, RegExp]>([
    [{ name: '', redirectUris: ['https://x.example/'] }, /^name /],
    [{}, /needs at least one URI/],
    [{ redirectUris: ['https://x.example/'], grantTypes: ['password'] }, /not offered/],
    [{ redirectUris: ['https://x.example/'], grantTypes: [] }, /empty/],
    [{ redirectUris: ['https://x.example/'], tokenEndpointAuthMethod: 'private_key_jwt' as never }, /not offered/],
    [{ redirectUris: ['https://x.example/'], clientType: 'public', tokenEndpointAuthMethod: 'client_secret_basic' }, /none for public/],
    [{ redirectUris: ['https://x.example/'], idTokenSignedResponseAlg: 'none' as never }, /not offered/],
    [{ redirectUris: ['https://x.example/'], scopes: ['a b'] }, /not a scope/],
    [{ redirectUris: ['https://x.example/'], clientUri: 'http://x.example' }, /https/],
    [{ redirectUris: ['https://x.example/'], allowedOrigins: ['https://x.example/path'] }, /origin/],
    [{ grantTypes: ['client_credentials'], responseTypes: ['code'] }, /code goes with/],
  ])('[RFC7591 §2.1] [RFC7591 §2] [OIDC Core §10.1] [RFC6749 §4.4] %o', async (metadata, problem) =>
    expect(await refuses(metadata)).toMatch(problem),
  );
  it('a client_id is taken once, and is no URL', async () => {
    const metadata = { name: 'x', redirectUris: ['https://x.example/'] };
    await world.provider.clients.create(metadata, { clientId: 'mine' });
    await expect(world.provider.clients.create(metadata, { clientId: 'mine' })).rejects.toThrow(/taken/);
    await expect(world.provider.clients.create(metadata, { clientId: 'https://x.example' })).rejects.toThrow(/URL/);
    await expect(world.provider.clients.create(metadata, { clientSecret: 'short' })).rejects.toThrow(/at least 32/);
  });
  it('[RFC9700 §2.1] AZ-02 no string but the registered one matches, whatever it is', async () => {
    const registered = 'https://rp.example/cb';
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 8 }), fc.nat(registered.length), async (noise, at) => {
        const uri = registered.slice(0, at) + noise + registered.slice(at);
        fc.pre(uri !== registered);
        const visit = await browserOf(world).open(authorizeUrl(world, authorizeParams(world, pkce().challenge, { redirect_uri: uri })));
        expect([visit.status, visit.leaves]).toEqual([400, null]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('pages of the host', () => {
  it('learn what is asked and answer it', async () => {
    const world = await makeWorld({ pages: { ...builtInPages(), login: '/my/login', consent: 'https://op.example/my/consent' } });
    const browser = browserOf(world);
    const cookie = (): Record<string, string> => ({ cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ') });
    const login = await browser.open(authorizeUrl(world, authorizeParams(world, pkce().challenge, { login_hint: 'alice' })));
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
    await expect(interactions.details(new Request(login.url))).rejects.toMatchObject({ reason: 'interaction_other_browser' });
    await expect(interactions.consent(request(login.url))).resolves.toMatchObject({ status: 303 });

    const signedIn = await interactions.login(request(login.url), { sub: ALICE.sub, amr: ['hwk'], authTime: world.now - 50 });
    for (const line of signedIn.headers.getSetCookie())
      browser.cookies.set(line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1, line.indexOf(';')));
    const consent = await browser.open(signedIn.headers.get('location') ?? '');
    expect(new URL(consent.url).pathname).toBe('/my/consent');
    expect((await interactions.details(request(consent.url))).scopes.map(({ name }) => name)).toEqual(['openid', 'profile', 'email']);
    const partly = await interactions.consent(request(consent.url), ['openid']);
    expect(partly.headers.get('location')).toContain('error=access_denied');
    expect(world.events.some(({ reason }) => reason === 'consent_partial')).toBe(true);
    const denied = await interactions.deny(request(consent.url));
    expect(new URL(denied.headers.get('location') ?? '').searchParams.get('error')).toBe('access_denied');
    const allowed = await interactions.consent(request(consent.url), ['openid', 'profile', 'email', 'write']);
    const done = await browser.open(allowed.headers.get('location') ?? '');
    expect(done.leaves?.searchParams.get('code')).toMatch(/^vkac_/);
  });
  it('[RFC6749 §4.1.2.1] a consent without session is login_required', async () => {
    const world = await makeWorld({ pages: { ...builtInPages(), login: '/my/login' } });
    const browser = browserOf(world);
    const login = await browser.open(authorizeUrl(world, authorizeParams(world, pkce().challenge)));
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await world.provider.interactions.consent(new Request(login.url, { headers: { cookie } }));
    expect(new URL(answer.headers.get('location') ?? '').searchParams.get('error')).toBe('login_required');
    expect(world.events.at(-1)?.reason).toBe('session_ended');
  });
});

describe('a login the host vouches for', () => {
  it('[OIDC Core §3.1.2.1] of long ago is no new authentication, and an account that is not there cannot log in', async () => {
    const world = await makeWorld({ pages: { ...builtInPages(), login: '/my/login' } });
    const browser = browserOf(world);
    const login = await browser.open(authorizeUrl(world, authorizeParams(world, pkce().challenge, { max_age: '10' })));
    const cookie = (): string => [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const { interactions } = world.provider;
    await expect(
      interactions.login(new Request(login.url, { headers: { cookie: cookie() } }), { sub: 'nobody', amr: [] }),
    ).rejects.toMatchObject({ reason: 'login_account' });
    const old = await interactions.login(new Request(login.url, { headers: { cookie: cookie() } }), {
      sub: ALICE.sub,
      amr: ['pwd'],
      authTime: world.now - 5000,
    });
    for (const line of old.headers.getSetCookie())
      browser.cookies.set(line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1, line.indexOf(';')));
    expect(new URL((await browser.open(old.headers.get('location') ?? '')).url).pathname).toBe('/my/login');
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
    const world = await makeWorld({ signingKeys: SIGNING_KEYS.filter(({ alg }) => alg === 'ES256') });
    expect(world.web.idTokenSignedResponseAlg).toBe('ES256');
    expect((await getTokens(world)).id_token.split('.')[0]).toBe(
      Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'JWT', kid: (await world.provider.keys.list())[0]?.kid })).toString('base64url'),
    );
    const metadata = (await (await world.provider.fetch(new Request(`${ISSUER}/.well-known/openid-configuration`))).json()) as Record<
      string,
      unknown
    >;
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
        uses: { kind: 'nothing' },
      }),
    });
    const world = await makeWorld({ grants: [own] });
    await world.provider.clients.update(world.web.clientId, { grantTypes: ['urn:example:grant'], responseTypes: [] });
    expect((await post(world, 'token', { grant_type: 'urn:example:grant', word: 'read' })).body['scope']).toBe('read');
    expect((await post(world, 'token', { grant_type: 'urn:example:grant' })).body['error']).toBe('invalid_request');
    const metadata = (await (await world.provider.fetch(new Request(`${ISSUER}/.well-known/openid-configuration`))).json()) as {
      grant_types_supported: string[];
    };
    expect(metadata.grant_types_supported).toContain('urn:example:grant');
  });
  it('that is always too late ends in invalid_grant (used_concurrently)', async () => {
    const world = await makeWorld();
    const proof = pkce();
    const code = await getCode(world, proof);
    Object.assign(world.provider.store.tokens, { redeem: async () => 'spent' });
    const answer = await redeem(world, code, proof.verifier);
    expect([answer.status, answer.body['error'], world.reasons.at(-1)]).toEqual([400, 'invalid_grant', 'used_concurrently']);
  });
});

/** Counts the calls to the store, by method. */
function counting(store: Store, calls: string[]): void {
  for (const [area, methods] of Object.entries(store) as [string, unknown][]) {
    if (typeof methods !== 'object' || methods === null) continue;
    for (const [name, method] of Object.entries(methods) as [string, (...args: unknown[]) => unknown][]) {
      Object.assign(methods, {
        [name]: (...args: unknown[]) => {
          calls.push(`${area}.${name}`);
          return method(...args);
        },
      });
    }
  }
}

describe('storage trips, clients and keys in memory', () => {
  it('authorize 3, code exchange 2, refresh 2, introspection 1, userinfo 1, client credentials 1, an anonymous visit 0', async () => {
    const world = await makeWorld();
    const browser = browserOf(world);
    await getTokens(world, {}, browser);
    const calls: string[] = [];
    counting(world.provider.store, calls);
    const trips = async <T>(work: () => Promise<T>): Promise<[T, string[]]> => {
      calls.length = 0;
      const result = await work();
      return [result, calls.filter((call) => call !== 'audit.append')];
    };
    const proof = pkce();
    const [code, authorize] = await trips(async () => await getCode(world, proof, {}, browser));
    expect(authorize).toEqual(['sessions.find', 'authorizations.find', 'codes.insert']);
    const [exchanged, exchange] = await trips(async () => await redeem(world, code, proof.verifier));
    expect(exchange).toEqual(['codes.find', 'tokens.redeem']);
    const { access_token: token, refresh_token: refresh } = exchanged.body as Record<string, string>;
    expect((await trips(async () => await post(world, 'token', { grant_type: 'refresh_token', refresh_token: refresh ?? '' })))[1]).toEqual(
      ['tokens.findFamily', 'tokens.rotate'],
    );
    expect((await trips(async () => await isActive(world, token ?? '')))[1]).toEqual(['tokens.findAccessToken']);
    expect((await trips(async () => await post(world, 'userinfo', { access_token: token ?? '' }, {})))[1]).toEqual([
      'tokens.findAccessToken',
    ]);
    expect((await trips(async () => await post(world, 'token', { grant_type: 'client_credentials' })))[1]).toEqual(['tokens.insert']);
    expect((await trips(async () => await browserOf(world).open(authorizeUrl(world, authorizeParams(world, proof.challenge)))))[1]).toEqual(
      [],
    );
  });
});

describe('what rests', () => {
  it('ST-01 ST-02 no code, token, secret or cookie stands in the store, the events or the log', async () => {
    const lines: string[] = [];
    const log = (fields: object, message: string): void => void lines.push(JSON.stringify(fields) + message);
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
    const second = (await post(world, 'token', { grant_type: 'refresh_token', refresh_token: first['refresh_token'] ?? '' }))
      .body as Record<string, string>;
    await logIn(browser, await browser.open(authorizeUrl(world, authorizeParams(world, proof.challenge, { prompt: 'login' }))), {
      username: 'alice',
      password: 'a wrong password',
    });
    await post(world, 'token', { grant_type: 'client_credentials' }, { authorization: basic(world.web.clientId, 'a wrong secret') });
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
    for (const [name, method] of Object.entries(methods) as [string, (...args: unknown[]) => unknown][]) {
      Object.assign(methods, {
        [name]: (...args: unknown[]) => {
          written.push(args);
          return method(...args);
        },
      });
    }
  }
}

describe('audit', () => {
  it('ST-05 grants, refusals and acts are written; revocations at once', async () => {
    const world = await makeWorld();
    const browser = browserOf(world);
    await allow(browser, await logIn(browser, await browser.open(authorizeUrl(world, authorizeParams(world, pkce().challenge)))));
    await world.provider.subjects.withdraw(ALICE.sub, world.web.clientId);
    expect((await world.provider.store.audit.list({ limit: 1 })).map(({ type }) => type)).toEqual(['authorization.revoked']);
    await world.provider.close();
    const types = (await world.provider.store.audit.list({ limit: 100 })).map(({ type }) => type);
    for (const type of ['client.created', 'login.succeeded', 'authorization.granted']) expect(types).toContain(type);
  });
});

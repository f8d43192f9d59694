/** Tokens that an introspection endpoint tells about (RFC 7662): answers, caching, failures. */
import { ConfigError } from 'valetkey';
import {
  type IntrospectedTokenOptions,
  introspectedTokens,
  SourceUnavailable,
  type TokenSource,
} from 'valetkey/resource';
import { beforeEach, describe, expect, it } from 'vitest';
import { apiOf, request } from './apis.ts';
import { type Call, serverOf, type TestServer } from './servers.ts';
import { AS, goodClaims, NOW } from './signed.ts';

const ENDPOINT = `${AS}/introspect`;
const GOOD = { ...goodClaims(), active: true, token_type: 'Bearer', username: 'alice' };

let now: number;
let answers: Record<string, unknown>;
let server: TestServer;
beforeEach(() => {
  now = NOW;
  answers = { good: GOOD };
  const answer = ({ form }: Call): object => {
    const known = answers[form.get('token') ?? ''];
    return known instanceof Response || known instanceof Error
      ? known
      : Response.json(known === undefined ? { active: false } : known);
  };
  server = serverOf({
    [ENDPOINT]: answer,
    [`${AS}/.well-known/openid-configuration`]: () => ({
      issuer: AS,
      introspection_endpoint: ENDPOINT,
    }),
  });
});

const source = (options: Partial<IntrospectedTokenOptions> = {}): TokenSource =>
  introspectedTokens({
    issuer: AS,
    endpoint: ENDPOINT,
    clientId: 'the api',
    clientSecret: 's%c:ret',
    fetch: server.fetch,
    clock: () => now,
    ...options,
  });

describe('the question', () => {
  it('[RFC7662 §2.1] [RFC6749 §2.3.1] is a form, with the credentials of the API in the header', async () => {
    expect((await source().find('good'))?.sub).toBe('alice-sub');
    const [call] = server.calls;
    expect(call).toMatchObject({ url: ENDPOINT, method: 'POST', init: { redirect: 'error' } });
    expect(Object.fromEntries(call?.form ?? [])).toEqual({
      token: 'good',
      token_type_hint: 'access_token',
    });
    expect(call?.headers.get('content-type')).toBe('application/x-www-form-urlencoded');
    expect(atob(call?.headers.get('authorization')?.slice(6) ?? '')).toBe('the+api:s%25c%3Aret');
  });
  it('has them in the form, or an assertion that is new each time, or the name alone', async () => {
    let made = 0;
    await source({ secretIn: 'post' }).find('good');
    const { clientSecret: _, ...rest } = { clientSecret: 'x', issuer: AS, clientId: 'api' };
    const asserted = introspectedTokens({
      ...{ ...rest, endpoint: ENDPOINT, fetch: server.fetch, cacheSeconds: 0 },
      clientAssertion: async () => `assertion-${++made}`,
    });
    await asserted.find('good');
    await asserted.find('good');
    await introspectedTokens({ ...rest, endpoint: ENDPOINT, fetch: server.fetch }).find('good');
    const sent = server.calls.map(({ form, headers }) => [
      headers.get('authorization'),
      form.get('client_id'),
      form.get('client_secret') ?? form.get('client_assertion'),
    ]);
    expect(sent).toEqual([
      [null, 'the api', 's%c:ret'],
      [null, 'api', 'assertion-1'],
      [null, 'api', 'assertion-2'],
      [null, 'api', null],
    ]);
    expect(server.calls[1]?.form.get('client_assertion_type')).toBe(
      'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    );
  });
  it('[RFC7523 §2.2] is 503 when the assertion cannot be made', async () => {
    const { clientId, issuer } = { clientId: 'api', issuer: AS };
    const clientAssertion = async (): Promise<string> => await Promise.reject(new Error('no key'));
    const asking = introspectedTokens({ clientId, issuer, endpoint: ENDPOINT, clientAssertion });
    await expect(asking.find('good')).rejects.toThrow(SourceUnavailable);
  });
  it('goes to the endpoint in the metadata of the issuer', async () => {
    const { endpoint: _, ...options } = { endpoint: '', issuer: AS, clientId: 'api' };
    const found = introspectedTokens({ ...options, fetch: server.fetch, clock: () => now });
    expect((await found.find('good'))?.sub).toBe('alice-sub');
    await found.find('other');
    expect(server.count(ENDPOINT)).toBe(2);
    expect(server.calls).toHaveLength(4);
  });
});

describe('an answer', () => {
  it('[RFC7662 §2.2] tells facts', async () => {
    answers['full'] = {
      ...GOOD,
      ...{ aud: ['a', 'b'], acr: 'gold', auth_time: 7, amr: ['pwd'], act: { sub: 'x' } },
      ...{ cnf: { jkt: 'k' }, token_type: 'dpop', authorization_details: [{ type: 'pay' }] },
    };
    expect(await source().find('full')).toMatchObject({
      ...{ username: 'alice', audience: ['a', 'b'], acr: 'gold', authTime: 7, amr: ['pwd'] },
      ...{ act: { sub: 'x' }, cnf: { jkt: 'k' }, authorizationDetails: [{ type: 'pay' }] },
      ...{ expiresAt: NOW + 300, issuedAt: NOW, scopes: ['photos.read', 'photos.print'] },
    });
  });
  it.each<[string, object]>([
    ['inactive', { active: false }],
    ['inactive, with everything else', { ...GOOD, active: false }],
    ['of a refresh token, without a type', { ...GOOD, token_type: undefined }],
    ['of a refresh token', { ...GOOD, token_type: 'refresh_token' }],
    ['of a token of another kind', { ...GOOD, token_type: 'N_A' }],
    ['that has ended', { ...GOOD, exp: NOW }],
    ['of another issuer', { ...GOOD, iss: 'https://other.example' }],
  ])('[RFC7662 §2.2] RS-05 is about nothing: %s', async (_what, answer) => {
    answers['t'] = answer;
    expect(await source().find('t')).toBeNull();
    const { api, refusals } = apiOf(source());
    expect((await api.check(request('Bearer t'))).response?.status).toBe(401);
    expect(refusals.at(-1)?.reason).toBe('token_not_known');
  });
  it('without a type counts where that is allowed', async () => {
    answers['t'] = { ...GOOD, token_type: undefined };
    expect((await source({ allowMissingTokenType: true }).find('t'))?.sub).toBe('alice-sub');
    answers['t'] = { ...GOOD, token_type: 'refresh_token' };
    expect(await source({ allowMissingTokenType: true, cacheSeconds: 0 }).find('t')).toBeNull();
  });
  it.each<[string, unknown]>([
    ['active as a text', { ...GOOD, active: 'true' }],
    ['active as a number', { ...GOOD, active: 1 }],
    ['no active', { ...GOOD, active: undefined }],
    ['a list', [GOOD]],
    ['null', null],
    ['exp as a text', { ...GOOD, exp: String(NOW + 300) }],
    ['scope in a list', { ...GOOD, scope: ['a'] }],
    ['aud as a number', { ...GOOD, aud: 7 }],
    ['aud with a number', { ...GOOD, aud: ['a', 7] }],
    ['cnf as a list', { ...GOOD, cnf: ['x'] }],
    ['token_type as a list', { ...GOOD, token_type: ['Bearer'] }],
    ['a DPoP token without a key', { ...GOOD, token_type: 'DPoP' }],
    ['HTML', new Response('<html>', { status: 200 })],
    ['nothing', new Response('', { status: 200 })],
    ['a challenge to the API', new Response('', { status: 401 })],
    ['an error', new Response('{"active":false}', { status: 500 })],
    ['too much', new Response(JSON.stringify({ active: true, pad: 'x'.repeat(300_000) }))],
    ['a failure', new TypeError('fetch failed')],
  ])(
    '[RFC7662 §2.2] RS-04 that cannot be understood is 503, and never an answer: %s',
    async (_what, answer) => {
      answers['t'] = answer;
      const { api } = apiOf(source());
      const { response } = await api.check(request('Bearer t'));
      expect([response?.status, response?.headers.get('retry-after')]).toEqual([503, '5']);
      expect(response?.headers.get('www-authenticate')).toBeNull();
    },
  );
});

describe('what is kept', () => {
  const calls = (): number => server.count(ENDPOINT);
  it('a good answer for 30 seconds', async () => {
    const asked = source();
    await asked.find('good');
    now += 29;
    await asked.find('good');
    expect(calls()).toBe(1);
    now += 1;
    await asked.find('good');
    expect(calls()).toBe(2);
  });
  it('never longer than the token lives', async () => {
    answers['short'] = { ...GOOD, exp: NOW + 10 };
    const asked = source();
    expect((await asked.find('short'))?.sub).toBe('alice-sub');
    now += 10;
    expect(await asked.find('short')).toBeNull();
  });
  it('an answer that a token is worth nothing for 5 seconds', async () => {
    const asked = source();
    expect(await asked.find('t')).toBeNull();
    answers['t'] = GOOD;
    now += 4;
    expect(await asked.find('t')).toBeNull();
    now += 1;
    expect((await asked.find('t'))?.sub).toBe('alice-sub');
    expect(calls()).toBe(2);
  });
  it('nothing where that is asked for, and no failure', async () => {
    const fresh = source({ cacheSeconds: 0 });
    for (const token of ['good', 'good', 't', 't']) await fresh.find(token);
    expect(calls()).toBe(4);
    answers['t'] = new TypeError('fetch failed');
    const asked = source();
    await expect(asked.find('t')).rejects.toThrow(SourceUnavailable);
    answers['t'] = GOOD;
    expect((await asked.find('t'))?.sub).toBe('alice-sub');
  });
  it('one call for all who ask about one token at the same time', async () => {
    const asked = source({ cacheSeconds: 0 });
    const found = await Promise.all(Array.from({ length: 50 }, () => asked.find('good')));
    expect([calls(), new Set(found).size]).toEqual([1, 1]);
    answers['good'] = new TypeError('fetch failed');
    const failed = await Promise.allSettled(Array.from({ length: 9 }, () => asked.find('good')));
    expect([calls(), failed.every(({ status }) => status === 'rejected')]).toEqual([2, true]);
  });
  it('[RFC7662 §4] RS-08 good answers, however many tokens are worth nothing', async () => {
    const asked = source();
    await asked.find('good');
    for (let batch = 0; batch < 60; batch += 1)
      await Promise.all(
        Array.from({ length: 200 }, (_, index) => asked.find(`junk-${batch}-${index}`)),
      );
    const before = calls();
    await asked.find('good');
    expect(calls()).toBe(before);
    await asked.find('junk-0-0');
    expect(calls()).toBe(before + 1);
  });
  it('256 calls at a time: more are 503', async () => {
    const asked = source();
    const all = await Promise.allSettled(Array.from({ length: 257 }, (_, n) => asked.find(`${n}`)));
    expect(all.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(await asked.find('256')).toBeNull();
  });
  it('IR-05 is by the whole token, and a decision is made anew for each rule', async () => {
    const long = 'x'.repeat(5000);
    answers[`${long}a`] = GOOD;
    const { api, refusals } = apiOf(source());
    expect((await api.check(request(`Bearer ${long}a`), { scope: 'photos.read' })).auth?.sub).toBe(
      'alice-sub',
    );
    expect((await api.check(request(`Bearer ${long}b`))).response?.status).toBe(401);
    expect((await api.check(request(`Bearer ${long}a`), { scope: 'admin' })).response?.status).toBe(
      403,
    );
    expect(refusals.at(-1)?.reason).toBe('scope_missing');
    expect((await api.check(request(`Bearer ${long}a`), { maxAge: 5 })).response?.status).toBe(401);
    expect(calls()).toBe(2);
  });
});

describe('a wrong option', () => {
  it.each<[string, Partial<IntrospectedTokenOptions>]>([
    ['http', { issuer: 'http://as.example' }],
    ['an endpoint over http', { endpoint: 'http://as.example/introspect' }],
    ['no name', { clientId: '' }],
    ['an empty secret', { clientSecret: '' }],
    ['a secret and an assertion', { clientAssertion: () => 'x' }],
    ['a negative time', { cacheSeconds: -1 }],
    ['a time that is no number', { cacheSeconds: Number.NaN }],
  ])('is refused at the start: %s', (_what, options) => {
    expect(() => source(options)).toThrow(ConfigError);
  });
});

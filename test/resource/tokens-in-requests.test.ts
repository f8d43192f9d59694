/** Where a token stands in a request, and the challenges without and with one (RFC 6750). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apiOf, DOCUMENT, refusedBy, request } from './apis.ts';
import { newProofKey, proofFor } from './proofs.ts';
import { NOW } from './signed.ts';

const ALGS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519';
const DPOP = `DPoP algs="${ALGS}", resource_metadata="${DOCUMENT}"`;
const about = `resource_metadata="${DOCUMENT}"`;
const error = (code: string, description: string): string =>
  `error="${code}", error_description="${description}"`;
const INVALID = error('invalid_token', 'The access token is invalid.');

describe('a request without a token', () => {
  it.each<[string, string | null]>([
    ['at all', null],
    ['but with a password', 'Basic YTpi'],
    ['in a scheme that begins alike', 'Bearers good'],
    ['in an empty header', ''],
  ])(
    '[RFC6750 §3] [RFC6750 §3.1] [RFC9728 §5.1] gets a challenge without an error: %s',
    async (_what, header) => {
      const { api, refusals } = apiOf({ good: {} });
      const { status, challenge, body } = await refusedBy(
        (await api.check(request(header))).response,
      );
      expect([status, challenge]).toEqual([401, `Bearer ${about}, ${DPOP}`]);
      expect(body).toEqual({
        error: 'invalid_token',
        error_description: 'An access token is required.',
      });
      expect(refusals.at(-1)).toMatchObject({
        reason: 'no_token',
        method: 'GET',
        path: '/v1/photos',
      });
    },
  );
  it('[RFC6750 §3] hears which scope it needs', async () => {
    const { api } = apiOf({ good: {} });
    const { response } = await api.check(request(null), { scope: ['photos.read', 'photos.print'] });
    expect((await refusedBy(response)).challenge).toBe(
      `Bearer scope="photos.read photos.print", ${about}, ${DPOP}`,
    );
  });
  it('hears of DPoP alone where nothing else is accepted', async () => {
    const { api } = apiOf({ good: {} }, { requireDpop: true });
    expect((await refusedBy((await api.check(request(null))).response)).challenge).toBe(DPOP);
    const bearer = await refusedBy((await api.check(request('Bearer good'))).response);
    expect(bearer.challenge).toBe(`DPoP ${INVALID}, algs="${ALGS}", ${about}`);
  });
});

describe('a malformed header', () => {
  it.each([
    ['no token', 'Bearer'],
    ['two tokens', 'Bearer good good'],
    ['a comma, as two headers have', 'Bearer good, Bearer good'],
    ['an equals sign at its start', 'Bearer =good'],
    ['a quote', 'Bearer "good"'],
    ['a character that is not ASCII', 'Bearer gööd'],
    ['a percent sign', 'Bearer good%20'],
    ['no space', 'DPoP'],
  ])(
    '[RFC6750 §2.1] [RFC6750 §3.1] RS-01 is 400 invalid_request with %s',
    async (_what, header) => {
      const { api, refusals } = apiOf({ good: {} });
      const refused = await refusedBy((await api.check(request(header))).response);
      expect([refused.status, refused.body['error']]).toEqual([400, 'invalid_request']);
      const told = error('invalid_request', 'The access token is malformed, or there are several.');
      expect(refused.challenge).toBe(
        header === 'DPoP'
          ? `DPoP ${told}, algs="${ALGS}", ${about}, Bearer ${about}`
          : `Bearer ${told}, ${about}, ${DPOP}`,
      );
      expect(refusals.at(-1)?.reason).toBe('token_malformed');
    },
  );
  it('[RFC6750 §2.1] two headers are refused, whatever they say', async () => {
    const { api, refusals } = apiOf({ good: {} });
    const several = new Headers({ authorization: 'Bearer good' });
    several.append('authorization', 'Bearer good');
    const { response } = await api.check(new Request('https://api.example/', { headers: several }));
    expect((await refusedBy(response)).status).toBe(400);
    expect(refusals.at(-1)?.reason).toBe('token_malformed');
  });
  it('JW-07 a token of more than 16 KB is refused before anybody is asked', async () => {
    let asked = 0;
    const find = async (): Promise<null> => {
      asked += 1;
      return null;
    };
    const { api, refusals } = apiOf({ find });
    const refused = await refusedBy(
      (await api.check(request(`Bearer ${'x'.repeat(16_385)}`))).response,
    );
    expect([refused.status, refusals.at(-1)?.reason, asked]).toEqual([401, 'token_too_long', 0]);
    await api.check(request(`Bearer ${'x'.repeat(16_384)}`));
    expect(asked).toBe(1);
  });
});

describe('a token in several places', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const post = (authorization: string | null, body: string, headers = form): Request =>
    request(authorization, { method: 'POST', body, headers });
  it.each<[string, Request]>([
    ['header and address', request('Bearer good', { path: '/v1/photos?access_token=good' })],
    ['header and body', post('Bearer good', 'access_token=good')],
    ['body, twice', post(null, 'access_token=good&access_token=good')],
    [
      'address and body',
      request(null, {
        path: '/?access_token=good',
        method: 'POST',
        body: 'access_token=good',
        headers: form,
      }),
    ],
  ])('[RFC6750 §2] RS-01 is 400 invalid_request: %s', async (_what, asked) => {
    const { api, refusals } = apiOf({ good: {} }, { allowTokenInBody: true });
    const refused = await refusedBy((await api.check(asked)).response);
    expect([refused.status, refused.body['error']]).toEqual([400, 'invalid_request']);
    expect(refusals.at(-1)?.reason).toBe('token_several');
  });
  it('[RFC9700 §4.3.2] RS-01 counts as none in the address, and in the body unless that is allowed', async () => {
    const { api } = apiOf({ good: {} });
    for (const asked of [
      request(null, { path: '/v1/photos?access_token=good' }),
      post(null, 'access_token=good'),
    ])
      expect((await refusedBy((await api.check(asked)).response)).status).toBe(401);
  });
  it.each<[string, Request]>([
    ['JSON', post(null, '{"access_token":"good"}', { 'content-type': 'application/json' })],
    ['a form without a type', request(null, { method: 'POST', body: 'access_token=good' })],
    [
      'a type that begins alike',
      post(null, 'access_token=good', { 'content-type': 'application/x-www-form-urlencoded2' }),
    ],
    ['a form that is too large', post(null, `access_token=good&pad=${'x'.repeat(65_536)}`)],
  ])('[RFC6750 §2.2] counts as none in the body: %s', async (_what, asked) => {
    const { api } = apiOf({ good: {} }, { allowTokenInBody: true });
    expect((await refusedBy((await api.check(asked)).response)).status).toBe(401);
  });
  it('[RFC6750 §2.2] is accepted in a form where that is allowed, and the form stays readable', async () => {
    const { api } = apiOf({ good: {} }, { allowTokenInBody: true });
    const asked = post(null, 'access_token=good&album=7');
    expect((await api.check(asked)).auth?.sub).toBe('alice-sub');
    expect((await asked.formData()).get('album')).toBe('7');
    expect(
      (await refusedBy((await api.check(post(null, 'access_token=g%20d'))).response)).status,
    ).toBe(400);
  });
});

describe('a token', () => {
  it('[RFC6750 §3.1] RS-02 that nobody knows gets the challenge of its scheme first, and no reason', async () => {
    const { api, refusals } = apiOf({ good: {}, old: { exp: NOW - 10 } });
    for (const [token, reason] of [
      ['unknown', 'token_not_known'],
      ['old', 'token_ended'],
    ] as const) {
      const bearer = await refusedBy((await api.check(request(`Bearer ${token}`))).response);
      expect(bearer).toEqual({
        status: 401,
        challenge: `Bearer ${INVALID}, ${about}, ${DPOP}`,
        body: { error: 'invalid_token', error_description: 'The access token is invalid.' },
      });
      expect(refusals.at(-1)?.reason).toBe(reason);
    }
    const dpop = await refusedBy((await api.check(request('DPoP unknown'))).response);
    expect(dpop.challenge).toBe(`DPoP ${INVALID}, algs="${ALGS}", ${about}, Bearer ${about}`);
  });
  it.each(['Bearer good', 'bearer good', 'BEARER   good', 'Bearer good  '])(
    '[RFC9110 §11.1] is found in %j',
    async (header) => {
      const { api } = apiOf({ good: {} });
      expect((await api.check(request(header))).auth).toMatchObject({
        sub: 'alice-sub',
        clientId: 'printer',
        scopes: ['photos.read', 'photos.print'],
        isClientOnly: false,
      });
    },
  );
  it('may have every character of b64token', async () => {
    const token = 'aZ09-._~+/==';
    const { api } = apiOf({ [token]: {} });
    expect((await api.check(request(`Bearer ${token}`))).auth?.sub).toBe('alice-sub');
  });
});

describe('whatever stands in a request', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc
      .tuple(fc.constantFrom('Bearer ', 'DPoP ', 'bearer', 'Basic ', 'DPoP'), fc.string())
      .map((parts) => parts.join('')),
    fc.constantFrom('Bearer bound', 'DPoP bound', 'Bearer free', 'Bearer  ', '\0', '__proto__'),
  );
  it('IN-03 is 400 or 401 and never an error of the server, unless it is a good token', async () => {
    const cnf = { jkt: 'x'.repeat(43) };
    const { api } = apiOf({ bound: { cnf }, free: {} });
    const judge = api.judge({ scope: 'photos.read' });
    await fc.assert(
      fc.asyncProperty(
        text,
        text,
        fc.string(),
        fc.string(),
        async (authorization, dpop, url, method) => {
          const given = new Map([
            ['authorization', authorization],
            ['dpop', dpop],
          ]);
          const headers = { get: (name: string) => given.get(name) ?? null };
          const verdict = await judge({ method, url, headers }, {}, {});
          if (verdict.is === 'authorized')
            return authorization.toLowerCase().trim() === 'bearer free';
          if (verdict.is === 'passed') return false;
          const { status, headers: told } = verdict.refused;
          const challenge = told['WWW-Authenticate'] ?? '';
          return [400, 401].includes(status) && /^[\x20-\x7e]+$/.test(challenge);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a handler', () => {
  it('runs for good tokens alone, and knows whose they are', async () => {
    const { api } = apiOf({ good: {} });
    const handler = api.protect(
      { scope: 'photos.read' },
      (_request, auth) => new Response(auth.sub),
    );
    expect((await handler(request('Bearer bad'))).status).toBe(401);
    expect(await (await handler(request('Bearer good'))).text()).toBe('alice-sub');
  });
  it('RS-07 runs for who is signed in, if the request has no token and no Authorization header', async () => {
    const { api } = apiOf({ good: {} });
    const handler = api.protect(
      { scope: 'photos.read' },
      (_request, auth) => new Response(auth?.sub ?? 'the session'),
      { signedIn: async ({ headers }) => headers.get('cookie') === 'session=1' },
    );
    const cookie = { cookie: 'session=1' };
    expect((await handler(request(null))).status).toBe(401);
    expect(await (await handler(request(null, { headers: cookie }))).text()).toBe('the session');
    for (const header of ['Bearer bad', 'Basic YTpi', 'Bearer'])
      expect((await handler(request(header, { headers: cookie }))).status).toBeGreaterThan(399);
    expect(await (await handler(request('Bearer good', { headers: cookie }))).text()).toBe(
      'alice-sub',
    );
  });
  it.each([null, undefined, false, 0, ''])('RS-07 runs for nobody who is %j', async (nobody) => {
    const handler = apiOf({}).api.protect({}, () => new Response(), { signedIn: () => nobody });
    expect((await handler(request(null))).status).toBe(401);
  });
  it('runs for a preflight request where that is asked for, and for no other OPTIONS', async () => {
    const { api } = apiOf({ good: {} });
    const asking = (headers: Record<string, string>): Request =>
      request(null, { method: 'OPTIONS', headers });
    const preflight = { origin: 'https://app.example', 'access-control-request-method': 'POST' };
    const answer = (): Response => new Response(null, { status: 204 });
    const closed = api.protect({}, answer);
    const open = api.protect({}, answer, { preflight: true });
    expect((await closed(asking(preflight))).status).toBe(401);
    expect((await open(asking(preflight))).status).toBe(204);
    expect((await open(asking({ origin: 'https://app.example' }))).status).toBe(401);
    expect((await open(request(null, { headers: preflight }))).status).toBe(401);
  });
  it('is not kept from running by a log that fails, and a bug of the host is not a refusal', async () => {
    const onRefused = (): void => {
      throw new Error('the disk is full');
    };
    const { api } = apiOf({ good: {} }, { onRefused });
    expect((await api.check(request(null))).response?.status).toBe(401);
    const broken = apiOf({ find: async () => await Promise.reject(new TypeError('a bug')) });
    await expect(broken.api.check(request('Bearer good'))).rejects.toThrow('a bug');
  });
  it('needs a new proof for each request of a token that is bound', async () => {
    const key = await newProofKey();
    const { api } = apiOf({ bound: { cnf: { jkt: key.thumbprint } } });
    const dpop = await proofFor(key, 'bound');
    const asked = (): Request => request('DPoP bound', { headers: { dpop } });
    expect((await api.check(asked())).auth?.sub).toBe('alice-sub');
    const refused = await refusedBy((await api.check(asked())).response);
    expect([refused.status, refused.body['error']]).toEqual([401, 'invalid_dpop_proof']);
  });
});

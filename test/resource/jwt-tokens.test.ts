/** Tokens that are JWTs, with the keys of their issuer: fetched, kept, fetched again. Rules JW. */
import { exportJWK, generateKeyPair, type JSONWebKeySet } from 'jose';
import { ConfigError } from 'valetkey';
import { type JwtTokenOptions, jwtTokens, SourceUnavailable } from 'valetkey/resource';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { apiOf, request, sourceOf } from './apis.ts';
import { serverOf, type TestServer } from './servers.ts';
import { AS, encryptToken, keySet, NOW, newSigner, type Signer, signToken } from './signed.ts';

const METADATA = `${AS}/.well-known/oauth-authorization-server`;
const OIDC = `${AS}/.well-known/openid-configuration`;
const JWKS = `${AS}/jwks`;

let one: Signer;
let two: Signer;
beforeAll(async () => {
  [one, two] = [await newSigner(), await newSigner()];
});

/** What the server has, and the time. */
let now: number;
let keys: JSONWebKeySet;
let cacheControl: string | null;
let failure: Error | Response | null;
let server: TestServer;
beforeEach(() => {
  [now, keys, cacheControl, failure] = [NOW, keySet(one), null, null];
  server = serverOf({
    [METADATA]: () => ({ issuer: AS, jwks_uri: JWKS }),
    [JWKS]: () =>
      failure ??
      Response.json(keys, {
        headers: cacheControl === null ? {} : { 'cache-control': cacheControl },
      }),
  });
});

const source = (options: Partial<JwtTokenOptions> = {}): ReturnType<typeof jwtTokens> =>
  jwtTokens({ issuer: AS, jwksUri: JWKS, fetch: server.fetch, clock: () => now, ...options });
const token = async (signer: Signer): Promise<string> =>
  await signToken(signer, { iat: now, exp: now + 1_000_000 });

describe('a token', () => {
  it('tells its facts', async () => {
    const found = await source().find(await signToken(one, { act: { sub: 'x' }, acr: 'gold' }));
    expect(found).toMatchObject({
      iss: AS,
      sub: 'alice-sub',
      clientId: 'printer',
      scopes: ['photos.read', 'photos.print'],
      acr: 'gold',
      act: { sub: 'x' },
      isClientOnly: false,
    });
  });
  it.each<[string, Record<string, unknown>, Record<string, unknown>, string]>([
    ['JW-10 an ID token', {}, { typ: 'JWT' }, 'type'],
    ['JW-10 a logout token', {}, { typ: 'logout+jwt' }, 'type'],
    ['JW-17 of another issuer', { iss: 'https://other.example' }, {}, 'issuer'],
    ['JW-17 that ended', { exp: NOW - 10 }, {}, 'expired'],
    ['with a scope in a list', { scope: ['a'] }, {}, 'claim'],
    ['with a confirmation that is a text', { cnf: 'x' }, {}, 'claim'],
    ['with auth_time as a text', { auth_time: '7' }, {}, 'claim'],
    ['that is nested deeply', { a: deep(30) }, {}, 'malformed'],
  ])('[RFC9068 §4] is worth nothing: %s', async (_what, claims, header, problem) => {
    const jwt = await signToken(one, claims, header);
    await expect(source().find(jwt)).rejects.toMatchObject({ name: 'JwtError', problem });
    const { api, refusals } = apiOf(source());
    expect((await api.check(request(`Bearer ${jwt}`))).response?.status).toBe(401);
    expect(refusals.at(-1)).toMatchObject({ reason: 'token_not_known', cause: { problem } });
  });
  it('that is encrypted needs a key, and where there is one every token has to be', async () => {
    const alg = 'RSA-OAEP-256';
    const pair = await generateKeyPair(alg, { extractable: true });
    const decryptionKey = { ...(await exportJWK(pair.privateKey)), alg };
    const encrypted = await encryptToken(await signToken(one), alg, pair.publicKey);
    await expect(source().find(encrypted)).rejects.toMatchObject({ problem: 'unknown_key' });
    const opened = source({ decryptionKey });
    expect((await opened.find(encrypted))?.sub).toBe('alice-sub');
    await expect(opened.find(await signToken(one))).rejects.toMatchObject({ problem: 'malformed' });
  });
  it('that is no JWT is asked about elsewhere, where somebody is named', async () => {
    await expect(source().find('opaque')).rejects.toMatchObject({ problem: 'malformed' });
    const introspect = sourceOf({ opaque: {} });
    expect((await source({ introspect }).find('opaque'))?.sub).toBe('alice-sub');
    expect(await source({ introspect }).find('other')).toBeNull();
    const bad = await signToken(two);
    await expect(source({ introspect }).find(bad)).rejects.toMatchObject({ name: 'JwtError' });
  });
});

function deep(levels: number): object {
  return levels === 0 ? {} : { a: deep(levels - 1) };
}

describe('the keys', () => {
  it('are fetched once for all who wait, and kept', async () => {
    const jwts = source();
    const jwt = await token(one);
    await Promise.all(Array.from({ length: 20 }, async () => await jwts.find(jwt)));
    expect(server.count(JWKS)).toBe(1);
    expect(server.calls[0]).toMatchObject({ method: 'GET', init: { redirect: 'error' } });
  });
  it.each([
    [null, 600],
    ['max-age=300', 300],
    ['public, max-age="120"', 120],
    ['max-age=1', 60],
    ['no-store', 60],
    ['no-cache, max-age=300', 60],
    ['max-age=999999999', 86_400],
  ])('are kept as Cache-Control says, between a minute and a day: %s', async (control, seconds) => {
    cacheControl = control;
    const jwts = source();
    const jwt = await token(one);
    await jwts.find(jwt);
    now += seconds - 1;
    await jwts.find(jwt);
    expect(server.count(JWKS)).toBe(1);
    now += 1;
    await jwts.find(jwt);
    expect(server.count(JWKS)).toBe(2);
  });
  it('RS-08 are fetched again for an unknown key id, at most every 30 seconds', async () => {
    const jwts = source();
    await jwts.find(await token(one));
    const jwt = await token(two);
    now += 29;
    await expect(jwts.find(jwt)).rejects.toMatchObject({ problem: 'unknown_key' });
    expect(server.count(JWKS)).toBe(1);
    now += 1;
    keys = keySet(one, two);
    const asking = Array.from({ length: 10 }, async () => (await jwts.find(jwt))?.sub);
    expect(new Set(await Promise.all(asking))).toEqual(new Set(['alice-sub']));
    expect(server.count(JWKS)).toBe(2);
    const junk = await signToken(await newSigner());
    await expect(jwts.find(junk)).rejects.toMatchObject({ problem: 'unknown_key' });
    expect(server.count(JWKS)).toBe(2);
  });
  it('are kept for a day when they cannot be fetched again, and then nobody knows', async () => {
    const jwts = source();
    await jwts.find(await token(one));
    failure = new Error('connection refused');
    now += 601;
    expect((await jwts.find(await token(one)))?.sub).toBe('alice-sub');
    expect((await jwts.find(await token(one)))?.sub).toBe('alice-sub');
    // The second one did not wait for another attempt.
    expect(server.count(JWKS)).toBe(2);
    now += 86_400;
    await expect(jwts.find(await token(one))).rejects.toThrow(SourceUnavailable);
    failure = null;
    now += 5;
    expect((await jwts.find(await token(one)))?.sub).toBe('alice-sub');
  });
  it.each<[string, () => Error | Response]>([
    ['no connection', () => new Error('refused')],
    ['an error', () => new Response('', { status: 500 })],
    ['not found', () => new Response('', { status: 404 })],
    ['HTML', () => new Response('<html>')],
    ['no object', () => Response.json(null)],
    ['no keys', () => Response.json({ keys: [] })],
    ['a list of texts', () => Response.json({ keys: ['x'] })],
    ['too much', () => new Response(JSON.stringify({ keys: [{ pad: 'x'.repeat(300_000) }] }))],
  ])('RS-04 that are %s are 503, never 401', async (_what, made) => {
    failure = made();
    const { api, refusals } = apiOf(source());
    const { response } = await api.check(request(`Bearer ${await token(one)}`));
    expect([response?.status, response?.headers.get('retry-after')]).toEqual([503, '5']);
    expect(response?.headers.get('www-authenticate')).toBeNull();
    expect(refusals.at(-1)).toMatchObject({ reason: 'source_unavailable' });
  });
});

describe('discovery', () => {
  const found = (): ReturnType<typeof jwtTokens> =>
    jwtTokens({ issuer: AS, fetch: server.fetch, clock: () => now });
  it('[RFC8414 §3] finds the keys by the metadata of the issuer', async () => {
    expect((await found().find(await token(one)))?.sub).toBe('alice-sub');
    expect(server.calls.map(({ url }) => url)).toEqual([METADATA, JWKS]);
  });
  it('finds them by OpenID Connect as well, whatever the other address says', async () => {
    for (const other of [new Response('', { status: 404 }), new Response('<html>'), Error('x')]) {
      server = serverOf({
        [METADATA]: () => other,
        [OIDC]: () => ({ issuer: AS, jwks_uri: JWKS }),
        [JWKS]: () => keys,
      });
      expect((await found().find(await token(one)))?.sub).toBe('alice-sub');
    }
  });
  it('has its path between host and path, or after it, for an issuer with a path', async () => {
    const urls = [
      `${AS}/.well-known/oauth-authorization-server/tenant`,
      `${AS}/tenant/.well-known/openid-configuration`,
    ];
    const jwts = jwtTokens({ issuer: `${AS}/tenant`, fetch: server.fetch });
    await expect(jwts.find(await token(one))).rejects.toThrow(SourceUnavailable);
    expect(server.calls.map(({ url }) => url)).toEqual(urls);
  });
  it.each<[string, object]>([
    ['of another issuer', { issuer: 'https://other.example', jwks_uri: JWKS }],
    ['of an issuer with a slash more', { issuer: `${AS}/`, jwks_uri: JWKS }],
    ['without keys', { issuer: AS }],
    ['with keys over http', { issuer: AS, jwks_uri: 'http://as.example/jwks' }],
    ['with keys in a file', { issuer: AS, jwks_uri: 'file:///etc/passwd' }],
  ])('[RFC8414 §3.3] takes no metadata %s', async (_what, metadata) => {
    const addresses = [JWKS, 'http://as.example/jwks', 'file:///etc/passwd'];
    const known = Object.fromEntries(addresses.map((url) => [url, () => keys]));
    server = serverOf({ [METADATA]: () => metadata, ...known });
    await expect(found().find(await token(one))).rejects.toThrow(SourceUnavailable);
    expect(addresses.map((url) => server.count(url))).toEqual([0, 0, 0]);
  });
});

describe('a wrong option', () => {
  it.each<[string, object]>([
    ['http', { issuer: 'http://as.example' }],
    ['no address', { issuer: 'as' }],
    ['keys over http', { jwksUri: 'http://as.example/jwks' }],
    ['no algorithm', { algs: [] }],
    ['HS256', { algs: ['HS256'] }],
    ['none', { algs: ['RS256', 'none'] }],
    ['a decryption key without alg', { decryptionKey: { kty: 'EC' } }],
  ])('is refused at the start: %s', (_what, options) => {
    expect(() => source(options as Partial<JwtTokenOptions>)).toThrow(ConfigError);
  });
});

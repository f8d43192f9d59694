/** Discovery, JWKS and ID tokens: what is announced is what is true. Rows MD, JW. */
import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, SignJWT } from 'jose';
import { createProvider, type IdTokenAlg, memoryDatabase, verifyIdToken } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  ALICE,
  basic,
  getCode,
  getTokens,
  ISSUER,
  isActive,
  makeWorld,
  pkce,
  post,
  read,
  redeem,
  type Tokens,
  type World,
} from './setup.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
const get = async (
  path: string,
  headers: Record<string, string> = {},
  from: World = world,
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> =>
  await read(await from.provider.fetch(new Request(new URL(path, ISSUER), { headers })));

describe('discovery', () => {
  it('[OIDC Discovery §3] [RFC8414 §2] the document', async () => {
    const { status, headers, body } = await get('/.well-known/openid-configuration');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('cache-control')).toContain('max-age=3600');
    expect(body).toEqual({
      issuer: ISSUER,
      authorization_endpoint: `${ISSUER}/o/authorize/`,
      token_endpoint: `${ISSUER}/o/token/`,
      userinfo_endpoint: `${ISSUER}/o/userinfo/`,
      introspection_endpoint: `${ISSUER}/o/introspect/`,
      revocation_endpoint: `${ISSUER}/o/revoke_token/`,
      end_session_endpoint: `${ISSUER}/o/logout/`,
      jwks_uri: `${ISSUER}/o/.well-known/jwks.json`,
      device_authorization_endpoint: `${ISSUER}/o/device_authorization/`,
      pushed_authorization_request_endpoint: `${ISSUER}/o/par/`,
      require_pushed_authorization_requests: false,
      scopes_supported: [
        'openid',
        'profile',
        'email',
        'address',
        'phone',
        'offline_access',
        'read',
        'write',
      ],
      response_types_supported: ['code'],
      response_modes_supported: ['query', 'fragment', 'form_post'],
      grant_types_supported: [
        'authorization_code',
        'refresh_token',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code',
      ],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
      revocation_endpoint_auth_methods_supported: [
        'client_secret_basic',
        'client_secret_post',
        'none',
      ],
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      code_challenge_methods_supported: ['S256'],
      prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
      authorization_response_iss_parameter_supported: true,
      claims_parameter_supported: false,
      request_parameter_supported: false,
      request_uri_parameter_supported: false,
      claims_supported: expect.arrayContaining([
        'sub',
        'name',
        'email',
        'email_verified',
        'address',
        'phone_number',
      ]) as unknown,
    });
  });
  it.each([
    '/.well-known/openid-configuration/',
    '/o/.well-known/openid-configuration',
    '/o/.well-known/openid-configuration/',
    '/.well-known/oauth-authorization-server',
    '/o/.well-known/oauth-authorization-server/',
    '/.well-known/oauth-authorization-server/o',
  ])('[RFC8414 §3.1] [OIDC Discovery §4] also at %s', async (path) =>
    expect((await get(path)).body['issuer']).toBe(ISSUER),
  );
  it('[RFC8414 §3.1] an issuer with a path: below it, inserted, and under the base path', async () => {
    const issuer = `${ISSUER}/tenant/one`;
    const tenant = await makeWorld({ issuer, basePath: '/auth' });
    for (const path of [
      '/tenant/one/.well-known/openid-configuration',
      '/.well-known/openid-configuration/tenant/one',
      '/.well-known/oauth-authorization-server/tenant/one',
      '/tenant/one/.well-known/oauth-authorization-server',
      '/auth/.well-known/openid-configuration',
    ]) {
      expect((await get(path, {}, tenant)).body).toMatchObject({
        issuer,
        token_endpoint: `${ISSUER}/auth/token/`,
      });
    }
  });
  it('MD-01 no header of a request moves the issuer', async () => {
    const { body } = await get('/.well-known/openid-configuration', {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'javascript',
      forwarded: 'host=evil.example',
    });
    expect(JSON.stringify(body)).not.toContain('evil');
    const elsewhere = await world.provider.fetch(
      new Request('http://evil.example/.well-known/openid-configuration'),
    );
    expect(await elsewhere.json()).toEqual(body);
  });
  it('[RFC9110 §13.1.2] an ETag spares the bytes', async () => {
    const etag = (await get('/.well-known/openid-configuration')).headers.get('etag') ?? '';
    for (const tags of [etag, `W/${etag}`, `"x", ${etag}`, '*', '"x"']) {
      const request = new Request(`${ISSUER}/.well-known/openid-configuration`, {
        headers: { 'if-none-match': tags },
      });
      const response = await world.provider.fetch(request);
      expect([tags, response.status, (await response.text()) === '']).toEqual([
        tags,
        ...(tags === '"x"' ? [200, false] : [304, true]),
      ]);
    }
  });
  it('MD-03 a scope taken away is not announced; one added is', async () => {
    const own = await makeWorld({ scopes: { phone: null, billing: 'See your bills' } });
    const { body } = await get('/.well-known/openid-configuration', {}, own);
    expect(body['scopes_supported']).toEqual([
      'openid',
      'profile',
      'email',
      'address',
      'offline_access',
      'billing',
    ]);
    expect(body['claims_supported']).not.toContain('phone_number');
  });
  it('[OIDC Discovery §3] keys that cannot be had: 500, and a line in the log', async () => {
    const broken = await makeWorld();
    Object.assign(broken.provider.keys, {
      published: async () => Promise.reject(new Error('keys are gone')),
    });
    expect((await get('/.well-known/openid-configuration', {}, broken)).status).toBe(500);
    expect(broken.reasons.at(-1)).toBe('unexpected');
  });
  it('every endpoint answers with and without its slash; the names give the addresses', async () => {
    for (const name of [
      'authorize',
      'token',
      'userinfo',
      'user-info',
      'introspect',
      'revoke-token',
      'rp-initiated-logout',
      'jwks-info',
      'oidc-connect-discovery-info',
    ] as const) {
      const url = world.provider.url(name);
      for (const address of [url, url.replace(/\/$/, ''), `${url.replace(/\/$/, '')}/`]) {
        expect((await world.provider.fetch(new Request(address))).status, address).not.toBe(404);
      }
    }
  });
});

describe('JWKS', () => {
  it('[RFC7638 §3] MD-02 public members only, kid is the thumbprint', async () => {
    const { body, headers } = await get('/.well-known/jwks.json');
    const keys = body['keys'] as Record<string, string>[];
    expect(keys.map(({ alg }) => alg)).toEqual(['RS256', 'PS256', 'ES256', 'EdDSA']);
    for (const key of keys) {
      expect(
        Object.keys(key).filter(
          (name) => !['kty', 'n', 'e', 'crv', 'x', 'y', 'kid', 'alg', 'use'].includes(name),
        ),
      ).toEqual([]);
      expect(key['kid']).toBe(
        await calculateJwkThumbprint(key as Parameters<typeof calculateJwkThumbprint>[0]),
      );
      expect(key['use']).toBe('sig');
    }
    expect(headers.get('cache-control')).toBe('public, max-age=3600');
    expect((await get('/o/.well-known/jwks.json/')).body).toEqual(body);
  });
});

describe('ID tokens', () => {
  it.each<IdTokenAlg>(['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'])(
    '[OIDC Core §2] [OIDC Core §3.1.3.6] [OIDC Core §3.1.3.7] [OIDC Core §10.1] JW-15 signed with %s',
    async (alg) => {
      const { client, clientSecret } = await world.provider.clients.create({
        name: alg,
        redirectUris: ['https://rp.example/cb'],
        idTokenSignedResponseAlg: alg,
      });
      const proof = pkce();
      const code = await getCode(world, proof, { client_id: client.clientId });
      const answer = await post(
        world,
        'token',
        {
          grant_type: 'authorization_code',
          code,
          redirect_uri: 'https://rp.example/cb',
          code_verifier: proof.verifier,
        },
        { authorization: basic(client.clientId, clientSecret ?? '') },
      );
      const tokens = answer.body as unknown as Tokens;
      const jwks = (await get('/.well-known/jwks.json')).body as { keys: [] };
      const options = {
        issuer: ISSUER,
        clientId: client.clientId,
        alg,
        nonce: 'the-nonce',
        accessToken: tokens.access_token,
        now: world.now,
        ...(alg === 'HS256' ? { clientSecret: clientSecret ?? '' } : { jwks }),
      };
      const claims = await verifyIdToken(tokens.id_token, options);
      expect(claims).toMatchObject({
        iss: ISSUER,
        sub: ALICE.sub,
        aud: client.clientId,
        azp: client.clientId,
        nonce: 'the-nonce',
        auth_time: world.now,
        iat: world.now,
        exp: world.now + 3600,
        amr: ['pwd'],
      });
      expect(Object.keys(claims).sort()).toEqual([
        'amr',
        'at_hash',
        'aud',
        'auth_time',
        'azp',
        'exp',
        'iat',
        'iss',
        'jti',
        'nonce',
        'sid',
        'sub',
      ]);
      const hash = createHash(alg === 'EdDSA' ? 'sha512' : 'sha256')
        .update(tokens.access_token)
        .digest();
      expect(claims['at_hash']).toBe(hash.subarray(0, hash.length / 2).toString('base64url'));
      const header = JSON.parse(
        Buffer.from(tokens.id_token.split('.')[0] ?? '', 'base64url').toString(),
      ) as Record<string, string>;
      expect(header['kid'] === undefined).toBe(alg === 'HS256');

      const record = await world.provider.store.tokens.findIdToken(String(claims['jti']));
      expect(record).toMatchObject({
        sub: ALICE.sub,
        clientId: client.clientId,
        expiresAt: world.now + 3600,
        scopes: ['openid', 'profile', 'email'],
        accessTokenDigest: createHash('sha256').update(tokens.access_token).digest('base64url'),
      });

      const failures: [string, object, string][] = [
        ['another issuer', { issuer: 'https://evil.example' }, 'issuer'],
        ['another client', { clientId: 'other' }, 'audience'],
        ['another algorithm', { alg: alg === 'RS256' ? 'ES256' : 'RS256' }, 'algorithm'],
        ['another nonce', { nonce: 'x' }, 'claim'],
        ['another access token', { accessToken: 'x' }, 'claim'],
        ['too late', { now: world.now + 3611 }, 'expired'],
        ['too early', { now: world.now - 11 }, 'not_yet_valid'],
        ['too old a sign-in', { now: world.now + 100, maxAge: 50 }, 'claim'],
        alg === 'HS256'
          ? ['another secret', { clientSecret: 'x'.repeat(40) }, 'signature']
          : ['no such key', { jwks: { keys: [] } }, 'unknown_key'],
      ];
      for (const [name, change, problem] of failures)
        await expect(
          verifyIdToken(tokens.id_token, { ...options, ...change }),
          name,
        ).rejects.toMatchObject({ problem });
      await expect(
        verifyIdToken(`${tokens.id_token.slice(0, -3)}AAA`, options),
      ).rejects.toMatchObject({
        problem: expect.stringMatching(/signature|malformed/) as unknown,
      });
    },
  );
  it('[RFC8725 §3.1] JW-01 JW-02 HS256 keyed with a public key, and none, are refused', async () => {
    const jwks = (await get('/.well-known/jwks.json')).body as { keys: Record<string, string>[] };
    const bytes = new TextEncoder().encode(JSON.stringify(jwks.keys[0]));
    const forged = await new SignJWT({ sub: ALICE.sub })
      .setProtectedHeader({ alg: 'HS256', kid: jwks.keys[0]?.['kid'] ?? '' })
      .setIssuer(ISSUER)
      .setAudience(world.web.clientId)
      .setIssuedAt(world.now)
      .setExpirationTime(world.now + 60)
      .sign(bytes);
    const options = {
      issuer: ISSUER,
      clientId: world.web.clientId,
      jwks: jwks as never,
      now: world.now,
    };
    await expect(verifyIdToken(forged, options)).rejects.toMatchObject({ problem: 'algorithm' });
    for (const alg of ['none', 'None', 'nOnE']) {
      const [, payload] = forged.split('.');
      await expect(
        verifyIdToken(
          `${Buffer.from(JSON.stringify({ alg })).toString('base64url')}.${payload}.`,
          options,
        ),
      ).rejects.toMatchObject({ problem: 'malformed' });
      await expect(
        verifyIdToken(
          `${Buffer.from(JSON.stringify({ alg })).toString('base64url')}.${payload}.AA`,
          options,
        ),
      ).rejects.toMatchObject({ problem: 'algorithm' });
    }
  });
  it('[RFC8725 §3.11] JW-10 an access token is no ID token and an ID token no access token', async () => {
    const tokens = await getTokens(world);
    expect(await isActive(world, tokens.id_token)).toBe(false);
  });
  it('JW-15 HS256 is for confidential clients, and never with a digest', async () => {
    await expect(
      world.provider.clients.create({
        name: 'x',
        tokenEndpointAuthMethod: 'none',
        redirectUris: ['https://x.example/'],
        idTokenSignedResponseAlg: 'HS256',
      }),
    ).rejects.toThrow(/HS256/);
    await expect(
      world.provider.clients.update(world.web.clientId, { idTokenSignedResponseAlg: 'HS256' }),
    ).rejects.toThrow(/register a new client/);
  });
});

describe('signing keys over time', () => {
  const DAY = 24 * 3600;
  const own = (): World['provider'] =>
    createProvider({
      issuer: ISSUER,
      store: memoryDatabase(),
      accounts: memoryAccounts([]),
      pages: builtInPages(),
      keySchedule: {
        algs: ['ES256'],
        rotateEvery: 10 * DAY,
        publishBefore: DAY,
        keepAfter: 2 * DAY,
      },
      clock: () => world.now,
    });

  it('MD-02 next, current, retired, removed, each for as long as caches and tokens live', async () => {
    const provider = own();
    await provider.maintain();
    const states = async (): Promise<string[]> =>
      (await provider.keys.list()).map(({ state }) => state);
    expect(await states()).toEqual(['current']);
    const current = async (): Promise<string | undefined> =>
      (await provider.keys.list()).find(({ state }) => state === 'current')?.kid;
    const isPublished = async (kid: string | undefined): Promise<boolean> =>
      (await provider.keys.published()).some((key) => key.kid === kid);
    const first = await current();
    world.now += 9 * DAY;
    await provider.maintain();
    expect(await states()).toEqual(['current', 'next']);
    expect(await provider.keys.published()).toHaveLength(2);
    expect(await current()).toBe(first);
    world.now += DAY;
    expect(await states()).toEqual(['retired', 'current']);
    expect(await current()).not.toBe(first);
    expect(await isPublished(first)).toBe(true);
    world.now += 2 * DAY;
    await provider.maintain();
    expect(await states()).toEqual(['current']);
    expect(await isPublished(first)).toBe(false);
  });
  it('[OIDC Discovery §3] RS256 has a key from the start, any other algorithm once a client registers for it', async () => {
    const provider = createProvider({
      issuer: ISSUER,
      store: memoryDatabase(),
      accounts: memoryAccounts([]),
      pages: builtInPages(),
    });
    await provider.maintain();
    const [key] = await provider.keys.published();
    expect([typeof key, key?.kty, Object.keys(key ?? {}).sort()]).toEqual([
      'object',
      'RSA',
      ['alg', 'e', 'kid', 'kty', 'n', 'use'],
    ]);
    const algs = async (): Promise<unknown[]> =>
      (await provider.keys.published()).map(({ alg }) => alg);
    expect(await algs()).toEqual(['RS256']);
    await provider.clients.create({
      name: 'x',
      redirectUris: ['https://x.example/'],
      idTokenSignedResponseAlg: 'EdDSA',
    });
    expect(await algs()).toEqual(['RS256', 'EdDSA']);
    await provider.keys.rotate({ emergency: true });
    expect(await algs()).toEqual(['RS256', 'EdDSA']);
  });
  it('rotation by hand, ordinary and in an emergency', async () => {
    const provider = own();
    await provider.maintain();
    expect(await provider.keys.rotate()).toBe(true);
    expect((await provider.keys.list()).map(({ state }) => state)).toEqual(['current', 'next']);
    // A successor waits already: another would only push it aside.
    expect(await provider.keys.rotate()).toBe(false);
    expect((await provider.keys.list()).map(({ state }) => state)).toEqual(['current', 'next']);
    expect(await provider.keys.rotate({ emergency: true })).toBe(true);
    expect((await provider.keys.list()).map(({ state }) => state)).toEqual(['current']);
  });
  it('ten nodes starting at once make one key set', async () => {
    const store = memoryDatabase();
    const secret = 'a secret of at least thirty-two characters';
    const nodes = Array.from({ length: 10 }, () =>
      createProvider({
        issuer: ISSUER,
        store,
        secret,
        accounts: memoryAccounts([]),
        pages: builtInPages(),
        keySchedule: { algs: ['ES256'] },
      }),
    );
    await Promise.all(nodes.map(async (node) => await node.maintain()));
    const kids = await Promise.all(
      nodes.map(async (node) => (await node.keys.published()).map(({ kid }) => kid).join()),
    );
    expect(new Set(kids).size).toBe(1);
  });
  it('ST-04 private keys rest sealed; without the secret nothing starts', async () => {
    const store = memoryDatabase();
    const make = (secret: string): World['provider'] =>
      createProvider({
        issuer: ISSUER,
        store,
        secret,
        accounts: memoryAccounts([]),
        pages: builtInPages(),
        keySchedule: { algs: ['ES256'] },
      });
    await make('one secret of at least thirty-two characters').maintain();
    expect(JSON.stringify(await store.forIssuer(ISSUER).keys.load())).not.toMatch(/"d\\?"/);
    await expect(make('another secret of thirty-two characters').maintain()).rejects.toThrow(
      /cannot be opened/,
    );
  });
  it('[RFC7518 §3.3] JW-11 an RSA key below 2048 bits is refused', async () => {
    const { generateKeyPairSync } = await import('node:crypto');
    const pem = generateKeyPairSync('rsa', { modulusLength: 1024 })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString();
    await expect(makeWorld({ signingKeys: [{ pem, alg: 'RS256', active: true }] })).rejects.toThrow(
      /2048/,
    );
  });
  it('a PEM of the configuration signs, an inactive one is only published', async () => {
    const { SIGNING_KEYS } = await import('./setup.ts');
    const [rs, ps] = SIGNING_KEYS;
    if (rs === undefined || ps === undefined) throw new Error('keys');
    const given = await makeWorld({ signingKeys: [rs, { ...ps, alg: 'RS256', active: false }] });
    const tokens = (
      await redeem(
        given,
        await getCode(given, {
          verifier: 'v'.repeat(43),
          challenge: createHash('sha256').update('v'.repeat(43)).digest('base64url'),
        }),
        'v'.repeat(43),
      )
    ).body;
    const { kid } = JSON.parse(
      Buffer.from(String(tokens['id_token']).split('.')[0] ?? '', 'base64url').toString(),
    ) as { kid: string };
    const keys = await given.provider.keys.list();
    expect(keys.map(({ state }) => state)).toEqual(['current', 'retired']);
    expect(kid).toBe(keys[0]?.kid);
  });
});

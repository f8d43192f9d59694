/** Access tokens as JWTs (RFC 9068): what they say, who gets them, and that they end as others. */
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose';
import {
  type AccessTokenClaimsRequest,
  type Config,
  jwtAccessTokens,
  type ResourceDefinition,
  resourceIndicators,
  responseTypes,
} from 'valetkey';
import { describe, expect, it } from 'vitest';
import { expectRefusal, expectRefusedRedirect } from '../refusals.ts';
import {
  ALICE,
  type Answer,
  basic,
  browserOf,
  claimsOf,
  getCode,
  ISSUER,
  makeWorld,
  openAuthorize,
  pkce,
  post,
  REDIRECT_URI,
  type World,
} from '../setup.ts';

const JWT_API = 'https://jwt.example/api';
const ES_API = 'https://es.example/api';
const OPAQUE_API = 'https://opaque.example/api';
const SHORT_API = 'https://short.example/api';

const RESOURCES: readonly (string | ResourceDefinition)[] = [
  { resource: JWT_API, tokenFormat: 'jwt', scopes: ['read'] },
  { resource: ES_API, tokenFormat: 'jwt', tokenSigningAlg: 'ES256' },
  { resource: SHORT_API, tokenFormat: 'jwt', tokenLifetime: 60 },
  OPAQUE_API,
];

const worldWith = async (
  more: Partial<Config> = {},
  resources: readonly (string | ResourceDefinition)[] = RESOURCES,
): Promise<World> =>
  await makeWorld({ features: [resourceIndicators({ enabled: true, resources })], ...more });

/** Signs somebody in and redeems the code. */
async function signIn(
  world: World,
  asked: Readonly<Record<string, string | null>> = {},
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const proof = pkce();
  const code = await getCode(world, proof, { scope: 'openid read', ...asked });
  const fields = { grant_type: 'authorization_code', code, code_verifier: proof.verifier };
  return await post(world, 'token', { ...fields, redirect_uri: REDIRECT_URI, ...more });
}

const forClient = async (world: World, fields: Readonly<Record<string, string>> = {}) =>
  await post(world, 'token', { grant_type: 'client_credentials', scope: 'read', ...fields });

const tokenOf = ({ body }: Answer): string => String(body['access_token']);

/** The claims, verified as RFC 9068 §4 has it, by jose. */
async function verified(world: World, token: string, audience: string): Promise<JWTPayload> {
  const keys = { keys: [...(await world.provider.keys.published())] };
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
    typ: 'at+jwt',
    issuer: ISSUER,
    audience,
    currentDate: new Date(world.now * 1000),
    requiredClaims: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
  });
  return payload;
}

const headerOf = (jwt: string): unknown =>
  JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString());

describe('what it says', () => {
  it('[RFC9068 §2.2] JW-16 of a person: who, for whom, how they signed in, and for how long', async () => {
    const world = await worldWith();
    const answer = await signIn(world, { resource: JWT_API });
    const claims = await verified(world, tokenOf(answer), JWT_API);
    expect(claims).toEqual({
      iss: ISSUER,
      sub: ALICE.sub,
      aud: JWT_API,
      client_id: world.web.clientId,
      scope: 'read',
      iat: world.now,
      exp: world.now + 900,
      auth_time: world.now,
      amr: ['pwd'],
      jti: expect.stringMatching(/^[\w-]{22}$/),
    });
    expect(headerOf(tokenOf(answer))).toEqual({
      alg: 'RS256',
      typ: 'at+jwt',
      kid: expect.any(String),
    });
  });
  it('[RFC9068 §2.2] TK-14 of the client itself: its client_id as sub, and nothing of a login', async () => {
    const world = await worldWith();
    const answer = await forClient(world, { resource: JWT_API });
    const claims = await verified(world, tokenOf(answer), JWT_API);
    expect([claims.sub, claims['client_id']]).toEqual([world.web.clientId, world.web.clientId]);
    expect(Object.keys(claims).sort().join(' ')).toBe('aud client_id exp iat iss jti scope sub');
  });
  it('[RFC9068 §3] without a resource it is for this provider, which accepts it', async () => {
    const world = await worldWith({ features: [jwtAccessTokens({ format: 'jwt' })] });
    const answer = await signIn(world, { scope: 'openid' });
    await verified(world, tokenOf(answer), ISSUER);
    const info = await post(world, 'userinfo', '', { authorization: `Bearer ${tokenOf(answer)}` });
    expect([info.status, info.body['sub']]).toEqual([200, ALICE.sub]);
  });
  it('[RFC9068 §2.2.3] has the claims of the host, but none that the protocol owns', async () => {
    const asked: AccessTokenClaimsRequest[] = [];
    const world = await worldWith({
      accessTokenClaims(request) {
        asked.push(request);
        return { roles: ['admin'], sub: 'mallory', client_id: 'x', scope: 'all', cnf: {}, act: {} };
      },
    });
    const answer = await signIn(world, { resource: JWT_API });
    const claims = await verified(world, tokenOf(answer), JWT_API);
    expect([claims['roles'], claims.sub, claims['scope'], claims['cnf'], claims['act']]).toEqual([
      ['admin'],
      ALICE.sub,
      'read',
      undefined,
      undefined,
    ]);
    expect(asked.map(({ account, scopes }) => [account?.sub, scopes])).toEqual([
      [ALICE.sub, ['read']],
    ]);
    const told = await post(world, 'introspect', { token: tokenOf(answer) });
    expect([told.body['roles'], told.body['client_id']]).toEqual([['admin'], world.web.clientId]);
  });
});

describe('who gets one', () => {
  it.each<[what: string, format: string | null, usual: 'opaque' | 'jwt', isJwt: boolean]>([
    ['a client that says nothing', null, 'opaque', false],
    ['a client registered for JWTs', 'jwt', 'opaque', true],
    ['a client that says nothing where JWTs are usual', null, 'jwt', true],
    ['a client registered for opaque ones where JWTs are usual', 'opaque', 'jwt', false],
  ])('%s', async (_what, format, usual, isJwt) => {
    const world = await worldWith({ features: [jwtAccessTokens({ format: usual })] });
    const fields = { access_token_format: format };
    await world.provider.clients.update(world.web.clientId, { fields });
    for (const answer of [await signIn(world), await forClient(world)])
      expect(tokenOf(answer).startsWith('eyJ')).toBe(isJwt);
  });
  it.each([
    ['its format', JWT_API, 'RS256'],
    ['its algorithm', ES_API, 'ES256'],
  ])('an API has %s, whatever the client is registered for', async (_what, resource, alg) => {
    const world = await worldWith();
    await world.provider.clients.update(world.web.clientId, {
      fields: { access_token_format: 'opaque', access_token_signed_response_alg: 'RS256' },
    });
    const token = tokenOf(await forClient(world, { resource }));
    expect(headerOf(token)).toMatchObject({ alg });
    await verified(world, token, resource);
  });
  it('a client has its algorithm where the API says nothing', async () => {
    const world = await worldWith();
    const fields = { access_token_signed_response_alg: 'ES256' };
    await world.provider.clients.update(world.web.clientId, { fields });
    const answer = await forClient(world, { resource: JWT_API });
    expect(headerOf(tokenOf(answer))).toMatchObject({ alg: 'ES256' });
  });
  it.each(['HS256', 'none', 'ES384'])(
    'JW-01 a client cannot be registered for %s, for which there is no key',
    async (alg) => {
      const world = await worldWith();
      const fields = { access_token_signed_response_alg: alg };
      await expect(
        world.provider.clients.update(world.web.clientId, { fields }),
      ).rejects.toMatchObject({ name: 'ClientMetadataError' });
    },
  );
  it('[RFC8707 §2] its lifetime is the one of the API, if that is shorter', async () => {
    const world = await worldWith();
    const answer = await forClient(world, { resource: SHORT_API });
    expect(answer.body['expires_in']).toBe(60);
    expect(claimsOf(tokenOf(answer))['exp']).toBe(world.now + 60);
  });
});

describe('what it may not be', () => {
  it('[RFC9068 §4] JW-16 living longer than the key that signed it is published', async () => {
    const world = await worldWith({
      features: [jwtAccessTokens({ format: 'jwt' })],
      lifetimes: { accessToken: 30 * 24 * 3600 },
    });
    expect((await forClient(world)).body['expires_in']).toBe(2 * 24 * 3600);
    const fields = { access_token_format: 'opaque' };
    await world.provider.clients.update(world.web.clientId, { fields });
    expect((await forClient(world)).body['expires_in']).toBe(30 * 24 * 3600);
  });
  it('[RFC7009 §2.1] longer than what can be introspected and revoked', async () => {
    const roles = Array.from({ length: 500 }, (_, n) => `a role with a long name, number ${n}`);
    const world = await worldWith({ accessTokenClaims: () => ({ roles }) });
    const answer = await forClient(world, { resource: JWT_API });
    expect([answer.status, answer.body['error']]).toEqual([500, 'server_error']);
    expect((await forClient(world, { resource: OPAQUE_API })).status).toBe(200);
  });
});

describe('it ends as any other', () => {
  const ends: readonly [what: string, end: (world: World, token: string) => Promise<unknown>][] = [
    ['revocation', async (world, token) => await post(world, 'revoke-token', { token })],
    ['its end', async (world) => (world.now += 901)],
    [
      'a subject that is revoked',
      async ({ provider }) => await provider.subjects.revoke(ALICE.sub),
    ],
    [
      'a consent that is withdrawn',
      async ({ provider, web }) => await provider.subjects.withdraw(ALICE.sub, web.clientId),
    ],
  ];
  it.each(ends)('[RFC7662 §2.2] IR-04 %s makes it inactive', async (_what, end) => {
    const world = await worldWith();
    const token = tokenOf(await signIn(world, { resource: JWT_API }));
    const ask = async () => (await post(world, 'introspect', { token })).body['active'];
    expect(await ask()).toBe(true);
    await end(world, token);
    expect(await ask()).toBe(false);
  });
  it('[RFC7009 §2.1] RV-01 another client ends nothing', async () => {
    const world = await worldWith();
    const token = tokenOf(await forClient(world, { resource: JWT_API }));
    const other = basic(world.other.clientId, world.otherSecret);
    await world.provider.clients.update(world.other.clientId, {
      tokenEndpointAuthMethod: 'client_secret_basic',
    });
    await post(world, 'revoke-token', { token }, { authorization: other });
    expect((await post(world, 'introspect', { token })).body['active']).toBe(true);
  });
  it('[RFC7009 §2] RV-04 with its family, and the family with it', async () => {
    const world = await worldWith();
    const answer = await signIn(world, { resource: JWT_API });
    await post(world, 'revoke-token', { token: tokenOf(answer) });
    const refresh = { grant_type: 'refresh_token', refresh_token: answer.body['refresh_token'] };
    expect((await post(world, 'token', refresh as Record<string, string>)).body['error']).toBe(
      'invalid_grant',
    );
  });
  it.each<[what: string, change: (jwt: string) => string]>([
    ['its signature cut', (jwt) => jwt.slice(0, -1)],
    ['another signature', (jwt) => `${jwt.slice(0, -2)}AA`],
    ['no signature', (jwt) => `${jwt.split('.').slice(0, 2).join('.')}.`],
    ['more claims', (jwt) => jwt.replace(/\.[^.]*\./, '.e30.')],
  ])('TK-16 JW-06 one with %s is worth nothing', async (_what, change) => {
    const world = await worldWith();
    const token = change(tokenOf(await forClient(world, { resource: JWT_API })));
    expect((await post(world, 'introspect', { token })).body).toEqual({ active: false });
  });
  it('[RFC9068 §2.1] JW-10 it is no hint, and an ID token is no access token', async () => {
    const world = await worldWith({ features: [jwtAccessTokens({ format: 'jwt' })] });
    const { body } = await signIn(world);
    const bearer = { authorization: `Bearer ${String(body['id_token'])}` };
    expect((await post(world, 'userinfo', '', bearer)).status).toBe(401);
    const token = String(body['id_token']);
    expect((await post(world, 'introspect', { token })).body).toEqual({ active: false });
    const visit = await openAuthorize(world, browserOf(world), {
      id_token_hint: String(body['access_token']),
    });
    expectRefusedRedirect(world, visit, { error: 'invalid_request', reason: 'id_token_hint' });
  });
  it('[RFC6749 §6] RT-02 a refresh token that is repeated gets the same JWT again', async () => {
    const world = await worldWith();
    await world.provider.clients.update(world.web.clientId, { rotateRefreshTokens: true });
    const first = await signIn(world, { resource: ES_API });
    const refresh = {
      grant_type: 'refresh_token',
      refresh_token: String(first.body['refresh_token']),
    };
    const [one, two] = [await post(world, 'token', refresh), await post(world, 'token', refresh)];
    expect(two.body['access_token']).toBe(one.body['access_token']);
    await verified(world, tokenOf(two), ES_API);
  });
});

describe('several APIs', () => {
  const asked = `${JWT_API} ${ES_API}`;
  it('[RFC8707 §2.2] of a grant for several, each token names one of them', async () => {
    const world = await worldWith();
    const first = await signIn(world, { resource: asked }, { resource: ES_API });
    await verified(world, tokenOf(first), ES_API);
    const refresh = {
      grant_type: 'refresh_token',
      refresh_token: String(first.body['refresh_token']),
    };
    const second = await post(world, 'token', { ...refresh, resource: JWT_API });
    expect((await verified(world, tokenOf(second), JWT_API))['scope']).toBe('read');
    expect(second.body['scope']).toBe('read');
  });
  it.each([
    ['formats', `${JWT_API} ${OPAQUE_API}`],
    ['algorithms', asked],
  ])(
    '[RFC8707 §2.2] one token cannot be for APIs with different %s, and nothing is used up',
    async (_what, resource) => {
      const world = await worldWith();
      const proof = pkce();
      const code = await getCode(world, proof, { scope: 'openid read', resource });
      const fields = {
        grant_type: 'authorization_code',
        code,
        code_verifier: proof.verifier,
        redirect_uri: REDIRECT_URI,
      };
      const refused = await post(world, 'token', fields);
      const reason = 'resources_differ';
      expectRefusal(world, refused, { status: 400, error: 'invalid_target', reason });
      expect((await post(world, 'token', { ...fields, resource: JWT_API })).status).toBe(200);
    },
  );
  it('[RFC8707 §2] the parameter may be repeated, at both endpoints', async () => {
    const world = await worldWith({}, [
      { resource: 'https://a.example', tokenFormat: 'jwt' },
      { resource: 'https://b.example', tokenFormat: 'jwt' },
    ]);
    const form =
      'grant_type=client_credentials&resource=https://a.example&resource=https://b.example';
    const both = ['https://a.example', 'https://b.example'];
    const answer = await post(world, 'token', form);
    expect(claimsOf(tokenOf(answer))['aud']).toEqual(both);
    const told = await post(world, 'introspect', { token: tokenOf(answer) });
    expect(told.body['aud']).toEqual(both);
  });
  it('[RFC8707 §2] more than ten are refused', async () => {
    const world = await worldWith();
    const resource = Array.from({ length: 11 }, (_, n) => `https://${n}.example`).join(' ');
    const refused = await forClient(world, { resource });
    const reason = 'too_many_resources';
    expectRefusal(world, refused, { status: 400, error: 'invalid_target', reason });
  });
  it('[RFC8707 §2] a scope that has no meaning at the API is refused where it stands alone', async () => {
    const world = await worldWith();
    const refused = await forClient(world, { scope: 'write', resource: JWT_API });
    const reason = 'scope_of_other_resource';
    expectRefusal(world, refused, { status: 400, error: 'invalid_scope', reason });
    const less = await forClient(world, { scope: 'read write', resource: JWT_API });
    expect(less.body['scope']).toBe('read');
  });
  it('[OIDC Core §3.1.3.3] there is an ID token all the same', async () => {
    const world = await worldWith();
    const { body } = await signIn(world, { resource: JWT_API });
    expect([typeof body['id_token'], body['scope']]).toEqual(['string', 'read']);
  });
});

describe('an authorization response', () => {
  it('[RFC9068 §2] carries no JWT access token: nobody can repeat its signature', async () => {
    const world = await worldWith({
      features: [
        resourceIndicators({ enabled: true, resources: RESOURCES }),
        responseTypes({ allowImplicit: true }),
      ],
    });
    await world.provider.clients.update(world.web.clientId, {
      responseTypes: ['id_token token'],
      grantTypes: ['implicit'],
    });
    const asked = { response_type: 'id_token token', scope: 'openid read' };
    const visit = await openAuthorize(world, browserOf(world), { ...asked, resource: JWT_API });
    expect(visit.leaves?.hash).toContain('error=invalid_request');
    expect(world.reasons.at(-1)).toBe('front_channel_format');
  });
});

/** The JWT bearer grant (RFC 7523 §2.1): which assertions are good, once, and what they lead to. */
import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import {
  type Config,
  ConfigError,
  jwtBearer,
  type TrustedIssuer,
  type VerifiedAssertion,
} from 'valetkey';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  ALICE,
  type Answer,
  getTokens,
  ISSUER,
  isActive,
  makeWorld,
  post,
  type World,
} from '../setup.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const TRUSTED = 'https://trusted.example';
const SUBJECTS = new Map([['alice@trusted', ALICE.sub]]);

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;
let key: Pair;
let other: Pair;
let jwks: { keys: object[] };
beforeAll(async () => {
  [key, other] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')];
  jwks = { keys: [{ ...(await exportJWK(key.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] };
});

let world: World;
const asked: VerifiedAssertion[] = [];
const bearerWorld = async (
  issuer: Partial<TrustedIssuer> = {},
  more: Partial<Config> = {},
): Promise<World> => {
  const issuers = [{ issuer: TRUSTED, jwks, ...issuer }];
  const made = await makeWorld({
    features: [
      jwtBearer({
        issuers,
        subject(assertion) {
          asked.push(assertion);
          return SUBJECTS.get(String(assertion.claims['sub'])) ?? null;
        },
      }),
    ],
    ...more,
  });
  await made.provider.clients.update(made.web.clientId, {
    grantTypes: [GRANT, 'refresh_token', 'authorization_code'],
  });
  return made;
};
beforeEach(async () => {
  asked.length = 0;
  world = await bearerWorld();
});

interface Wanted {
  readonly claims?: JWTPayload;
  readonly header?: object;
  readonly by?: Pair;
}
async function assertion({ claims, header, by = key }: Wanted = {}): Promise<string> {
  const payload = {
    iss: TRUSTED,
    sub: 'alice@trusted',
    aud: ISSUER,
    iat: world.now,
    exp: world.now + 300,
    jti: randomUUID(),
    ...claims,
  };
  return await new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', kid: 'one', ...header })
    .sign(by.privateKey);
}
const redeem = async (text: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  await post(world, 'token', { grant_type: GRANT, assertion: text, scope: 'openid read', ...more });

const now = (): number => world.now;

describe('an assertion that is refused', () => {
  it.each<[what: string, wanted: () => Wanted, reason: string]>([
    [
      'of an issuer that nobody trusts',
      () => ({ claims: { iss: 'https://x' } }),
      'assertion_issuer',
    ],
    ['of no issuer', () => ({ claims: { iss: undefined as never } }), 'assertion_issuer'],
    [
      'of an issuer named like an object',
      () => ({ claims: { iss: '__proto__' } }),
      'assertion_issuer',
    ],
    ['signed by another key', () => ({ by: other }), 'assertion_signature'],
    ['with an unknown kid', () => ({ header: { kid: 'two' } }), 'assertion_unknown_key'],
    ['JW-10 of another type', () => ({ header: { typ: 'at+jwt' } }), 'assertion_type'],
    [
      'JW-10 that is a client assertion',
      () => ({ header: { typ: 'client-authentication+jwt' } }),
      'assertion_type',
    ],
    ['JW-17 for another audience', () => ({ claims: { aud: 'https://x' } }), 'assertion_audience'],
    [
      'for the token endpoint',
      () => ({ claims: { aud: `${ISSUER}/o/token/` } }),
      'assertion_audience',
    ],
    [
      'for others as well',
      () => ({ claims: { aud: [ISSUER, 'https://x'] } }),
      'assertion_audience',
    ],
    ['for nobody', () => ({ claims: { aud: undefined as never } }), 'assertion_audience'],
    ['that has expired', () => ({ claims: { exp: now() - 31 } }), 'assertion_expired'],
    ['without end', () => ({ claims: { exp: undefined as never } }), 'assertion_claim'],
    ['that is not valid yet', () => ({ claims: { nbf: now() + 60 } }), 'assertion_not_yet_valid'],
    ['that lives too long', () => ({ claims: { exp: now() + 3700 } }), 'assertion_lifetime'],
    ['without jti', () => ({ claims: { jti: undefined as never } }), 'assertion_claim'],
    ['with a long jti', () => ({ claims: { jti: 'x'.repeat(256) } }), 'assertion_claim'],
    ['about nobody', () => ({ claims: { sub: '' } }), 'assertion_claim'],
    ['about somebody unknown', () => ({ claims: { sub: 'mallory' } }), 'assertion_subject'],
  ])('[RFC7523 §3] %s', async (_what, wanted, reason) => {
    const text = await assertion(wanted());
    expectRefusal(world, await redeem(text), { status: 400, error: 'invalid_grant', reason });
  });
  it.each(['x', 'a.b', 'a.b.c', `${'a'.repeat(4000)}.b.c`])(
    '[RFC7523 §3] JW-06 that cannot be read',
    async (text) => {
      expectRefusal(world, await redeem(text), {
        status: 400,
        error: 'invalid_grant',
        reason: 'assertion_malformed',
      });
    },
  );
  it('[RFC8725 §3.1] JW-01 by an algorithm that its issuer does not use', async () => {
    world = await bearerWorld({ algs: ['RS256'] });
    expectRefusal(world, await redeem(await assertion()), {
      status: 400,
      error: 'invalid_grant',
      reason: 'assertion_algorithm',
    });
  });
  it('[RFC8725 §3.1] JW-02 by a secret', async () => {
    const text = await new SignJWT({ iss: TRUSTED })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode('x'.repeat(32)));
    expectRefusal(world, await redeem(text), {
      status: 400,
      error: 'invalid_grant',
      reason: 'assertion_algorithm',
    });
  });
  it('[RFC7523 §3] whose keys cannot be read', async () => {
    const jwksUri = 'https://127.0.0.1/jwks';
    world = await makeWorld({
      features: [jwtBearer({ issuers: [{ issuer: TRUSTED, jwksUri }], subject: () => ALICE.sub })],
    });
    await world.provider.clients.update(world.web.clientId, {
      grantTypes: [GRANT],
      responseTypes: [],
    });
    expectRefusal(world, await redeem(await assertion()), {
      status: 400,
      error: 'invalid_grant',
      reason: 'assertion_keys_unavailable',
    });
  });
  it('of a client that proves nothing, which cannot be meant', async () => {
    await world.provider.clients.update(world.spa.clientId, {
      grantTypes: [GRANT],
      responseTypes: [],
    });
    const body = new URLSearchParams({
      grant_type: GRANT,
      assertion: await assertion(),
      client_id: world.spa.clientId,
    });
    const request = new Request(world.provider.url('token'), { method: 'POST', body });
    const response = await world.provider.fetch(request);
    expect([response.status, world.reasons.at(-1)]).toEqual([400, 'client_not_confidential']);
  });
});

describe('a good assertion', () => {
  it('[RFC7523 §2.1] [RFC7521 §4.1] leads to an access token of the subject, and nothing else', async () => {
    const answer = await redeem(await assertion());
    expect(answer.body).toEqual({
      access_token: expect.stringMatching(/^vkat_/),
      token_type: 'Bearer',
      expires_in: 900,
      scope: 'openid read',
    });
    const told = await post(world, 'introspect', { token: String(answer.body['access_token']) });
    // Nobody signed in here, so nothing is said of a login.
    expect(told.body).toMatchObject({ sub: ALICE.sub, client_id: world.web.clientId });
    expect([told.body['auth_time'], told.body['amr']]).toEqual([undefined, undefined]);
    expect(asked[0]).toMatchObject({
      claims: { sub: 'alice@trusted' },
      issuer: { issuer: TRUSTED },
      client: { clientId: world.web.clientId },
    });
  });
  it.each([undefined, 'JWT', 'authorization-grant+jwt'])('may have the type %s', async (typ) => {
    expect((await redeem(await assertion({ header: { typ } }))).status).toBe(200);
  });
  it('[RFC7523 §3] is good once, of 100 parallel requests', async () => {
    const text = await assertion();
    const answers = await Promise.all(Array.from({ length: 100 }, async () => await redeem(text)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expectRefusal(world, await redeem(text), {
      status: 400,
      error: 'invalid_grant',
      reason: 'assertion_replayed',
    });
  });
  it('[RFC7523 §3] has a jti of its issuer: another issuer may have the same', async () => {
    const issuers = [TRUSTED, 'https://second.example'].map((issuer) => ({ issuer, jwks }));
    const features = [jwtBearer({ issuers, subject: () => ALICE.sub })];
    world = await bearerWorld({}, { features });
    const claims = { jti: 'the same' };
    expect((await redeem(await assertion({ claims }))).status).toBe(200);
    const second = { ...claims, iss: 'https://second.example' };
    expect((await redeem(await assertion({ claims: second }))).status).toBe(200);
  });
  it('[RFC6749 §3.3] TK-12 leads to no scope that its issuer may not give', async () => {
    world = await bearerWorld({ scopes: ['read'] });
    expect((await redeem(await assertion())).body['scope']).toBe('read');
    expectRefusal(world, await redeem(await assertion(), { scope: 'write' }), {
      status: 400,
      error: 'invalid_scope',
      reason: 'scope_of_issuer',
    });
    expect(world.refusals.at(-1)).toMatchObject({
      expected: 'scopes of its issuer: read',
      received: 'write',
    });
  });
  it('[RFC7523 §3] TK-13 about an account that is disabled leads to nothing', async () => {
    Object.assign(world.accounts, { find: async () => await Promise.resolve(null) });
    expectRefusal(world, await redeem(await assertion()), {
      status: 400,
      error: 'invalid_grant',
      reason: 'account_disabled',
    });
  });
  it('IR-04 its token ends with everything of the subject', async () => {
    const token = String((await redeem(await assertion())).body['access_token']);
    expect(await isActive(world, token)).toBe(true);
    await world.provider.subjects.revoke(ALICE.sub);
    expect(await isActive(world, token)).toBe(false);
  });
});

describe('the options', () => {
  it.each<[what: string, issuers: readonly unknown[], option: string]>([
    ['no address', [{ issuer: TRUSTED, jwksUri: 'nonsense' }], 'jwtBearer.issuers[0].jwksUri'],
    ['no name', [{ jwksUri: 'https://x.example' }], 'jwtBearer.issuers[0].issuer'],
    ['no keys', [{ issuer: TRUSTED }], 'jwtBearer.issuers[0]'],
    [
      'two places of keys',
      [{ issuer: TRUSTED, jwks: { keys: [] }, jwksUri: 'https://x.example' }],
      'jwtBearer.issuers[0]',
    ],
    [
      'a private key',
      [{ issuer: TRUSTED, jwks: { keys: [{ kty: 'EC', d: 'x' }] } }],
      'jwtBearer.issuers[0].jwks',
    ],
    [
      'a secret algorithm',
      [{ issuer: TRUSTED, jwksUri: 'https://x.example', algs: ['HS256'] }],
      'jwtBearer.issuers[0].algs',
    ],
    [
      'an issuer twice',
      [TRUSTED, TRUSTED].map((issuer) => ({ issuer, jwksUri: 'https://x.example' })),
      'jwtBearer.issuers[1]',
    ],
    ['an issuer that is no object', ['https://x.example'], 'jwtBearer.issuers[0]'],
  ])('refuse %s', async (_what, issuers, option) => {
    const features = [jwtBearer({ issuers: issuers as TrustedIssuer[], subject: () => null })];
    const failure = await makeWorld({ features }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    const named = (failure as ConfigError).problems.map((problem) => problem.option);
    expect(named).toContain(option);
  });
  it('refuse issuers without a function that says who the subject is', async () => {
    const features = [jwtBearer({ issuers: [{ issuer: TRUSTED, jwks }] })];
    await expect(makeWorld({ features })).rejects.toBeInstanceOf(ConfigError);
  });
  it('[RFC7523 §2.1] without issuers the grant is not offered', async () => {
    world = await makeWorld();
    expect((await redeem('x')).body['error']).toBe('unsupported_grant_type');
    expect((await getTokens(world)).access_token).toBeDefined();
  });
});

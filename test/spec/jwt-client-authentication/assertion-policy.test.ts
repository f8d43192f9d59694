/** What operators decide about assertions, and what may be registered. Rules CL, RG. */
import { memoryDatabase } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { basic, ISSUER } from '../setup.ts';
import {
  assertionOf,
  bySecret,
  EC,
  type JwtWorld,
  jwkOf,
  makeJwtWorld,
  OTHER,
  ownTokens,
  send,
} from './assertions.ts';

let world: JwtWorld;
beforeEach(async () => {
  world = await makeJwtWorld();
});

describe('an endpoint as audience', () => {
  const AUDIENCES = [`${ISSUER}/o/token/`, [`${ISSUER}/o/token/`, ISSUER]];
  it.each([
    ['for every client', { allowEndpointAudience: true }, {}],
    ['for one client', {}, { fields: { allow_endpoint_audience: true } }],
  ])(
    'CL-07 is allowed by the operator %s, and named at the start',
    async (_what, options, client) => {
      world = await makeJwtWorld(options, client);
      for (const aud of AUDIENCES) {
        const { clientId } = world.jwt;
        const good = await ownTokens(world, assertionOf(world, clientId, { claims: { aud } }));
        expect(good.status).toBe(200);
        const bad = { claims: { aud: [ISSUER, 'https://x.example'] } };
        expect((await ownTokens(world, assertionOf(world, clientId, bad))).status).toBe(401);
      }
      expect(
        world.provider.weakened.includes('jwtClientAuthentication.allowEndpointAudience'),
      ).toBe(Object.keys(options).length > 0);
    },
  );
  it('CL-07 is an endpoint of this provider, whatever Host the request names', async () => {
    world = await makeJwtWorld({ allowEndpointAudience: true });
    const introspect = async (origin: string, aud: string): Promise<number> => {
      const assertion = assertionOf(world, world.jwt.clientId, { claims: { aud } });
      const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
      const form = { token: 'x', client_assertion: assertion, client_assertion_type: type };
      const body = new URLSearchParams(form);
      const request = new Request(`${origin}/o/introspect/`, { method: 'POST', body });
      return (await world.provider.fetch(request)).status;
    };
    expect(await introspect(ISSUER, `${ISSUER}/o/introspect/`)).toBe(200);
    const other = 'https://other.example';
    expect(await introspect(other, `${other}/o/introspect/`)).toBe(401);
  });
  it('CL-07 names the option in the log', async () => {
    const lines: object[] = [];
    const note = (facts: object): void => void lines.push(facts);
    world = await makeJwtWorld({}, {}, { logger: { info: note, warn: note, error: note } });
    const [aud] = AUDIENCES;
    await ownTokens(world, assertionOf(world, world.jwt.clientId, { claims: { aud } }));
    expect(lines.at(-1)).toMatchObject({
      reason: 'client_assertion_audience',
      remedy: expect.stringMatching(
        /application update --client-id \S+ --allow-endpoint-audience$/,
      ),
    });
  });
});

describe('client_secret_jwt', () => {
  const METHOD = { tokenEndpointAuthMethod: 'client_secret_jwt', jwks: null };
  it('CL-15 is not offered unless the operator says so', async () => {
    await expect(makeJwtWorld({}, METHOD)).rejects.toThrow(
      /tokenEndpointAuthMethod is not offered/,
    );
  });
  it('CL-15 signs with the secret, which is kept readable from the start', async () => {
    world = await makeJwtWorld({ allowClientSecretJwt: true }, METHOD);
    const made = await world.provider.clients.rotateSecret(world.jwt.clientId, 0);
    const secret = made?.clientSecret ?? '';
    const header = { alg: 'HS256', kid: undefined };
    const { clientId } = world.jwt;
    const good = assertionOf(world, clientId, { header, signed: bySecret(secret) });
    expect((await ownTokens(world, good)).status).toBe(200);
    const bad = assertionOf(world, clientId, { header, signed: bySecret('another secret') });
    expectRefusal(world, await ownTokens(world, bad), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_assertion_signature',
    });
    // An assertion by a key is of another method.
    expectRefusal(world, await ownTokens(world, assertionOf(world, clientId)), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_authentication_method',
    });
    expect(world.provider.weakened).toContain('jwtClientAuthentication.allowClientSecretJwt');
  });
  it('CL-15 is not for a client whose secret is a digest: that one is registered anew', async () => {
    world = await makeJwtWorld({ allowClientSecretJwt: true });
    await expect(world.provider.clients.update(world.web.clientId, METHOD)).rejects.toThrow(
      /client_secret_jwt needs a secret that is kept readable/,
    );
  });
});

it('[RFC7517 §4.5] CL-11 two keys of one id prove nothing', async () => {
  const keys = [EC, OTHER].map(({ publicKey }) => jwkOf(publicKey, { kid: 'ec' }));
  world = await makeJwtWorld({}, { jwks: { keys } });
  expectRefusal(world, await ownTokens(world, assertionOf(world, world.jwt.clientId)), {
    status: 401,
    error: 'invalid_client',
    reason: 'client_assertion_unknown_key',
  });
});

describe('registration', () => {
  const create = async (client: object) =>
    await makeJwtWorld({}, client).then(
      () => 'made',
      (error: Error) => error.message,
    );
  const key = jwkOf(EC.publicKey);
  it.each<[string, object, RegExp]>([
    ['no keys', { jwks: null }, /jwks is missing: private_key_jwt needs jwks or jwks_uri/],
    ['an empty set', { jwks: { keys: [] } }, /jwks must have keys/],
    ['no list', { jwks: { keys: {} } }, /jwks must have keys/],
    ['no object', { jwks: [key] }, /jwks must be a JSON object/],
    ['a private key', { jwks: { keys: [jwkOf(EC.privateKey)] } }, /jwks has a private key/],
    ['a symmetric key', { jwks: { keys: [{ kty: 'oct', k: 'AA' }] } }, /jwks has a private key/],
    ['a key without kty', { jwks: { keys: [{ x: 'y' }] } }, /jwks has a key without kty/],
    ['both', { jwksUri: 'https://rp.example/jwks' }, /jwks must not stand beside jwks_uri/],
    [
      'RG-05 an http address',
      { jwks: null, jwksUri: 'http://rp.example/' },
      /jwksUri is not an https URL/,
    ],
    ['RG-05 no address', { jwks: null, jwksUri: 'javascript:x' }, /jwksUri is not an https URL/],
    ['an algorithm', { tokenEndpointAuthSigningAlg: 'HS256' }, /SigningAlg is not offered here/],
    ['RG-02 a secret', { idTokenSignedResponseAlg: 'HS256' }, /HS256 needs a client secret/],
  ])('[RFC7591 §2] is refused with %s', async (_what, client, problem) => {
    expect(await create(client)).toMatch(problem);
  });
  it('has no secret, and cannot get one', async () => {
    expect(world.jwt.secrets).toEqual([]);
    expect(await world.provider.clients.rotateSecret(world.jwt.clientId, 0)).toBeNull();
    const { clients } = world.provider;
    await expect(
      clients.update(world.jwt.clientId, { tokenEndpointAuthMethod: 'client_secret_basic' }),
    ).rejects.toThrow(/needs other credentials/);
  });
  it('[RFC8414 §2] discovery names methods and algorithms', async () => {
    const response = await world.provider.fetch(
      new Request(`${ISSUER}/.well-known/openid-configuration`),
    );
    expect(await response.json()).toMatchObject({
      token_endpoint_auth_methods_supported: expect.arrayContaining(['private_key_jwt']),
      token_endpoint_auth_signing_alg_values_supported: expect.arrayContaining(['ES256', 'RS256']),
    });
  });
  it('keeps clients of a database that knew no keys', async () => {
    const store = memoryDatabase();
    world = await makeJwtWorld({}, {}, { store });
    const own = store.forIssuer(ISSUER);
    const { jwks: _, jwksUri: __, tokenEndpointAuthSigningAlg: ___, ...older } = world.web;
    await own.clients.replace(
      { ...older, version: world.web.version + 1 } as typeof world.web,
      null,
    );
    world.now += 60;
    const answer = await send(
      world,
      'token/',
      { grant_type: 'client_credentials', scope: 'read' },
      { authorization: basic(world.web.clientId, world.webSecret) },
    );
    expect(answer.status).toBe(200);
  });
});

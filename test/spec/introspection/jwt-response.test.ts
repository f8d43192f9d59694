/** Introspection responses as JWTs (RFC 9701), and which tokens a resource server may ask about. */
import { compactDecrypt, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { resourceIndicators } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { basic, ISSUER, makeWorld, post, type World } from '../setup.ts';

const API = 'https://api.example/v1';
const OTHER = 'https://other.example/v1';
const JWT = 'application/token-introspection+jwt';

let world: World;
beforeEach(async () => {
  world = await makeWorld({
    features: [resourceIndicators({ enabled: true, resources: [API, OTHER] })],
  });
  await world.provider.clients.update(world.other.clientId, {
    scopes: ['introspection'],
    tokenEndpointAuthMethod: 'client_secret_basic',
  });
});

const asServer = (more: Readonly<Record<string, string>> = {}) => ({
  authorization: basic(world.other.clientId, world.otherSecret),
  ...more,
});
const tokenFor = async (resource: string | null): Promise<string> => {
  const more = resource === null ? {} : { resource };
  const fields = { grant_type: 'client_credentials', scope: 'read', ...more };
  return String((await post(world, 'token', fields)).body['access_token']);
};
async function ask(token: string, accept: string | null): Promise<Response> {
  return await world.provider.fetch(
    new Request(world.provider.url('introspect'), {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...asServer(accept === null ? {} : { accept }),
      },
      body: new URLSearchParams({ token }),
    }),
  );
}
const verified = async (jwt: string, alg: string) => {
  const keys = { keys: [...(await world.provider.keys.published())] };
  return await jwtVerify(jwt, createLocalJWKSet(keys), {
    algorithms: [alg],
    typ: 'token-introspection+jwt',
    issuer: ISSUER,
    audience: world.other.clientId,
  });
};

describe('a response as JWT', () => {
  it.each([
    ['nothing', null],
    ['JSON', 'application/json'],
    ['anything', '*/*'],
  ])('[RFC9701 §4] is not sent to who accepts %s', async (_what, accept) => {
    const answer = await ask(await tokenFor(null), accept);
    expect(answer.headers.get('content-type')).toBe('application/json');
  });
  it.each([JWT, `text/html, ${JWT};q=0.9`, JWT.toUpperCase()])(
    '[RFC9701 §5] is signed, for the one that asked: %s',
    async (accept) => {
      const answer = await ask(await tokenFor(null), accept);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, JWT]);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const { payload } = await verified(await answer.text(), 'RS256');
      expect(payload).toEqual({
        iss: ISSUER,
        aud: world.other.clientId,
        iat: world.now,
        token_introspection: expect.objectContaining({
          active: true,
          client_id: world.web.clientId,
          scope: 'read',
        }) as unknown,
      });
    },
  );
  it('[RFC9701 §5] tells of an inactive token no more than that', async () => {
    const answer = await ask('vkat_junk', JWT);
    const { payload } = await verified(await answer.text(), 'RS256');
    expect(payload['token_introspection']).toEqual({ active: false });
  });
  it('[RFC9701 §6] has the algorithm, and the encryption, of the registration', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ECDH-ES');
    await world.provider.clients.update(world.other.clientId, {
      jwks: { keys: [{ ...(await exportJWK(publicKey)), use: 'enc' }] },
      fields: {
        introspection_signed_response_alg: 'ES256',
        introspection_encrypted_response_alg: 'ECDH-ES',
      },
    });
    const answer = await ask(await tokenFor(null), JWT);
    const { plaintext } = await compactDecrypt(await answer.text(), privateKey);
    const { payload } = await verified(new TextDecoder().decode(plaintext), 'ES256');
    expect(payload['token_introspection']).toMatchObject({ active: true });
  });
  it('[RFC9701 §5] JW-10 is no access token and no ID token', async () => {
    const jwt = await (await ask(await tokenFor(null), JWT)).text();
    const bearer = { authorization: `Bearer ${jwt}` };
    expectRefusal(world, await post(world, 'userinfo', '', bearer), {
      status: 401,
      error: 'invalid_token',
      reason: 'token_invalid',
    });
  });
});

describe('a resource server that is certain APIs', () => {
  const isActive = async (token: string): Promise<unknown> =>
    ((await (await ask(token, null)).json()) as { readonly active: boolean }).active;
  it.each<[what: string, resource: string | null, expected: boolean]>([
    ['for one of them', API, true],
    ['for another API', OTHER, false],
    ['for none', null, false],
  ])('[RFC7662 §4] IR-02 sees a token %s: %s', async (_what, resource, expected) => {
    await world.provider.clients.update(world.other.clientId, {
      fields: { resources: [`${API}/`] },
    });
    expect(await isActive(await tokenFor(resource))).toBe(expected);
    if (!expected) expect(world.reasons.at(-1)).toBe('token_for_another_resource');
  });
  it('[RFC7662 §4] IR-02 that says nothing sees all', async () => {
    expect([await isActive(await tokenFor(OTHER)), await isActive(await tokenFor(null))]).toEqual([
      true,
      true,
    ]);
  });
  it('is registered with absolute URIs', async () => {
    await expect(
      world.provider.clients.update(world.other.clientId, { fields: { resources: ['api'] } }),
    ).rejects.toMatchObject({ name: 'ClientMetadataError' });
  });
});

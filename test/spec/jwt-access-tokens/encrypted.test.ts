/** JWT access tokens that are encrypted to the API that reads them (RFC 9068 §2). */
import { compactDecrypt, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { type ResourceDefinition, resourceIndicators } from 'valetkey';
import { describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { ALICE, getTokens, ISSUER, makeWorld, post, type World } from '../setup.ts';

const JWT_API = 'https://jwt.example/api';

const worldWith = async (resources: readonly ResourceDefinition[]): Promise<World> =>
  await makeWorld({ features: [resourceIndicators({ enabled: true, resources })] });

describe('an API that wants its tokens encrypted', () => {
  it('[RFC9068 §2] reads it alone; it is introspected and revoked all the same', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ECDH-ES+A256KW');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'api', alg: 'ECDH-ES+A256KW' };
    const world = await worldWith([
      {
        resource: JWT_API,
        tokenFormat: 'jwt',
        tokenEncryption: { alg: 'ECDH-ES+A256KW', enc: 'A256GCM', jwks: { keys: [jwk] } },
      },
    ]);
    const asked = { scope: 'openid read', resource: JWT_API };
    const { access_token: token } = await getTokens(world, asked);
    const { plaintext, protectedHeader } = await compactDecrypt(token, privateKey);
    expect(protectedHeader).toMatchObject({ cty: 'JWT', kid: 'api', enc: 'A256GCM' });
    const inner = new TextDecoder().decode(plaintext);
    const keys = { keys: [...(await world.provider.keys.published())] };
    const expected = { typ: 'at+jwt', issuer: ISSUER, audience: JWT_API };
    const currentDate = new Date(world.now * 1000);
    const { payload } = await jwtVerify(inner, createLocalJWKSet(keys), {
      ...expected,
      currentDate,
    });
    expect(payload.sub).toBe(ALICE.sub);
    expect((await post(world, 'introspect', { token })).body['active']).toBe(true);
    expect((await post(world, 'introspect', { token: inner })).body['active']).toBe(false);
    await post(world, 'revoke-token', { token });
    expect((await post(world, 'introspect', { token })).body['active']).toBe(false);
  });
  it('[RFC9068 §2] has a key that fits, or nothing is issued', async () => {
    const { publicKey } = await generateKeyPair('ECDH-ES');
    const jwks = { keys: [{ ...(await exportJWK(publicKey)), use: 'sig' }] };
    const world = await worldWith([
      {
        resource: JWT_API,
        tokenFormat: 'jwt',
        tokenEncryption: { alg: 'ECDH-ES', jwks },
      },
    ]);
    const fields = { grant_type: 'client_credentials', scope: 'read', resource: JWT_API };
    const refused = await post(world, 'token', fields);
    const reason = 'encryption_key_missing';
    expectRefusal(world, refused, { status: 400, error: 'invalid_request', reason });
  });
});

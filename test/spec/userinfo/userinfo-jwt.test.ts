/** Userinfo as a JWT: signed, encrypted, or both (OIDC Core §5.3.2). */
import {
  compactDecrypt,
  createLocalJWKSet,
  decodeProtectedHeader,
  type JSONWebKeySet,
  jwtVerify,
} from 'jose';
import { userinfo } from 'valetkey';
import { beforeEach, expect, it } from 'vitest';
import { encryptionJwks, pairFor } from '../encrypted-id-tokens/keys.ts';
import { expectRefusal } from '../refusals.ts';
import {
  ALICE,
  basic,
  browserOf,
  getCode,
  getTokens,
  ISSUER,
  makeWorld,
  openAuthorize,
  pkce,
  post,
  REDIRECT_URI,
  read,
  SIGNING_KEYS,
  type World,
} from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld({ signingKeys: SIGNING_KEYS });
});

async function ask(token: string): Promise<{ type: string | null; text: string; status: number }> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await world.provider.fetch(
    new Request(world.provider.url('userinfo'), { headers }),
  );
  return {
    type: answer.headers.get('content-type'),
    text: await answer.text(),
    status: answer.status,
  };
}

async function verified(jwt: string, alg: string): Promise<Record<string, unknown>> {
  const jwks = await read(
    await world.provider.fetch(new Request(`${ISSUER}/.well-known/jwks.json`)),
  );
  const keys = createLocalJWKSet(jwks.body as unknown as JSONWebKeySet);
  const { payload } = await jwtVerify(jwt, keys, {
    issuer: ISSUER,
    audience: world.web.clientId,
    algorithms: [alg],
  });
  return payload;
}

const as = async (fields: object, more: object = {}): Promise<string> => {
  await world.provider.clients.update(world.web.clientId, { fields: { ...fields }, ...more });
  return (await getTokens(world)).access_token;
};

it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])(
  '[OIDC Core §5.3.2] is signed with %s for a client registered so, without a nonce',
  async (alg) => {
    const { type, text } = await ask(await as({ userinfo_signed_response_alg: alg }));
    expect(type).toBe('application/jwt');
    const claims = await verified(text, alg);
    expect(claims).toMatchObject({ sub: ALICE.sub, name: 'Alice Example' });
    expect(Object.keys(claims)).not.toContain('nonce');
  },
);

it('[OIDC Core §10.1] is signed with the secret of a client whose secret is readable', async () => {
  const { client, clientSecret } = await world.provider.clients.create({
    name: 'HS256',
    redirectUris: [REDIRECT_URI],
    fields: { userinfo_signed_response_alg: 'HS256' },
  });
  const proof = pkce();
  const code = await getCode(world, proof, { client_id: client.clientId });
  const fields = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI };
  const { body } = await post(
    world,
    'token',
    { ...fields, code_verifier: proof.verifier },
    { authorization: basic(client.clientId, clientSecret ?? '') },
  );
  const { text } = await ask(String(body['access_token']));
  const key = new TextEncoder().encode(clientSecret ?? '');
  const { payload } = await jwtVerify(text, key, { algorithms: ['HS256'], issuer: ISSUER });
  expect(payload['sub']).toBe(ALICE.sub);
});

it('[OIDC Core §5.3.2] is encrypted, with a signature inside or without', async () => {
  const jwks = encryptionJwks('RSA-OAEP-256');
  const fields = {
    userinfo_encrypted_response_alg: 'RSA-OAEP-256',
    userinfo_encrypted_response_enc: 'A256GCM',
  };
  const open = async (jwe: string): Promise<string> => {
    const { plaintext } = await compactDecrypt(jwe, pairFor('RSA-OAEP-256').privateKey);
    return new TextDecoder().decode(plaintext);
  };
  const plain = await ask(await as(fields, { jwks }));
  expect(plain.type).toBe('application/jwt');
  expect(JSON.parse(await open(plain.text))).toMatchObject({ sub: ALICE.sub });
  expect(decodeProtectedHeader(plain.text).cty).toBeUndefined();
  const nested = await ask(
    await as({ ...fields, userinfo_signed_response_alg: 'ES256' }, { jwks }),
  );
  expect(decodeProtectedHeader(nested.text).cty).toBe('JWT');
  expect(await verified(await open(nested.text), 'ES256')).toMatchObject({ sub: ALICE.sub });
});

it('is a JWT for everybody where the server says so, and JSON for who asks for it', async () => {
  world = await makeWorld({ features: [userinfo({ format: 'jwt' })] });
  const { type, text } = await ask(await as({}));
  expect(type).toBe('application/jwt');
  expect(await verified(text, 'RS256')).toMatchObject({ sub: ALICE.sub });
});

it('[OIDC Registration §2] none is JSON, as if nothing was registered', async () => {
  const { type } = await ask(await as({ userinfo_signed_response_alg: 'none' }));
  expect(type).toBe('application/json');
});

it('[RFC6750 §3.1] a refusal is JSON, whatever the client is registered for', async () => {
  await as({ userinfo_signed_response_alg: 'RS256' });
  const answer = await post(world, 'userinfo', {}, { authorization: 'Bearer x' });
  expectRefusal(world, answer, { status: 401, error: 'invalid_token', reason: 'token_invalid' });
});

it('JW-06 a userinfo response is no ID token', async () => {
  const { text } = await ask(await as({ userinfo_signed_response_alg: 'RS256' }));
  const visit = await openAuthorize(world, browserOf(world), { id_token_hint: text });
  expect(visit.leaves?.searchParams.get('error')).toBe('invalid_request');
});

it.each(['HS256', 'ES512', 'x'])('[OIDC Registration §2] %s is not registered', async (alg) => {
  const { provider, spa } = world;
  await expect(
    provider.clients.update(spa.clientId, { fields: { userinfo_signed_response_alg: alg } }),
  ).rejects.toMatchObject({ name: 'ClientMetadataError' });
});

it('[OIDC Discovery §3] MD-02 algorithms are announced', async () => {
  const url = new URL('/.well-known/openid-configuration', ISSUER);
  const { body } = await read(await world.provider.fetch(new Request(url)));
  for (const name of [
    'userinfo_signing_alg_values_supported',
    'userinfo_encryption_alg_values_supported',
    'userinfo_encryption_enc_values_supported',
    'id_token_encryption_alg_values_supported',
    'id_token_encryption_enc_values_supported',
  ])
    expect(body[name]).toEqual(expect.arrayContaining([expect.any(String)]));
});

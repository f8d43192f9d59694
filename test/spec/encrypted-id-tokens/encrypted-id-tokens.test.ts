/** ID tokens that are signed, then encrypted (OIDC Core §2, §10.2). */
import { compactDecrypt, decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose';
import { responseTypes, verifyIdToken } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal, expectRefusedRedirect } from '../refusals.ts';
import {
  ALICE,
  allow,
  browserOf,
  getCode,
  getTokens,
  ISSUER,
  logIn,
  makeWorld,
  openAuthorize,
  pkce,
  post,
  read,
  redeem,
  type World,
  watched,
} from '../setup.ts';
import { encryptionJwks, pairFor, privateJwk } from './keys.ts';

const KEY_ALGS = ['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'];
const CONTENT_ALGS = ['A128CBC-HS256', 'A256CBC-HS512', 'A128GCM', 'A256GCM'];

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});

async function encrypted(alg: string, enc: string | null = null): Promise<void> {
  const fields = { id_token_encrypted_response_alg: alg, id_token_encrypted_response_enc: enc };
  await world.provider.clients.update(world.web.clientId, { jwks: encryptionJwks(alg), fields });
}

const options = async (alg: string) => ({
  issuer: ISSUER,
  clientId: world.web.clientId,
  now: world.now,
  nonce: 'the-nonce',
  jwks: (await read(await world.provider.fetch(new Request(`${ISSUER}/.well-known/jwks.json`))))
    .body as never,
  decryptionKey: privateJwk(alg),
});

it.each(KEY_ALGS.flatMap((alg) => [null, ...CONTENT_ALGS].map((enc) => [alg, enc] as const)))(
  '[OIDC Core §10.2] are encrypted with %s and %s, and signed inside',
  async (alg, enc) => {
    await encrypted(alg, enc);
    const { id_token: idToken } = await getTokens(world);
    const header = decodeProtectedHeader(idToken);
    expect(header).toMatchObject({ alg, enc: enc ?? 'A128CBC-HS256', cty: 'JWT', kid: 'enc' });
    const { plaintext } = await compactDecrypt(idToken, pairFor(alg).privateKey);
    expect(decodeProtectedHeader(new TextDecoder().decode(plaintext)).alg).toBe('RS256');
    expect(await verifyIdToken(idToken, await options(alg))).toMatchObject({ sub: ALICE.sub });
  },
);

it('[OIDC Core §2] come from a refresh, and with an authorization response, as well', async () => {
  world = await makeWorld({ features: [responseTypes({ allowImplicit: true })] });
  await encrypted('ECDH-ES');
  const { refresh_token } = await getTokens(world);
  const { body } = await post(world, 'token', { grant_type: 'refresh_token', refresh_token });
  const whole = { ...(await options('ECDH-ES')) };
  const { nonce: _, ...refreshed } = whole;
  expect(await verifyIdToken(String(body['id_token']), refreshed)).toMatchObject({
    sub: ALICE.sub,
  });
  const types = { grantTypes: ['openid-hybrid'], responseTypes: ['code', 'code id_token'] };
  await world.provider.clients.update(world.web.clientId, types);
  const browser = browserOf(world);
  const page = await logIn(
    browser,
    await openAuthorize(world, browser, { response_type: 'code id_token' }),
  );
  const answer = new URLSearchParams(page.leaves?.hash.slice(1));
  const code = answer.get('code') ?? '';
  expect(await verifyIdToken(answer.get('id_token') ?? '', { ...whole, code })).toMatchObject({
    sub: ALICE.sub,
  });
});

describe('what goes wrong', () => {
  it('a client whose key is gone gets no tokens, and its code is not consumed', async () => {
    await encrypted('ECDH-ES');
    const proof = pkce();
    const code = await getCode(world, proof);
    const only = { keys: encryptionJwks('ECDH-ES').keys.slice(0, 1) };
    await world.provider.clients.update(world.web.clientId, { jwks: only });
    expectRefusal(world, await redeem(world, code, proof.verifier), {
      status: 400,
      error: 'invalid_request',
      reason: 'encryption_key_missing',
    });
    await encrypted('ECDH-ES');
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
  });

  it.each([
    [
      'of another kind with a curve',
      { ...pairFor('RSA-OAEP').publicKey.export({ format: 'jwk' }), crv: 'P-256' },
    ],
    ['of a kind that is a word of the language', { kty: 'constructor', crv: 'P-256' }],
    ['of a kind that nobody knows', { kty: 'AKP', crv: 'X25519', x: 'AQAB' }],
    ['on a curve of signatures', { kty: 'OKP', crv: 'Ed25519', x: 'AQAB' }],
    ['of a curve of another kind', { kty: 'EC', crv: 'X25519', x: 'AQAB', y: 'AQAB' }],
  ])('[RFC7518 §4.6.1.1] a key %s is none to encrypt to', async (_, key) => {
    await encrypted('ECDH-ES');
    const proof = pkce();
    const code = await getCode(world, proof);
    const jwks = { keys: [{ ...key, use: 'enc' }, ...encryptionJwks('RSA-OAEP').keys] };
    await world.provider.clients.update(world.web.clientId, { jwks });
    const answer = await redeem(world, code, proof.verifier);
    expect([answer.status, world.reasons.at(-1)]).toEqual([400, 'encryption_key_missing']);
  });

  it('[OIDC Core §10.2] of an authorization response is found before anything is stored', async () => {
    await encrypted('ECDH-ES');
    const responseTypes = ['code', 'code id_token'];
    const grantTypes = ['authorization_code', 'implicit'];
    await world.provider.clients.update(world.web.clientId, { responseTypes, grantTypes });
    const browser = browserOf(world);
    const changes = { response_type: 'code id_token' };
    const consent = await logIn(browser, await openAuthorize(world, browser, changes));
    const only = { keys: encryptionJwks('ECDH-ES').keys.slice(0, 1) };
    await world.provider.clients.update(world.web.clientId, { jwks: only });
    const calls = watched(world.provider.store);
    expectRefusedRedirect(world, await allow(browser, consent), {
      error: 'invalid_request',
      reason: 'encryption_key_missing',
    });
    expect(calls).not.toContain('codes.insert');
    expect(calls).not.toContain('authorizations.remember');
  });

  it('a key set that cannot be read is the same', async () => {
    await encrypted('ECDH-ES');
    const proof = pkce();
    const code = await getCode(world, proof);
    const jwksUri = 'https://127.0.0.1/jwks';
    await world.provider.clients.update(world.web.clientId, { jwks: null, jwksUri });
    const answer = await redeem(world, code, proof.verifier);
    expect([answer.status, world.reasons.at(-1)]).toEqual([400, 'encryption_key_missing']);
  });

  it.each<[string, object]>([
    ['an algorithm that is not offered', { id_token_encrypted_response_alg: 'RSA1_5' }],
    [
      'an enc that is not offered',
      { id_token_encrypted_response_alg: 'RSA-OAEP', id_token_encrypted_response_enc: 'A1' },
    ],
    ['an enc without alg', { id_token_encrypted_response_enc: 'A128GCM' }],
  ])('[OIDC Registration §2] %s is not registered', async (_, fields) => {
    const jwks = encryptionJwks('RSA-OAEP');
    await expect(
      world.provider.clients.update(world.web.clientId, { jwks, fields: { ...fields } }),
    ).rejects.toMatchObject({ name: 'ClientMetadataError' });
  });

  it('[OIDC Registration §2] an algorithm without a key of the client is not registered', async () => {
    const fields = { id_token_encrypted_response_alg: 'RSA-OAEP' };
    await expect(
      world.provider.clients.update(world.web.clientId, { fields }),
    ).rejects.toMatchObject({ name: 'ClientMetadataError' });
  });

  it('verifyIdToken refuses what is not as it is registered', async () => {
    await encrypted('ECDH-ES');
    const { id_token: idToken } = await getTokens(world);
    const good = await options('ECDH-ES');
    const { decryptionKey: _, ...without } = good;
    const stranger = {
      ...(await exportJWK((await generateKeyPair('ECDH-ES', { extractable: true })).privateKey)),
      alg: 'ECDH-ES',
    };
    const wrong = [
      [idToken, without, 'unknown_key'],
      [
        idToken,
        { ...good, decryptionKey: { ...good.decryptionKey, alg: 'ECDH-ES+A128KW' } },
        'algorithm',
      ],
      [idToken, { ...good, decryptionKey: stranger }, 'malformed'],
      [`${idToken.slice(0, -8)}AAAAAAAA`, good, 'malformed'],
      [`a.b.c.d.e`, good, 'malformed'],
    ] as const;
    for (const [token, given, problem] of wrong)
      await expect(verifyIdToken(token, given)).rejects.toMatchObject({ problem });
    await world.provider.clients.update(world.web.clientId, {
      fields: { id_token_encrypted_response_alg: null },
    });
    const { id_token: plain } = await getTokens(world);
    await expect(verifyIdToken(plain, good)).rejects.toMatchObject({ problem: 'malformed' });
  });
});

/** Access tokens that are JWTs: the checks of RFC 9068 §4. Rules JW. */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { type JwtProblem, type VerifyAccessTokenOptions, verifyAccessToken } from 'valetkey';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  API,
  AS,
  encryptToken,
  goodClaims,
  keySet,
  NOW,
  newSigner,
  type Signer,
  signToken,
} from './signed.ts';

let signer: Signer;
let other: Signer;
beforeAll(async () => {
  [signer, other] = [await newSigner(), await newSigner()];
});

const expected = (changes: Partial<VerifyAccessTokenOptions> = {}): VerifyAccessTokenOptions => ({
  issuer: AS,
  audience: API,
  jwks: keySet(signer),
  now: NOW,
  ...changes,
});

async function expectProblem(
  token: string,
  problem: JwtProblem,
  changes: Partial<VerifyAccessTokenOptions> = {},
): Promise<void> {
  await expect(verifyAccessToken(token, expected(changes))).rejects.toMatchObject({
    name: 'JwtError',
    problem,
  });
}

describe('a bad token', () => {
  it.each<[string, Record<string, unknown>, JwtProblem]>([
    ['of another issuer', { iss: 'https://other.example' }, 'issuer'],
    ['JW-17 of an issuer with a slash more', { iss: `${AS}/` }, 'issuer'],
    ['of issuers in a list', { iss: [AS] }, 'issuer'],
    ['without an issuer', { iss: undefined }, 'issuer'],
    ['JW-17 for another API', { aud: 'https://api.example/v2' }, 'audience'],
    ['for others', { aud: ['https://a.example', 'https://b.example'] }, 'audience'],
    ['for a longer address', { aud: `${API}/photos` }, 'audience'],
    ['for nobody', { aud: undefined }, 'claim'],
    ['for an empty list', { aud: [] }, 'claim'],
    ['for a number beside us', { aud: [API, 7] }, 'claim'],
    ['JW-17 that has ended', { exp: NOW - 10 }, 'expired'],
    ['JW-17 that begins later', { nbf: NOW + 11 }, 'not_yet_valid'],
    ['that was issued in the future', { iat: NOW + 11 }, 'not_yet_valid'],
    ['without an end', { exp: undefined }, 'claim'],
    ['JW-05 whose end is a text', { exp: String(NOW + 300) }, 'claim'],
    ['without a subject', { sub: undefined }, 'claim'],
    ['without a client', { client_id: undefined }, 'claim'],
    ['without jti', { jti: '' }, 'claim'],
    ['without iat', { iat: undefined }, 'claim'],
  ])('[RFC9068 §2.2] [RFC9068 §4] is refused: %s', async (_what, claims, problem) => {
    await expectProblem(await signToken(signer, claims), problem);
  });

  it.each([
    ['JWT'],
    [undefined],
    [''],
    ['id_token'],
    ['dpop+jwt'],
    ['logout+jwt'],
    ['secevent+jwt'],
    ['token-introspection+jwt'],
    ['oauth-authz-req+jwt'],
    ['at+jwt+x'],
    ['text/at+jwt'],
  ])('[RFC9068 §4] JW-10 is refused as a JWT of the type %s', async (typ) => {
    await expectProblem(await signToken(signer, {}, { typ }), 'type');
  });

  it('[RFC9068 §4] JW-01 is refused unsigned, however it writes that', async () => {
    const unsigned = new UnsecuredJWT(goodClaims()).encode();
    await expectProblem(unsigned, 'malformed');
    for (const alg of ['none', 'None', 'nOnE']) {
      const header = Buffer.from(JSON.stringify({ alg, typ: 'at+jwt' })).toString('base64url');
      const [, payload = ''] = unsigned.split('.');
      await expectProblem(`${header}.${payload}.AAAA`, 'algorithm');
    }
  });
  it('[RFC9068 §4] JW-01 is refused with an algorithm outside the list, also with a good signature', async () => {
    const es384 = await newSigner('ES384');
    const token = await signToken(es384);
    await expectProblem(token, 'algorithm', { jwks: keySet(es384) });
    const algs = ['ES384'] as const;
    const claims = await verifyAccessToken(token, expected({ jwks: keySet(es384), algs }));
    expect(claims['sub']).toBe('alice-sub');
    await expectProblem(await signToken(signer), 'algorithm', { algs });
  });
  it('JW-02 is refused by an HMAC with the public key', async () => {
    const parts = [{ alg: 'HS256', typ: 'at+jwt', kid: signer.kid }, goodClaims()];
    const input = parts
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    for (const secret of [JSON.stringify(signer.jwk), String(signer.jwk.x)]) {
      const mac = createHmac('sha256', secret).update(input).digest('base64url');
      await expectProblem(`${input}.${mac}`, 'algorithm');
      const algs = ['HS256'] as unknown as readonly ['ES256'];
      await expectProblem(`${input}.${mac}`, 'unknown_key', { algs });
    }
  });
  it('JW-03 is refused with a key of its own in the header', async () => {
    const { kid: _, ...jwk } = other.jwk;
    const token = await new SignJWT(goodClaims())
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', jwk, jku: 'https://evil.example/jwks' })
      .sign(other.privateKey);
    await expectProblem(token, 'signature');
  });
  it('JW-13 is refused with a key id that is not in the set', async () => {
    for (const kid of [other.kid, '../../etc/passwd', '__proto__', "' OR 1=1"])
      await expectProblem(await signToken(signer, {}, { kid }), 'unknown_key');
  });
  it('is refused by another key under a known key id', async () => {
    await expectProblem(await signToken({ ...other, kid: signer.kid }), 'signature');
  });
  it('JW-11 is refused by a weak key, also when it is in the set', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'weak' } as Signer['jwk'];
    const parts = [{ alg: 'RS256', typ: 'at+jwt', kid: 'weak' }, goodClaims()];
    const input = parts
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const { sign } = await import('node:crypto');
    const signature = sign('sha256', Buffer.from(input), privateKey).toString('base64url');
    await expectProblem(`${input}.${signature}`, 'unknown_key', { jwks: { keys: [jwk] } });
  });
  it('JW-06 JW-07 is refused when it is no JWT, or a long one', async () => {
    const good = await signToken(signer);
    for (const token of ['', 'a', 'a.b', 'a.b.c', `${good}.`, `${good}=`, ` ${good}`, `${good}.a`])
      await expectProblem(token, 'malformed');
    await expectProblem(await signToken(signer, { pad: 'x'.repeat(17_000) }), 'malformed');
  });
});

describe('a good token', () => {
  it.each(['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'])(
    '[RFC9068 §4] is accepted with %s',
    async (alg) => {
      const one = await newSigner(alg);
      const jwks = keySet(signer, one);
      expect(await verifyAccessToken(await signToken(one), expected({ jwks }))).toMatchObject({
        sub: 'alice-sub',
        client_id: 'printer',
      });
    },
  );
  it.each<[string, Record<string, unknown>]>([
    ['for several', { aud: ['https://other.example', API] }],
    ['for our address with a slash at its end', { aud: `${API}/` }],
    ['that ended within the skew', { exp: NOW - 9 }],
    ['that begins within the skew', { nbf: NOW + 10, iat: NOW + 10 }],
  ])('JW-17 is accepted: %s', async (_what, claims) => {
    expect(await verifyAccessToken(await signToken(signer, claims), expected())).toMatchObject(
      claims,
    );
  });
  it.each(['application/at+jwt', 'AT+JWT'])('[RFC9068 §4] JW-10 is accepted as %s', async (typ) => {
    await verifyAccessToken(await signToken(signer, {}, { typ }), expected());
  });
  it('is accepted without a key id, by the key that signed it', async () => {
    const token = await signToken(signer, {}, { kid: undefined });
    await verifyAccessToken(token, expected({ jwks: keySet(other, signer) }));
    await expectProblem(token, 'signature', { jwks: keySet(other) });
  });
  it('is for one of several names, or for anybody where the caller checks that', async () => {
    const token = await signToken(signer, { aud: 'urn:api' });
    await verifyAccessToken(token, expected({ audience: [API, 'urn:api'] }));
    await verifyAccessToken(token, expected({ audience: null }));
    await expectProblem(token, 'audience');
  });
});

describe('an encrypted token', () => {
  const alg = 'ECDH-ES';
  let publicKey: CryptoKey;
  let decryptionKey: Signer['jwk'];
  beforeAll(async () => {
    const pair = await generateKeyPair(alg, { extractable: true });
    publicKey = pair.publicKey;
    decryptionKey = { ...(await exportJWK(pair.privateKey)), alg };
  });
  it('[RFC9068 §4] is decrypted, and held to all other checks', async () => {
    const token = await encryptToken(await signToken(signer), alg, publicKey);
    expect((await verifyAccessToken(token, expected({ decryptionKey })))['aud']).toBe(API);
    const [id, late] = [
      await signToken(signer, {}, { typ: 'JWT' }),
      await signToken(signer, { exp: NOW - 10 }),
    ];
    await expectProblem(await encryptToken(id, alg, publicKey), 'type', { decryptionKey });
    await expectProblem(await encryptToken(late, alg, publicKey), 'expired', { decryptionKey });
  });
  it('[RFC9068 §4] is the only one that is accepted where there is a key', async () => {
    const plain = verifyAccessToken(await signToken(signer), expected({ decryptionKey }));
    await expect(plain).rejects.toMatchObject({
      problem: 'malformed',
      message: 'is not encrypted',
    });
  });
  it('JW-09 is refused without a signature inside', async () => {
    const inside = new UnsecuredJWT(goodClaims()).encode();
    for (const text of [inside, JSON.stringify(goodClaims())])
      await expectProblem(await encryptToken(text, alg, publicKey), 'malformed', { decryptionKey });
  });
  it('is refused without a key, with another key, or with a key without alg', async () => {
    const token = await encryptToken(await signToken(signer), alg, publicKey);
    await expectProblem(token, 'unknown_key');
    const another = await exportJWK((await generateKeyPair(alg, { extractable: true })).privateKey);
    await expectProblem(token, 'malformed', { decryptionKey: { ...another, alg } });
    await expectProblem(token, 'unknown_key', { decryptionKey: { ...another } });
  });
});

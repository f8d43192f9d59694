/** DPoP proofs by themselves (RFC 9449 §4.3), without a request. Rules SC, JW. */
import { exportJWK, generateKeyPair } from 'jose';
import { checkDpopProof, type DpopExpectation } from 'valetkey';
import { beforeAll, describe, expect, it } from 'vitest';
import { newProofKey, type ProofKey, proofFor } from './proofs.ts';
import { API, NOW } from './signed.ts';

const TOKEN = 'the-access-token';
let key: ProofKey;
beforeAll(async () => {
  key = await newProofKey();
});

const expected = (changes: Partial<DpopExpectation> = {}): DpopExpectation => ({
  method: 'GET',
  url: `${API}/photos`,
  accessToken: TOKEN,
  now: NOW,
  ...changes,
});

async function expectReason(
  proof: string,
  reason: string,
  changes: Partial<DpopExpectation> = {},
): Promise<void> {
  await expect(checkDpopProof(proof, expected(changes))).rejects.toMatchObject({
    code: 'invalid_dpop_proof',
    reason,
  });
}

describe('a bad proof', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['SC-02 without jti', { jti: undefined }, 'dpop_proof_invalid'],
    ['SC-02 with an empty jti', { jti: '' }, 'dpop_proof_invalid'],
    ['SC-02 with a long jti', { jti: 'x'.repeat(256) }, 'dpop_proof_invalid'],
    ['SC-02 without iat', { iat: undefined }, 'dpop_proof_invalid'],
    ['JW-05 with iat as a text', { iat: String(NOW) }, 'dpop_proof_invalid'],
    ['SC-02 without htm', { htm: undefined }, 'dpop_proof_request'],
    ['SC-02 without htu', { htu: undefined }, 'dpop_proof_request'],
    ['SC-04 for POST', { htm: 'POST' }, 'dpop_proof_request'],
    ['SC-04 for get', { htm: 'get' }, 'dpop_proof_request'],
    ['SC-04 for a longer path', { htu: `${API}/photos/7` }, 'dpop_proof_request'],
    ['SC-04 for the path with a slash', { htu: `${API}/photos/` }, 'dpop_proof_request'],
    ['SC-04 for the path in capitals', { htu: `${API}/PHOTOS` }, 'dpop_proof_request'],
    ['SC-04 for another host', { htu: 'https://x.example/v1/photos' }, 'dpop_proof_request'],
    ['SC-04 for another port', { htu: 'https://api.example:8443/v1/photos' }, 'dpop_proof_request'],
    [
      'SC-04 with user information',
      { htu: 'https://a@api.example/v1/photos' },
      'dpop_proof_request',
    ],
    ['SC-02 without ath', { ath: undefined }, 'dpop_proof_token'],
    ['SC-02 with the ath of another token', { ath: 'x'.repeat(43) }, 'dpop_proof_token'],
    ['SC-05 of 76 seconds ago', { iat: NOW - 76 }, 'dpop_proof_invalid'],
    ['SC-05 of 16 seconds ahead', { iat: NOW + 16 }, 'dpop_proof_invalid'],
  ])('[RFC9449 §4.3] is refused: %s', async (_what, claims, reason) => {
    await expectReason(await proofFor(key, TOKEN, claims), reason);
  });

  it.each(['JWT', 'at+jwt', undefined])('SC-01 JW-10 is refused with the type %s', async (typ) => {
    await expectReason(await proofFor(key, TOKEN, {}, { typ }), 'dpop_proof_invalid');
  });
  it('[RFC9449 §4.3] SC-03 is refused with a private key, with none, or with one that did not sign', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    for (const jwk of [await exportJWK(privateKey), undefined, 'x', { kty: 'oct', k: 'AAAA' }])
      await expectReason(await proofFor(key, TOKEN, {}, { jwk }), 'dpop_proof_key');
    const { jwk } = await newProofKey();
    await expectReason(await proofFor(key, TOKEN, {}, { jwk }), 'dpop_proof_invalid');
  });
  it('[RFC9449 §4.3] SC-01 is refused beside another one', async () => {
    const proof = await proofFor(key, TOKEN);
    await expectReason(`${proof}, ${proof}`, 'dpop_proof_several');
  });
});

describe('a good proof', () => {
  it('[RFC9449 §4.3] tells the key, and by what its use is remembered, and until when', async () => {
    const claims = { jti: 'one' };
    const proven = await checkDpopProof(await proofFor(key, TOKEN, claims), expected());
    expect(proven).toMatchObject({ thumbprint: key.thumbprint, expiresAt: NOW + 90 });
    const again = await checkDpopProof(await proofFor(key, TOKEN, claims), expected());
    const other = await checkDpopProof(await proofFor(key, TOKEN), expected());
    expect([again.digest === proven.digest, other.digest === proven.digest]).toEqual([true, false]);
  });
  it.each<[string, string, string]>([
    ['with a query and a fragment', `${API}/photos?a=b#c`, `${API}/photos?x=y`],
    ['with the usual port, in capitals', 'HTTPS://API.EXAMPLE:443/v1/photos', `${API}/photos`],
    ['with dots', `${API}/x/../photos`, `${API}/photos`],
    ['with an encoding that is not needed', `${API}/%70hotos/%7Eme`, `${API}/photos/~me`],
    ['with an encoding in small letters', `${API}/a%2fb`, `${API}/a%2Fb`],
  ])('[RFC9449 §4.3] SC-04 is accepted for an address %s', async (_what, htu, url) => {
    await checkDpopProof(await proofFor(key, TOKEN, { htu }), expected({ url }));
  });
  it('SC-04 is not accepted for a slash that is encoded where the other is not', async () => {
    const proof = await proofFor(key, TOKEN, { htu: `${API}/a%2Fb` });
    await expectReason(proof, 'dpop_proof_request', { url: `${API}/a/b` });
  });
  it('SC-04 may leave out the slash at the end where the caller says so', async () => {
    const proof = await proofFor(key, TOKEN, { htu: `${API}/photos/` });
    await checkDpopProof(proof, expected({ isSlashOptional: true }));
  });
});

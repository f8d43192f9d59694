/** DPoP proofs, made with jose as a client would. */
import { createHash, randomUUID } from 'node:crypto';
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTHeaderParameters,
  SignJWT,
} from 'jose';
import { API, NOW } from './signed.ts';

export interface ProofKey {
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
  readonly thumbprint: string;
}

export async function newProofKey(alg = 'ES256'): Promise<ProofKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return { alg, privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) };
}

/** RFC 9449 §4.2: the hash of a token. */
export function ath(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

type Members = Readonly<Record<string, unknown>>;

/** A proof for `GET /photos` of the API with a token, unless told otherwise. */
export async function proofFor(
  { alg, privateKey, jwk }: ProofKey,
  token: string | null,
  claims: Members = {},
  header: Members = {},
): Promise<string> {
  const all: Members = {
    jti: randomUUID(),
    htm: 'GET',
    htu: `${API}/photos`,
    iat: NOW,
    ...(token === null ? {} : { ath: ath(token) }),
    ...claims,
  };
  const kept = (members: Members): Record<string, unknown> =>
    Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
  return await new SignJWT(kept(all))
    .setProtectedHeader(
      kept({ typ: 'dpop+jwt', alg, jwk, ...header }) as unknown as JWTHeaderParameters,
    )
    .sign(privateKey);
}

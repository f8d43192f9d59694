/** Keys to which clients have things encrypted. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';

const pairs = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
};

/** The pair that an algorithm needs. */
export function pairFor(alg: string): {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
} {
  return alg.startsWith('RSA') ? pairs.rsa : pairs.ec;
}

/** A key set with a key for an algorithm, and one that only signs. */
export function encryptionJwks(alg: string): { readonly keys: readonly JWK[] } {
  const jwk = pairFor(alg).publicKey.export({ format: 'jwk' }) as JWK;
  return {
    keys: [
      { ...jwk, kid: 'sig', use: 'sig' },
      { ...jwk, kid: 'enc', use: 'enc' },
    ],
  };
}

/** The private key as a client has it. */
export function privateJwk(alg: string): JWK {
  return { ...(pairFor(alg).privateKey.export({ format: 'jwk' }) as JWK), alg };
}

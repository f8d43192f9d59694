/**
 * Public keys that others made: importing one, and whether it is good enough to prove anything
 * (RFC 8725 §3.2).
 */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, type JWK } from 'jose';

export type { KeyObject };

const LEAST_BITS = 2048;
/** Longer ones cost more to verify than an attacker to send. */
const MOST_BITS = 4096;
/** A larger exponent makes verifying as slow as signing; 65537 is usual. */
const MOST_EXPONENT = 0xffff_ffffn;

/**
 * Small primes, with which the moduli of CVE-2017-15361 (ROCA) betray themselves: modulo each of
 * them they are powers of 65537, as others are by chance only.
 */
const PRIMES = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/** What is wrong with a public key, in a phrase for operators; null when it is good. */
function keyProblem(key: KeyObject): string | null {
  if (key.asymmetricKeyType !== 'rsa') return null;
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  // RFC 7518 §3.3: a key of 2048 bits or larger.
  if (modulusLength < LEAST_BITS) return `an RSA key needs ${LEAST_BITS} bits`;
  if (modulusLength > MOST_BITS) return `an RSA key has at most ${MOST_BITS} bits`;
  if (publicExponent < 3n || publicExponent > MOST_EXPONENT || publicExponent % 2n === 0n)
    return 'the public exponent is not usable';
  const { n = '' } = key.export({ format: 'jwk' });
  const modulus = BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`);
  return isOfWeakMaker(modulus) ? 'the RSA key was made by a library that makes weak keys' : null;
}

function isOfWeakMaker(modulus: bigint): boolean {
  return PRIMES.every((prime) => powers(prime).has(Number(modulus % BigInt(prime))));
}

/** All powers of 65537 modulo a prime. */
function powers(prime: number): ReadonlySet<number> {
  const found = new Set<number>();
  for (let power = 1; !found.has(power); power = (power * (65_537 % prime)) % prime)
    found.add(power);
  return found;
}

/**
 * A public key in JWK form; null when it is none, or too weak to prove anything. Only the members
 * of a public key are read: what else stands there does not count.
 */
export function importPublicKey(jwk: Readonly<Record<string, unknown>>): KeyObject | null {
  const { kty, n, e, crv, x, y } = jwk as JsonWebKey;
  try {
    const key = createPublicKey({ key: { kty, n, e, crv, x, y } as JsonWebKey, format: 'jwk' });
    return keyProblem(key) === null ? key : null;
  } catch {
    // What Node cannot read is no key. The client hears that its proof is not good.
    return null;
  }
}

/**
 * The SHA-256 thumbprint of a public key (RFC 7638 §3), of the form in which Node writes it: one
 * key has one thumbprint, however its numbers were written.
 */
export async function thumbprintOf(key: KeyObject): Promise<string> {
  return await calculateJwkThumbprint(key.export({ format: 'jwk' }) as JWK, 'sha256');
}

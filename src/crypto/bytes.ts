/**
 * Digests, the comparison of secrets, and the derivation of keys. All code that compares secret
 * values uses `equalSecrets`. Seals and keyed digests are in `vault.ts`.
 */
import { createHmac, hash, hkdfSync, timingSafeEqual } from 'node:crypto';

/** The SHA-256 digest of bytes, or of a text in UTF-8 (base64url, 43 characters). */
export function sha256(text: string | Uint8Array): string {
  return hash('sha256', text, 'base64url');
}

/** SHA-256 in padded base64, the form that Content Security Policy uses. */
export function sha256Base64(text: string): string {
  return hash('sha256', text, 'base64');
}

/**
 * The left half of a SHA-2 hash, base64url, for the claims `at_hash` and `c_hash` (OIDC Core
 * §3.1.3.6).
 * @param alg the JWS algorithm of the ID token, which determines the hash
 */
export function halfHash(text: string, alg: string): string {
  // EdDSA with Ed25519 uses SHA-512 (RFC 8032 §5.1). Other algorithms have the size in their name.
  const isEd25519 = alg === 'EdDSA' || alg === 'Ed25519';
  const digest = hash(isEd25519 ? 'sha512' : `sha${alg.slice(-3)}`, text, 'buffer');
  return digest.subarray(0, digest.length / 2).toString('base64url');
}

/** The digest of a text under a key (HMAC-SHA-256, base64url). */
export function keyedDigest(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

/**
 * True if two secret texts are equal. The time does not depend on where they differ. Their lengths
 * are no secret: compare digests, not what people know.
 */
export function equalSecrets(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/**
 * A key of 32 bytes from a random text of at least 256 bits: as random as a key already, so that
 * one HMAC is enough (RFC 5869 §3.3).
 */
export function keyFromToken(token: string, purpose: string): Buffer {
  return createHmac('sha256', token).update(`valetkey ${purpose}`).digest();
}

/** A key of 32 bytes for one purpose, from a high-entropy secret (HKDF-SHA-256, RFC 5869). */
export function deriveKey(secret: string | Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `valetkey ${purpose}`, 32));
}

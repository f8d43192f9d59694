/** Bytes and digests. The one comparison of secret values is `equalSecrets`. */
import { createHash, hkdfSync, timingSafeEqual } from 'node:crypto';

export type Digest = string;

/** SHA-256 as base64url without padding (43 characters). */
export function sha256(text: string | Uint8Array): Digest {
  return createHash('sha256').update(text).digest('base64url');
}

/** SHA-256 in the spelling of Content Security Policy. */
export function sha256Base64(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

/**
 * Left half of the SHA-2 hash that goes with a JWS algorithm: `at_hash`, `c_hash` (OIDC Core
 * §3.1.3.6).
 */
export function halfHash(text: string, alg: string): string {
  // EdDSA with Ed25519 hashes with SHA-512 (RFC 8032 §5.1); the others are named by their size.
  const hash = alg === 'EdDSA' ? createHash('sha512') : createHash(`sha${alg.slice(-3)}`);
  const digest = hash.update(text, 'ascii').digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}

/** Compares two secret texts in constant time, whatever their lengths. */
export function equalSecrets(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** 32 bytes for one purpose from a secret of full entropy (HKDF-SHA-256, RFC 5869). */
export function deriveKey(secret: string | Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `valetkey ${purpose}`, 32));
}

/**
 * Signing keys: making them, importing them once, finding the right one. State follows from times
 * alone, so that every node changes key at the same moment without talking to the others. Where
 * keys rest and who moves them: `domain/signing-keys.ts`.
 */

import { createPrivateKey } from 'node:crypto';
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose';
import type { SigningAlg } from '../protocol/names.ts';

/** Where a key stands in its life. */
export type KeyState = 'next' | 'current' | 'retired' | 'removed';

/** A key pair in memory, imported and ready. Times in seconds. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlg;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly publicJwk: JWK;
  readonly activeAt: number;
  readonly retiredAt: number | null;
  readonly removedAt: number | null;
}

/** A key pair as JWKs. */
export interface KeyPairJwk {
  readonly kid: string;
  readonly alg: SigningAlg;
  readonly privateJwk: JWK;
  readonly publicJwk: JWK;
}

const PUBLIC_MEMBERS = ['kty', 'n', 'e', 'crv', 'x', 'y'] as const;

/** Makes a key pair: RSA with 2048 bits (the library's default), P-256, or Ed25519. */
export async function generateSigningKey(alg: SigningAlg): Promise<KeyPairJwk> {
  const pair = await generateKeyPair(alg, {
    extractable: true,
    ...(alg === 'EdDSA' ? { crv: 'Ed25519' } : {}),
  });
  return await describe(alg, await exportJWK(pair.privateKey));
}

/**
 * Reads a private key in PEM (PKCS#1, PKCS#8, SEC1) for an algorithm.
 * @throws Error when the text is not a private key fit for the algorithm, or RSA below 2048 bits
 */
export async function readPrivateKeyPem(pem: string, alg: SigningAlg): Promise<KeyPairJwk> {
  const key = createPrivateKey(pem);
  const pair = await describe(alg, key.export({ format: 'jwk' }) as JWK);
  await importSigningKey(pair, { activeAt: 0, retiredAt: null, removedAt: null });
  return pair;
}

async function describe(alg: SigningAlg, privateJwk: JWK): Promise<KeyPairJwk> {
  // RFC 7638 §3: the kid is the thumbprint of the required members.
  const kid = await calculateJwkThumbprint(privateJwk);
  const publicJwk: Record<string, unknown> = {};
  for (const member of PUBLIC_MEMBERS) {
    if (privateJwk[member] !== undefined) publicJwk[member] = privateJwk[member];
  }
  return { kid, alg, privateJwk, publicJwk: { ...publicJwk, kid, alg, use: 'sig' } as JWK };
}

/** Imports a pair once, so that no signature pays for parsing. */
export async function importSigningKey(
  pair: KeyPairJwk,
  times: Pick<SigningKey, 'activeAt' | 'retiredAt' | 'removedAt'>,
): Promise<SigningKey> {
  // RFC 7518 §3.3: RSA keys have at least 2048 bits.
  if (
    pair.publicJwk.kty === 'RSA' &&
    Buffer.from(pair.publicJwk.n ?? '', 'base64url').length < 256
  ) {
    throw new Error('an RSA signing key needs at least 2048 bits');
  }
  return {
    kid: pair.kid,
    alg: pair.alg,
    privateKey: (await importJWK(pair.privateJwk, pair.alg)) as CryptoKey,
    publicKey: (await importJWK(pair.publicJwk, pair.alg)) as CryptoKey,
    publicJwk: pair.publicJwk,
    activeAt: times.activeAt,
    retiredAt: times.retiredAt,
    removedAt: times.removedAt,
  };
}

/** The keys of an issuer at one moment of loading. */
export interface Keyring {
  /** The key that signs with `alg` now; null when there is none. */
  current(alg: SigningAlg, now: number): SigningKey | null;
  /**
   * A key whose signatures are accepted: current or retired, not removed. `kid` is only a map key.
   */
  find(kid: string, now: number): SigningKey | null;
  /** Public keys to publish: next, current and retired. */
  published(now: number): readonly JWK[];
  state(kid: string, now: number): KeyState;
  readonly keys: readonly SigningKey[];
}

export function createKeyring(keys: readonly SigningKey[]): Keyring {
  const byKid = new Map(keys.map((key) => [key.kid, key]));
  const gone = (key: SigningKey, now: number): boolean =>
    key.removedAt !== null && key.removedAt <= now;
  const current = (alg: SigningAlg, now: number): SigningKey | null => {
    let newest: SigningKey | null = null;
    for (const key of keys) {
      if (
        key.alg !== alg ||
        gone(key, now) ||
        key.activeAt > now ||
        (key.retiredAt !== null && key.retiredAt <= now)
      )
        continue;
      if (newest === null || key.activeAt > newest.activeAt) newest = key;
    }
    return newest;
  };
  return {
    keys,
    current,
    find(kid, now) {
      const key = byKid.get(kid);
      return key === undefined || gone(key, now) ? null : key;
    },
    published: (now) => keys.filter((key) => !gone(key, now)).map((key) => key.publicJwk),
    state(kid, now) {
      const key = byKid.get(kid);
      if (key === undefined || gone(key, now)) return 'removed';
      if (key.activeAt > now) return 'next';
      return current(key.alg, now) === key ? 'current' : 'retired';
    },
  };
}

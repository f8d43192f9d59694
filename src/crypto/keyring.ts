/**
 * Signing keys in memory: making them, importing them once, and finding the right one. The state of
 * a key follows from its times alone, so that all nodes change to a new key at the same moment
 * without communication. Storing keys and rotating them is left to `domain/signing-keys.ts`.
 */

import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { SigningAlg } from '../protocol/names.ts';

/**
 * The state of a signing key. `next`: published, does not sign yet. `current`: signs. `retired`: no
 * longer signs, still published and accepted. `removed`: no longer published or accepted.
 */
export type KeyState = 'next' | 'current' | 'retired' | 'removed';

/** A key pair in memory, imported and ready to use. Times are in seconds since 1970. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlg;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly publicJwk: JWK;
  readonly activeAt: number;
  readonly retiredAt: number | null;
  readonly removedAt: number | null;
}

/** A key pair, as JWKs. */
export interface KeyPairJwk {
  readonly kid: string;
  readonly alg: SigningAlg;
  readonly privateJwk: JWK;
  readonly publicJwk: JWK;
}

const PUBLIC_MEMBERS = ['kty', 'n', 'e', 'crv', 'x', 'y'] as const;

/** A new key pair: RSA with 2048 bits (the default of jose), or of the curve of the algorithm. */
export async function generateSigningKey(alg: SigningAlg): Promise<KeyPairJwk> {
  const pair = await generateKeyPair(alg, {
    extractable: true,
    ...(alg === 'EdDSA' ? { crv: 'Ed25519' } : {}),
  });
  return await describe(alg, await exportJWK(pair.privateKey));
}

/**
 * The key pair of a private key in PEM (PKCS#1, PKCS#8 or SEC1).
 * @throws Error when the text is not a private key for the algorithm, or is an RSA key of less than
 * 2048 bits
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

/**
 * Imports a key pair, once, so that signing does not parse the key each time.
 * @throws Error when the pair does not fit its algorithm, or is RSA with less than 2048 bits
 */
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
    privateKey: fitting(pair.alg, createPrivateKey(inJwk(pair.privateJwk))),
    publicKey: fitting(pair.alg, createPublicKey(inJwk(pair.publicJwk))),
    publicJwk: pair.publicJwk,
    activeAt: times.activeAt,
    retiredAt: times.retiredAt,
    removedAt: times.removedAt,
  };
}

function inJwk(jwk: JWK): { readonly key: JsonWebKey; readonly format: 'jwk' } {
  return { key: jwk as JsonWebKey, format: 'jwk' };
}

/** What a key of each algorithm is, as Node names it (RFC 7518 §3.1, RFC 8037 §2). */
export const KEY_KINDS: Readonly<Record<SigningAlg, string>> = {
  RS256: 'rsa',
  RS384: 'rsa',
  RS512: 'rsa',
  PS256: 'rsa',
  PS384: 'rsa',
  PS512: 'rsa',
  ES256: 'ec prime256v1',
  ES384: 'ec secp384r1',
  ES512: 'ec secp521r1',
  EdDSA: 'ed25519',
  Ed25519: 'ed25519',
};

function fitting(alg: SigningAlg, key: KeyObject): KeyObject {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const found = details?.namedCurve === undefined ? type : `${type} ${details.namedCurve}`;
  if (found === KEY_KINDS[alg]) return key;
  throw new Error(`the key is no key for ${alg}`);
}

/** The keys of an issuer, as they were loaded. `now` is in seconds since 1970. */
export interface Keyring {
  /** The key that signs with `alg` now; null if there is none. */
  current(alg: SigningAlg, now: number): SigningKey | null;
  /**
   * The key with this `kid`, whose signatures are accepted; null if it is unknown or removed. `kid`
   * comes from a token and is used only as the key of a map.
   */
  find(kid: string, now: number): SigningKey | null;
  /** The public keys to publish: next, current and retired ones. */
  published(now: number): readonly JWK[];
  /** The state of a key; `removed` if it is unknown. */
  state(kid: string, now: number): KeyState;
  /** All keys, including removed ones. */
  readonly keys: readonly SigningKey[];
}

/** The keyring of these keys. */
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

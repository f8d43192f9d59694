/**
 * Keys of the provider in memory, which sign or decrypt: making them, importing them once, and
 * finding the right one. The state of a key follows from its times alone, so that all nodes change
 * to a new key at the same moment without communication. Storing keys and rotating them is left to
 * `domain/signing-keys.ts`.
 */

import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { KEY_ENCRYPTION_ALGS, type KeyAlg, type SigningAlg } from '../protocol/names.ts';
import type { OutsideSignature } from './jwt.ts';

/**
 * The state of a key that signs. `next`: published, does not sign yet. `current`: signs. `retired`:
 * no longer signs, still published and accepted. `removed`: no longer published or accepted.
 */
export type KeyState = 'next' | 'current' | 'retired' | 'removed';

/** A key pair in memory, imported and ready to use. Times are in seconds since 1970. */
export interface OwnKey {
  readonly kid: string;
  readonly alg: KeyAlg;
  /** What signs with it outside of this process, where the private key is not here. */
  readonly privateKey: KeyObject | OutsideSignature;
  readonly publicKey: KeyObject;
  readonly publicJwk: JWK;
  readonly activeAt: number;
  readonly retiredAt: number | null;
  readonly removedAt: number | null;
}

type Times = Pick<OwnKey, 'activeAt' | 'retiredAt' | 'removedAt'>;

/** A key pair, as JWKs. */
export interface KeyPairJwk {
  readonly kid: string;
  readonly alg: KeyAlg;
  readonly privateJwk: JWK;
  readonly publicJwk: JWK;
}

const PUBLIC_MEMBERS = ['kty', 'n', 'e', 'crv', 'x', 'y'] as const;

/** A new key pair: RSA with 2048 bits (the default of jose), or of the curve of the algorithm. */
export async function generateKey(alg: KeyAlg): Promise<KeyPairJwk> {
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
export async function readPrivateKeyPem(pem: string, alg: KeyAlg): Promise<KeyPairJwk> {
  const key = createPrivateKey(pem);
  const pair = await describe(alg, key.export({ format: 'jwk' }) as JWK);
  await importKey(pair, { activeAt: 0, retiredAt: null, removedAt: null });
  return pair;
}

async function describe(alg: KeyAlg, privateJwk: JWK): Promise<KeyPairJwk> {
  const publicJwk = await published(alg, privateJwk);
  return { kid: publicJwk.kid, alg, privateJwk, publicJwk };
}

/** The public members of a key as they are published (RFC 7517 §4). */
async function published(alg: KeyAlg, jwk: JWK): Promise<JWK & { readonly kid: string }> {
  const members = PUBLIC_MEMBERS.filter((member) => jwk[member] !== undefined);
  // RFC 7638 §3: the kid is the thumbprint of the required members.
  const kid = await calculateJwkThumbprint(jwk);
  const use = isSigning(alg) ? 'sig' : 'enc';
  return { ...Object.fromEntries(members.map((name) => [name, jwk[name]])), kid, alg, use };
}

/** True for a key that signs, false for one that decrypts. */
function isSigning(alg: KeyAlg): boolean {
  return !(KEY_ENCRYPTION_ALGS as readonly string[]).includes(alg);
}

/**
 * A key whose private part is elsewhere.
 * @param given the public key: PEM, or a JWK
 * @throws Error when the public key does not fit the algorithm
 */
export async function outsideKey(
  alg: SigningAlg,
  given: string | Readonly<Record<string, unknown>>,
  sign: OutsideSignature,
  times: Times,
): Promise<OwnKey> {
  const publicKey = createPublicKey(typeof given === 'string' ? given : inJwk(given as JWK));
  const publicJwk = await published(alg, publicKey.export({ format: 'jwk' }) as JWK);
  requireLength(publicJwk);
  const { kid } = publicJwk;
  return { kid, alg, privateKey: sign, publicKey: fitting(alg, publicKey), publicJwk, ...times };
}

/**
 * Imports a key pair, once, so that signing does not parse the key each time.
 * @throws Error when the pair does not fit its algorithm, or is RSA with less than 2048 bits
 */
export async function importKey(pair: KeyPairJwk, times: Times): Promise<OwnKey> {
  requireLength(pair.publicJwk);
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

/** RFC 7518 §3.3, §4.3: RSA keys have at least 2048 bits. */
function requireLength({ kty, n }: JWK): void {
  if (kty === 'RSA' && Buffer.from(n ?? '', 'base64url').length < 256)
    throw new Error('an RSA key needs at least 2048 bits');
}

function inJwk(jwk: JWK): { readonly key: JsonWebKey; readonly format: 'jwk' } {
  return { key: jwk as JsonWebKey, format: 'jwk' };
}

/** What a key of each algorithm is, as Node names it (RFC 7518 §3.1, §4.1, RFC 8037 §2). */
export const KEY_KINDS: Readonly<Record<KeyAlg, string>> = {
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
  'RSA-OAEP': 'rsa',
  'RSA-OAEP-256': 'rsa',
  'ECDH-ES': 'ec prime256v1',
  'ECDH-ES+A128KW': 'ec prime256v1',
  'ECDH-ES+A256KW': 'ec prime256v1',
};

function fitting(alg: KeyAlg, key: KeyObject): KeyObject {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const found = details?.namedCurve === undefined ? type : `${type} ${details.namedCurve}`;
  if (found === KEY_KINDS[alg]) return key;
  throw new Error(`the key is no key for ${alg}`);
}

/** The keys of an issuer, as they were loaded. `now` is in seconds since 1970. */
export interface Keyring {
  /** The key that signs with `alg` now; null if there is none. */
  current(alg: KeyAlg, now: number): OwnKey | null;
  /**
   * The key with this `kid`, which is accepted; null if it is unknown or removed. `kid` comes from
   * a token and is used only as the key of a map.
   */
  find(kid: string, now: number): OwnKey | null;
  /** The keys that decrypt by this algorithm, the newest first. */
  decrypting(alg: string, now: number): readonly OwnKey[];
  /** The public keys to publish: next, current and retired ones. No retired one that decrypts. */
  published(now: number): readonly JWK[];
  /** The state of a key; `removed` if it is unknown. */
  state(kid: string, now: number): KeyState;
  /** All keys, including removed ones. */
  readonly keys: readonly OwnKey[];
}

/** The keyring of these keys. */
export function createKeyring(keys: readonly OwnKey[]): Keyring {
  const byKid = new Map(keys.map((key) => [key.kid, key]));
  const gone = (key: OwnKey, now: number): boolean =>
    key.removedAt !== null && key.removedAt <= now;
  const isRetired = ({ retiredAt }: OwnKey, now: number): boolean =>
    retiredAt !== null && retiredAt <= now;
  const current = (alg: KeyAlg, now: number): OwnKey | null => {
    let newest: OwnKey | null = null;
    for (const key of keys) {
      if (key.alg !== alg || gone(key, now) || key.activeAt > now || isRetired(key, now)) continue;
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
    decrypting: (alg, now) =>
      keys
        .filter((key) => key.alg === alg && !isSigning(key.alg) && !gone(key, now))
        .sort((one, other) => other.activeAt - one.activeAt),
    published: (now) =>
      // Nobody encrypts to a key that is about to go; what was encrypted to it is still read.
      keys
        .filter((key) => !gone(key, now) && (isSigning(key.alg) || !isRetired(key, now)))
        .map((key) => key.publicJwk),
    state(kid, now) {
      const key = byKid.get(kid);
      if (key === undefined || gone(key, now)) return 'removed';
      if (key.activeAt > now) return 'next';
      return current(key.alg, now) === key ? 'current' : 'retired';
    },
  };
}

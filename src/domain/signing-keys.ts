/**
 * The issuer's keys over time, those that sign and those that decrypt: next → current → retired →
 * removed. The set changes by compare and swap, so that ten nodes starting at once, or a rotation
 * on every node, make one set. When a key is due is in `key-schedule.ts`, keys in memory are in
 * `loaded-keys.ts`.
 */
import type { JWK } from 'jose';
import { decryptText, peekJwe } from '../crypto/jwe.ts';
import { type JwtClaims, JwtError, type JwtKey, signJwt } from '../crypto/jwt.ts';
import { generateKey, type KeyState, type OwnKey } from '../crypto/keyring.ts';
import type { Vault } from '../crypto/vault.ts';
import type { KeyAlg, SigningAlg } from '../protocol/names.ts';
import type { Seconds, StoredKey } from '../store/records.ts';
import { type KeyStore, StoreUnavailable } from '../store/store.ts';
import type { EventFacts } from './event-definition.ts';
import { keysRotated } from './event-definitions.ts';
import type { Events } from './events.ts';
import type { Ages } from './freshness.ts';
import { dueKeys, type KeyPlan, type KeyTimes, type KeyWish, rotatedKeys } from './key-schedule.ts';
import { createLoadedKeys, type LoadedKeys, sealKey } from './loaded-keys.ts';
import type { GivenKey } from './settings.ts';

/** A key as operators see it. */
export interface KeyInfo {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  /** What it signs, or how clients encrypt to it. */
  readonly alg: KeyAlg;
  /** Where it stands now. */
  readonly state: KeyState;
  /** When it begins to sign, in seconds. One that decrypts does so from the start. */
  readonly activeAt: Seconds;
  /** When its successor takes over; null while there is none. */
  readonly retiredAt: Seconds | null;
  /** When it leaves the key set. */
  readonly removedAt: Seconds | null;
}

/** Signs with one of our keys; the key itself is never handed out. */
export interface TokenSigner {
  /** Algorithm of the key. */
  readonly alg: SigningAlg;
  /** Identifier of the key. */
  readonly kid: string;
  /**
   * Signs claims as a JWT.
   * @param typ the header's `typ`
   */
  sign(typ: string, claims: JwtClaims): Promise<string>;
}

/** Signing keys as operators and hosts see them. */
export interface KeyAdmin {
  /**
   * Public keys as JWKs, next, current and retired: those that verify what was and will be signed,
   * and those to which clients encrypt.
   */
  published(): Promise<readonly JWK[]>;
  /** Every key there is, with its state. */
  list(): Promise<readonly KeyInfo[]>;
  /**
   * Publishes a new key for every algorithm in use. It takes over after `publishBefore` seconds,
   * and the old one stays for `keepAfter`. `emergency`: it takes over now, and the old ones are
   * removed at once. `immediate`: it takes over now, and the old ones stay published. With both,
   * verifiers that cache the key set refuse new tokens until they look again. With neither, false
   * when successors are published already.
   * @throws Error when keys are given by configuration
   */
  rotate(options?: {
    readonly emergency?: boolean;
    readonly immediate?: boolean;
  }): Promise<boolean>;
}

export interface SigningKeys extends KeyAdmin {
  /** Makes missing keys and moves due ones; called at start and from time to time. */
  maintain(): Promise<boolean>;
  /** Signs with the current key of `alg`. @throws Error when there is none */
  signer(alg: SigningAlg): Promise<TokenSigner>;
  /**
   * When the key of `alg` signs, in seconds. Publishes one if there is none: it then signs after
   * `publishBefore`.
   */
  provide(alg: SigningAlg): Promise<Seconds>;
  /**
   * Verifies what one of our keys signed, as long as that is accepted; null for any other `kid`.
   */
  verifier(kid: string): Promise<JwtKey | null>;
  /**
   * What a client encrypted to one of our keys (RFC 7516).
   * @throws JwtError `malformed`, `algorithm` or `unknown_key`
   */
  decrypted(jwe: string): Promise<string>;
}

interface Parts {
  readonly store: KeyStore;
  readonly vault: Vault;
  readonly events: Events;
  readonly schedule: KeyTimes;
  readonly ages: Ages;
  readonly given: readonly GivenKey[] | null;
  readonly now: () => Seconds;
  /** Is told what went wrong in a look-up, except that the store does not answer. */
  readonly report: (error: unknown) => void;
}

interface KeyParts extends Parts {
  readonly loaded: LoadedKeys;
}

/** Milliseconds that publishing waits for a slow store. */
const SOON = 300;
/** Attempts of a change while others change the key set. */
const MOST_ATTEMPTS = 20;
/** Keys that are tried for a text without a key id. */
const MOST_TRIED = 3;

export function createSigningKeys(given: Parts): SigningKeys {
  const makeFirst = async (): Promise<boolean> => await moveDue(parts);
  const parts: KeyParts = { ...given, loaded: createLoadedKeys({ ...given, makeFirst }) };
  const { loaded, now } = parts;
  return {
    maintain: async () => await maintain(parts),
    async signer(alg) {
      const { kid, privateKey } = await currentKey(parts, alg);
      const sign = async (typ: string, claims: JwtClaims): Promise<string> =>
        await signJwt({ alg, typ, kid }, claims, privateKey);
      return { alg, kid, sign };
    },
    provide: async (alg) => await provide(parts, alg),
    async verifier(kid) {
      const known = (await loaded.ring()).find(kid, now());
      // Another process may have made the key just now.
      const key = known ?? (parts.given === null ? (await loaded.load()).find(kid, now()) : null);
      return key === null ? null : { alg: key.alg, key: key.publicKey };
    },
    decrypted: async (jwe) => await decrypted(parts, jwe),
    published: async () => {
      const offered: readonly string[] = parts.schedule.algs;
      return (await loaded.ring(SOON))
        .published(now())
        .filter(({ use, alg = '' }) => use === 'sig' || offered.includes(alg));
    },
    list: async () => await list(parts),
    async rotate({ emergency = false, immediate = false } = {}) {
      if (parts.given !== null)
        throw new Error('The signing keys are given by configuration: change them there.');
      const kind = emergency ? 'emergency' : immediate ? 'immediate' : 'scheduled';
      return await change(parts, (keys) => rotatedKeys(keys, parts.schedule, now(), kind), {
        detail: { emergency, immediate, scheduled: false },
      });
    },
  };
}

async function decrypted({ schedule, loaded, now }: KeyParts, jwe: string): Promise<string> {
  const { alg, kid } = peekJwe(jwe);
  const offered: readonly string[] = schedule.algs;
  // A key is good for its own algorithm alone.
  if (!offered.includes(alg)) throw new JwtError('algorithm', `encrypted by ${alg}, not offered`);
  const keys = (await loaded.ring()).decrypting(alg, now());
  const meant = keys.filter((key) => kid === undefined || key.kid === kid);
  let failure = new JwtError('unknown_key', 'encrypted to a key that is not published here');
  // Without a key id it may be to any of a few: the next, the current and the retired one.
  for (const { privateKey } of meant.slice(0, MOST_TRIED)) {
    if (typeof privateKey === 'function') continue;
    try {
      return await decryptText(jwe, { alg, key: privateKey });
    } catch (error) {
      if (!(error instanceof JwtError)) throw error;
      failure = error;
    }
  }
  throw failure;
}

async function maintain(parts: KeyParts): Promise<boolean> {
  await parts.loaded.load();
  if (parts.given !== null) return false;
  return await moveDue(parts);
}

/** Makes missing keys and moves due ones, the first keys too. False when nothing was due. */
async function moveDue(parts: KeyParts): Promise<boolean> {
  return await change(parts, (keys) => dueKeys(keys, parts.schedule, parts.now()), {
    detail: { emergency: false, immediate: false, scheduled: true },
  });
}

async function list({ loaded, now }: KeyParts): Promise<readonly KeyInfo[]> {
  const current = await loaded.load();
  return current.keys.map(({ kid, alg, activeAt, retiredAt, removedAt }) => {
    const state = current.state(kid, now());
    return { kid, alg, state, activeAt, retiredAt, removedAt };
  });
}

async function provide(parts: KeyParts, alg: SigningAlg): Promise<Seconds> {
  const { loaded, now, given } = parts;
  const current = (await loaded.ring()).current(alg, now());
  if (current !== null) return current.activeAt;
  // Another process may have made one.
  if (given === null) await maintain(parts);
  const first = (await loaded.ring()).keys
    .filter((key) => key.alg === alg)
    .reduce((earliest, { activeAt }) => Math.min(earliest, activeAt), Number.POSITIVE_INFINITY);
  if (first === Number.POSITIVE_INFINITY) throw new Error(`There is no signing key for ${alg}.`);
  return first;
}

async function currentKey(parts: KeyParts, alg: SigningAlg): Promise<OwnKey> {
  const { loaded, now } = parts;
  const key = (await loaded.ring()).current(alg, now());
  if (key !== null) return key;
  if (parts.given !== null) throw new Error(`There is no signing key for ${alg}.`);
  await provide(parts, alg);
  const made = (await loaded.ring()).current(alg, now());
  if (made === null)
    throw new StoreUnavailable(`The signing key for ${alg} is published, and signs later.`);
  return made;
}

type RotationFacts = EventFacts<typeof keysRotated>;

/** Applies a change until it wins the compare and swap, or finds nothing to do. */
async function change(
  parts: KeyParts,
  plan: (keys: readonly StoredKey[]) => KeyPlan,
  act: RotationFacts,
): Promise<boolean> {
  const { store, loaded } = parts;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const set = await store.load();
    const { keep, make } = plan(set?.keys ?? []);
    if (make.length === 0 && keep.length === (set?.keys.length ?? 0)) return false;
    const made = await Promise.all(make.map(async (wish) => await newStoredKey(parts, wish)));
    if (await swap(parts, set?.version ?? 0, [...keep, ...made], act)) {
      await loaded.open(await store.load());
      return true;
    }
  }
  throw new Error('The signing keys kept changing while they were being changed.');
}

async function swap(
  { store, events }: KeyParts,
  expected: number,
  keys: readonly StoredKey[],
  act: RotationFacts,
): Promise<boolean> {
  return await events.act(keysRotated, act, async (row) => await store.swap(expected, keys, row));
}

async function newStoredKey({ vault, now }: KeyParts, wish: KeyWish): Promise<StoredKey> {
  const pair = await generateKey(wish.alg);
  return {
    kid: pair.kid,
    alg: pair.alg,
    sealedPrivateJwk: sealKey(vault, pair.privateJwk),
    publicJwk: JSON.stringify(pair.publicJwk),
    createdAt: now(),
    activeAt: wish.activeAt,
    retiredAt: null,
    removedAt: null,
  };
}

/**
 * The issuer's signing keys over time: next → current → retired → removed. The set is changed by compare and swap, so that ten nodes
 * starting at once, or a rotation on every node, make one set. Keys come from the store, or from configuration (PEM).
 */
import type { JWK } from 'jose';
import { type JwtClaims, type JwtKey, signJwt } from '../crypto/jwt.ts';
import {
  createKeyring,
  generateSigningKey,
  importSigningKey,
  type KeyPairJwk,
  type Keyring,
  type KeyState,
  readPrivateKeyPem,
  type SigningKey,
} from '../crypto/keyring.ts';
import type { Vault } from '../crypto/secrets.ts';
import type { SigningAlg } from '../protocol/names.ts';
import type { KeySet, StoredKey } from '../store/records.ts';
import { type KeyStore, StoreUnavailable } from '../store/store.ts';
import type { EventFacts, Events } from './events.ts';
import type { GivenKey, KeySchedule } from './settings.ts';

/** A key as operators see it. */
export interface KeyInfo {
  /** RFC 7638 thumbprint. */
  readonly kid: string;
  /** What it signs. */
  readonly alg: SigningAlg;
  /** Where it stands now. */
  readonly state: KeyState;
  /** When it begins to sign, in seconds. */
  readonly activeAt: number;
  /** When its successor takes over; null while there is none. */
  readonly retiredAt: number | null;
  /** When it leaves the key set. */
  readonly removedAt: number | null;
}

/** Signs with one key of ours, which itself is never handed out. */
export interface Signer {
  readonly alg: SigningAlg;
  readonly kid: string;
  /** @param typ the header's `typ` */
  sign(typ: string, claims: JwtClaims): Promise<string>;
}

/** Signing keys as operators and hosts see them. */
export interface KeyAdmin {
  /** Public keys that verify what was and will be signed, as JWKs: next, current and retired. */
  published(): Promise<readonly JWK[]>;
  /** Every key there is, with its state. */
  list(): Promise<readonly KeyInfo[]>;
  /**
   * Publishes a new key for every algorithm in use; it takes over after `publishBefore` seconds and the old one stays for `keepAfter`.
   * `emergency`: it takes over now and the old ones are removed at once; whoever caches the key set refuses new tokens until it looks again.
   * False when successors are published and waiting already. @throws Error when keys are given by configuration
   */
  rotate(options?: { readonly emergency?: boolean }): Promise<boolean>;
}

export interface SigningKeys extends KeyAdmin {
  /** Makes missing keys and moves due ones; called at start and from time to time. */
  maintain(): Promise<boolean>;
  /** Signs with the current key of `alg`. @throws Error when there is none */
  signer(alg: SigningAlg): Promise<Signer>;
  /** Makes and publishes a key for `alg` if there is none: called when a client registers for it, ahead of the first signature. */
  provide(alg: SigningAlg): Promise<void>;
  /** Verifies what one of our keys signed, as long as that is accepted; null for any other `kid`. */
  verifier(kid: string): Promise<JwtKey | null>;
}

interface Parts {
  readonly store: KeyStore;
  readonly vault: Vault;
  readonly events: Events;
  readonly schedule: KeySchedule;
  readonly given: readonly GivenKey[] | null;
  readonly now: () => number;
}

/** Seconds after which a loaded set is looked up again: a key withdrawn in an emergency, by whatever process, signs here no longer than that. */
const FRESH_SECONDS = 5;

export function createSigningKeys(parts: Parts): SigningKeys {
  const { store, now, schedule } = parts;
  let loaded: { readonly ring: Keyring; readonly version: number; checkedAt: number } | null = null;
  let loading: Promise<Keyring> | null = null;
  let starting: Promise<Keyring> | null = null;

  const unlock = (key: StoredKey): KeyPairJwk => {
    const text = parts.vault.open('signing key', key.sealedPrivateJwk);
    // A key we cannot open must stop the start: silently making new keys would break every relying party.
    if (text === null)
      throw new Error(
        `The signing key ${key.kid} cannot be opened: the secret is not the one it was sealed with.`,
      );
    return {
      kid: key.kid,
      alg: key.alg as SigningAlg,
      privateJwk: JSON.parse(text) as JWK,
      publicJwk: JSON.parse(key.publicJwk) as JWK,
    };
  };
  const open = async (set: KeySet | null): Promise<Keyring> => {
    const kept = loaded;
    if (kept !== null && set !== null && kept.version === set.version) {
      kept.checkedAt = now();
      return kept.ring;
    }
    // A slow look-up that began before a change and ends after it tells what was.
    if (kept !== null && set !== null && kept.version > set.version) return kept.ring;
    const ring = createKeyring(
      await Promise.all(
        (set?.keys ?? []).map(async (key) => await importSigningKey(unlock(key), key)),
      ),
    );
    loaded = { ring, version: set?.version ?? 0, checkedAt: now() };
    return ring;
  };
  const given = async (keys: readonly GivenKey[]): Promise<Keyring> => {
    const imported = await Promise.all(
      // Of several active keys of an algorithm the first one signs; an inactive key is one that has retired.
      keys.map(async (key, index) =>
        importSigningKey(await readPrivateKeyPem(key.pem, key.alg), {
          activeAt: keys.length - index,
          retiredAt: key.active ? null : 0,
          removedAt: null,
        }),
      ),
    );
    const ring = createKeyring(imported);
    loaded = { ring, version: -1, checkedAt: Number.POSITIVE_INFINITY };
    return ring;
  };
  const load = async (): Promise<Keyring> => {
    if (parts.given !== null) return loaded?.ring ?? (await given(parts.given));
    loading ??= store
      .load()
      .then(open)
      .finally(() => {
        loading = null;
      });
    return await loading;
  };
  const start = async (): Promise<Keyring> => {
    const first = await load();
    if (first.keys.length > 0) return first;
    await change((keys) => dueKeys(keys, schedule, now()));
    return await load();
  };
  const ring = async (): Promise<Keyring> => {
    if (loaded === null || loaded.ring.keys.length === 0) {
      // Many first requests at once make one set, once.
      starting ??= start().finally(() => {
        starting = null;
      });
      return await starting;
    }
    if (loaded.checkedAt + FRESH_SECONDS > now()) return loaded.ring;
    try {
      return await load();
    } catch (error) {
      // Signing goes on from memory while the store cannot answer; a published key is good for much longer than an outage.
      if (error instanceof StoreUnavailable) return loaded.ring;
      throw error;
    }
  };

  /** Applies a change until it wins the compare and swap or finds nothing to do. */
  const change = async (
    plan: (keys: readonly StoredKey[]) => KeyPlan,
    act: EventFacts | null = null,
  ): Promise<boolean> => {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const set = await store.load();
      const { keep, make } = plan(set?.keys ?? []);
      if (make.length === 0 && keep.length === (set?.keys.length ?? 0)) return false;
      const made = await Promise.all(make.map(async (wish) => await newStoredKey(wish)));
      if (await swap(set?.version ?? 0, [...keep, ...made], act)) {
        await open(await store.load());
        return true;
      }
    }
    throw new Error('The signing keys kept changing while they were being changed.');
  };
  const swap = async (
    expected: number,
    keys: readonly StoredKey[],
    facts: EventFacts | null,
  ): Promise<boolean> =>
    facts === null
      ? await store.swap(expected, keys, null)
      : await parts.events.act(
          'keys.rotated',
          facts,
          async (row) => await store.swap(expected, keys, row),
        );
  const newStoredKey = async (wish: KeyWish): Promise<StoredKey> => {
    const pair = await generateSigningKey(wish.alg);
    return {
      kid: pair.kid,
      alg: pair.alg,
      sealedPrivateJwk: parts.vault.seal('signing key', JSON.stringify(pair.privateJwk)),
      publicJwk: JSON.stringify(pair.publicJwk),
      createdAt: now(),
      activeAt: wish.activeAt,
      retiredAt: null,
      removedAt: null,
    };
  };

  const provide = async (alg: SigningAlg): Promise<void> => {
    if (
      (await ring()).current(alg, now()) !== null ||
      parts.given !== null ||
      !schedule.algs.includes(alg)
    )
      return;
    await change((keys) => ({
      keep: keys,
      make: keys.some((key) => key.alg === alg) ? [] : [{ alg, activeAt: now() }],
    }));
  };

  const currentKey = async (alg: SigningAlg): Promise<SigningKey> => {
    const key = (await ring()).current(alg, now());
    if (key !== null) return key;
    await provide(alg);
    const made = (await ring()).current(alg, now());
    if (made === null) throw new Error(`There is no signing key for ${alg}.`);
    return made;
  };

  return {
    async maintain() {
      if (parts.given !== null) {
        await load();
        return false;
      }
      await load();
      return await change((keys) => dueKeys(keys, schedule, now()), {
        detail: { emergency: false, scheduled: true },
      });
    },
    async signer(alg) {
      const { kid, privateKey } = await currentKey(alg);
      return {
        alg,
        kid,
        sign: async (typ, claims) => await signJwt({ alg, typ, kid }, claims, privateKey),
      };
    },
    provide,
    async verifier(kid) {
      const key =
        (await ring()).find(kid, now()) ??
        (parts.given === null ? (await load()).find(kid, now()) : null);
      return key === null ? null : { alg: key.alg, key: key.publicKey };
    },
    published: async () => (await ring()).published(now()),
    async list() {
      const current = await load();
      return current.keys.map(({ kid, alg, activeAt, retiredAt, removedAt }) => ({
        kid,
        alg,
        state: current.state(kid, now()),
        activeAt,
        retiredAt,
        removedAt,
      }));
    },
    async rotate({ emergency = false } = {}) {
      if (parts.given !== null)
        throw new Error('The signing keys are given by configuration: change them there.');
      const start = emergency ? now() : now() + schedule.publishBefore;
      return await change(
        (keys) => {
          const waiting = (alg: SigningAlg): boolean =>
            !emergency && keys.some((key) => key.alg === alg && key.activeAt > now());
          const algs = algsInUse(keys, schedule).filter((alg) => !waiting(alg));
          const kept = emergency
            ? []
            : keys.map((key) =>
                algs.includes(key.alg as SigningAlg) ? retire(key, start, schedule) : key,
              );
          return { keep: kept, make: algs.map((alg) => ({ alg, activeAt: start })) };
        },
        { detail: { emergency, scheduled: false } },
      );
    },
  };
}

interface KeyWish {
  readonly alg: SigningAlg;
  readonly activeAt: number;
}

interface KeyPlan {
  readonly keep: readonly StoredKey[];
  readonly make: readonly KeyWish[];
}

function retire(key: StoredKey, at: number, schedule: KeySchedule): StoredKey {
  if (key.retiredAt !== null && key.retiredAt <= at) return key;
  return { ...key, retiredAt: at, removedAt: at + schedule.keepAfter };
}

/**
 * Algorithms that have keys: the first one offered from the start, any other from the moment a client asks for it. So a key set holds what is
 * used, and the first start makes one RSA key instead of two.
 */
function algsInUse(keys: readonly StoredKey[], schedule: KeySchedule): readonly SigningAlg[] {
  return schedule.algs.filter((alg, index) => index === 0 || keys.some((key) => key.alg === alg));
}

/** What is due: keys of an algorithm that has none, successors of keys near their end, removal of those past it. Pure. */
export function dueKeys(keys: readonly StoredKey[], schedule: KeySchedule, now: number): KeyPlan {
  let keep = keys.filter((key) => key.removedAt === null || key.removedAt > now);
  const make: KeyWish[] = [];
  for (const alg of algsInUse(keys, schedule)) {
    const newest = keep.filter((key) => key.alg === alg).sort((a, b) => b.activeAt - a.activeAt)[0];
    if (newest === undefined) {
      make.push({ alg, activeAt: now });
      continue;
    }
    const due = newest.activeAt + schedule.rotateEvery;
    if (due - schedule.publishBefore > now) continue;
    const activeAt = Math.max(due, now + schedule.publishBefore);
    make.push({ alg, activeAt });
    keep = keep.map((key) => (key.alg === alg ? retire(key, activeAt, schedule) : key));
  }
  return { keep, make };
}

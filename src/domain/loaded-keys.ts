/**
 * The key set in memory: loaded once, looked up again after a few seconds, opened and imported when
 * its version changed. While the store does not answer, what is loaded signs and is published on:
 * one look-up is under way, the next begins after a pause, and nobody waits for it.
 */
import type { JWK } from 'jose';
import { signJwt, verifyJwt } from '../crypto/jwt.ts';
import {
  createKeyring,
  importKey,
  KEY_KINDS,
  type KeyPairJwk,
  type Keyring,
  type OwnKey,
  outsideKey,
  readPrivateKeyPem,
} from '../crypto/keyring.ts';
import type { Vault } from '../crypto/vault.ts';
import type { KeyAlg } from '../protocol/names.ts';
import type { KeySet, StoredKey } from '../store/records.ts';
import { type KeyStore, StoreUnavailable } from '../store/store.ts';
import type { Ages, Moment } from './freshness.ts';
import type { GivenKey, Signer } from './settings.ts';

export interface LoadedKeys {
  /**
   * The keys, at most a few seconds old while the store answers; makes the first ones where none
   * exist.
   * @param patience milliseconds to wait for a store that is slow; then the keys in memory count
   */
  ring(patience?: number): Promise<Keyring>;
  /** The keys as they are now. */
  load(): Promise<Keyring>;
  /** Takes a set that was just read or stored. */
  open(set: KeySet | null): Promise<Keyring>;
}

interface Parts {
  readonly store: KeyStore;
  readonly vault: Vault;
  readonly given: readonly GivenKey[] | null;
  readonly ages: Ages;
  /** Makes the first keys. */
  readonly makeFirst: () => Promise<unknown>;
  /** Is told what went wrong in a look-up, except that the store does not answer. */
  readonly report: (error: unknown) => void;
}

/**
 * Seconds after which the set is looked up again: a withdrawn key signs here no longer than that.
 */
const FRESH_SECONDS = 5;
/** Milliseconds that a slow store is waited for, by default, and after which it is given up. */
const PATIENCE = 2000;
/** Milliseconds that a signer outside of this process has for a signature. */
const SIGNER_PATIENCE = 10_000;
/** Seconds between two look-ups while the store does not answer. */
const PAUSE = 5;
const SEALED_FOR = 'signing key';

/** Seals a private key for the store. */
export function sealKey(vault: Vault, privateJwk: JWK): string {
  return vault.seal(SEALED_FOR, JSON.stringify(privateJwk));
}

function openKey(vault: Vault, key: StoredKey): KeyPairJwk {
  const text = vault.open(SEALED_FOR, key.sealedPrivateJwk);
  // Stop when a key cannot be opened: silently making new keys would break every relying party.
  if (text === null)
    throw new Error(
      `The signing key ${key.kid} cannot be opened: the secret is not the one it was sealed with.`,
    );
  return {
    kid: key.kid,
    alg: key.alg as KeyAlg,
    privateJwk: JSON.parse(text) as JWK,
    publicJwk: JSON.parse(key.publicJwk) as JWK,
  };
}

/**
 * Keys from configuration. The first active one of an algorithm signs; an inactive one has retired.
 */
async function importGiven(keys: readonly GivenKey[]): Promise<Keyring> {
  const imported = keys.map(async (key, index): Promise<OwnKey> => {
    const times = {
      activeAt: keys.length - index,
      retiredAt: key.active ? null : 0,
      removedAt: null,
    };
    if ('sign' in key) return await importSigner(key, times);
    return await importKey(await readPrivateKeyPem(key.pem, key.alg), times);
  });
  return createKeyring(await Promise.all(imported));
}

/** A signer whose signatures nobody can verify is found before its first token. */
async function importSigner(
  signer: Signer,
  times: Parameters<typeof outsideKey>[3],
): Promise<OwnKey> {
  const { alg, active, publicKey } = signer;
  const sign = async (data: Uint8Array): Promise<Uint8Array> =>
    await inTime(async () => await signer.sign(data), alg);
  const key = await outsideKey(alg, publicKey, sign, times);
  if (!active) return key;
  const probe = await signJwt({ alg, typ: PROBE }, {}, sign);
  try {
    await verifyJwt(probe, { alg, key: key.publicKey }, [PROBE]);
  } catch (cause) {
    throw new Error(`The signer for ${alg} does not sign what its public key verifies.`, { cause });
  }
  return key;
}
const PROBE = 'probe';

/** @throws StoreUnavailable when the signer rejects, or does not answer in time */
async function inTime(sign: () => Promise<Uint8Array>, alg: string): Promise<Uint8Array> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), SIGNER_PATIENCE);
  });
  try {
    return await Promise.race([sign(), tired]);
  } catch (cause) {
    throw new StoreUnavailable(`The signer for ${alg} did not sign.`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

export function createLoadedKeys(parts: Parts): LoadedKeys {
  const { store, vault, given, ages, makeFirst, report } = parts;
  let loaded: { readonly ring: Keyring; readonly version: number; checked: Moment } | null = null;
  /** One look-up, and one first start, under way at a time. */
  let loading: Promise<Keyring> | null = null;
  let starting: Promise<Keyring> | null = null;
  /** The last look-up that had no answer; null since one had. */
  let unanswered: Moment | null = null;

  const openAsOf = async (set: KeySet | null, began: Moment): Promise<Keyring> => {
    const kept = loaded;
    if (kept !== null && set !== null && kept.version === set.version) {
      kept.checked = began;
      return kept.ring;
    }
    // A slow look-up that began before a change and ends after it is outdated.
    if (kept !== null && set !== null && kept.version > set.version) return kept.ring;
    // A key of a later version of this software is not ours to use, and stays in the store.
    const known = (set?.keys ?? []).filter(({ alg }) => Object.hasOwn(KEY_KINDS, alg));
    const imported = known.map((key) => importKey(openKey(vault, key), key));
    const ring = createKeyring(await Promise.all(imported));
    loaded = { ring, version: set?.version ?? 0, checked: began };
    return ring;
  };
  const load = async (): Promise<Keyring> => {
    if (given !== null) {
      loaded ??= { ring: await importGiven(given), version: -1, checked: ages.now() };
      return loaded.ring;
    }
    if (loading === null) {
      const lookUp = withAnswer(store, ages.now());
      loading = lookUp;
      // One that never ends is given up, so that another can begin.
      const forget = (): void => {
        if (loading === lookUp) loading = null;
      };
      const giveUp = setTimeout(() => {
        unanswered = ages.now();
        forget();
      }, PATIENCE).unref();
      void lookUp
        .catch(() => undefined)
        .finally(() => {
          clearTimeout(giveUp);
          forget();
        });
    }
    return await loading;
  };
  const withAnswer = async (from: KeyStore, began: Moment): Promise<Keyring> => {
    try {
      const ring = await openAsOf(await from.load(), began);
      unanswered = null;
      return ring;
    } catch (error) {
      unanswered = ages.now();
      throw error;
    }
  };
  /** Null when there is no answer in time. */
  const lookAgain = async (patience: number): Promise<Keyring | null> => {
    const answer = load().catch((error: unknown) => {
      if (!(error instanceof StoreUnavailable)) report(error);
      return null;
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tired = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, patience, null);
    });
    const first = await Promise.race([answer, tired]);
    clearTimeout(timer);
    return first;
  };
  const start = async (): Promise<Keyring> => {
    const first = await load();
    if (first.keys.length > 0) return first;
    await makeFirst();
    return await load();
  };
  const ring = async (patience: number = PATIENCE): Promise<Keyring> => {
    if (loaded === null || loaded.ring.keys.length === 0) {
      starting ??= start().finally(() => {
        starting = null;
      });
      return await starting;
    }
    const known = loaded.ring;
    if (given !== null || ages.isWithin(loaded.checked, FRESH_SECONDS)) return known;
    if (unanswered === null) return (await lookAgain(patience)) ?? known;
    // A published key is good for much longer than an outage, so nobody waits for the end of it.
    if (!ages.isWithin(unanswered, PAUSE)) void lookAgain(0);
    return known;
  };
  return { ring, load, open: async (set) => await openAsOf(set, ages.now()) };
}

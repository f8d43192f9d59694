/**
 * The key set in memory: loaded once, looked up again after a few seconds, opened and imported when
 * its version changed. While the store does not answer, signing goes on with what is loaded.
 */
import type { JWK } from 'jose';
import {
  createKeyring,
  importSigningKey,
  type KeyPairJwk,
  type Keyring,
  readPrivateKeyPem,
} from '../crypto/keyring.ts';
import type { Vault } from '../crypto/vault.ts';
import type { SigningAlg } from '../protocol/names.ts';
import type { KeySet, StoredKey } from '../store/records.ts';
import { type KeyStore, StoreUnavailable } from '../store/store.ts';
import type { Ages, Moment } from './freshness.ts';
import type { GivenKey } from './settings.ts';

export interface LoadedKeys {
  /** The keys, at most a few seconds old; makes the first ones where none exist. */
  ring(): Promise<Keyring>;
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
}

/**
 * Seconds after which the set is looked up again: a withdrawn key signs here no longer than that.
 */
const FRESH_SECONDS = 5;
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
    alg: key.alg as SigningAlg,
    privateJwk: JSON.parse(text) as JWK,
    publicJwk: JSON.parse(key.publicJwk) as JWK,
  };
}

/**
 * Keys from configuration. The first active one of an algorithm signs; an inactive one has retired.
 */
async function importGiven(keys: readonly GivenKey[]): Promise<Keyring> {
  const imported = keys.map(async (key, index) =>
    importSigningKey(await readPrivateKeyPem(key.pem, key.alg), {
      activeAt: keys.length - index,
      retiredAt: key.active ? null : 0,
      removedAt: null,
    }),
  );
  return createKeyring(await Promise.all(imported));
}

export function createLoadedKeys({ store, vault, given, ages, makeFirst }: Parts): LoadedKeys {
  let loaded: { readonly ring: Keyring; readonly version: number; checked: Moment } | null = null;
  /** One look-up, and one first start, under way at a time. */
  let loading: Promise<Keyring> | null = null;
  let starting: Promise<Keyring> | null = null;

  const openAsOf = async (set: KeySet | null, began: Moment): Promise<Keyring> => {
    const kept = loaded;
    if (kept !== null && set !== null && kept.version === set.version) {
      kept.checked = began;
      return kept.ring;
    }
    // A slow look-up that began before a change and ends after it is outdated.
    if (kept !== null && set !== null && kept.version > set.version) return kept.ring;
    const imported = (set?.keys ?? []).map((key) => importSigningKey(openKey(vault, key), key));
    const ring = createKeyring(await Promise.all(imported));
    loaded = { ring, version: set?.version ?? 0, checked: began };
    return ring;
  };
  const load = async (): Promise<Keyring> => {
    if (given !== null) {
      loaded ??= { ring: await importGiven(given), version: -1, checked: ages.now() };
      return loaded.ring;
    }
    const began = ages.now();
    loading ??= store
      .load()
      .then(async (set) => await openAsOf(set, began))
      .finally(() => {
        loading = null;
      });
    return await loading;
  };
  const start = async (): Promise<Keyring> => {
    const first = await load();
    if (first.keys.length > 0) return first;
    await makeFirst();
    return await load();
  };
  const ring = async (): Promise<Keyring> => {
    if (loaded === null || loaded.ring.keys.length === 0) {
      starting ??= start().finally(() => {
        starting = null;
      });
      return await starting;
    }
    if (given !== null || ages.isWithin(loaded.checked, FRESH_SECONDS)) return loaded.ring;
    try {
      return await load();
    } catch (error) {
      // A published key is good for much longer than an outage.
      if (error instanceof StoreUnavailable) return loaded.ring;
      throw error;
    }
  };
  return { ring, load, open: async (set) => await openAsOf(set, ages.now()) };
}

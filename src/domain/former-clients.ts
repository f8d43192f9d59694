/**
 * Which client_ids belonged to a client that was deleted. A client that is registered anew under
 * such a name tells by the time of its registration what was issued to the one before. No other
 * client compares times: nodes whose clocks differ would refuse its codes and tokens.
 */
import { sha256 } from '../crypto/bytes.ts';
import type { Client, Seconds } from '../store/records.ts';
import type { OneTimeStore } from '../store/store.ts';
import { isUsable, newOneTimeRecord } from './one-time-records.ts';

const KIND = 'former-client';

/** Remembers deleted clients for as long as something that was issued to them can live. */
export interface FormerClients {
  /** Remembers a client that is about to be deleted. */
  remember(clientId: string): Promise<void>;
  /** True when a client of this name was deleted. */
  includes(clientId: string): Promise<boolean>;
}

export function formerClients(
  store: OneTimeStore,
  now: () => Seconds,
  kept: Seconds,
): FormerClients {
  return {
    async remember(clientId) {
      const key = { kind: KIND, digest: sha256(clientId) };
      const expiresAt = now() + kept;
      if (await store.put(newOneTimeRecord({ ...key, expiresAt }))) return;
      const before = await store.find(key);
      // Another process that deletes the same client remembers it as well.
      if (before !== null) await store.swap({ ...before, expiresAt, version: before.version + 1 });
    },
    async includes(clientId) {
      return isUsable(await store.find({ kind: KIND, digest: sha256(clientId) }), now());
    },
  };
}

/** True when it was issued to this registration, not to an earlier one of the same client_id. */
export function issuedToThis(client: Client, issuedAt: Seconds): boolean {
  return client.hasPredecessor === false || client.createdAt <= issuedAt;
}

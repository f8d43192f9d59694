/**
 * Clients in memory: found once, served for a bounded time, dropped at once when changed in this
 * process. A look-up that began before a change is not kept.
 */
import { LRUCache } from 'lru-cache';
import type { Client } from '../store/records.ts';
import type { Ages, Moment } from './freshness.ts';

export interface ClientCache {
  /** The client, from memory or loaded now; null when there is none. */
  find(clientId: string): Promise<Client | null>;
  /**
   * Before something is refused by a client in memory: the client as it is now, if another node
   * changed it meanwhile; null if it is as it was. It is loaded once a second at most.
   */
  lookAgain(client: Client): Promise<Client | null>;
  /** Drops a client that is about to change, or has changed. */
  forget(clientId: string): void;
}

const MOST_CLIENTS = 5000;
/** Seconds for which a client that was loaded is not looked up again. */
const JUST_LOADED = 1;
/** Characters of a client_id, as many as its column holds. */
const LONGEST_ID = 255;

export function createClientCache({
  load,
  seconds,
  ages,
  isGone,
}: {
  readonly load: (clientId: string) => Promise<Client | null>;
  readonly seconds: number;
  readonly ages: Ages;
  /** True for a client whose time is over: it is loaded anew, for it may have been used. */
  readonly isGone: (client: Client) => boolean;
}): ClientCache {
  const kept = new LRUCache<string, { readonly client: Client; readonly loaded: Moment }>({
    max: MOST_CLIENTS,
  });
  let changes = 0;
  /** One look-up of a client that is in memory under way at a time. */
  const looking = new Map<string, Promise<Client | null>>();
  const loadNow = async (clientId: string): Promise<Client | null> => {
    const before = changes;
    const loaded = ages.now();
    const client = await load(clientId);
    if (client === null) kept.delete(clientId);
    else if (before === changes) kept.set(clientId, { client, loaded });
    return client;
  };
  return {
    async find(clientId) {
      const cached = kept.get(clientId);
      const isFresh = cached !== undefined && ages.isWithin(cached.loaded, seconds);
      if (isFresh && !isGone(cached.client)) return cached.client;
      // The identifier comes from the wire: nothing longer than a column reaches the store.
      if (clientId.length > LONGEST_ID) return null;
      return await loadNow(clientId);
    },
    async lookAgain({ clientId, version }) {
      const cached = kept.get(clientId);
      if (cached !== undefined && ages.isWithin(cached.loaded, JUST_LOADED))
        return cached.client.version === version ? null : cached.client;
      const lookup =
        looking.get(clientId) ?? loadNow(clientId).finally(() => looking.delete(clientId));
      looking.set(clientId, lookup);
      const client = await lookup;
      return client?.version === version ? null : client;
    },
    forget(clientId) {
      changes += 1;
      kept.delete(clientId);
    },
  };
}

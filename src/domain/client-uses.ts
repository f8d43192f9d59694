/**
 * When clients and their secrets are used: noted off the hot path, each about once an hour, so that
 * operators see what is in use and a client that nobody uses can go.
 */
import { LRUCache } from 'lru-cache';
import type { ClientStore } from '../store/clients.ts';
import type { Client, Seconds } from '../store/records.ts';
import type { Ages, Moment } from './freshness.ts';

/** Notes uses of clients. */
export interface ClientUsage {
  /**
   * Notes a use. Never throws.
   * @param secret id of the secret that proved the client; null without one
   */
  note(client: Client, secret: string | null): void;
  /** Writes what waits. */
  flush(): Promise<void>;
}

/** Seconds for which a use that was noted stands for all that follow. */
const NOTED_FOR = 3600;
/** Milliseconds that a use waits, so that it is not written while a request waits as well. */
const WAIT = 1000;
const MOST_NOTED = 20_000;

interface Parts {
  readonly store: Pick<ClientStore, 'used'>;
  readonly ages: Ages;
  /** Seconds after its last use at which a client is gone that registered itself. */
  readonly lifetime: Seconds;
  /** A client has another end than it has in memory. */
  readonly changed: (clientId: string) => void;
  readonly report: (error: unknown) => void;
}

interface Use {
  readonly client: Client;
  readonly secret: string | null;
  readonly at: Seconds;
}

export function createClientUsage({ store, ages, lifetime, changed, report }: Parts): ClientUsage {
  const noted = new LRUCache<string, Moment>({ max: MOST_NOTED });
  let waiting: Use[] = [];
  let timer: ReturnType<typeof setTimeout> | null = null;
  let writing: Promise<void> = Promise.resolve();
  const write = async (uses: readonly Use[]): Promise<void> => {
    for (const { client, secret, at } of uses) {
      const { clientId, expiresAt = null } = client;
      try {
        // A client that only proves itself does not live longer: one that gets tokens does.
        const end = secret === null ? at + lifetime : null;
        await store.used(clientId, { at, secret, expiresAt: end });
        if (expiresAt !== null && end !== null) changed(clientId);
      } catch (error) {
        noted.delete(keyOf(client, secret));
        report(error);
      }
    }
  };
  const flush = async (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const uses = waiting;
    waiting = [];
    writing = writing.then(async () => await write(uses));
    await writing;
  };
  return {
    note(client, secret) {
      const key = keyOf(client, secret);
      const before = noted.get(key);
      // A short lifetime is moved on in time.
      const pause = Math.min(NOTED_FOR, lifetime / 10);
      if (before !== undefined && ages.isWithin(before, pause)) return;
      const moment = ages.now();
      noted.set(key, moment);
      waiting.push({ client, secret, at: moment.at });
      timer ??= setTimeout(() => void flush(), WAIT);
      timer.unref?.();
    },
    flush,
  };
}

/** A client that is registered anew has uses of its own. What may have spaces is last. */
function keyOf({ clientId, createdAt }: Client, secret: string | null): string {
  return `${createdAt} ${secret ?? '-'} ${clientId}`;
}

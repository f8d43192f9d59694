/**
 * Clients that the configuration lists: registered, and brought up to date, before the first
 * request is answered. How one is brought up to date is in `domain/clients.ts`.
 */
import type { Clients, ManagedClient } from './domain/client-registry.ts';
import type { Logger } from './domain/settings.ts';
import { StoreUnavailable } from './store/store.ts';

/** Seconds until a request tries again, when they could not be registered. */
const AGAIN = 5;

/** Registers what the configuration lists. */
export interface ManagedClients {
  /** Resolves when all are registered as listed. @throws ClientMetadataError, StoreUnavailable */
  ensure(): Promise<void>;
  /** The same before a request: what goes wrong is logged, and the request is answered. */
  beforeRequest(): Promise<void>;
}

/** @param now the time in seconds */
export function managedClients(
  listed: readonly ManagedClient[],
  clients: Clients,
  logger: Logger,
  now: () => number,
): ManagedClients {
  let isDone = listed.length === 0;
  let underWay: Promise<void> | null = null;
  let triedAt = Number.NEGATIVE_INFINITY;
  const register = async (): Promise<void> => {
    const problems: unknown[] = [];
    for (const client of listed)
      await clients.ensure(client).catch((error: unknown) => problems.push(error));
    // All others are registered when one of them cannot be.
    if (problems.length > 0) throw problems[0];
    isDone = true;
  };
  const ensure = async (): Promise<void> => {
    if (isDone) return;
    underWay ??= register().finally(() => {
      underWay = null;
    });
    await underWay;
  };
  return {
    ensure,
    async beforeRequest() {
      if (isDone || (underWay === null && now() - triedAt < AGAIN && now() >= triedAt)) return;
      triedAt = now();
      try {
        await ensure();
      } catch (error) {
        // The request is told that the store does not answer, and the log as well.
        if (error instanceof StoreUnavailable) return;
        logger.error({ error }, 'the clients of the configuration could not be registered');
      }
    },
  };
}

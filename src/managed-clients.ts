/**
 * Clients that the configuration lists: registered, and brought up to date, before the first
 * request is answered. How one is brought up to date is in `domain/clients.ts`.
 */
import type { Clients, KnownClients, ManagedClient } from './domain/client-registry.ts';
import type { Logger } from './domain/settings.ts';
import { nearest } from './engine/contracts/options.ts';
import { CLIENT_FIELDS } from './protocol/client-field-definitions.ts';
import type { ConfigProblem } from './protocol/errors.ts';
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

const MEMBERS = [
  ...Object.keys(CLIENT_FIELDS),
  ...['clientId', 'kind', 'clientSecret', 'clientSecretEnv', 'secretOverlap', 'fields'],
];

/** What is wrong with the clients that are listed, before anything is stored. */
export function problemsOfListed(
  listed: readonly ManagedClient[],
  { problemsOf }: Pick<KnownClients, 'problemsOf'>,
): readonly ConfigProblem[] {
  return listed.flatMap((client, index) =>
    problemsOf(client).map(({ field, problem }) => {
      const near = MEMBERS.includes(field) ? null : nearest(field, MEMBERS);
      const remedy = near === null ? 'Change it in the list of clients.' : `Write ${near}.`;
      return { option: `clients[${index}] (${client.clientId}): ${field}`, problem, remedy };
    }),
  );
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

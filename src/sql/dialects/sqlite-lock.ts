/**
 * Waits for the write lock of an SQLite file that another process holds. SQLite would wait inside
 * the call, and nothing else of this process would run meanwhile. So it does not wait; between two
 * attempts this process goes on, and the one connection is free for others.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type DatabaseConnection, type Driver, SqliteDialect, SqliteDriver } from 'kysely';
import { causeOf } from '../faults.ts';
import { SQLITE_FAULTS } from './sqlite-faults.ts';

/** Milliseconds until a lock that nobody gives back means that the database does not answer. */
const PATIENCE = 5000;
/** Milliseconds between two attempts. The random part keeps two processes out of step. */
const PAUSE = { least: 1, random: 9 };

/** The end of the patience of a call that begins now, on a clock that is never set. */
export const patienceFromNow = (): number => performance.now() + PATIENCE;

/** True if the error says that another process holds the lock, and there is time to wait for it. */
export function mayWait(error: unknown, end: number): boolean {
  return isBusy(error) && performance.now() < end;
}

/** Lets a moment pass before the next attempt. */
export async function pauseForLock(): Promise<void> {
  await pause(PAUSE.least + Math.random() * PAUSE.random);
}

/** Does the work, and does it again as long as another process holds the lock that it needs. */
export async function retriedForLock<T>(work: () => T | Promise<T>): Promise<T> {
  const end = patienceFromNow();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!mayWait(error, end)) throw error;
    }
    await pauseForLock();
  }
}

function isBusy(error: unknown): boolean {
  const cause = causeOf(error);
  if (typeof cause !== 'object' || cause === null) return false;
  const { code } = cause as { readonly code?: unknown };
  // Not of a stale snapshot: that transaction must begin anew.
  return /^SQLITE_BUSY(_RECOVERY|_TIMEOUT)?$/.test(String(SQLITE_FAULTS.codeOf(cause) ?? code));
}

type Config = ConstructorParameters<typeof SqliteDialect>[0];

/** The dialect of the query builder, whose statements wait in the same way. */
export class WaitingSqlite extends SqliteDialect {
  readonly #config: Config;
  readonly #isInTransaction: () => boolean;

  constructor(config: Config, isInTransaction: () => boolean) {
    super(config);
    this.#config = config;
    this.#isInTransaction = isInTransaction;
  }

  override createDriver(): Driver {
    return new WaitingDriver(this.#config, this.#isInTransaction);
  }
}

class WaitingDriver extends SqliteDriver {
  readonly #isInTransaction: () => boolean;

  constructor(config: Config, isInTransaction: () => boolean) {
    super(config);
    this.#isInTransaction = isInTransaction;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const end = patienceFromNow();
    const connection = await super.acquireConnection();
    return {
      executeQuery: async (query) => {
        for (;;) {
          try {
            return await connection.executeQuery(query);
          } catch (error) {
            if (this.#isInTransaction() || !mayWait(error, end)) throw error;
          }
          // Readers use the same connection, and need no lock.
          await super.releaseConnection();
          await pauseForLock();
          await super.acquireConnection();
        }
      },
      streamQuery: (query, size) => connection.streamQuery(query, size),
    };
  }
}

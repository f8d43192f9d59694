/**
 * Waits for the write lock of an SQLite file that another process holds. SQLite itself waits inside
 * the call, and nothing else of this process runs meanwhile; so it may wait for a moment only, and
 * the rest of the wait is here, between attempts.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type DatabaseConnection, type Driver, SqliteDialect, SqliteDriver } from 'kysely';
import { causeOf } from '../faults.ts';
import { SQLITE_FAULTS } from './sqlite-faults.ts';

/** Milliseconds that SQLite may wait inside a call. */
export const BUSY_TIMEOUT = 5;
/** Milliseconds until a lock that nobody gives back means that the database does not answer. */
const PATIENCE = 5000;
/** Most milliseconds between two attempts. The random part keeps two processes out of step. */
const LONGEST_PAUSE = 10;

/** Does the work, and does it again as long as another process holds the lock that it needs. */
export async function patiently<T>(work: () => T | Promise<T>): Promise<T> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error) || Date.now() > end) throw error;
    }
    await pause(1 + Math.random() * LONGEST_PAUSE);
  }
}

function isBusy(error: unknown): boolean {
  const cause = causeOf(error);
  if (typeof cause !== 'object' || cause === null) return false;
  const { code } = cause as { readonly code?: unknown };
  return (SQLITE_FAULTS.codeOf(cause) ?? code) === 'SQLITE_BUSY';
}

/** Statements of the query builder that wait in the same way. */
export class PatientSqlite extends SqliteDialect {
  readonly #config: ConstructorParameters<typeof SqliteDialect>[0];

  constructor(config: ConstructorParameters<typeof SqliteDialect>[0]) {
    super(config);
    this.#config = config;
  }

  override createDriver(): Driver {
    return new PatientDriver(this.#config);
  }
}

class PatientDriver extends SqliteDriver {
  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection();
    return {
      executeQuery: async (query) => await patiently(() => connection.executeQuery(query)),
      streamQuery: (query, size) => connection.streamQuery(query, size),
    };
  }
}

/**
 * Waits for the write lock of an SQLite file that another process holds. SQLite would wait inside
 * the call, and nothing else of this process would run meanwhile. So it does not wait; between two
 * attempts this process goes on, and the one connection is free for others.
 */
import { setTimeout as pause } from 'node:timers/promises';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteDialect,
  SqliteDriver,
} from 'kysely';
import { causeOf } from '../faults.ts';
import { SQLITE_FAULTS } from './sqlite-faults.ts';

/** Milliseconds until a lock that nobody gives back means that the database does not answer. */
const PATIENCE = 5000;
/** Milliseconds between two attempts. The random part keeps two processes out of step. */
const PAUSE = { least: 1, random: 9 };

/** When the patience of a call that begins now ends, on a clock that is never set. */
export const endOfPatience = (): number => performance.now() + PATIENCE;

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
  const end = endOfPatience();
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
  /** Ends when nobody waits for the lock any more. Of many that wait only one asks. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(config: Config, isInTransaction: () => boolean) {
    super(config);
    this.#isInTransaction = isInTransaction;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const end = endOfPatience();
    const connection = await super.acquireConnection();
    return {
      executeQuery: async <R>(query: CompiledQuery) => {
        const isAlone = WRITES.test(query.sql) && !this.#isInTransaction();
        const execute = async (): Promise<QueryResult<R>> =>
          await (isAlone ? inTransaction(connection, query) : connection.executeQuery<R>(query));
        try {
          return await execute();
        } catch (error) {
          if (this.#isInTransaction() || !mayWait(error, end)) throw error;
        }
        // Readers use the same connection, and need no lock.
        await super.releaseConnection();
        const turn = this.#queue.then(async () => await this.#whenFree(execute, end));
        this.#queue = turn.catch(() => undefined);
        return await turn;
      },
      streamQuery: (query, size) => connection.streamQuery(query, size),
    };
  }

  /** Executes until the lock is free or the time is over. It then has the connection again. */
  async #whenFree<T>(execute: () => Promise<T>, end: number): Promise<T> {
    for (;;) {
      await pauseForLock();
      await super.acquireConnection();
      try {
        return await execute();
      } catch (error) {
        if (!mayWait(error, end)) throw error;
      }
      await super.releaseConnection();
    }
  }
}

const WRITES = /^\s*(insert|update|delete)/i;
const [BEGIN, COMMIT, ROLLBACK] = ['begin', 'commit', 'rollback'].map((text) =>
  CompiledQuery.raw(text),
) as [CompiledQuery, CompiledQuery, CompiledQuery];

/**
 * A single write. Only its begin can meet the lock: a write that met it would count as still under
 * way, and SQLite would refuse the savepoints of others.
 */
async function inTransaction<R>(
  connection: DatabaseConnection,
  query: CompiledQuery,
): Promise<QueryResult<R>> {
  await connection.executeQuery(BEGIN);
  try {
    const result = await connection.executeQuery<R>(query);
    await connection.executeQuery(COMMIT);
    return result;
  } catch (error) {
    try {
      await connection.executeQuery(ROLLBACK);
    } catch {
      // SQLite has done so itself, as after a full disk.
    }
    throw error;
  }
}

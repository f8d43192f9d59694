/**
 * Shared transactions on SQLite: all writes that wait are written in one transaction, with one
 * fsync, each in a savepoint of its own. Nothing is awaited between BEGIN and COMMIT, and an answer
 * leaves after COMMIT. A write that fails fails alone; when the transaction fails, all of them do,
 * and nothing is half done.
 */
import type { Kysely } from 'kysely';
import type { Tables } from '../schema.ts';
import { endOfPatience, mayWait, pauseForLock } from './sqlite-lock.ts';

/** The part of an SQLite database that a shared transaction needs. */
interface Executing {
  prepare(statement: string): { run(parameters: readonly unknown[]): unknown };
}

/**
 * Turns of the event loop that a transaction waits for more to join it, as long as each brings
 * some. A turn accepts one new connection, so a commit in each would make new connections wait.
 */
const MOST_TURNS = 4;

/** What one caller writes. */
interface Job {
  /** Writes, without waiting for anything. Its error undoes what it wrote. */
  readonly work: () => unknown;
  /** It has more than one statement, so that an error can leave something to undo. */
  readonly needsSavepoint: boolean;
  /** Until when it waits for the lock of another process. */
  readonly end: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

/**
 * Writes in the next shared transaction. Resolves when it is committed.
 * @param db keeps transactions of the query builder and shared ones apart
 */
export type WriteShared = <T>(
  db: Kysely<Tables>,
  work: () => T,
  needsSavepoint: boolean,
) => Promise<T>;

/** Lets the writes of one database share transactions. */
export function sharedTransactions(database: Executing): WriteShared {
  let waiting: Job[] = [];
  const run = (text: string): void => void database.prepare(text).run([]);

  const attempt = (job: Job): Outcome => {
    try {
      if (job.needsSavepoint) run('savepoint job');
      const value = job.work();
      if (job.needsSavepoint) run('release job');
      return { value };
    } catch (error) {
      try {
        if (job.needsSavepoint) run('rollback to job');
        run('release jobs');
        run('savepoint jobs');
      } catch {
        // The error ended the whole transaction, as a full disk does: all of them fail with it.
        throw error;
      }
      return { error };
    }
  };

  const writeAll = (jobs: readonly Job[]): readonly Outcome[] => {
    try {
      run('savepoint jobs');
      const outcomes = jobs.map(attempt);
      run('commit');
      return outcomes;
    } catch (error) {
      try {
        run('rollback');
      } catch {
        // The transaction is over already.
      }
      return jobs.map(() => ({ error }));
    }
  };

  const flush = async (db: Kysely<Tables>): Promise<void> => {
    for (;;) {
      try {
        return await db.connection().execute(async () => {
          // It takes the write lock, which another process may hold.
          run('begin');
          const jobs = waiting;
          waiting = [];
          const outcomes = writeAll(jobs);
          for (const [index, { resolve, reject }] of jobs.entries()) {
            const outcome = outcomes[index] as Outcome;
            if ('error' in outcome) reject(outcome.error);
            else resolve(outcome.value);
          }
        });
      } catch (error) {
        const given = waiting;
        waiting = [];
        for (const job of given)
          if (mayWait(error, job.end)) waiting.push(job);
          else job.reject(error);
      }
      if (waiting.length === 0) return;
      // Whoever comes meanwhile joins them.
      await pauseForLock();
    }
  };

  const gather = (db: Kysely<Tables>, turn: number, before: number): void =>
    void setImmediate(() => {
      const { length } = waiting;
      if (turn < MOST_TURNS && length > before) gather(db, turn + 1, length);
      else void flush(db);
    });

  return <T>(db: Kysely<Tables>, work: () => T, needsSavepoint: boolean) =>
    new Promise<T>((resolve, reject) => {
      const end = endOfPatience();
      waiting.push({ work, needsSavepoint, end, resolve: resolve as Job['resolve'], reject });
      if (waiting.length === 1) gather(db, 1, 0);
    });
}

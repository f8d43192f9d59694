/**
 * A wrapper of a `mysql2` pool that makes the pool reliable: every transaction reads committed
 * rows, connections of our own have limits, and a connection that did not answer once is never used
 * again. Which error is of which kind is decided in `../faults.ts`.
 */
import { StoreUnavailable } from 'valetkey';
import { asUnavailable } from '../faults.ts';
import type { Row } from '../schema.ts';

/** The part of a `mysql2` connection that we use. */
interface PoolConnection {
  query(statement: object, done: (error: unknown, result: unknown) => void): void;
  execute(
    statement: object,
    parameters: readonly unknown[],
    done: (error: unknown, result: unknown) => void,
  ): void;
  release(): void;
  destroy(): void;
}

/** The part of a pool of `mysql2` that is used. */
export interface MysqlPool {
  /** Hands out a connection. */
  getConnection(done: (error: unknown, connection: { release(): void }) => void): void;
  /** Ends all connections. */
  end(done: (error: unknown) => void): void;
}

/** What a statement did. */
export interface MysqlResult {
  readonly rows: readonly Row[];
  /** Rows that it met. */
  readonly affected: number;
}

/** Runs statements: a connection in a transaction, or the pool itself. */
export interface MysqlConnection {
  /** Runs a prepared statement. */
  execute(text: string, parameters: readonly unknown[]): Promise<MysqlResult>;
}

/** A pool for Kysely, and for hot statements. */
export interface ReliablePool {
  getConnection(callback: (error: unknown, connection: unknown) => void): void;
  end(callback: (error: unknown) => void): void;
  /** Its connections have our settings: they commit each statement and read committed rows. */
  readonly isOurs: boolean;
  /** Runs one prepared statement. */
  execute(text: string, parameters: readonly unknown[]): Promise<MysqlResult>;
  /** Commits when the work resolves to null; rolls back otherwise. */
  transaction(
    work: (connection: MysqlConnection) => Promise<string | null>,
  ): Promise<string | null>;
}

const READ_COMMITTED = 'set transaction isolation level read committed';
/** The server ends a statement a little before we give up, so that the connection stays usable. */
const SERVER_SHARE = 0.9;
/** Milliseconds that the driver has to notice a timeout by itself. */
const GRACE = 200;
/** Least milliseconds before a statement that waited for a table is sent again. */
const PAUSE = 500;

/**
 * @param timeout milliseconds that a statement may take; null for a pool of the host, whose limits
 * and settings stay as they are
 * @param forMigrations for statements of the query builder that change the schema: one that was
 * done before counts as done, and one that waits for a table gives up after a second and is sent
 * again, until the timeout, because requests that want the table wait behind it
 */
export function reliablePool(
  pool: MysqlPool,
  timeout: number | null,
  forMigrations = false,
): ReliablePool {
  const ready = new WeakSet<object>();
  // READ COMMITTED locks no gaps, so that acts on different rows do not wait for one another.
  const begin = timeout === null ? [READ_COMMITTED, 'start transaction'] : ['start transaction'];
  const connect = async (): Promise<PoolConnection> => {
    const given = new Promise<PoolConnection>((resolve, reject) =>
      pool.getConnection((error, one) => (error ? reject(error) : resolve(one as PoolConnection))),
    );
    if (timeout === null) return await given;
    const connection = await within(timeout, given, (late) => late.release());
    if (!ready.has(connection)) {
      try {
        for (const statement of settingsOf(timeout, forMigrations))
          await send(connection, statement, [], timeout);
      } catch (error) {
        connection.destroy();
        throw error;
      }
      ready.add(connection);
    }
    return connection;
  };
  let ended: Promise<void> | null = null;
  const using = async <T>(work: (connection: PoolConnection) => Promise<T>): Promise<T> => {
    const connection = await connect();
    try {
      const result = await work(connection);
      connection.release();
      return result;
    } catch (error) {
      if (isLost(error)) connection.destroy();
      else connection.release();
      throw asUnavailable(error) ?? error;
    }
  };
  return {
    isOurs: timeout !== null,
    getConnection(callback) {
      connect().then(
        (connection) => callback(null, forKysely(connection, timeout, forMigrations)),
        (error) => callback(asUnavailable(error) ?? error, undefined),
      );
    },
    end(callback) {
      ended ??= new Promise((resolve, reject) =>
        pool.end((error) => (error ? reject(error) : resolve())),
      );
      ended.then(() => callback(null), callback);
    },
    execute: async (text, parameters) =>
      await using(async (connection) => await send(connection, text, parameters, timeout)),
    transaction: async (work) =>
      await using(async (connection) => {
        for (const statement of begin) await send(connection, statement, [], timeout);
        try {
          const outcome = await work({
            execute: async (text, parameters) => await send(connection, text, parameters, timeout),
          });
          await send(connection, outcome === null ? 'commit' : 'rollback', [], timeout);
          return outcome;
        } catch (error) {
          if (!isLost(error)) await send(connection, 'rollback', [], timeout);
          throw error;
        }
      }),
  };
}

/** What each of our connections is told first. */
function settingsOf(timeout: number, forMigrations: boolean): readonly string[] {
  const lockWait = Math.max(1, Math.ceil(timeout / 1000));
  // Only MariaDB reads the part in the comment. MySQL limits only SELECT. In a cluster, what
  // another server committed before must be seen: also by the writes, which are conditions.
  const longest = (timeout * SERVER_SHARE) / 1000;
  const ofMariadb = `/*M!, max_statement_time = ${longest}, wsrep_sync_wait = 7 */`;
  return [
    'set session transaction isolation level read committed',
    'set session autocommit = 1',
    `set session innodb_lock_wait_timeout = ${lockWait} ${ofMariadb}`,
    `set session lock_wait_timeout = ${forMigrations ? 1 : lockWait}`,
    // Nothing is cut off to fit its column.
    `set session sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'`,
  ];
}

/** A connection for Kysely, with the same limits. */
function forKysely(
  connection: PoolConnection,
  timeout: number | null,
  forMigrations: boolean,
): unknown {
  let lost = false;
  const end = Date.now() + (timeout ?? 0);
  const query = (
    sql: string,
    values: readonly unknown[],
    done: (error: unknown, result: unknown) => void,
  ): void => {
    // It would wait behind the one that was never answered.
    if (lost) {
      done(new StoreUnavailable('The connection is lost.'), undefined);
      return;
    }
    sendTo(connection, sql, values, timeout, (error, result) => {
      // A statement that changes a schema has done all or nothing, and is no part of a
      // transaction.
      if (forMigrations && gaveUp(error) && Date.now() < end) {
        setTimeout(() => query(sql, values, done), PAUSE + Math.random() * PAUSE);
        return;
      }
      if (forMigrations && isDoneAlready(sql, error)) {
        done(null, { affectedRows: 0 });
        return;
      }
      lost ||= isLost(error);
      const isRows = Array.isArray(result);
      done(
        error && (asUnavailable(error) ?? error),
        error || isRows ? result : { ...(result as Written), affectedRows: met(result as Written) },
      );
    });
  };
  // A connection of the host keeps its own isolation level; our transactions need theirs.
  const beginAsOurs = (call: Parameters<typeof query>): void =>
    sendTo(connection, READ_COMMITTED, [], null, (error) =>
      error ? call[2](error, undefined) : query(...call),
    );
  return {
    query(...call: Parameters<typeof query>): void {
      if (timeout === null && call[0] === 'begin') beginAsOurs(call);
      else query(...call);
    },
    release: () => (lost ? connection.destroy() : connection.release()),
  };
}

/** The statement waited for a lock for as long as it may. */
function gaveUp(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null)?.code === 'ER_LOCK_WAIT_TIMEOUT';
}

/** Steps of a migration, each with the error that says that it was done before. */
const DONE_ALREADY: readonly (readonly [step: RegExp, code: string])[] = [
  [/^alter table .* add column /, 'ER_DUP_FIELDNAME'],
  [/^alter table .* rename column /, 'ER_BAD_FIELD_ERROR'],
  [/^create (unique )?index /, 'ER_DUP_KEYNAME'],
];

/** True if a migration that ended midway had done this step. */
function isDoneAlready(sql: string, error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return DONE_ALREADY.some(([step, told]) => told === code && step.test(sql));
}

/** An error after which the connection is of no use. */
function isLost(error: unknown): boolean {
  const { fatal, code } = (error ?? {}) as { fatal?: boolean; code?: string };
  return fatal === true || code === 'PROTOCOL_SEQUENCE_TIMEOUT' || code === 'ETIMEDOUT';
}

/** What the driver says of a write. */
interface Written {
  readonly affectedRows: number;
  readonly info?: string;
}

/**
 * Rows that a write met, also where nothing of them changed: a pool of the host may count only
 * changed rows.
 */
function met({ affectedRows, info = '' }: Written): number {
  const [, matched] = /^Rows matched: (\d+)/.exec(info) ?? [];
  return matched === undefined ? affectedRows : Number(matched);
}

const limitedTo = (timeout: number | null): object => (timeout === null ? {} : { timeout });

/**
 * Sends a statement. Its values never become part of the text: the driver would escape them by
 * rules that a server need not share (NO_BACKSLASH_ESCAPES).
 */
function sendTo(
  connection: PoolConnection,
  sql: string,
  values: readonly unknown[],
  timeout: number | null,
  done: (error: unknown, result: unknown) => void,
): void {
  let isOver = false;
  const once: typeof done = (error, result) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    done(error, result);
  };
  // The driver's own limit does not begin before the statement is prepared.
  const timer =
    timeout === null ? undefined : setTimeout(() => once(timedOut(), undefined), timeout + GRACE);
  if (values.length === 0) connection.query({ sql, ...limitedTo(timeout) }, once);
  else connection.execute({ sql, ...limitedTo(timeout) }, values, once);
}

async function send(
  connection: PoolConnection,
  text: string,
  parameters: readonly unknown[],
  timeout: number | null,
): Promise<MysqlResult> {
  return await new Promise<MysqlResult>((resolve, reject) =>
    sendTo(connection, text, parameters, timeout, (error, result) => {
      if (error) reject(error);
      else if (Array.isArray(result)) resolve({ rows: result as Row[], affected: 0 });
      else resolve({ rows: [], affected: met(result as Written) });
    }),
  );
}

const timedOut = (): Error => Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' });

async function within<T>(ms: number, work: Promise<T>, late: (result: T) => void): Promise<T> {
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isOver = true;
      reject(timedOut());
    }, ms);
  });
  void work.then((result) => (isOver ? late(result) : undefined)).catch(() => undefined);
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

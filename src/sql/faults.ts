/**
 * Sorts database errors into the three kinds that the store port knows: an error that is retried
 * here, an error that becomes `StoreUnavailable`, and a bug that is passed on unchanged. How an
 * endpoint answers `StoreUnavailable` is left to the core.
 */
import { StoreUnavailable } from 'valetkey';

const MOST_ATTEMPTS = 4;
/**
 * What is wrong with a prepared statement, not with what it says: a migration changed the tables
 * under it (its result would change), or a pooler gave us another connection.
 */
const STALE_STATEMENT = ['26000', '42P05'];
/**
 * Deadlock, serialization failure, stale snapshot: the same call may succeed at once, so it is
 * retried. A timed-out wait for a lock is not retried, because the caller has already waited.
 */
const AGAIN = ['40P01', '40001', 'SQLITE_BUSY_SNAPSHOT', 'ER_LOCK_DEADLOCK'];
/**
 * PostgreSQL error classes for lost connections, exhausted resources, operator intervention and
 * failed logins, then single codes: statement cancelled, lock not available, idle in a transaction
 * for too long, read-only (after a failover), no such database.
 */
const GONE_POSTGRES = /^(08|53|57P|28)|^(57014|55P03|25P03|25006|3D000)$/;
const GONE_SYSTEM = /^(ECONN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)/;
/** Codes of TLS errors: a handshake that fails, a certificate that is not trusted or not valid. */
const GONE_TLS =
  /^(EPROTO|ERR_(TLS|SSL)_|HANDSHAKE_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_|INVALID_CA|PATH_LENGTH)/;
/**
 * A statement that took longer than the server lets it, or waited for a lock for longer: the work
 * may succeed in smaller pieces.
 */
const LIMIT = ['57014', '55P03', 'ER_STATEMENT_TIMEOUT', 'ER_LOCK_WAIT_TIMEOUT'];
const GONE_SQLITE = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|PROTOCOL)/;
/** Errors of MariaDB and MySQL, by name. */
const GONE_MYSQL =
  /^(PROTOCOL_|POOL_|ER_(CON_COUNT|ACCESS_DENIED|DBACCESS_DENIED|BAD_DB|BAD_HOST|HOST_|LOCK_WAIT|OPTION_PREVENTS|QUERY_TIMEOUT|STATEMENT_TIMEOUT|QUERY_INTERRUPTED|SERVER_SHUTDOWN|DISK_FULL|RECORD_FILE_FULL|READ_ONLY|UNKNOWN_COM|NEW_ABORTING|CONNECTION_KILLED|TOO_MANY))/;
/** An error of MariaDB that MySQL does not have, so that its name depends on the driver. */
const MARIADB_STATEMENT_TIMEOUT = 1969;
/** Messages of `pg`, libsql and Kysely for errors that have no code. */
const GONE_MESSAGE =
  /timeout|terminated|connection|SSL|not queryable|database is locked|disk (is full|I\/O)|read-?only|not open|is closed|destroyed|after calling end/i;
/**
 * PostgreSQL codes after which the connection is of no use: the server has closed it, or the server
 * has become a read-only standby.
 */
const LAST_WORDS = /^(08|57P)|^(25006|25P03)$/;

const SQLITE_NUMBERS: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  15: 'SQLITE_PROTOCOL',
  517: 'SQLITE_BUSY_SNAPSHOT',
};

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { code, errcode, errno } = error as { code?: unknown; errcode?: unknown; errno?: unknown };
  if (errno === MARIADB_STATEMENT_TIMEOUT) return 'ER_STATEMENT_TIMEOUT';
  // node:sqlite reports SQLite's own numbers; the low byte is the primary result code.
  if (code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number') {
    return SQLITE_NUMBERS[errcode] ?? SQLITE_NUMBERS[errcode % 256] ?? `SQLITE_${errcode}`;
  }
  return typeof code === 'string' ? code : '';
}

/**
 * A `StoreUnavailable` if the error means that the database does not answer. Null if the error may
 * be retried or is a bug.
 */
export function asUnavailable(error: unknown): StoreUnavailable | null {
  if (error instanceof StoreUnavailable) return error;
  const code = codeOf(error);
  if (mayRepeat(error)) return null;
  const named =
    GONE_POSTGRES.test(code) ||
    GONE_SYSTEM.test(code) ||
    GONE_TLS.test(code) ||
    GONE_SQLITE.test(code) ||
    GONE_MYSQL.test(code) ||
    code === 'ERR_INVALID_STATE';
  const told = code === '' && error instanceof Error && GONE_MESSAGE.test(error.message);
  return named || told
    ? new StoreUnavailable('The database does not answer.', { cause: error })
    : null;
}

/**
 * True if the connection that reported the error must not be used again. Only an error that the
 * server reports about one statement leaves the connection usable.
 */
export function endsConnection(error: unknown): boolean {
  const code = codeOf(error);
  const fromServer = /^[0-9A-Z]{5}$/.test(code) && !GONE_SYSTEM.test(code);
  return !fromServer || LAST_WORDS.test(code);
}

/** True if the statement has to be prepared anew. */
export function isStaleStatement(error: unknown): boolean {
  // 0A000 says "not supported" of many things; the part of the server tells this one apart.
  const { routine } = (error ?? {}) as { routine?: unknown };
  return STALE_STATEMENT.includes(codeOf(error)) || routine === 'RevalidateCachedQuery';
}

/** True if a statement met a limit of the server: the same work may succeed in smaller pieces. */
export function metLimit(error: unknown): boolean {
  return LIMIT.includes(codeOf(causeOf(error)));
}

/** What the driver said. */
export function causeOf(error: unknown): unknown {
  return error instanceof StoreUnavailable ? error.cause : error;
}

/** True if the same call may succeed at once. */
function mayRepeat(error: unknown): boolean {
  return AGAIN.includes(codeOf(error)) || isStaleStatement(error);
}

/**
 * Runs a store method and retries it where a retry may succeed at once.
 * @throws StoreUnavailable when the database does not answer, or still conflicts after the retries
 */
export async function withFaults<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!mayRepeat(error)) throw asUnavailable(error) ?? error;
      if (attempt === MOST_ATTEMPTS)
        throw new StoreUnavailable('The database is too busy.', { cause: error });
      // The pause has a random part, so that two calls that collided do not collide again.
      await new Promise((resolve) => setTimeout(resolve, attempt * 5 + Math.random() * 10));
    }
  }
}

/** The same methods, each run by `withFaults`. */
export function guarded<T extends object>(methods: T): T {
  const wrapped: Record<string, unknown> = {};
  for (const [name, method] of Object.entries(methods)) {
    wrapped[name] =
      typeof method === 'function'
        ? async (...args: unknown[]) =>
            await withFaults(async () => (await method(...args)) as unknown)
        : method;
  }
  return wrapped as T;
}

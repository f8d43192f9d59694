/**
 * What goes wrong in databases, as the store's port knows it: tried again, `StoreUnavailable`, or a
 * bug that is passed on.
 */
import { StoreUnavailable } from 'valetkey';

const MOST_ATTEMPTS = 4;
/**
 * Deadlock, serialization failure, a snapshot that became old: the same call may succeed at once.
 * Waits for a lock are not repeated.
 */
const AGAIN = ['40P01', '40001', 'SQLITE_BUSY_SNAPSHOT'];
/**
 * Classes and codes of PostgreSQL: connection, resources, operator; cancelled, lock not available,
 * read-only after a failover, wrong login.
 */
const GONE_POSTGRES = /^(08|53|57P|28)|^(57014|55P03|25P03|25006|3D000)$/;
const GONE_SYSTEM = /^(ECONN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)/;
const GONE_SQLITE = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|PROTOCOL)/;
/** `pg`, libsql and Kysely say these without a code. */
const GONE_MESSAGE =
  /timeout|terminated|connection|not queryable|database is locked|disk (is full|I\/O)|read-?only|not open|destroyed|after calling end/i;
/**
 * After these PostgreSQL answers nothing more on the connection, or is no longer the server to talk
 * to.
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
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  // node:sqlite tells SQLite's own numbers; the primary code stands in the low byte.
  if (code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number') {
    return SQLITE_NUMBERS[errcode] ?? SQLITE_NUMBERS[errcode % 256] ?? `SQLITE_${errcode}`;
  }
  return typeof code === 'string' ? code : '';
}

/**
 * The error in the port's words when it means that the database does not answer; null when it may
 * be tried again or is a bug.
 */
export function asUnavailable(error: unknown): StoreUnavailable | null {
  if (error instanceof StoreUnavailable) return error;
  const code = codeOf(error);
  if (AGAIN.includes(code)) return null;
  const named =
    GONE_POSTGRES.test(code) ||
    GONE_SYSTEM.test(code) ||
    GONE_SQLITE.test(code) ||
    code === 'ERR_INVALID_STATE';
  const told = code === '' && error instanceof Error && GONE_MESSAGE.test(error.message);
  return named || told
    ? new StoreUnavailable('The database does not answer.', { cause: error })
    : null;
}

/**
 * True when the connection the error came over is of no more use: everything but an answer of the
 * server about a statement.
 */
export function endsConnection(error: unknown): boolean {
  const code = codeOf(error);
  const fromServer = /^[0-9A-Z]{5}$/.test(code) && !GONE_SYSTEM.test(code);
  return !fromServer || LAST_WORDS.test(code);
}

/** Runs a store method: retries what may be retried, names what is not there. */
export async function withFaults<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!AGAIN.includes(codeOf(error))) throw asUnavailable(error) ?? error;
      if (attempt === MOST_ATTEMPTS)
        throw new StoreUnavailable('The database is too busy.', { cause: error });
      // A short, uneven pause, so that two that collided do not collide again.
      await new Promise((resolve) => setTimeout(resolve, attempt * 5 + Math.random() * 10));
    }
  }
}

/** Puts `withFaults` around every method. */
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

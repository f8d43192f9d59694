/** What goes wrong in databases, as the store's port knows it: tried again, `StoreUnavailable`, or a bug that is passed on. */
import { StoreUnavailable } from 'valetkey';

const MOST_ATTEMPTS = 4;
/** Deadlock, serialization failure, SQLite busy: the same call may succeed at once. */
const AGAIN = ['40P01', '40001', '55P03', 'SQLITE_BUSY', 'SQLITE_LOCKED'];
const GONE =
  /^(08|57P|53)|^(ECONN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|57014|25P03|25006|28|3D000)|^SQLITE_(FULL|IOERR|READONLY|CANTOPEN|BUSY|LOCKED)/;
const GONE_MESSAGE = /timeout|terminated|connection|not queryable|database is locked|disk (is full|I\/O)|read-?only/i;

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  // node:sqlite tells SQLite's own numbers: 5 busy, 6 locked.
  if (code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number') return SQLITE_NUMBERS[errcode % 256] ?? `SQLITE_${errcode}`;
  return typeof code === 'string' ? code : '';
}

const SQLITE_NUMBERS: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
};

/** Runs a store method: retries what may be retried, names what is not there. */
export async function withFaults<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const code = codeOf(error);
      if (AGAIN.includes(code) && attempt < MOST_ATTEMPTS) {
        // A short, uneven pause, so that two that collided do not collide again.
        await new Promise((resolve) => setTimeout(resolve, attempt * 5 + Math.random() * 10));
        continue;
      }
      if (AGAIN.includes(code) || GONE.test(code) || (code === '' && GONE_MESSAGE.test(String(error)))) {
        throw new StoreUnavailable('The database does not answer.', { cause: error });
      }
      throw error;
    }
  }
}

/** Puts `withFaults` around every method. */
export function guarded<T extends object>(methods: T): T {
  const wrapped: Record<string, unknown> = {};
  for (const [name, method] of Object.entries(methods)) {
    wrapped[name] =
      typeof method === 'function'
        ? async (...args: unknown[]) => await withFaults(async () => (await method(...args)) as unknown)
        : method;
  }
  return wrapped as T;
}

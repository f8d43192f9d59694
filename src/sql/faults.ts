/**
 * Sorts database errors into the three kinds that the store port knows: an error that is retried
 * here, an error that becomes `StoreUnavailable`, and a bug that is passed on unchanged. How an
 * endpoint answers `StoreUnavailable` is left to the core.
 */
import { StoreUnavailable } from 'valetkey';
import { FAULTS } from './dialects/faults.ts';

const MOST_ATTEMPTS = 4;
const GONE_SYSTEM = /^(ECONN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)/;
/** Codes of TLS errors: a handshake that fails, a certificate that is not trusted or not valid. */
const GONE_TLS =
  /^(EPROTO|ERR_(TLS|SSL)_|HANDSHAKE_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_|INVALID_CA|PATH_LENGTH)/;
/** Messages of drivers and Kysely for errors that have no code. */
const GONE_MESSAGE =
  /timeout|terminated|connection|SSL|not queryable|database is locked|disk (is full|I\/O)|read-?only|not open|is closed|destroyed|after calling end/i;

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  for (const { codeOf: named } of FAULTS) {
    const code = named(error);
    if (code !== null) return code;
  }
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : '';
}

/**
 * A `StoreUnavailable` if the error means that the database does not answer. Null if the error may
 * be retried or is a bug.
 */
export function asUnavailable(error: unknown): StoreUnavailable | null {
  if (error instanceof StoreUnavailable) return error;
  if (mayRepeat(error)) return null;
  const code = codeOf(error);
  const named =
    GONE_SYSTEM.test(code) || GONE_TLS.test(code) || FAULTS.some(({ isGone }) => isGone(code));
  const told = code === '' && error instanceof Error && GONE_MESSAGE.test(error.message);
  return named || told
    ? new StoreUnavailable('The database does not answer.', { cause: error })
    : null;
}

/** An error that says what an operator has to mend; null for all other errors. */
function asMendable(error: unknown): StoreUnavailable | null {
  const cause = causeOf(error) ?? error;
  const message = messageOf(codeOf(cause), cause);
  return message === null ? null : new StoreUnavailable(message, { cause });
}

function messageOf(code: string, error: unknown): string | null {
  if (FAULTS.some((faults) => faults.isOtherSchema(code, error)))
    return 'The tables of the database are missing, or those of another version. Run `npx valetkey migrate`, or await database.migrate() in your program.';
  if (FAULTS.some((faults) => faults.isMissingDatabase(code)))
    return 'There is no database of this name on the server. Create it, or change the URL.';
  if (FAULTS.some((faults) => faults.isRefused(code)))
    return 'The database refuses this user: the name, the password or a privilege is wrong.';
  return null;
}

/** True if a statement met a limit of the server: the same work may succeed in smaller pieces. */
export function metLimit(error: unknown): boolean {
  const code = codeOf(causeOf(error));
  return FAULTS.some(({ isLimit }) => isLimit(code));
}

/** What the driver said. */
export function causeOf(error: unknown): unknown {
  return error instanceof StoreUnavailable ? error.cause : error;
}

/** True if the same call may succeed at once. */
function mayRepeat(error: unknown): boolean {
  const code = codeOf(error);
  return FAULTS.some((faults) => faults.mayRepeat(code, error));
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
      if (!mayRepeat(error)) throw asMendable(error) ?? asUnavailable(error) ?? error;
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

/**
 * What the errors of PostgreSQL and of its driver mean, and after which of them a connection may be
 * used again.
 */
import type { Faults } from '../dialect.ts';

/**
 * The prepared statement is out of date, and its text is right: a migration changed its tables, or
 * a pooler gave us another connection.
 */
const STALE_STATEMENT = ['26000', '42P05'];
/** Deadlock and serialization failure. */
const AGAIN = ['40P01', '40001'];
/**
 * Error classes for lost connections, exhausted resources, operator intervention and failed logins,
 * then single codes: statement cancelled, lock not available, idle in a transaction for too long,
 * read-only (after a failover), no such database, and what the server cannot do in its state.
 */
const GONE = /^(08|53|57P|28)|^(57014|55P03|25P03|25006|3D000|55000)$/;
/** No such table, column or schema. */
const OTHER_SCHEMA = ['42P01', '42703', '3F000'];
/** Statement cancelled, lock not available. */
const LIMITS = ['57014', '55P03'];
/**
 * Codes after which the connection is of no use: the server has closed it, or the server has become
 * a read-only standby.
 */
const LAST_WORDS = /^(08|57P)|^(25006|25P03)$/;
/** A code of the server (SQLSTATE). Each holds a digit; EPIPE of the system has none. */
const OF_SERVER = /^(?=.*\d)[0-9A-Z]{5}$/;

export const POSTGRES_FAULTS: Faults = {
  codeOf: () => null,
  mayRepeat: (code, error) => AGAIN.includes(code) || isStaleStatement(error),
  isGone: (code) => GONE.test(code),
  isOtherSchema: (code) => OTHER_SCHEMA.includes(code),
  isRefused: (code) => code.startsWith('28') && OF_SERVER.test(code),
  isMissingDatabase: (code) => code === '3D000',
  isLimit: (code) => LIMITS.includes(code),
};

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' ? code : '';
}

/**
 * True if the connection that reported the error must not be used again. Only an error that the
 * server reports about one statement leaves the connection usable.
 */
export function endsConnection(error: unknown): boolean {
  const code = codeOf(error);
  return !OF_SERVER.test(code) || LAST_WORDS.test(code);
}

/** True if the statement has to be prepared anew. */
export function isStaleStatement(error: unknown): boolean {
  // 0A000 says "not supported" of many things; the part of the server tells this one apart.
  const { routine } = (error ?? {}) as { readonly routine?: unknown };
  return STALE_STATEMENT.includes(codeOf(error)) || routine === 'RevalidateCachedQuery';
}

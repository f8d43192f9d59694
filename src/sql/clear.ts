/**
 * The cleaner: deletes rows that can no longer change any answer. It does not decide whether a
 * record is still valid: the code that uses a record checks that, whether or not the cleaner ran.
 */
import { type Kysely, sql } from 'kysely';
import { type ClearedCounts, CODE_KEPT } from 'valetkey';
import type { LimitedDelete, SqlDialect } from './dialect.ts';
import { metLimit } from './faults.ts';
import type { Tables } from './schema.ts';

/**
 * Deletes at most `batch` rows of each record kind. It finds them by their expiry index.
 * @param now in seconds
 * @param auditFrom in seconds; older audit rows are deleted
 */
export async function clear(
  db: Kysely<Tables>,
  dialect: SqlDialect,
  tenant: string,
  now: number,
  batch: number,
  auditFrom: number,
): Promise<ClearedCounts> {
  const expired = async (table: keyof Tables, column: string, before: number): Promise<number> => {
    const where = sql`tenant = ${tenant} and ${sql.id(column)} <= ${before}`;
    return await inPieces(db, dialect, { table, by: column, where, limit: batch });
  };
  return {
    codes: await expired('codes', 'expires_at', now - CODE_KEPT),
    accessTokens: await expired('access_tokens', 'expires_at', now),
    families: await expired('families', 'expires_at', now),
    idTokens: await expired('id_tokens', 'expires_at', now),
    sessions: await expired('sessions', 'expires_at', now),
    sessionClients: await expired('session_clients', 'expires_at', now),
    oneTimeRecords: await expired('one_time_records', 'expires_at', now),
    counters: await expired('counters', 'reset_at', now),
    initialAccessTokens: await expired('initial_access_tokens', 'expires_at', now),
    audit: await expired('audit', 'at', auditFrom - 1),
  };
}

/** Rows of a piece that met no limit of its database, by table, where that is less than asked. */
const PIECES = new WeakMap<SqlDialect, Map<string, number>>();

/**
 * Deletes in one statement; where that meets a limit of the database (its time for a statement, or
 * for a lock), in smaller and smaller ones.
 */
async function inPieces(
  db: Kysely<Tables>,
  dialect: SqlDialect,
  deletion: LimitedDelete,
): Promise<number> {
  const pieces = PIECES.get(dialect) ?? new Map<string, number>();
  PIECES.set(dialect, pieces);
  const { table, limit } = deletion;
  for (let deleted = 0; ; ) {
    const known = pieces.get(table) ?? limit;
    const asked = Math.min(known, limit - deleted);
    try {
      const rows = await dialect.deleteSome(db, { ...deletion, limit: asked });
      deleted += rows;
      if (known < limit) pieces.set(table, Math.min(known * 2, limit));
      if (rows < asked || deleted >= limit) return deleted;
    } catch (error) {
      if (!metLimit(error) || asked === 1) throw error;
      pieces.set(table, Math.ceil(asked / 4));
    }
  }
}

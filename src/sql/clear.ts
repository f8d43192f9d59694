/**
 * The cleaner: deletes rows that can no longer change any answer. It does not decide whether a
 * record is still valid: the code that uses a record checks that, whether or not the cleaner ran.
 */
import { type Kysely, sql } from 'kysely';
import { type ClearedCounts, CODE_KEPT } from 'valetkey';
import type { SqlDialect } from './dialect.ts';
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
  const expired = async (
    table: keyof Tables,
    key: string,
    column: string,
    before: number,
  ): Promise<number> => {
    const where = sql`tenant = ${tenant} and ${sql.id(column)} <= ${before}`;
    return await dialect.deleteSome(db, { table, key, where, limit: batch });
  };
  return {
    codes: await expired('codes', 'digest', 'expires_at', now - CODE_KEPT),
    accessTokens: await expired('access_tokens', 'digest', 'expires_at', now),
    families: await expired('families', 'id', 'expires_at', now),
    idTokens: await expired('id_tokens', 'jti', 'expires_at', now),
    sessions: await expired('sessions', 'handle', 'expires_at', now),
    oneTimeRecords: await expired('one_time_records', 'digest', 'expires_at', now),
    counters: await expired('counters', 'name', 'reset_at', now),
    audit: await expired('audit', 'id', 'at', auditFrom - 1),
  };
}

/**
 * The cleaner: deletes what can no longer matter. Whether something matters is judged where it is
 * used, never here.
 */
import { type Kysely, sql } from 'kysely';
import { type ClearedCounts, CODE_KEPT } from 'valetkey';
import type { SqlDialect } from './dialect.ts';
import type { Tables } from './schema.ts';

/** Deletes at most `batch` rows of each kind, found by their expiry index. */
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

/** The cleaner: takes away what can no longer matter. When something matters is judged where it is used, never here. */
import { type Kysely, sql } from 'kysely';
import { type ClearedCounts, CODE_KEPT } from 'valetkey';
import type { Tables } from './schema.ts';

/** Deletes at most `batch` rows of each kind, found by their expiry index. */
export async function clear(
  db: Kysely<Tables>,
  tenant: string,
  now: number,
  batch: number,
  auditFrom: number,
): Promise<ClearedCounts> {
  // The condition stands twice: the key of the subquery alone may name rows of other kinds.
  const expired = async (
    table: keyof Tables,
    key: string,
    column: string,
    before: number,
  ): Promise<number> => {
    const due = sql`tenant = ${tenant} and ${sql.id(column)} <= ${before}`;
    const { numAffectedRows } = await sql`delete from ${sql.table(table)} where ${due}
      and ${sql.id(key)} in (select ${sql.id(key)} from ${sql.table(table)} where ${due}
        limit ${batch})`.execute(db);
    return Number(numAffectedRows ?? 0);
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

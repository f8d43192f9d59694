/** What is remembered of a subject as such: when everything of it was last revoked. Its row is the lock between a login and a revocation. */
import { type Kysely, sql } from 'kysely';
import type { Tables } from './schema.ts';

/** Locks the subject until the transaction ends; resolves to when it was last revoked, in seconds (0: never). */
export async function lockSubject(
  trx: Kysely<Tables>,
  tenant: string,
  sub: string,
  revokedAt = 0,
): Promise<number> {
  const subjects = sql.table('subjects');
  const { rows } = await sql<{
    revoked_at: number;
  }>`insert into ${subjects} (tenant, sub, revoked_at) values (${tenant}, ${sub}, ${revokedAt})
    on conflict (tenant, sub) do update set
      revoked_at = case when ${subjects}.revoked_at < ${revokedAt} then ${revokedAt} else ${subjects}.revoked_at end
    returning revoked_at`.execute(trx);
  return Number(rows[0]?.revoked_at ?? 0);
}

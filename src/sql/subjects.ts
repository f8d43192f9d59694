/**
 * What is remembered of a subject as such: when everything of it was last revoked. Logins, grants and
 * revocations of one subject write its row, so that none slips past another.
 */
import { sql } from 'kysely';
import type { ActWrite } from './act.ts';

/** Takes the subject's row if nothing of it was revoked at or after `since`. */
export function provenSince(tenant: string, sub: string, since: number): ActWrite {
  const subjects = sql.table('subjects');
  return () => sql`insert into ${subjects} (tenant, sub, revoked_at, writes)
    values (${tenant}, ${sub}, 0, 1)
    on conflict (tenant, sub) do update set writes = ${subjects}.writes + 1
      where ${subjects}.revoked_at < ${since}`;
}

/** Remembers that everything of the subject was revoked; the time never goes back. */
export function revokedAt(tenant: string, sub: string, now: number): ActWrite {
  const subjects = sql.table('subjects');
  return () => sql`insert into ${subjects} (tenant, sub, revoked_at, writes)
    values (${tenant}, ${sub}, ${now}, 1)
    on conflict (tenant, sub) do update set writes = ${subjects}.writes + 1,
      revoked_at = case when ${subjects}.revoked_at < ${now} then ${now}
        else ${subjects}.revoked_at end`;
}

/**
 * What is remembered of a subject as such: when everything of it was last revoked. Logins, grants
 * and revocations of one subject write its row, so that none slips past another.
 */
import { type Kysely, sql } from 'kysely';
import type { ActWrite } from './act.ts';
import type { SqlDialect, Upsert } from './dialect.ts';
import type { Tables } from './schema.ts';

const SUBJECTS = sql.table('subjects');

function upsertOf(tenant: string, sub: string, revokedAt: number, set: Upsert['set']): Upsert {
  return {
    table: 'subjects',
    row: { tenant, sub, revoked_at: revokedAt, writes: 1 },
    key: ['tenant', 'sub'],
    set: { writes: sql`${SUBJECTS}.writes + 1`, ...set },
  };
}

/** Takes the subject's row if nothing of it was revoked at or after `since`. */
export function provenSince(
  dialect: SqlDialect,
  tenant: string,
  sub: string,
  since: number,
): readonly ActWrite[] {
  const where = sql`${SUBJECTS}.revoked_at < ${since}`;
  return dialect.upsertIf('subject', upsertOf(tenant, sub, 0, {}), where);
}

/** Remembers that everything of the subject was revoked; the time never goes back. */
export async function rememberRevoked(
  db: Kysely<Tables>,
  dialect: SqlDialect,
  tenant: string,
  sub: string,
  now: number,
): Promise<void> {
  const latest = sql`case when ${SUBJECTS}.revoked_at < ${now} then ${now}
    else ${SUBJECTS}.revoked_at end`;
  await dialect.upsert(db, upsertOf(tenant, sub, now, { revoked_at: latest }));
}

/**
 * One row per subject, with the time of the last revocation of all its sessions and tokens. Logins,
 * token issues and revocations of one subject all write this row, so that the database puts them in
 * an order and none misses another.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { ActWrite } from './act.ts';
import type { SqlDialect, Upsert } from './dialect.ts';
import type { Tables } from './schema.ts';

const SUBJECTS = sql.table('subjects');

type Given<T> = T | RawBuilder<unknown>;

function upsertOf(
  tenant: Given<string>,
  sub: Given<string>,
  revokedAt: number,
  set: Upsert['set'],
): Upsert {
  return {
    table: 'subjects',
    row: { tenant, sub, revoked_at: revokedAt, writes: 1 },
    key: ['tenant', 'sub'],
    set: { writes: sql`${SUBJECTS}.writes + 1`, ...set },
  };
}

/**
 * The write that affects the subject's row only if the subject was not revoked at or after `since`
 * (in seconds). Each argument is a value, or a place in a hot statement.
 */
export function provenSince(
  dialect: SqlDialect,
  tenant: Given<string>,
  sub: Given<string>,
  since: Given<number>,
): readonly ActWrite[] {
  const where = sql`${SUBJECTS}.revoked_at < ${since}`;
  return dialect.upsertIf('subject', upsertOf(tenant, sub, 0, {}), where);
}

/** Stores that the subject was revoked at `now` (in seconds). The stored time never goes back. */
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

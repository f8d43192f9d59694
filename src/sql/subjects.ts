/**
 * One row per subject, with the number and the time of the last revocation of all its sessions and
 * tokens. Logins, token issues and revocations of one subject all write this row, so that the
 * database puts them in an order and none misses another. Revocations of an issuer are counted in
 * the row of a subject that nobody is, `''`: numbers order what clocks of two nodes cannot.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { ActWrite } from './act.ts';
import type { SqlDialect, Upsert } from './dialect.ts';
import { type Hot, slot } from './hot.ts';
import type { Tables } from './schema.ts';

const SUBJECTS = sql.table('subjects');
/** The subject in whose row the revocations of an issuer are counted. */
const NOBODY = '';

type Given<T> = T | RawBuilder<unknown>;

function upsertOf(
  tenant: Given<string>,
  sub: Given<string>,
  last: { readonly revoked_at: number; readonly numbered_at: number; readonly revocation: number },
  set: Upsert['set'],
): Upsert {
  return {
    table: 'subjects',
    row: { tenant, sub, writes: 1, ...last },
    key: ['tenant', 'sub'],
    set: { writes: sql`${SUBJECTS}.writes + 1`, ...set },
  };
}

/** A subject that was never revoked. */
const NEVER = { revoked_at: 0, numbered_at: 0, revocation: 0 };

/**
 * The write that affects the subject's row only if the subject was not revoked after the proof.
 * Each argument is a value, or a place in a hot statement.
 */
export function provenBefore(
  dialect: SqlDialect,
  tenant: Given<string>,
  sub: Given<string>,
  {
    revocations,
    time,
  }: { readonly revocations: Given<number> | null; readonly time: Given<number> },
): readonly ActWrite[] {
  // A server of an earlier version stores the time of a revocation alone: then that decides.
  const where =
    revocations === null
      ? sql`${SUBJECTS}.revoked_at <= ${time}`
      : sql`${SUBJECTS}.revocation <= ${revocations} and
          (${SUBJECTS}.revoked_at = ${SUBJECTS}.numbered_at or ${SUBJECTS}.revoked_at < ${time})`;
  return dialect.upsertIf('subject', upsertOf(tenant, sub, NEVER, {}), where);
}

/** How many revocations of subjects there were so far. */
export async function revocations(hot: Hot, tenant: string): Promise<number> {
  const [row] = await hot.rows(
    'revocations',
    () => sql`select revocation from ${SUBJECTS}
      where tenant = ${slot('tenant')} and sub = ${slot('sub')}`,
    { tenant, sub: NOBODY },
  );
  return Number(row?.['revocation'] ?? 0);
}

/**
 * Numbers a revocation of the subject, and stores it with its time (in seconds), which never goes
 * back. Revocations of one issuer wait for one another: they all write one row first.
 */
export async function rememberRevoked(
  db: Kysely<Tables>,
  dialect: SqlDialect,
  tenant: string,
  sub: string,
  now: number,
): Promise<void> {
  const one = { ...NEVER, revocation: 1 };
  const next = { revocation: sql`${SUBJECTS}.revocation + 1` };
  const counted = await dialect.upsert(db, upsertOf(tenant, NOBODY, one, next));
  const revocation = Number(counted['revocation']);
  const latest = sql`case when ${SUBJECTS}.revoked_at < ${now} then ${now}
    else ${SUBJECTS}.revoked_at end`;
  // The same time in both columns. MariaDB sets one column after the other, so this is the first.
  const set = { numbered_at: latest, revoked_at: latest, revocation: sql`${revocation}` };
  const first = { revoked_at: now, numbered_at: now, revocation };
  await dialect.upsert(db, upsertOf(tenant, sub, first, set));
}

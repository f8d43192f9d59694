/**
 * "If this update took a row, store these rows": the shape of every single use. On PostgreSQL one statement (data-modifying CTEs), so one
 * round trip and atomic by itself; on SQLite one transaction that begins with the update and waits for nothing.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Issue } from 'valetkey';
import { accessTokenRow, type FamilyRow, idTokenRow, type Tables } from './schema.ts';

/** The conditional update, without RETURNING; it must match at most one row. */
export type Condition = RawBuilder<unknown>;

/** Rows to store if the condition took a row. */
export interface Consequence {
  readonly family: FamilyRow | null;
  readonly issue: Issue;
}

type InsertTable = 'families' | 'access_tokens' | 'id_tokens';

/** Columns that are numbers; all others are text. PostgreSQL must be told, since the values stand in a SELECT. */
const NUMBERS = [
  'auth_time',
  'created_at',
  'expires_at',
  'refresh_expires_at',
  'redeemed_at',
  'rotated_at',
  'revoked_at',
  'issued_at',
];
const SHORT_NUMBERS = ['offline', 'failed_attempts'];

/** @returns true when the condition took a row and everything is stored */
export async function issueIf(
  db: Kysely<Tables>,
  dialect: 'sqlite' | 'postgres',
  tenant: string,
  condition: Condition,
  consequence: Consequence,
): Promise<boolean> {
  const { accessToken, idToken } = consequence.issue;
  const rows: [InsertTable, object][] = [];
  if (consequence.family !== null) rows.push(['families', consequence.family]);
  if (accessToken !== null) rows.push(['access_tokens', accessTokenRow(tenant, accessToken)]);
  if (idToken !== null) rows.push(['id_tokens', idTokenRow(tenant, idToken)]);
  return dialect === 'postgres'
    ? await inOneStatement(db, condition, rows)
    : await inOneTransaction(db, condition, rows);
}

async function inOneStatement(
  db: Kysely<Tables>,
  condition: Condition,
  rows: readonly [InsertTable, object][],
): Promise<boolean> {
  const inserts = rows.map(
    ([table, row]) =>
      sql`${sql.id(`into_${table}`)} as (insert into ${sql.table(table)} ${columnsOf(row)} select ${valuesOf(row)} from consumed)`,
  );
  const parts = sql.join([sql`consumed as (${condition} returning 1)`, ...inserts]);
  const { rows: counted } = await sql<{
    n: number;
  }>`with ${parts} select count(*)::int as n from consumed`.execute(db);
  return counted[0]?.n === 1;
}

async function inOneTransaction(
  db: Kysely<Tables>,
  condition: Condition,
  rows: readonly [InsertTable, object][],
): Promise<boolean> {
  return await db.transaction().execute(async (trx) => {
    const { numAffectedRows } = await condition.execute(trx);
    if (numAffectedRows !== 1n) return false;
    for (const [table, row] of rows)
      await sql`insert into ${sql.table(table)} ${columnsOf(row)} values (${sql.join(Object.values(row))})`.execute(
        trx,
      );
    return true;
  });
}

/** `(a, b, c)`. */
export function columnsOf(row: object): RawBuilder<unknown> {
  return sql`(${sql.join(Object.keys(row).map((name) => sql.id(name)))})`;
}

/** The values with their types, as a SELECT has to say them. Both dialects know `cast`. */
export function valuesOf(row: object): RawBuilder<unknown> {
  return sql.join(
    Object.entries(row).map(([name, value]) => {
      if (SHORT_NUMBERS.includes(name)) return sql`cast(${value} as integer)`;
      return NUMBERS.includes(name) ? sql`cast(${value} as bigint)` : sql`cast(${value} as text)`;
    }),
  );
}

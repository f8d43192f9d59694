/** Authorization codes: kept by digest, whether used or not, until no replay is worth telling (`clear.ts`). Their single use is in `tokens.ts`. */
import {
  type Kysely,
  type RawBuilder,
  sql,
  type UpdateQueryBuilder,
  type UpdateResult,
} from 'kysely';
import type { CodeStore } from 'valetkey';
import { columnsOf, valuesOf } from './conditional-issue.ts';
import { type CodeRow, codeOf, codeRow, type Tables } from './schema.ts';

/** Consumption up the open codes of a subject; the caller narrows it further. */
export function consumeCodes(
  db: Kysely<Tables>,
  tenant: string,
  now: number,
  sub: string,
): UpdateQueryBuilder<Tables, 'codes', 'codes', UpdateResult> {
  return db
    .updateTable('codes')
    .set({ redeemed_at: now })
    .where('tenant', '=', tenant)
    .where('sub', '=', sub)
    .where('redeemed_at', 'is', null);
}

export function codeStore(
  db: Kysely<Tables>,
  dialect: 'sqlite' | 'postgres',
  tenant: string,
): CodeStore {
  return {
    async insert(code, session) {
      const row = codeRow(tenant, code);
      if (await insertIfStanding(db, dialect, sql.table('codes'), row, session)) return 'stored';
      const known = db
        .selectFrom('codes')
        .select('digest')
        .where('tenant', '=', tenant)
        .where('digest', '=', code.digest);
      return (await known.executeTakeFirst()) === undefined ? 'session_ended' : 'exists';
    },
    async find(digest) {
      const row = await db
        .selectFrom('codes')
        .leftJoin('authorizations', (join) =>
          join
            .onRef('authorizations.tenant', '=', 'codes.tenant')
            .onRef('authorizations.id', '=', 'codes.authorization_id'),
        )
        .selectAll('codes')
        .select('authorizations.id as authorized')
        .where('codes.tenant', '=', tenant)
        .where('codes.digest', '=', digest)
        .executeTakeFirst();
      return row === undefined
        ? null
        : {
            code: codeOf(row),
            authorized: row.authorization_id === null || row.authorized !== null,
          };
    },
    async countFailure(digest) {
      const row = await db
        .updateTable('codes')
        .set({ failed_attempts: sql<number>`failed_attempts + 1` })
        .where('tenant', '=', tenant)
        .where('digest', '=', digest)
        .returning('failed_attempts')
        .executeTakeFirst();
      return row?.failed_attempts ?? 0;
    },
  };
}

/**
 * Stores the row if the session stands. On PostgreSQL the session's row is locked against its end until the code is there to be used up by it;
 * on SQLite one statement is enough.
 */
async function insertIfStanding(
  db: Kysely<Tables>,
  dialect: 'sqlite' | 'postgres',
  table: RawBuilder<unknown>,
  row: CodeRow,
  session: string,
): Promise<boolean> {
  const standing = sql`select 1 as one from ${sql.table('sessions')} where tenant = ${row.tenant} and handle = ${session}`;
  const locked = dialect === 'postgres' ? sql`${standing} for share` : standing;
  const { numAffectedRows } =
    await sql`with standing as (${locked}) insert into ${table} ${columnsOf(row)}
    select ${valuesOf(row)} from standing where true on conflict (tenant, digest) do nothing`.execute(
      db,
    );
  return numAffectedRows === 1n;
}

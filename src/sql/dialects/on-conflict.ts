/**
 * The parts of a dialect that SQLite and PostgreSQL write in the same SQL: inserts that meet an
 * existing row.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { ALWAYS, columnsOf, typedValuesOf } from '../act.ts';
import type { SqlDialect, Upsert } from '../dialect.ts';
import type { Row, Tables } from '../schema.ts';

/** Members for dialects that support ON CONFLICT and RETURNING. */
export const ON_CONFLICT: Pick<
  SqlDialect,
  'perform' | 'insertNew' | 'insertIfAbsent' | 'upsertIf' | 'upsert'
> = {
  async perform(trx: Kysely<Tables>, write) {
    const { numAffectedRows } = await write.sql(ALWAYS).execute(trx);
    return (numAffectedRows ?? 0n) > 0n;
  },
  async insertNew(db, table, row) {
    const { numInsertedOrUpdatedRows } = await db
      .insertInto(table as keyof Tables)
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return (numInsertedOrUpdatedRows ?? 0n) > 0n;
  },
  insertIfAbsent: (name, table, row) => [
    {
      name,
      sql: (after) => sql`insert into ${sql.table(table)} ${columnsOf(row)}
        select ${typedValuesOf(row)} where ${after} on conflict do nothing`,
    },
  ],
  upsertIf: (name, upsert, where) => [
    {
      name,
      sql: (after) => sql`insert into ${sql.table(upsert.table)} ${columnsOf(upsert.row)}
        select ${typedValuesOf(upsert.row)} where ${after} ${orUpdate(upsert)} where ${where}`,
    },
  ],
  async upsert(db: Kysely<Tables>, upsert) {
    const { rows } = await upsertion(upsert).execute(db);
    return theRow(upsert, rows);
  },
};

/** The row that an upsert returned. */
export function theRow({ table }: Upsert, [row]: readonly Row[]): Row {
  if (row === undefined) throw new Error(`An upsert of ${table} returned no row.`);
  return row;
}

/** The statement of an upsert. It returns the row after it. */
export function upsertion(upsert: Upsert): RawBuilder<Row> {
  return sql<Row>`insert into ${sql.table(upsert.table)} ${columnsOf(upsert.row)}
    values (${sql.join(Object.values(upsert.row))}) ${orUpdate(upsert)} returning *`;
}

function orUpdate({ key, set }: Upsert) {
  const target = sql.join(key.map((name) => sql.id(name)));
  const changes = Object.entries(set).map(([column, value]) => sql`${sql.id(column)} = ${value}`);
  return sql`on conflict (${target}) do update set ${sql.join(changes)}`;
}

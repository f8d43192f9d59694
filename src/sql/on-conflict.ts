/**
 * The parts of a dialect that SQLite and PostgreSQL write in the same SQL: inserts that meet an
 * existing row, and deletes with a limit. The rest of each dialect is in `dialects/`.
 */
import { type Kysely, sql } from 'kysely';
import { ALWAYS, columnsOf, typedValuesOf } from './act.ts';
import type { SqlDialect, Upsert } from './dialect.ts';
import type { Row, Tables } from './schema.ts';

/** Members for dialects that support ON CONFLICT, RETURNING, and LIMIT in a subquery. */
export const ON_CONFLICT: Pick<
  SqlDialect,
  'perform' | 'insertNew' | 'insertIfAbsent' | 'upsertIf' | 'upsert' | 'deleteSome'
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
    const { rows } = await sql<Row>`insert into ${sql.table(upsert.table)} ${columnsOf(upsert.row)}
      values (${sql.join(Object.values(upsert.row))}) ${orUpdate(upsert)} returning *`.execute(db);
    const [row] = rows;
    if (row === undefined) throw new Error(`An upsert of ${upsert.table} returned no row.`);
    return row;
  },
  async deleteSome(db: Kysely<Tables>, { table, key, where, limit }) {
    // The condition is repeated outside the subquery, because `key` need not be unique: alone it
    // could match rows that do not meet the condition.
    const { numAffectedRows } = await sql`delete from ${sql.table(table)} where ${where}
      and ${sql.id(key)} in (select ${sql.id(key)} from ${sql.table(table)} where ${where}
        limit ${limit})`.execute(db);
    return Number(numAffectedRows ?? 0);
  },
};

function orUpdate({ key, set }: Upsert) {
  const target = sql.join(key.map((name) => sql.id(name)));
  const changes = Object.entries(set).map(([column, value]) => sql`${sql.id(column)} = ${value}`);
  return sql`on conflict (${target}) do update set ${sql.join(changes)}`;
}

/**
 * Hot statements on PostgreSQL: straight on the pool, an act as one statement. Look-ups of one
 * kind, and inserts that nothing decides, share statements (`../sharing.ts`).
 */
import { type Kysely, type PostgresPool, type RawBuilder, sql } from 'kysely';
import { type Act, columnsOf, type NewRow, typedValuesOf } from '../act.ts';
import { asUnavailable } from '../faults.ts';
import {
  type HotAct,
  type Preparing,
  parametersOf,
  slot,
  type Values,
  withoutRepeats,
} from '../hot.ts';
import { isNumber, type Row, type Tables } from '../schema.ts';
import { shared } from '../sharing.ts';
import { withoutNul } from './postgres-pool.ts';

/** Hot statements, straight on the pool. */
export function hotOn(pool: PostgresPool): Preparing {
  const prepare = <R>(
    db: Kysely<Tables>,
    statement: RawBuilder<unknown>,
  ): ((values: Values) => Promise<readonly R[]>) => {
    const compiled = withoutRepeats(statement.compile(db));
    const parameters = parametersOf(compiled);
    return async (values) => {
      const client = await pool.connect();
      try {
        return (await client.query<R>(compiled.sql, parameters(values))).rows;
      } finally {
        client.release();
      }
    };
  };
  /** Inserts that nothing decides share a statement. When it fails, each is tried alone. */
  const insertShared = (db: Kysely<Tables>, [table, row]: NewRow): HotAct => {
    const columns = Object.keys(row);
    const arrays = columns.map((name) =>
      isNumber(name) ? sql`${slot(name)}::bigint[]` : sql`${slot(name)}::text[]`,
    );
    const insert = prepare(
      db,
      sql`insert into ${sql.table(table)} ${columnsOf(row)}
        select * from unnest(${sql.join(arrays)})`,
    );
    const valuesIn = parametersOf(sql`${sql.join(Object.values(row))}`.compile(db));
    const insertAll = async (rows: readonly (readonly unknown[])[]): Promise<void> => {
      const lists = columns.map((name, index) => [name, rows.map((one) => withoutNul(one[index]))]);
      await insert(Object.fromEntries(lists) as Values);
    };
    const insertOne = shared<readonly unknown[], unknown>(async (rows) => {
      try {
        await insertAll(rows);
        return rows.map(() => null);
      } catch (error) {
        if (rows.length === 1 || asUnavailable(error) !== null) throw error;
        return await Promise.all(
          rows.map(async (one) => await insertAll([one]).catch((own: unknown) => own)),
        );
      }
    });
    return async (values) => {
      const failure = await insertOne(valuesIn(values));
      if (failure instanceof Error) throw failure;
      return null;
    };
  };
  return {
    prepareQuery: (db, query) => prepare<Row>(db, query),
    prepareLookup(db, { column, make }, tenant) {
      const find = prepare<Row>(
        db,
        make((key) => sql`${key} = any(${slot('keys')}::text[])`),
      );
      return shared<string, Row | null>(async (keys) => {
        const rows = await find({ tenant, keys: [...new Set(keys.map(withoutNul))] });
        const byKey = new Map(rows.map((row) => [row[column], row]));
        return keys.map((key) => byKey.get(key) ?? null);
      });
    },
    prepareAct(db, act) {
      const [row, ...others] = act.rows;
      if (row !== undefined && act.writes.length === 0 && others.length === 0)
        return insertShared(db, row);
      const run = prepare<Taken>(db, statementOf(act));
      return async (values) => failedWrite(act, await run(values));
    },
  };
}

/** How many rows each write of an act affected. */
interface Taken {
  readonly taken: readonly number[];
}

/** The name of the first write that affected no row, or null. */
export function failedWrite({ writes }: Act, results: readonly Taken[]): string | null {
  const failed = results[0]?.taken.indexOf(0) ?? 0;
  return writes[failed]?.name ?? null;
}

/** Each write is a data-modifying CTE that checks whether the previous one affected its row. */
export function statementOf({ writes, rows }: Act): RawBuilder<Taken> {
  const took = (index: number) =>
    index < 0 ? sql`true` : sql`exists (select 1 from ${sql.id(`write_${index}`)})`;
  const parts = [
    ...writes.map(
      (write, index) =>
        sql`${sql.id(`write_${index}`)} as (${write.sql(took(index - 1))} returning 1)`,
    ),
    ...rows.map(
      ([table, row], index) =>
        sql`${sql.id(`row_${index}`)} as (insert into ${sql.table(table)} ${columnsOf(row)}
          select ${typedValuesOf(row)} where ${took(writes.length - 1)})`,
    ),
  ];
  const counts = writes.map(
    (_, index) => sql`(select count(*)::int from ${sql.id(`write_${index}`)})`,
  );
  return sql<Taken>`with ${sql.join(parts)} select array[${sql.join(counts)}]::int[] as taken`;
}

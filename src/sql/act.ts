/**
 * One atomic act: a row that must exist, writes that must each affect one row, in this order, and
 * rows that are stored only if all of that holds. Every single use has this shape. The dialect
 * decides how an act becomes atomic: in one statement, or in a transaction that begins with the
 * first write.
 */
import { type RawBuilder, sql } from 'kysely';
import { isNumber, type Row, type Tables, type Value } from './schema.ts';

/** A write of an act. */
export interface ActWrite {
  /** The name that the act resolves to when this write affected no row. */
  readonly name: string;
  /**
   * The statement, without RETURNING. It affects one row or none.
   * @param after an SQL condition that is true if the previous write affected its row; the
   * statement must put it into its WHERE clause
   */
  readonly sql: (after: RawBuilder<unknown>) => RawBuilder<unknown>;
  /** A row with the same key is no error of this statement: it means that no row was affected. */
  readonly mayExist?: true;
}

/** A row that must exist for an act to happen. */
export interface Needed {
  /** The name that the act resolves to when there is no such row. */
  readonly name: string;
  /** Names of the values that it depends on. One of the same name as a column is that column's. */
  readonly values: readonly string[];
  /**
   * Where to look: what follows FROM, with its WHERE clause.
   * @param value the place of one of the values: a slot, or a column of a list of calls
   */
  readonly from: (value: (name: string) => RawBuilder<unknown>) => RawBuilder<unknown>;
}

/** The columns of a new row: values, or places for the values of a hot statement. */
export type NewValues = Readonly<Record<string, Value | RawBuilder<unknown>>>;
/** A table, and a row to store in it. */
export type NewRow = readonly [table: keyof Tables, row: NewValues];

/** Everything that one act writes. */
export interface Act {
  /** What must exist, where the act depends on more than its writes. */
  readonly needs?: Needed;
  /** The writes that decide the act, in order. */
  readonly writes: readonly ActWrite[];
  /** The rows to store if every write affected its row. */
  readonly rows: readonly NewRow[];
}

/** A true SQL condition, for a write that follows no other write. */
export const ALWAYS: RawBuilder<unknown> = sql`1 = 1`;

/** The column list of an INSERT: `(a, b, c)`. */
export function columnsOf(row: NewValues): RawBuilder<unknown> {
  return sql`(${sql.join(Object.keys(row).map((name) => sql.id(name)))})`;
}

/** The insert of one row. */
export function insertion(table: keyof Tables, row: NewValues): RawBuilder<unknown> {
  return sql`insert into ${sql.table(table)} ${columnsOf(row)}
    values (${sql.join(Object.values(row))})`;
}

/** Columns of a table as a SELECT names them: `t.a, t.b`. */
export function namesIn(table: keyof Tables, columns: readonly string[]): RawBuilder<unknown> {
  return sql.join(columns.map((name) => sql`${sql.table(table)}.${sql.id(name)}`));
}

/** The values of a row, each with a cast, because a SELECT does not infer types from a table. */
export function typedValuesOf(row: NewValues): RawBuilder<unknown> {
  return sql.join(
    Object.entries(row).map(([name, value]) =>
      isNumber(name) ? sql`cast(${value} as bigint)` : sql`cast(${value} as text)`,
    ),
  );
}

/** The audit row of an act, if it has one, in the form that `Act.rows` takes. */
export function auditRows(row: Row | null): readonly NewRow[] {
  return row === null ? [] : [['audit', row]];
}

/**
 * One atomic act: writes that must each take a row, in this order, and rows that are stored once
 * they all have. It is the shape of every single use. How a database makes it atomic is its
 * dialect's business: one statement, or a transaction that begins with the first write.
 */
import { type RawBuilder, sql } from 'kysely';
import { isNumber, type Row, type Tables } from './schema.ts';

/** A write of an act. */
export interface ActWrite {
  /** Told when the write took no row. */
  readonly name: string;
  /**
   * The statement without RETURNING; it takes one row or none.
   * @param after true in SQL when the write before took its row; put it into the WHERE clause
   */
  readonly sql: (after: RawBuilder<unknown>) => RawBuilder<unknown>;
}

/** A table and a row to store there. */
export type NewRow = readonly [table: keyof Tables, row: Row];

export interface Act {
  readonly writes: readonly ActWrite[];
  readonly rows: readonly NewRow[];
}

/** True in SQL: for a write that stands alone. */
export const ALWAYS: RawBuilder<unknown> = sql`1 = 1`;

/** `(a, b, c)`. */
export function columnsOf(row: Row): RawBuilder<unknown> {
  return sql`(${sql.join(Object.keys(row).map((name) => sql.id(name)))})`;
}

/** The values with their types, as a SELECT has to say them. */
export function typedValuesOf(row: Row): RawBuilder<unknown> {
  return sql.join(
    Object.entries(row).map(([name, value]) =>
      isNumber(name) ? sql`cast(${value} as bigint)` : sql`cast(${value} as text)`,
    ),
  );
}

/** The row of an audit event, where there is one, as the last thing an act stores. */
export function auditRows(row: Row | null): readonly NewRow[] {
  return row === null ? [] : [['audit', row]];
}

/** An act as the statements of a transaction, for databases that need several for it. */
import { type RawBuilder, sql } from 'kysely';
import { type Act, ALWAYS, columnsOf, insertion } from './act.ts';
import { slot } from './hot.ts';

/** A statement of an act. */
export interface ActStatement {
  /** What the act resolves to when this affects, or finds, no row; null where that cannot be. */
  readonly name: string | null;
  /** The statement, with places for the values of the call. */
  readonly sql: RawBuilder<unknown>;
  /** It finds a row and writes nothing. */
  readonly reads: boolean;
  /** A row with the same key is no error: it means that no row was affected. */
  readonly mayExist: boolean;
}

/**
 * The statements of an act, in order. The insert of the first row checks what the act needs; only
 * an act without rows has a statement for it.
 */
export function statementsOf({ needs, writes, rows }: Act): readonly ActStatement[] {
  const writing = writes.map(({ name, sql: make, mayExist = false }) => {
    return { name, sql: make(ALWAYS), reads: false, mayExist };
  });
  const storing = rows.map(([table, row], index) => {
    if (index > 0 || needs === undefined)
      return { name: null, sql: insertion(table, row), reads: false, mayExist: false };
    const checking = sql`insert into ${sql.table(table)} ${columnsOf(row)}
      select ${sql.join(Object.values(row))} from ${needs.from(slot)}`;
    return { name: needs.name, sql: checking, reads: false, mayExist: false };
  });
  if (rows.length > 0 || needs === undefined) return [...writing, ...storing];
  const finding = sql`select 1 from ${needs.from(slot)}`;
  return [...writing, { name: needs.name, sql: finding, reads: true, mayExist: false }];
}

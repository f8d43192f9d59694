/** An act as the statements of a transaction, for databases that need several for it. */
import { type RawBuilder, sql } from 'kysely';
import { type Act, ALWAYS, columnsOf, insertion } from './act.ts';
import { slot } from './hot.ts';

/** A statement of an act that is a transaction. */
export interface Step {
  /** What the act resolves to when this affects, or finds, no row; null where that cannot be. */
  readonly name: string | null;
  readonly sql: RawBuilder<unknown>;
  /** It finds a row and writes nothing. */
  readonly reads: boolean;
  readonly mayExist: boolean;
}

/** The statements of an act in a transaction, in order. Most acts that need a row read nothing. */
export function stepsOf({ needs, writes, rows }: Act): readonly Step[] {
  const steps: Step[] = writes.map(({ name, sql: make, mayExist = false }) => {
    return { name, sql: make(ALWAYS), reads: false, mayExist };
  });
  for (const [index, [table, row]] of rows.entries()) {
    if (index > 0 || needs === undefined) {
      steps.push({ name: null, sql: insertion(table, row), reads: false, mayExist: false });
      continue;
    }
    const storing = sql`insert into ${sql.table(table)} ${columnsOf(row)}
      select ${sql.join(Object.values(row))} from ${needs.from(slot)}`;
    steps.push({ name: needs.name, sql: storing, reads: false, mayExist: false });
  }
  if (rows.length === 0 && needs !== undefined) {
    const finding = sql`select 1 from ${needs.from(slot)}`;
    steps.push({ name: needs.name, sql: finding, reads: true, mayExist: false });
  }
  return steps;
}

/**
 * Hot statements on PostgreSQL. An act is one statement. Reads that wait together travel together,
 * and so do acts, in one transaction with one commit: see `../sharing.ts` and `postgres-batch.ts`.
 * Look-ups of one kind, and inserts that no write decides, even share a statement.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { type Act, columnsOf, type Needed, type NewRow, typedValuesOf } from '../act.ts';
import { causeOf } from '../faults.ts';
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
import type { BatchStatement } from './postgres-batch.ts';
import { endsConnection } from './postgres-faults.ts';
import { type ReliablePool, withoutNul } from './postgres-pool.ts';

/** A hot statement. Calls of one kind that travel together may share it. */
interface Kind {
  readonly text: string;
  /** Most calls that one statement serves. */
  readonly most: number;
  /** The values of the statement for these calls. */
  readonly values: (calls: readonly unknown[]) => readonly unknown[];
  /** What each call gets of the rows. */
  readonly results: (rows: readonly Row[], calls: readonly unknown[]) => readonly unknown[];
}

/** A call of a hot statement. */
interface Call {
  readonly kind: Kind;
  readonly given: unknown;
}

/** Most calls of a look-up or insert that share a statement. */
const MOST_SHARED = 200;
/** Reads and acts that travel together, and how many such groups are under way before they wait. */
const READS = { most: 400, atOnce: 2 };
const ACTS = { most: 50, atOnce: 2 };
/**
 * Milliseconds that an act waits for a lock while others travel with it. After that each is tried
 * alone, with the limits of the connection, so that one lock does not hold up everybody.
 */
const LOCK_WAIT = 100;
const LIMIT_LOCK_WAIT: BatchStatement = {
  text: `select set_config('lock_timeout', '${LOCK_WAIT}ms', true)`,
  values: [],
};

const CANCELLED = '57014';

/** Hot statements, straight on the pool. */
export function hotOn(pool: ReliablePool): Preparing {
  const read = shared<Call, unknown>(async (calls) => await readAll(pool, calls), READS);
  const write = shared<Call, unknown>(async (calls) => await writeAll(pool, calls), ACTS);
  return {
    prepareQuery(db, query) {
      const kind = kindOf(db, query, (rows) => rows);
      return async (given) => (await read({ kind, given })) as readonly Row[];
    },
    prepareLookup(db, { column, make }, tenant) {
      const { text, parameters } = textOf(
        db,
        make((key) => sql`${key} = any(${slot('keys')}::text[])`),
      );
      const kind: Kind = {
        text,
        most: MOST_SHARED,
        values: (keys) =>
          parameters({ tenant, keys: [...new Set((keys as readonly string[]).map(withoutNul))] }),
        results(rows, keys) {
          const byKey = new Map<unknown, Row>(rows.map((row) => [row[column], row]));
          return keys.map((key) => byKey.get(key) ?? null);
        },
      };
      return async (given) => (await read({ kind, given })) as Row | null;
    },
    prepareAct(db, act) {
      const [row, ...others] = act.rows;
      const kind =
        row !== undefined && act.writes.length === 0 && others.length === 0
          ? sharedInsertion(db, row, act.needs)
          : kindOf(db, statementOf(act), (rows) => failedWrite(act, rows));
      return (async (given) => (await write({ kind, given })) as string | null) satisfies HotAct;
    },
  };
}

/** A statement of one call. */
function kindOf(
  db: Kysely<Tables>,
  statement: RawBuilder<unknown>,
  resultOf: (rows: readonly Row[]) => unknown,
): Kind {
  const { text, parameters } = textOf(db, statement);
  return {
    text,
    most: 1,
    values: ([given]) => parameters(given as Values).map(withoutNul),
    results: (rows) => [resultOf(rows)],
  };
}

/**
 * Inserts that no write decides share a statement. It resolves to the places of the calls whose
 * rows were not stored, because what they need is not there.
 */
function sharedInsertion(db: Kysely<Tables>, [table, row]: NewRow, needs?: Needed): Kind {
  const columns = Object.keys(row);
  const further = needs?.values.filter((name) => !columns.includes(name)) ?? [];
  const all = [...columns, ...further];
  const arrays = all.map((name) =>
    isNumber(name) ? sql`${slot(name)}::bigint[]` : sql`${slot(name)}::text[]`,
  );
  const ids = (names: readonly string[]) => sql.join(names.map((name) => sql.id(name)));
  const stored =
    needs === undefined
      ? sql`true`
      : sql`exists (select 1 from ${needs.from((name) => sql.id('given', name))})`;
  const { text } = textOf(
    db,
    sql`with given as (select given.*, ${stored} as is_stored
        from unnest(${sql.join(arrays)}) with ordinality as given (${ids(all)}, place)),
      stored as (insert into ${sql.table(table)} (${ids(columns)})
        select ${ids(columns)} from given where is_stored)
      select place::int as place from given where not is_stored`,
  );
  const places = [...Object.values(row), ...further.map(slot)];
  const valuesIn = parametersOf(sql`${sql.join(places)}`.compile(db));
  return {
    text,
    most: MOST_SHARED,
    values(calls) {
      const rows = calls.map((call) => valuesIn(call as Values));
      return all.map((_, index) => rows.map((one) => withoutNul(one[index])));
    },
    results(rows, calls) {
      const refused = new Set(rows.map(({ place }) => Number(place)));
      return calls.map((_, index) => (refused.has(index + 1) ? (needs?.name ?? null) : null));
    },
  };
}

function textOf(
  db: Kysely<Tables>,
  statement: RawBuilder<unknown>,
): { readonly text: string; readonly parameters: ReturnType<typeof parametersOf> } {
  const compiled = withoutRepeats(statement.compile(db));
  return { text: compiled.sql, parameters: parametersOf(compiled) };
}

/** A statement and the calls that share it. */
interface Shared {
  readonly kind: Kind;
  /** The places of its calls among all that travel together. */
  readonly places: number[];
}

/** Reads for several callers. What a lost connection had under way is read again once. */
async function readAll(pool: ReliablePool, calls: readonly Call[]): Promise<readonly unknown[]> {
  try {
    return await travel(pool, calls, []);
  } catch (error) {
    if (hasTimedOut(error)) throw error;
    return isLost(error) ? await travel(pool, calls, []) : eachAlone(pool, calls);
  }
}

/** Acts for several callers, in one transaction. When one of them fails, each is tried alone. */
async function writeAll(pool: ReliablePool, calls: readonly Call[]): Promise<readonly unknown[]> {
  if (calls.length === 1) return await travel(pool, calls, []);
  try {
    return await travel(pool, calls, [LIMIT_LOCK_WAIT]);
  } catch (error) {
    // Whether a lost connection committed is unknown.
    if (hasTimedOut(error) || isLost(error)) throw error;
    return eachAlone(pool, calls);
  }
}

function isLost(error: unknown): boolean {
  return endsConnection(causeOf(error));
}

/** The limit of a statement is over, or ours; there is no time for a second attempt. */
function hasTimedOut(error: unknown): boolean {
  const { code, message } = (causeOf(error) ?? {}) as { code?: unknown; message?: unknown };
  return code === CANCELLED || /timeout/i.test(code === undefined ? String(message) : '');
}

function eachAlone(pool: ReliablePool, calls: readonly Call[]): readonly Promise<unknown>[] {
  return calls.map(async (call) => (await travel(pool, [call], []))[0]);
}

async function travel(
  pool: ReliablePool,
  calls: readonly Call[],
  first: readonly BatchStatement[],
): Promise<readonly unknown[]> {
  const statements = statementsFor(calls);
  const results = await pool.batch([
    ...first,
    ...statements.map(({ kind, places }) => ({
      text: kind.text,
      values: kind.values(places.map((place) => calls[place]?.given)),
    })),
  ]);
  const outcomes: unknown[] = [];
  for (const [index, { kind, places }] of statements.entries()) {
    const rows = results[first.length + index] as readonly Row[];
    const shares = kind.results(
      rows,
      places.map((place) => calls[place]?.given),
    );
    for (const [share, place] of places.entries()) outcomes[place] = shares[share];
  }
  return outcomes;
}

/** The statements of some calls, in the order of the first call of each. */
function statementsFor(calls: readonly Call[]): readonly Shared[] {
  const statements: Shared[] = [];
  const open = new Map<Kind, Shared>();
  for (const [place, { kind }] of calls.entries()) {
    let statement = open.get(kind);
    if (statement === undefined || statement.places.length >= kind.most) {
      statement = { kind, places: [] };
      statements.push(statement);
      open.set(kind, statement);
    }
    statement.places.push(place);
  }
  return statements;
}

/** The name of what decided that nothing is written, or null when everything is. */
function failedWrite({ needs, writes }: Act, [row]: readonly Row[]): string | null {
  const failed = row?.['failed'];
  if (failed === null) return null;
  // A driver of the host may read the number as a text.
  const name = Number(failed) === BEFORE_WRITES ? needs?.name : writes[Number(failed)]?.name;
  if (name === undefined) throw new Error('The database did not say what became of an act.');
  return name;
}

/** The place of what an act needs: before its first write. */
const BEFORE_WRITES = -1;

/**
 * Each write is a data-modifying CTE that checks whether the previous one affected its row, and the
 * first one whether there is what the act needs.
 */
function statementOf({ needs, writes, rows }: Act): RawBuilder<unknown> {
  const written = (index: number) => sql.id(index === BEFORE_WRITES ? 'needed' : `write_${index}`);
  const took = (index: number) =>
    index === BEFORE_WRITES && needs === undefined
      ? sql`true`
      : sql`exists (select 1 from ${written(index)})`;
  const parts = [
    ...(needs === undefined
      ? []
      : [sql`${written(BEFORE_WRITES)} as (select 1 from ${needs.from(slot)})`]),
    ...writes.map(
      (write, index) => sql`${written(index)} as (${write.sql(took(index - 1))} returning 1)`,
    ),
    ...rows.map(
      ([table, row], index) =>
        sql`${sql.id(`row_${index}`)} as (insert into ${sql.table(table)} ${columnsOf(row)}
          select ${typedValuesOf(row)} where ${took(writes.length - 1)})`,
    ),
  ];
  const deciding = [...(needs === undefined ? [] : [BEFORE_WRITES]), ...writes.keys()];
  const failed = deciding.map((index) => sql`when not ${took(index)} then ${sql.lit(index)}`);
  const which = deciding.length === 0 ? sql`null` : sql`case ${sql.join(failed, sql` `)} end`;
  return sql`with ${sql.join(parts)} select ${which}::int as failed`;
}

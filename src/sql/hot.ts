/**
 * Hot statements: what nearly every request runs. The query builder writes the text of each once
 * per database; from then on it goes straight to the driver, with the values of the call.
 * Everything else uses the query builder for each call.
 */
import { type CompiledQuery, type Kysely, type RawBuilder, sql } from 'kysely';
import type { Act } from './act.ts';
import type { Row, Tables, Value } from './schema.ts';

/** The values of one call, by the name of their slot. */
export type Values = Readonly<Record<string, Value | readonly string[]>>;

/** A place in a hot statement for a value that each call gives. */
class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A place for the value of this name. */
export function slot(name: string): RawBuilder<unknown> {
  return sql`${new Slot(name)}`;
}

/** A row of slots, each named by its column after a prefix. */
export function slotsOf(
  columns: readonly string[],
  prefix: string,
): Readonly<Record<string, RawBuilder<unknown>>> {
  return Object.fromEntries(columns.map((column) => [column, slot(prefix + column)]));
}

/** Adds the values of a row under the names that `slotsOf` gave to its places. */
export function addRow(values: Record<string, Value>, row: Row, prefix: string): void {
  for (const column in row) values[prefix + column] = row[column] ?? null;
}

/** A query that was prepared once. */
export type HotQuery = (values: Values) => Promise<readonly Row[]>;
/**
 * An act that was prepared. Resolves to null when everything is written, else to the name of the
 * first write that affected no row, or of what the act needs; then nothing has changed.
 */
export type HotAct = (values: Values) => Promise<string | null>;

/** A look-up that was prepared once. Resolves to the row of the key, or to null. */
export type HotLookup = (key: string) => Promise<Row | null>;

/** A look-up of one row by a key that is unique for its tenant. */
export interface Lookup {
  /** The column of the key, as the rows name it. */
  readonly column: string;
  /** The query; its rows hold the column of the key. @param isWanted a condition on the key */
  readonly make: (
    isWanted: (column: RawBuilder<unknown>) => RawBuilder<unknown>,
  ) => RawBuilder<unknown>;
}

/** The hot statements of one database. Each is made at its first call, under its name. */
export interface Hot {
  /** The rows of a query that reads. */
  rows(name: string, make: () => RawBuilder<unknown>, values: Values): Promise<readonly Row[]>;
  /** The row of a key; look-ups of one name and tenant may share a statement. */
  find(name: string, lookup: Lookup, tenant: string, key: string): Promise<Row | null>;
  /** Performs an act, whose statements have places for these values. */
  act(name: string, make: () => Act, values: Values): Promise<string | null>;
  /** Performs an act of values, which is not hot: its statements are made for this call. */
  once(act: Act): Promise<string | null>;
}

/** What a dialect does for hot statements. */
export interface Preparing {
  /** Prepares a query that reads: its text is made now, and runs straight on the driver. */
  prepareQuery(db: Kysely<Tables>, query: RawBuilder<unknown>): HotQuery;
  /** Prepares a look-up. A key that no text column can hold finds nothing. */
  prepareLookup(db: Kysely<Tables>, lookup: Lookup, tenant: string): HotLookup;
  /** Prepares an act, which is performed atomically. */
  prepareAct(db: Kysely<Tables>, act: Act): HotAct;
}

/** The hot statements of a database, none of them made yet. */
export function hotStatements(db: Kysely<Tables>, dialect: Preparing): Hot {
  const queries = new Map<string, HotQuery>();
  const lookups = new Map<string, HotLookup>();
  const acts = new Map<string, HotAct>();
  return {
    rows(name, make, values) {
      let query = queries.get(name);
      if (query === undefined) {
        query = dialect.prepareQuery(db, make());
        queries.set(name, query);
      }
      return query(values);
    },
    find(name, lookup, tenant, key) {
      const place = `${name} ${tenant}`;
      let find = lookups.get(place);
      if (find === undefined) {
        find = dialect.prepareLookup(db, lookup, tenant);
        lookups.set(place, find);
      }
      return find(key);
    },
    act(name, make, values) {
      let act = acts.get(name);
      if (act === undefined) {
        act = dialect.prepareAct(db, make());
        acts.set(name, act);
      }
      return act(values);
    },
    once: async (act) => await dialect.prepareAct(db, act)({}),
  };
}

/** The parameters of a compiled statement for one call, in their order. */
export function parametersOf({
  parameters,
}: Pick<CompiledQuery, 'parameters'>): (values: Values) => (Value | readonly string[])[] {
  const places = parameters.map((given) => (given instanceof Slot ? given : (given as Value)));
  return (values) =>
    places.map((place) => (place instanceof Slot ? (values[place.name] ?? null) : place));
}

/** Makes each slot one numbered parameter (`$1`), however often the text names it. */
export function withoutRepeats({ sql: text, parameters }: CompiledQuery): {
  readonly sql: string;
  readonly parameters: readonly unknown[];
} {
  const kept: unknown[] = [];
  const byName = new Map<string, number>();
  const numbers = parameters.map((given) => {
    const known = given instanceof Slot ? byName.get(given.name) : undefined;
    if (known !== undefined) return known;
    const number = kept.push(given);
    if (given instanceof Slot) byName.set(given.name, number);
    return number;
  });
  return {
    sql: text.replaceAll(/\$(\d+)/g, (_, old: string) => `$${numbers[Number(old) - 1]}`),
    parameters: kept,
  };
}

/** A statement with its text, for drivers whose parameters have no numbers. */
export interface Compiled {
  readonly text: string;
  readonly parameters: ReturnType<typeof parametersOf>;
}

/** Writes the text of a statement. */
export function compiled(db: Kysely<Tables>, statement: RawBuilder<unknown>): Compiled {
  const query = statement.compile(db);
  return { text: query.sql, parameters: parametersOf(query) };
}

/** Look-ups that share no statements: each is a query of its own. */
export function lookupAlone(prepareQuery: Preparing['prepareQuery']): Preparing['prepareLookup'] {
  return (db, { make }, tenant) => {
    const query = prepareQuery(
      db,
      make((column) => sql`${column} = ${slot('key')}`),
    );
    return async (key) => (await query({ tenant, key }))[0] ?? null;
  };
}

/**
 * Several statements that travel to PostgreSQL together: one write, one transaction, one commit.
 * It speaks the extended protocol through the interface that `pg` has for queries of one's own.
 * Which statements go together is decided in `postgres-hot.ts`.
 */
import { createHash } from 'node:crypto';
import type { Row, Value } from '../schema.ts';

/** A statement of a batch. */
export interface BatchStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The part of a connection of `pg` that a batch uses. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  parse(statement: { text: string; name: string; types: readonly number[] }): void;
  bind(values: {
    statement: string;
    values: readonly unknown[];
    valueMapper: (value: unknown) => unknown;
  }): void;
  describe(what: { type: 'P' }): void;
  execute(portal: object): void;
  close(what: { type: 'S'; name: string }): void;
  sync(): void;
}

interface Field {
  readonly name: string;
  readonly dataTypeID: number;
}

/** A statement that one connection knows. */
interface Known {
  readonly name: string;
  /** The columns of its rows; null until the server has described them. */
  fields: readonly Field[] | null;
}

/** Type ids of int8, int2 and int4. Ours are seconds and counts, which a number can hold. */
const NUMBERS: readonly number[] = [20, 21, 23];
/** Texts that one connection keeps prepared. It then begins anew, so that none can grow forever. */
const MOST_KNOWN = 300;

/** The statements that one connection has prepared, by their text. */
export class PreparedStatements {
  readonly #known = new Map<string, Known>();
  #toClose: string[] = [];

  find(text: string): Known | null {
    return this.#known.get(text) ?? null;
  }

  add(text: string): Known {
    // By the text: behind a pooler that came later another process may have prepared this name, and
    // then it must be the same statement.
    const name = `valetkey_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
    const known = { name, fields: null };
    this.#known.set(text, known);
    return known;
  }

  /** Forgets all: which of them the server still has, and in which form, is unknown. */
  forget(): void {
    for (const { name } of this.#known.values()) this.#toClose.push(name);
    this.#known.clear();
  }

  /** The names that the server must close before the next batch. To close one twice is no error. */
  takeNamesToClose(): readonly string[] {
    if (this.#known.size >= MOST_KNOWN) this.forget();
    const names = this.#toClose;
    this.#toClose = [];
    return names;
  }
}

/** How a value travels: as text. */
function written(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return Array.isArray(value) ? `{${value.map(element).join(',')}}` : String(value);
}

function element(value: unknown): string {
  return value === null ? 'NULL' : `"${String(value).replaceAll(/["\\]/g, '\\$&')}"`;
}

/** The batch, as `pg` runs it. */
export class Batch {
  /** `pg` replaces it to end its timer. */
  callback: (error: unknown, results?: readonly (readonly Row[])[]) => void;
  readonly #statements: readonly BatchStatement[];
  readonly #prepared: PreparedStatements | null;
  readonly #known: Known[] = [];
  readonly #results: Row[][] = [];
  #rows: Row[] = [];

  /** @param prepared null for statements without names */
  constructor(
    statements: readonly BatchStatement[],
    prepared: PreparedStatements | null,
    callback: Batch['callback'],
  ) {
    this.#statements = statements;
    this.#prepared = prepared;
    this.callback = callback;
  }

  submit(wire: Wire): null {
    wire.stream.cork();
    try {
      for (const name of this.#prepared?.takeNamesToClose() ?? []) wire.close({ type: 'S', name });
      for (const { text, values } of this.#statements) {
        let known = this.#prepared?.find(text);
        if (!known) {
          known = this.#prepared?.add(text) ?? { name: '', fields: null };
          wire.parse({ text, name: known.name, types: [] });
        }
        this.#known.push(known);
        wire.bind({ statement: known.name, values, valueMapper: written });
        // The rows of a prepared statement never change, so that one description is enough.
        if (known.fields === null) wire.describe({ type: 'P' });
        wire.execute({});
      }
      wire.sync();
    } finally {
      wire.stream.uncork();
    }
    return null;
  }

  handleRowDescription({ fields }: { readonly fields: readonly Field[] }): void {
    const known = this.#known[this.#results.length];
    if (known !== undefined) known.fields = fields;
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    const columns = this.#known[this.#results.length]?.fields ?? [];
    const row: Record<string, Value> = {};
    for (let index = 0; index < columns.length; index += 1) {
      const { name, dataTypeID } = columns[index] as Field;
      const text = fields[index] ?? null;
      row[name] = text !== null && NUMBERS.includes(dataTypeID) ? Number(text) : text;
    }
    this.#rows.push(row);
  }

  handleCommandComplete(): void {
    const known = this.#known[this.#results.length];
    // A statement without rows is described by nothing.
    if (known !== undefined) known.fields ??= [];
    this.#results.push(this.#rows);
    this.#rows = [];
  }

  /** The transaction is committed now, and not before. */
  handleReadyForQuery(): void {
    this.callback(null, this.#results);
  }

  handleError(error: unknown): void {
    this.#prepared?.forget();
    this.callback(error);
  }

  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCopyInResponse(): void {}
  handleCopyData(): void {}
}

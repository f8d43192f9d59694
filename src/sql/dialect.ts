/**
 * The contract of a dialect: everything that differs between databases. The dialects are in
 * `dialects/`, and `dialects/kinds.ts` lists them. Statements that are the same for all databases
 * are in the other files of this folder.
 */
import type { Dialect, Kysely, RawBuilder } from 'kysely';
import type { ActWrite, NewValues } from './act.ts';
import type { Preparing } from './hot.ts';
import type { Row, Tables } from './schema.ts';

/** What a check of an open database found. The command `doctor` prints it. */
export interface SqlCheck {
  /** Name of the driver: `pg`, `mysql2`, `node:sqlite` or `libsql`. */
  readonly driver: string;
  /** The time on the database's clock, in seconds since 1970. */
  readonly serverTime: number;
  /** Version of the database, as the database reports it. */
  readonly version: string;
  /** One sentence for each setting that can make the database lose an acknowledged write. */
  readonly warnings: readonly string[];
}

/** Limits of our own pool. */
export interface PoolOptions {
  /** Most connections. */
  readonly size: number;
  /**
   * Milliseconds after which a statement, or a wait for a connection, counts as "does not answer".
   */
  readonly timeout: number;
}

/** Inserts a row, or changes the existing row with the same key. */
export interface Upsert {
  readonly table: keyof Tables;
  readonly row: NewValues;
  /** Columns of the key by which an existing row is found. */
  readonly key: readonly string[];
  /** New values of an existing row, by column. A value may name columns of the existing row. */
  readonly set: Readonly<Record<string, RawBuilder<unknown>>>;
}

/** What the errors of one kind of database mean. */
export interface Faults {
  /** The code of an error that does not carry it as `code`; null for all others. */
  codeOf(error: object): string | null;
  /**
   * True if the same call may succeed at once: a deadlock, a serialization failure, a stale
   * snapshot. False for a wait for a lock that timed out, because the caller has already waited.
   */
  mayRepeat(code: string, error: unknown): boolean;
  /** True if the code says that the database does not answer. */
  isGone(code: string): boolean;
  /** True if a table or column is missing: the schema is not the one of this software. */
  isOtherSchema(code: string, error: unknown): boolean;
  /** True if the database does not let this user in. */
  isRefused(code: string): boolean;
  /** True if there is no database of this name. */
  isMissingDatabase(code: string): boolean;
  /**
   * True if a statement took longer than the server lets it, or waited for a lock for longer: the
   * work may succeed in smaller pieces.
   */
  isLimit(code: string): boolean;
}

/** An open database of one kind. */
export interface SqlDialect extends Preparing {
  /** The connection for all queries except migrations. */
  readonly kysely: Dialect;
  /**
   * Opens a second connection without time limits, for migrations. Null if `kysely` is used for
   * migrations too.
   */
  readonly patient: (() => Dialect) | null;
  /**
   * Closes all connections of our own. The query builder closes them only if it opened one; closing
   * twice is fine.
   */
  close(): Promise<void>;
  /**
   * Performs one write of an act in a transaction of the query builder. False when it affected no
   * row.
   */
  perform(trx: Kysely<Tables>, write: ActWrite): Promise<boolean>;
  /** A write of an act that inserts a row unless a row with the same key exists. */
  insertIfAbsent(name: string, table: keyof Tables, row: NewValues): readonly ActWrite[];
  /** A write of an act that inserts a row, or changes the existing row only if it meets `where`. */
  upsertIf(name: string, upsert: Upsert, where: RawBuilder<unknown>): readonly ActWrite[];
  /** Inserts a row of values. False when a row with the same key exists; then nothing changes. */
  insertNew(db: Kysely<Tables>, table: string, row: Row): Promise<boolean>;
  /** Performs an upsert. Resolves to the row after it. */
  upsert(db: Kysely<Tables>, upsert: Upsert): Promise<Row>;
  /** Deletes at most `limit` rows that meet `where`. Resolves to the number of deleted rows. */
  deleteSome(db: Kysely<Tables>, deletion: LimitedDelete): Promise<number>;
  /** Runs migrations in one transaction. Other processes that migrate wait until it ends. */
  migrating<T>(db: Kysely<Tables>, schema: string | null, work: Migrating<T>): Promise<T>;
  /** True if the error says that a table does not exist. */
  isMissingTable(error: unknown): boolean;
  /** Asks the database for its version, its clock and its durability settings. */
  check(db: Kysely<Tables>): Promise<SqlCheck>;
}

/** A delete of a limited number of rows. */
export interface LimitedDelete {
  readonly table: keyof Tables;
  /** The column by which the rows are found. It has an index. */
  readonly by: string;
  /** The condition, served by an index. */
  readonly where: RawBuilder<unknown>;
  /** Most rows to delete. */
  readonly limit: number;
}

/** The work that runs while the migration lock is held. */
export type Migrating<T> = (db: Kysely<Tables>) => Promise<T>;

/**
 * The contract of a dialect: everything that databases do differently. One file each in
 * `dialects/`. What all of them do alike is written once, in the statements of this folder.
 */
import type { Dialect, Kysely, RawBuilder } from 'kysely';
import type { Act, ActWrite } from './act.ts';
import type { Row, Tables } from './schema.ts';

/** What `doctor` wants to know of a database. */
export interface SqlCheck {
  readonly driver: string;
  /** The database's clock, in seconds. */
  readonly serverTime: number;
  readonly version: string;
  /** Settings under which an acknowledged write may be lost. */
  readonly warnings: readonly string[];
}

/** Inserts a row or, where one of its key is there, changes it. */
export interface Upsert {
  readonly table: keyof Tables;
  readonly row: Row;
  /** Columns of the key that decides. */
  readonly key: readonly string[];
  /** What an existing row is changed to, by column; it may name columns of the existing row. */
  readonly set: Readonly<Record<string, RawBuilder<unknown>>>;
}

/** A kind of database, opened. */
export interface SqlDialect {
  readonly name: 'sqlite' | 'postgres';
  /** How queries reach it. */
  readonly kysely: Dialect;
  /** A second way to it without time limits, for migrations; null where there are no limits. */
  readonly patient: (() => Dialect) | null;
  /**
   * Performs an act atomically. Resolves to the name of the first write that took no row, and then
   * nothing is changed; null when all is done.
   */
  act(db: Kysely<Tables>, act: Act): Promise<string | null>;
  /** A write of an act that stores a row unless one of its key is there. */
  insertIfAbsent(name: string, table: keyof Tables, row: Row): readonly ActWrite[];
  /** A write of an act that inserts, or changes an existing row only where it matches `where`. */
  upsertIf(name: string, upsert: Upsert, where: RawBuilder<unknown>): readonly ActWrite[];
  /** Performs an upsert and resolves to the row as it then stands. */
  upsert(db: Kysely<Tables>, upsert: Upsert): Promise<Row>;
  /** Deletes at most `limit` rows that match; `key` tells rows of the table apart. */
  deleteSome(db: Kysely<Tables>, deletion: LimitedDelete): Promise<number>;
  /** Runs migrations in one transaction that other processes wait for. */
  migrating<T>(db: Kysely<Tables>, schema: string | null, work: Migrating<T>): Promise<T>;
  /** True when an error says that a table does not exist. */
  isMissingTable(error: unknown): boolean;
  check(db: Kysely<Tables>): Promise<SqlCheck>;
}

/** Rows to delete, found by an index. */
export interface LimitedDelete {
  readonly table: keyof Tables;
  readonly key: string;
  readonly where: RawBuilder<unknown>;
  readonly limit: number;
}

/** What runs under the lock of migrations. */
export type Migrating<T> = (db: Kysely<Tables>) => Promise<T>;

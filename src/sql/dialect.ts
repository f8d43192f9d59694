/**
 * The contract of a dialect: everything that databases do differently. One file each in `dialects/`.
 * What all of them do alike is written once, in the statements of this folder.
 */
import type { Dialect, Kysely } from 'kysely';
import type { Act } from './act.ts';
import type { Tables } from './schema.ts';

/** What `doctor` wants to know of a database. */
export interface SqlCheck {
  readonly driver: string;
  /** The database's clock, in seconds. */
  readonly serverTime: number;
  readonly version: string;
  /** Settings under which an acknowledged write may be lost. */
  readonly warnings: readonly string[];
}

/** A kind of database, opened. */
export interface SqlDialect {
  readonly name: 'sqlite' | 'postgres';
  /** How queries reach it. */
  readonly kysely: Dialect;
  /** A second way to it without time limits, for migrations; null where there are no limits. */
  readonly patient: (() => Dialect) | null;
  /**
   * Performs an act atomically. Resolves to the index of the first write that took no row, and then
   * nothing is changed by it and those after it; null when all is done.
   */
  act(db: Kysely<Tables>, act: Act): Promise<number | null>;
  /** Runs migrations in one transaction that other processes wait for. */
  migrating<T>(db: Kysely<Tables>, schema: string | null, work: Migrating<T>): Promise<T>;
  /** True when an error says that a table does not exist. */
  isMissingTable(error: unknown): boolean;
  check(db: Kysely<Tables>): Promise<SqlCheck>;
}

/** What runs under the lock of migrations. */
export type Migrating<T> = (db: Kysely<Tables>) => Promise<T>;

/**
 * Brings the schema up to date. All missing migrations and their entries in the migrations table
 * are one transaction under a lock: two processes that start at once wait for one another, and a
 * process that is killed in the middle leaves nothing behind. The dialect provides the lock.
 */
import type { Kysely } from 'kysely';
import type { SqlDialect } from './dialect.ts';
import type { Migration } from './migration.ts';
import { firstTables } from './migrations/0001-first-tables.ts';
import { oneTimeRecords } from './migrations/0002-one-time-records.ts';
import { disabledClients } from './migrations/0003-disabled-clients.ts';
import { placesOfAttempts } from './migrations/0004-places-of-attempts.ts';
import { numberedRevocations } from './migrations/0005-numbered-revocations.ts';
import { clientsThatRegisterThemselves } from './migrations/0006-clients-that-register-themselves.ts';
import { deliveries } from './migrations/0007-deliveries.ts';
import { resources } from './migrations/0008-resources.ts';
import type { Tables } from './schema.ts';

/** The migrations of the store itself, in the order in which they run. */
const STORE_MIGRATIONS: readonly Migration[] = [
  firstTables,
  oneTimeRecords,
  disabledClients,
  placesOfAttempts,
  numberedRevocations,
  clientsThatRegisterThemselves,
  deliveries,
  resources,
];

/** Applies migrations to one database. */
export interface Migrator {
  /** Applies the missing migrations. Resolves to the names of those applied by this call. */
  migrate(): Promise<readonly string[]>;
  /** The names of the migrations that are not applied yet, in order. */
  pending(): Promise<readonly string[]>;
}

export function createMigrator(
  db: Kysely<Tables>,
  options: {
    readonly dialect: SqlDialect;
    readonly prefix: string;
    readonly schema: string | null;
    readonly extra: readonly Migration[];
  },
): Migrator {
  const all = [...STORE_MIGRATIONS, ...options.extra];

  const applied = async (on: Kysely<Tables>): Promise<ReadonlySet<string>> => {
    try {
      return new Set(
        (await on.selectFrom('migrations').select('name').execute()).map(({ name }) =>
          String(name),
        ),
      );
    } catch (error) {
      // Without a migrations table no migration was ever applied.
      if (options.dialect.isMissingTable(error)) return new Set();
      throw error;
    }
  };
  const applyOne = async (on: Kysely<Tables>, migration: Migration): Promise<void> => {
    await migration.up(on as unknown as Kysely<never>, options.prefix);
    await on
      .insertInto('migrations')
      .values({ name: migration.name, applied_at: Math.floor(Date.now() / 1000) })
      .execute();
  };
  const createTable = async (on: Kysely<Tables>): Promise<void> => {
    await on.schema
      .createTable('migrations')
      .ifNotExists()
      .addColumn('name', 'varchar(255)', (column) => column.primaryKey())
      .addColumn('applied_at', 'bigint', (column) => column.notNull())
      .execute();
  };
  const run = async (on: Kysely<Tables>): Promise<readonly string[]> => {
    await createTable(on);
    const done = await applied(on);
    const missing = all.filter(({ name }) => !done.has(name));
    for (const migration of missing) await applyOne(on, migration);
    return missing.map(({ name }) => name);
  };

  return {
    migrate: async () => await options.dialect.migrating(db, options.schema, run),
    async pending() {
      const done = await applied(db);
      return all.map(({ name }) => name).filter((name) => !done.has(name));
    },
  };
}

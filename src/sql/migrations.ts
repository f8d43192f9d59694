/**
 * Moving the schema forward. Each migration runs in one transaction with its entry in the migrations table, under a lock: two processes
 * that start at once wait for one another, and a process killed in the middle leaves nothing behind.
 */
import { type Kysely, sql } from 'kysely';
import type { Migration } from './migration.ts';
import { firstTables } from './migrations/0001-first-tables.ts';
import type { Tables } from './schema.ts';

/** Migrations of the store itself. */
const STORE_MIGRATIONS: readonly Migration[] = [firstTables];
/** Any number; two servers on one database must agree on it. */
const ADVISORY_LOCK = 7_318_349_394_477_056;

const UNDEFINED_TABLE = '42P01';

export interface Migrator {
  /** Applies what is missing; resolves to the names applied now. */
  migrate(): Promise<readonly string[]>;
  pending(): Promise<readonly string[]>;
}

export function createMigrator(
  db: Kysely<Tables>,
  options: {
    readonly dialect: 'sqlite' | 'postgres';
    readonly prefix: string;
    readonly schema: string | null;
    readonly extra: readonly Migration[];
  },
): Migrator {
  const all = [...STORE_MIGRATIONS, ...options.extra];

  const applied = async (on: Kysely<Tables>): Promise<ReadonlySet<string>> => {
    try {
      return new Set(
        (await on.selectFrom('migrations').select('name').execute()).map(({ name }) => name),
      );
    } catch (error) {
      // No table yet: nothing was applied. PostgreSQL speaks the language of its administrator, so its code is what counts.
      if (
        (error as { code?: unknown }).code === UNDEFINED_TABLE ||
        /no such table/.test(String(error))
      )
        return new Set();
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
    if (options.schema !== null) await createSchema(on, options.schema);
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
    async migrate() {
      if (options.dialect === 'postgres') {
        return await db.transaction().execute(async (trx) => {
          await sql`select pg_advisory_xact_lock(${ADVISORY_LOCK}::bigint)`.execute(trx);
          return await run(trx);
        });
      }
      return await db.connection().execute(async (connection) => {
        // IMMEDIATE takes the write lock before anything is read, so that two processes cannot both find the table missing.
        await sql`begin immediate`.execute(connection);
        try {
          const names = await run(connection);
          await sql`commit`.execute(connection);
          return names;
        } catch (error) {
          await sql`rollback`.execute(connection);
          throw error;
        }
      });
    },
    async pending() {
      const done = await applied(db);
      return all.map(({ name }) => name).filter((name) => !done.has(name));
    },
  };
}

/** A role that may not create schemas is given one that is there; "if not exists" alone would still ask for the right. */
async function createSchema(on: Kysely<Tables>, name: string): Promise<void> {
  const { rows } = await sql`select 1 from pg_catalog.pg_namespace where nspname = ${name}`.execute(
    on,
  );
  if (rows.length === 0) await sql`create schema if not exists ${sql.id(name)}`.execute(on);
}

/**
 * `valetkey/sql`: a `Database` over SQLite or PostgreSQL, in a file, a server, or the host's own
 * database under a prefix or schema.
 */
import { createHash } from 'node:crypto';
import { type Dialect, Kysely, type PostgresPool } from 'kysely';
import { ConfigError, type ConfigProblem, type Database, type Store } from 'valetkey';
import { auditStore } from './audit.ts';
import { authorizationStore } from './authorizations.ts';
import { clear } from './clear.ts';
import { clientStore } from './clients.ts';
import { codeStore } from './codes.ts';
import { counterStore } from './counters.ts';
import type { SqlCheck, SqlDialect } from './dialect.ts';
import { postgres, postgresPool } from './dialects/postgres.ts';
import { sqlite } from './dialects/sqlite.ts';
import { guarded, withFaults } from './faults.ts';
import { keyStore } from './keys.ts';
import type { Migration } from './migration.ts';
import { createMigrator, type Migrator } from './migrations.ts';
import { oneTimeStore } from './one-time.ts';
import type { Tables } from './schema.ts';
import { sessionStore } from './sessions.ts';
import { tablePrefix } from './table-prefix.ts';
import { tokenStore } from './tokens.ts';

export type { SqlCheck } from './dialect.ts';
export type { Migration } from './migration.ts';

/** Where a database is and how it is used. */
export interface SqlOptions {
  /** `sqlite:path/to/file.db`, `sqlite::memory:` or `postgres://user:password@host/database`. */
  readonly url?: string;
  /**
   * The host's own `pg` pool instead of a URL, with its own limits: give it a `statement_timeout`
   * and a `connectionTimeoutMillis`.
   */
  readonly pool?: PostgresPool;
  /** Before every table name. Default `valetkey_`. */
  readonly prefix?: string;
  /** PostgreSQL schema for the tables; made by the migration if missing. */
  readonly schema?: string;
  /** Migrations of other parts that keep their tables here (`accountsMigrations`). */
  readonly migrations?: readonly Migration[];
  /** Connections of our own pool. Default 10. */
  readonly poolSize?: number;
  /**
   * Milliseconds until a statement or a wait for a connection ends in `StoreUnavailable`. Default
   * 2000.
   */
  readonly timeout?: number;
}

/** An open database. */
export interface SqlDatabase extends Database {
  /** For tables of your own beside ours; table names get the prefix. */
  readonly kysely: Kysely<Tables>;
  /** Which kind it is. */
  readonly dialect: SqlDialect['name'];
  /** Before every table name. */
  readonly prefix: string;
  /**
   * What stands in the column `tenant` of an issuer's rows; for parts that keep tables of their own
   * here.
   */
  tenantOf(issuer: string): string;
  /** The issuers that were written down here, oldest first. */
  issuers(): Promise<readonly string[]>;
  /**
   * Writes an issuer down, so that whoever opens this database knows whose it is. True when it was
   * new.
   */
  rememberIssuer(issuer: string): Promise<boolean>;
  /**
   * Brings the schema up to date; safe when several processes do so at once. Resolves to the
   * migrations applied now.
   */
  migrate(): Promise<readonly string[]>;
  /** Names of migrations that are not applied yet. */
  pendingMigrations(): Promise<readonly string[]>;
  /** What `doctor` wants to know. @throws StoreUnavailable */
  check(): Promise<SqlCheck>;
  /** Closes every connection. */
  close(): Promise<void>;
}

/**
 * Opens a database; connects when it is first used.
 * @throws ConfigError when an option is wrong, Error when the driver is not installed
 */
export function sqlDatabase(options: SqlOptions): SqlDatabase {
  const problems = sqlProblems(options);
  if (problems.length > 0) throw new ConfigError(problems);
  const prefix = options.prefix ?? 'valetkey_';
  const schema = options.schema ?? null;
  const dialect = dialectFor(options);
  const connect = (through: Dialect): Kysely<Tables> =>
    new Kysely<Tables>({ dialect: through, plugins: [tablePrefix(prefix, schema)] });
  const kysely = connect(dialect.kysely);
  const migratorOn = (db: Kysely<Tables>): Migrator =>
    createMigrator(db, { dialect, prefix, schema, extra: options.migrations ?? [] });
  const pending = async (): Promise<readonly string[]> =>
    await withFaults(migratorOn(kysely).pending);
  return {
    // Even `:memory:` may hold keys that a second provider in the process wants to open.
    ephemeral: false,
    kysely,
    dialect: dialect.name,
    prefix,
    tenantOf,
    forIssuer: (issuer) => createStore(kysely, dialect, tenantOf(issuer)),
    async migrate() {
      // Most starts find nothing to do, and then they wait for no lock.
      if ((await pending()).length === 0) return [];
      if (dialect.patient === null) return await withFaults(migratorOn(kysely).migrate);
      const slow = connect(dialect.patient());
      try {
        return await withFaults(migratorOn(slow).migrate);
      } finally {
        await slow.destroy();
      }
    },
    issuers: async () =>
      await withFaults(async () =>
        (await kysely.selectFrom('issuers').select('issuer').orderBy('created_at').execute()).map(
          ({ issuer }) => String(issuer),
        ),
      ),
    rememberIssuer: async (issuer) =>
      await withFaults(async () => {
        const row = { tenant: tenantOf(issuer), issuer, created_at: seconds() };
        const writes = dialect.insertIfAbsent('issuer', 'issuers', row);
        return (await dialect.act(kysely, { writes, rows: [] })) === null;
      }),
    pendingMigrations: pending,
    check: async () => await withFaults(async () => await dialect.check(kysely)),
    close: async () => await kysely.destroy(),
  };
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

function dialectFor(options: SqlOptions): SqlDialect {
  const { url, pool, poolSize: size = 10, timeout = 2000 } = options;
  if (pool !== undefined) return postgresPool(pool);
  if (url?.startsWith('sqlite:'))
    return sqlite(url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, ''));
  if (url !== undefined && /^postgres(ql)?:\/\//.test(url)) return postgres(url, { size, timeout });
  throw new Error('unreachable: the URL was checked');
}

/** What is wrong with options, found without opening anything. */
export function sqlProblems(options: SqlOptions): readonly ConfigProblem[] {
  const { url, pool, prefix, schema, poolSize, timeout } = options;
  const known =
    pool !== undefined || (url !== undefined && /^(sqlite:.|postgres(ql)?:\/\/)/.test(url));
  const whole = (value: number | undefined): boolean =>
    value === undefined || (Number.isSafeInteger(value) && value >= 1);
  const named = (value: string | undefined): boolean =>
    value === undefined || /^[a-z][a-z0-9_]{0,30}$/.test(value);
  const name = 'Use lower-case letters, digits and underscores, a letter first, 31 at most.';
  return [
    ...(known
      ? []
      : [
          {
            option: 'url',
            problem: 'is of an unknown kind.',
            remedy: 'It begins with sqlite: or postgres://.',
          },
        ]),
    ...(named(prefix)
      ? []
      : [{ option: 'prefix', problem: 'is no prefix of table names.', remedy: name }]),
    ...(named(schema)
      ? []
      : [{ option: 'schema', problem: 'is no name of a schema.', remedy: name }]),
    ...(whole(poolSize)
      ? []
      : [{ option: 'poolSize', problem: 'is not a whole number from 1.', remedy: 'Default 10.' }]),
    ...(whole(timeout)
      ? []
      : [
          {
            option: 'timeout',
            problem: 'is not a whole number of milliseconds from 1.',
            remedy: 'Default 2000.',
          },
        ]),
  ];
}

/**
 * Which rows are an issuer's. 64 bits: enough to keep apart all issuers one database will ever
 * serve.
 */
function tenantOf(issuer: string): string {
  return createHash('sha256').update(issuer).digest('base64url').slice(0, 11);
}

function createStore(db: Kysely<Tables>, dialect: SqlDialect, tenant: string): Store {
  return {
    clients: guarded(clientStore(db, dialect, tenant)),
    sessions: guarded(sessionStore(db, dialect, tenant)),
    authorizations: guarded(authorizationStore(db, dialect, tenant)),
    codes: guarded(codeStore(db, dialect, tenant)),
    tokens: guarded(tokenStore(db, dialect, tenant)),
    oneTime: guarded(oneTimeStore(db, dialect, tenant)),
    keys: guarded(keyStore(db, dialect, tenant)),
    counters: guarded(counterStore(db, dialect, tenant)),
    audit: guarded(auditStore(db, tenant)),
    clear: async (now, batch, auditFrom) =>
      await withFaults(async () => await clear(db, dialect, tenant, now, batch, auditFrom)),
  };
}

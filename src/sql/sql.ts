/**
 * `valetkey/sql`: a `Database` on SQLite, PostgreSQL, MariaDB or MySQL. It may be a file, a server,
 * or the host's own database, where a prefix or schema keeps our tables apart. This file checks the
 * options and opens the database. Each part of the store port has a file of its own; what differs
 * between databases is in `dialects/`.
 */
import { createHash } from 'node:crypto';
import { type Dialect, Kysely } from 'kysely';
import { ConfigError, type ConfigProblem, type Database, type Store } from 'valetkey';
import { auditStore } from './audit.ts';
import { authorizationStore } from './authorizations.ts';
import { clear } from './clear.ts';
import { clientStore } from './clients.ts';
import { codeStore } from './codes.ts';
import { counterStore } from './counters.ts';
import { deliveryStore } from './deliveries.ts';
import type { SqlCheck, SqlDialect } from './dialect.ts';
import { type DialectName, type HostPool, KINDS, kindOf } from './dialects/kinds.ts';
import { guarded, withFaults } from './faults.ts';
import { type Hot, hotStatements } from './hot.ts';
import { initialAccessTokenStore } from './initial-access-tokens.ts';
import { keyStore } from './keys.ts';
import type { Migration } from './migration.ts';
import { createMigrator, type Migrator } from './migrations.ts';
import { oneTimeStore } from './one-time.ts';
import { resourceStore } from './resources.ts';
import type { Tables } from './schema.ts';
import { sessionStore } from './sessions.ts';
import { tablePrefix } from './table-prefix.ts';
import { tokenStore } from './tokens.ts';

export type { SqlCheck } from './dialect.ts';
export { type DialectName, embeddedFile, embeddedUrl, type HostPool } from './dialects/kinds.ts';
export type { MysqlPool } from './dialects/mysql-pool.ts';
export type { Migration } from './migration.ts';

/** Where the database is, and how to use it. Either `url` or `pool` is required. */
export interface SqlOptions {
  /**
   * `sqlite:path/to/file.db`, `sqlite::memory:`, `postgres://user:password@host/database` or
   * `mysql://user:password@host/database` (MariaDB 10.6 or MySQL 8, or later).
   */
  readonly url?: string;
  /**
   * The host's own pool of `pg` or of `mysql2`, used instead of `url`. `poolSize` and `timeout`
   * do not apply to it. Give a pool of `pg` a `statement_timeout` and a `connectionTimeoutMillis`;
   * give a pool of `mysql2` two connections or more: one renews the lock of a migration.
   */
  readonly pool?: HostPool;
  /**
   * Prefix of every table name: lower-case letters, digits and underscores, a letter first, at most
   * 31 characters.
   * @default 'valetkey_'
   */
  readonly prefix?: string;
  /**
   * PostgreSQL schema that holds the tables, in the characters allowed for `prefix`. The migration
   * creates it if it does not exist.
   * @default the first schema of the connection's search_path
   */
  readonly schema?: string;
  /**
   * Migrations of other parts that store tables in this database, such as `accountsMigrations`.
   * @default []
   */
  readonly migrations?: readonly Migration[];
  /**
   * Most connections that our own pool opens.
   * @default 10
   */
  readonly poolSize?: number;
  /**
   * Milliseconds after which a statement, or a wait for a connection, ends in
   * `StoreUnavailable`. SQLite waits 5000 milliseconds for its write lock.
   * @default 2000
   */
  readonly timeout?: number;
}

/** An open database. */
export interface SqlDatabase extends Database {
  /**
   * The query builder on the same connections, for tables of your own beside ours. It adds the
   * prefix and schema to table names.
   */
  readonly kysely: Kysely<Tables>;
  /** The kind of database. */
  readonly dialect: DialectName;
  /** The prefix of every table name. */
  readonly prefix: string;
  /**
   * Inserts a row into a table of your own. False when a row with the same key exists; then nothing
   * changes. The table's name is without the prefix.
   * @throws StoreUnavailable when the database does not answer
   */
  insertNew(table: string, row: Readonly<Record<string, string | number | null>>): Promise<boolean>;
  /**
   * The value of the column `tenant` in all rows of an issuer, 11 characters. Parts that store
   * tables of their own here need it.
   */
  tenantOf(issuer: string): string;
  /**
   * The issuers recorded by `rememberIssuer`, or when their first keys were stored, oldest first.
   * @throws StoreUnavailable when the database does not answer
   */
  issuers(): Promise<readonly string[]>;
  /**
   * Records an issuer, so that commands that open this database later know which issuers it serves.
   * True if the issuer is new.
   * @throws StoreUnavailable when the database does not answer
   */
  rememberIssuer(issuer: string): Promise<boolean>;
  /**
   * Brings the schema up to date. Several processes may call it at once. Resolves to the names of
   * the migrations that this call applied.
   * @throws StoreUnavailable when the database does not answer
   */
  migrate(): Promise<readonly string[]>;
  /**
   * The names of migrations that are not applied yet, in order.
   * @throws StoreUnavailable when the database does not answer
   */
  pendingMigrations(): Promise<readonly string[]>;
  /**
   * Asks the database for its version, its clock and its durability settings.
   * @throws StoreUnavailable when the database does not answer
   */
  check(): Promise<SqlCheck>;
  /** Closes every connection. A `pool` of the host stays open: the host ends it. */
  close(): Promise<void>;
}

/**
 * Opens a database. An SQLite file is opened now, and created with its folder if it does not exist;
 * a server is connected to at first use. Tables exist only after `migrate`.
 * @throws ConfigError when an option is wrong
 * @throws Error when the database driver is not installed, or the SQLite file cannot be opened
 */
export function sqlDatabase(options: SqlOptions): SqlDatabase {
  const problems = sqlProblems(options);
  if (problems.length > 0) throw new ConfigError(problems);
  const prefix = options.prefix ?? 'valetkey_';
  const schema = options.schema ?? null;
  const { name, dialect } = opened(options);
  const connect = (through: Dialect): Kysely<Tables> =>
    new Kysely<Tables>({ dialect: through, plugins: [tablePrefix(prefix, schema)] });
  const kysely = connect(dialect.kysely);
  const hot = hotStatements(kysely, dialect);
  const migratorOn = (db: Kysely<Tables>): Migrator =>
    createMigrator(db, { dialect, prefix, schema, extra: options.migrations ?? [] });
  const pending = async (): Promise<readonly string[]> =>
    await withFaults(migratorOn(kysely).pending);
  const rememberIssuer = async (issuer: string): Promise<boolean> => {
    const row = { tenant: tenantOf(issuer), issuer, created_at: seconds() };
    const writes = dialect.insertIfAbsent('issuer', 'issuers', row);
    return (await hot.once({ writes, rows: [] })) === null;
  };
  return {
    // False even for `:memory:`, because a second provider in the process may have to open the keys
    // stored there, and needs the same secret.
    ephemeral: false,
    kysely,
    dialect: name,
    prefix,
    tenantOf,
    forIssuer: (issuer) =>
      createStore(kysely, hot, dialect, tenantOf(issuer), async () => await rememberIssuer(issuer)),
    async migrate() {
      // Most starts have nothing to migrate, so check before taking the lock.
      if ((await pending()).length === 0) return [];
      if (dialect.patient === null) return await withFaults(migratorOn(kysely).migrate);
      const slow = connect(dialect.patient());
      try {
        return await withFaults(migratorOn(slow).migrate);
      } finally {
        await slow.destroy();
      }
    },
    insertNew: async (table, row) =>
      await withFaults(async () => await dialect.insertNew(kysely, table, row)),
    issuers: async () =>
      await withFaults(async () =>
        (await kysely.selectFrom('issuers').select('issuer').orderBy('created_at').execute()).map(
          ({ issuer }) => String(issuer),
        ),
      ),
    rememberIssuer: async (issuer) => await withFaults(async () => await rememberIssuer(issuer)),
    pendingMigrations: pending,
    check: async () => await withFaults(async () => await dialect.check(kysely)),
    // A pool of the host is the host's to end.
    async close() {
      if (options.pool !== undefined) return;
      await kysely.destroy();
      await dialect.close();
    },
  };
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

function opened(options: SqlOptions): {
  readonly name: DialectName;
  readonly dialect: SqlDialect;
} {
  const { url = '', pool, poolSize: size = 10, timeout = 2000 } = options;
  for (const kind of KINDS) {
    if (pool === undefined && !kind.urls.test(url)) continue;
    const dialect = pool === undefined ? kind.open(url, { size, timeout }) : kind.onPool(pool);
    if (dialect !== null) return { name: kind.name, dialect };
  }
  const problem = 'is of no driver that is known.';
  throw new ConfigError([{ option: 'pool', problem, remedy: 'Leave it out, and write a url.' }]);
}

/** The problems of the given options. It opens and connects to nothing. */
export function sqlProblems(options: SqlOptions): readonly ConfigProblem[] {
  const { url, pool, prefix, schema, poolSize, timeout } = options;
  const problems: ConfigProblem[] = [];
  const refuse = (option: keyof SqlOptions, problem: string, remedy: string): void =>
    void problems.push({ option, problem, remedy });
  const kind = kindOf(url);
  if (pool === undefined && kind === null) {
    const [titles, examples] = [KINDS.map(({ title }) => title), KINDS.map((one) => one.example)];
    refuse(
      'url',
      `must be the URL of a database: ${titles.join(', ')}.`,
      `Write one like ${examples.join(', ')}.`,
    );
  } else if (pool === undefined && kind?.isServer === true && !isWellFormed(url ?? '')) {
    // The URL is not repeated, because it holds a password.
    const remedy = 'Percent-encode # / ? @ and % in the password: %23 %2F %3F %40 %25.';
    refuse('url', 'is not a well-formed URL.', remedy);
  } else if (pool === undefined && kind?.ignored != null) {
    const { parameters, remedy } = kind.ignored;
    for (const name of new URL(url ?? '').searchParams.keys())
      if (parameters.test(name)) refuse('url', `has ${name}, which would be ignored.`, remedy);
  }
  if (!isName(prefix)) refuse('prefix', 'must be a prefix for table names.', NAME);
  if (!isName(schema)) refuse('schema', 'must be the name of a schema.', NAME);
  else if (schema !== undefined && pool === undefined && kind?.hasSchemas === false)
    refuse('schema', `means nothing in ${kind.title}.`, 'Leave it out.');
  if (!isWhole(poolSize)) refuse('poolSize', 'must be a whole number from 1.', 'Default 10.');
  if (!isWhole(timeout))
    refuse('timeout', 'must be a whole number of milliseconds from 1.', 'Default 2000.');
  return problems;
}

const NAME = 'Use at most 31 lower-case letters, digits and underscores, and begin with a letter.';

/** The drivers decode user and password, and take a `%` that encodes nothing for a part of them. */
function isWellFormed(url: string): boolean {
  return URL.canParse(url) && !/%(?![0-9a-f]{2})/i.test(url);
}

function isName(value: string | undefined): boolean {
  return value === undefined || /^[a-z][a-z0-9_]{0,30}$/.test(value);
}

function isWhole(value: number | undefined): boolean {
  return value === undefined || (Number.isSafeInteger(value) && value >= 1);
}

/**
 * The value that marks the rows of an issuer. It is 66 bits of a digest, which is enough to keep
 * apart all issuers that one database can serve.
 */
function tenantOf(issuer: string): string {
  return createHash('sha256').update(issuer).digest('base64url').slice(0, 11);
}

function createStore(
  db: Kysely<Tables>,
  hot: Hot,
  dialect: SqlDialect,
  tenant: string,
  rememberIssuer: () => Promise<unknown>,
): Store {
  return {
    clients: guarded(clientStore(db, hot, dialect, tenant)),
    initialAccessTokens: guarded(initialAccessTokenStore(db, hot, tenant)),
    resources: guarded(resourceStore(db, hot, dialect, tenant)),
    deliveries: guarded(deliveryStore(db, hot, tenant)),
    sessions: guarded(sessionStore(db, hot, dialect, tenant)),
    authorizations: guarded(authorizationStore(db, hot, dialect, tenant)),
    codes: guarded(codeStore(hot, dialect, tenant)),
    tokens: guarded(tokenStore(db, hot, dialect, tenant)),
    oneTime: guarded(oneTimeStore(hot, dialect, tenant)),
    keys: guarded(keyStore(db, hot, dialect, tenant, rememberIssuer)),
    counters: guarded(counterStore(db, dialect, tenant)),
    audit: guarded(auditStore(db, tenant)),
    clear: async (now, batch, auditFrom) =>
      await withFaults(async () => await clear(db, dialect, tenant, now, batch, auditFrom)),
  };
}

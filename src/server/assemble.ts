/**
 * Puts the parts of a standalone server together from its settings: database, secret, accounts,
 * provider. Serves nothing by itself. What the settings mean to the provider is in
 * `provider-config.ts`; what a first start adds in `first-start.ts`.
 */
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createProvider, type Logger, type Provider } from 'valetkey';
import { accountsMigrations, type PasswordAccounts, passwordAccounts } from 'valetkey/accounts';
import { type SqlDatabase, sqlDatabase } from 'valetkey/sql';
import { issuerOf, providerConfig, sqlOptionsOf } from './provider-config.ts';
import { findSecret } from './secret-file.ts';
import type { GivenSettings } from './settings-table.ts';

/** A database and where it is. */
export interface OpenedDatabase {
  readonly database: SqlDatabase;
  readonly url: string;
}

/** Everything a command or the server works with. */
export interface Assembly {
  readonly settings: GivenSettings;
  readonly issuer: string;
  readonly databaseUrl: string;
  readonly database: SqlDatabase;
  readonly accounts: PasswordAccounts;
  /** Path of the secret file; null when the secret was given. */
  readonly secretFile: string | null;
  /** Migrations applied, secret made and issuer written down by this start. */
  readonly made: {
    readonly migrations: readonly string[];
    readonly secret: boolean;
    readonly issuer: boolean;
  };
  /** Other issuers on the same database. */
  readonly otherIssuers: readonly string[];
  readonly provider: Provider;
  /** Flushes and closes. */
  close(): Promise<void>;
}

/** What the caller decides. */
export interface AssembleOptions {
  readonly logger?: Logger;
  /**
   * Make the data folder, the database and the secret where they are missing. Default true; else
   * their absence is an error.
   */
  readonly create?: boolean;
  /** Bring the schema up to date. Default: as configured when creating, else no. */
  readonly migrate?: boolean;
}

export function dataDirOf(settings: GivenSettings): string {
  return resolve((settings['dataDir'] as string | undefined) ?? 'valetkey-data');
}

/**
 * Opens the database of the settings; connects when it is first used.
 * @throws Error when it is a file that is not there and must not be made
 */
export function openDatabase(
  settings: GivenSettings,
  options: { readonly create: boolean },
): OpenedDatabase {
  const given = settings['databaseUrl'] as string | undefined;
  const dataDir = dataDirOf(settings);
  const url = given ?? `sqlite:${join(dataDir, 'valetkey.db')}`;
  const file = /^sqlite:(?!:memory:)(.+)$/.exec(url)?.[1];
  if (file !== undefined && !options.create && !existsSync(file)) {
    throw new Error(`There is no database at ${file}. Run: valetkey init`);
  }
  if (file !== undefined && options.create) makePrivate(file);
  return {
    database: sqlDatabase({ ...sqlOptionsOf(settings), url, migrations: accountsMigrations }),
    url,
  };
}

/**
 * An empty file that only we can read, in a folder that only we can enter where we make it: SQLite
 * keeps the mode for what it puts beside it.
 */
function makePrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  closeSync(openSync(file, 'a', 0o600));
}

/**
 * @throws ConfigError, StoreUnavailable, or Error with a message for operators
 */
export async function assemble(
  settings: GivenSettings,
  options: AssembleOptions = {},
): Promise<Assembly> {
  const create = options.create ?? true;
  const { database, url } = openDatabase(settings, { create });
  try {
    const migrate = options.migrate ?? (create && settings['autoMigrate'] !== false);
    const migrations = migrate ? await database.migrate() : [];
    const pending = migrate ? [] : await database.pendingMigrations();
    if (pending.length > 0)
      throw new Error(
        `The database schema is not up to date (pending: ${pending.join(', ')}). Run: valetkey migrate`,
      );

    const secret = findSecret(settings['secret'] as readonly string[] | undefined, {
      dataDir: dataDirOf(settings),
      needed: await holdsSealed(database),
      create,
    });
    const { issuer, isNew, others } = await whoseDatabase(database, settings, create);
    const accounts = passwordAccounts({ sql: database, issuer });
    const logger = options.logger === undefined ? {} : { logger: options.logger };
    const provider = createProvider(
      providerConfig(settings, {
        issuer,
        store: database,
        accounts,
        secret: secret.secrets,
        ...logger,
      }),
    );
    return {
      settings,
      issuer,
      databaseUrl: url,
      database,
      accounts,
      secretFile: secret.file,
      made: { migrations, secret: secret.made, issuer: isNew },
      otherIssuers: others,
      provider,
      async close() {
        await provider.close().finally(async () => await database.close());
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/**
 * The issuer to work for: the one that is set; else the one that was written down here at the first
 * start, so that a command needs no more than the database to know whose it is; else the address of
 * this machine.
 * @throws Error when nothing may be made and the issuer is not among those written down
 */
export async function whoseDatabase(
  database: SqlDatabase,
  settings: GivenSettings,
  create: boolean,
): Promise<{
  readonly issuer: string;
  readonly isNew: boolean;
  readonly others: readonly string[];
}> {
  const known = await database.issuers();
  const [only, second] = known;
  const issuer =
    settings['issuer'] === undefined && only !== undefined && second === undefined
      ? only
      : issuerOf(settings);
  const others = known.filter((one) => one !== issuer);
  if (known.includes(issuer)) return { issuer, isNew: false, others };
  if (create) return { issuer, isNew: await database.rememberIssuer(issuer), others };
  if (known.length === 0) throw new Error('The database holds no issuer yet. Run: valetkey init');
  throw new Error(
    `The database holds nothing of the issuer ${issuer}, but of ${known.join(' and ')}. Set VALETKEY_ISSUER to one of them.`,
  );
}

/**
 * Something in the database was sealed under a secret: keys of any issuer, or secrets of clients.
 */
async function holdsSealed({ kysely }: SqlDatabase): Promise<boolean> {
  const keys = await kysely.selectFrom('key_sets').select('tenant').limit(1).executeTakeFirst();
  return (
    keys !== undefined ||
    (await kysely.selectFrom('clients').select('tenant').limit(1).executeTakeFirst()) !== undefined
  );
}

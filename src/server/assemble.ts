/**
 * Builds the parts of a standalone server from its settings: database, secret, accounts and
 * provider. It does not listen for requests. `provider-config.ts` maps settings to the
 * configuration of the provider; `first-start.ts` creates what a first start needs.
 */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Accounts, createProvider, type Logger, type Pages, type Provider } from 'valetkey';
import { accountsMigrations, type PasswordAccounts, passwordAccounts } from 'valetkey/accounts';
import { embeddedFile, embeddedUrl, type SqlDatabase, sqlDatabase } from 'valetkey/sql';
import { issuerOf, providerConfig, sqlOptionsOf } from './provider-config.ts';
import { findSecret } from './secret-file.ts';
import type { GivenSettings } from './settings-table.ts';

/** An open database and its address. */
export interface OpenedDatabase {
  /** The database; the caller closes it. */
  readonly database: SqlDatabase;
  /** Its URL. It can contain a password: do not log it. */
  readonly url: string;
}

/** The parts of a server, for the server itself and for commands. */
export interface Assembly {
  /** The settings that the parts were built from. */
  readonly settings: GivenSettings;
  /** The issuer identifier. */
  readonly issuer: string;
  /** URL of the database. It can contain a password: do not log it. */
  readonly databaseUrl: string;
  /** The open database; `close` closes it. */
  readonly database: SqlDatabase;
  /** The accounts of people of this issuer. Without tables when `keepsPeople` is false. */
  readonly accounts: PasswordAccounts;
  /** False when an application keeps its people itself, and the database has no accounts. */
  readonly keepsPeople: boolean;
  /** Path of the secret file; null when the settings contain the secret. */
  readonly secretFile: string | null;
  /** What this start created. */
  readonly made: {
    /** Names of the migrations that this start applied. */
    readonly migrations: readonly string[];
    /** True when this start created the secret file. */
    readonly secret: boolean;
    /** True when this start recorded the issuer in the database. */
    readonly issuer: boolean;
  };
  /** Other issuers that are recorded in the same database. */
  readonly otherIssuers: readonly string[];
  /** The provider of this issuer. */
  readonly provider: Provider;
  /** The pages of the provider. */
  readonly pages: Pages;
  /** Writes waiting audit events, then closes the database. */
  close(): Promise<void>;
}

/** Options of `assemble`. */
export interface AssembleOptions {
  /**
   * Receives the log of the provider.
   * @default no log
   */
  readonly logger?: Logger;
  /**
   * Creates the data folder, the database, the secret and the record of the issuer where they are
   * missing. With false, `assemble` throws when one is missing.
   * @default true
   */
  readonly create?: boolean;
  /**
   * Applies pending migrations. With false, `assemble` throws when a migration is pending.
   * @default false when `create` is false; otherwise the setting `autoMigrate`
   */
  readonly migrate?: boolean;
}

/** For commands, which print their own errors. */
const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * The absolute path of the data folder: the setting `dataDir`, or `valetkey-data` in the working
 * folder.
 */
export function dataDirOf(settings: GivenSettings): string {
  return resolve((settings['dataDir'] as string | undefined) ?? 'valetkey-data');
}

/**
 * Opens the database that the settings name. It connects on first use.
 * @param options `create`: whether a missing SQLite file may be created
 * @throws ConfigError when a setting of the database is not valid
 * @throws Error when the SQLite file is missing and must not be created
 */
export function openDatabase(
  settings: GivenSettings,
  options: { readonly create: boolean },
): OpenedDatabase {
  const given = settings['databaseUrl'] as string | undefined;
  const dataDir = dataDirOf(settings);
  const url = given ?? embeddedUrl(join(dataDir, 'valetkey.db'));
  const file = embeddedFile(url);
  if (file !== null && !options.create && !existsSync(file)) {
    throw new Error(
      `There is no database at ${file}. Run: valetkey init. Or, for the database of an application, set DATABASE_URL to it.`,
    );
  }
  if (file !== null && options.create) checkPlace(file);
  return {
    database: sqlDatabase({ ...sqlOptionsOf(settings), url, migrations: accountsMigrations }),
    url,
  };
}

/**
 * Makes the folder of the file, for this user alone, and checks that files can be made there.
 * @throws Error that says what to do
 */
function checkPlace(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    accessSync(existsSync(file) ? file : dirname(file), constants.W_OK);
  } catch (cause) {
    const message = `The database ${file} cannot be written. Give this user the folder, or name another one in VALETKEY_DATA_DIR.`;
    throw new Error(message, { cause });
  }
}

/**
 * Builds the parts of a server. The caller closes them.
 * @throws ConfigError when the configuration is not valid; it lists every problem
 * @throws StoreUnavailable when the database does not answer
 * @throws Error with a message for operators when something is missing that must not be created
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
    const hosted = !create && isWithoutAccounts(pending);
    if (pending.length > 0 && !hosted)
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
    const logger = options.logger ?? SILENT;
    const config = providerConfig(settings, {
      issuer,
      store: database,
      accounts: hosted ? NO_ACCOUNTS : accounts,
      secret: secret.secrets,
      logger,
    });
    const provider = createProvider(config);
    return {
      settings,
      issuer,
      databaseUrl: url,
      database,
      accounts,
      keepsPeople: !hosted,
      secretFile: secret.file,
      made: { migrations, secret: secret.made, issuer: isNew },
      otherIssuers: others,
      provider,
      pages: config.pages,
      async close() {
        await provider.close().finally(async () => await database.close());
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** What commands know of people whom an application keeps. */
const NO_ACCOUNTS: Accounts = { find: async () => null, authenticate: async () => null };

/** True when only tables of accounts are missing, all of them: an application keeps its people. */
function isWithoutAccounts(pending: readonly string[]): boolean {
  return pending.join() === accountsMigrations.map(({ name }) => name).join();
}

/**
 * Finds the issuer: the setting `issuer`; otherwise the only issuer that is recorded in the
 * database, so that commands need no setting but the database; otherwise `http://localhost:<port>`.
 * @param create whether to record a new issuer in the database
 * @throws Error when the issuer is not recorded and `create` is false
 * @throws StoreUnavailable when the database does not answer
 */
export async function whoseDatabase(
  database: SqlDatabase,
  settings: GivenSettings,
  create: boolean,
): Promise<{
  /** The issuer identifier. */
  readonly issuer: string;
  /** True when this call recorded the issuer. */
  readonly isNew: boolean;
  /** The other issuers that are recorded in the database. */
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
  if (settings['issuer'] !== undefined && (await holdsSealed(database, issuer)))
    return { issuer, isNew: false, others };
  if (known.length === 0)
    throw new Error(
      'The database holds no issuer yet. Run: valetkey init. Or, for the database of an application, set VALETKEY_ISSUER to its issuer.',
    );
  throw new Error(
    `The database does not hold the issuer ${issuer}. It holds ${known.join(' and ')}. Set VALETKEY_ISSUER to an issuer that it holds.`,
  );
}

/**
 * True when the database can hold data that was sealed with a secret: keys or clients of any
 * issuer, or of this one. A new secret could not open that data.
 */
async function holdsSealed(
  { kysely, tenantOf }: SqlDatabase,
  issuer: string | null = null,
): Promise<boolean> {
  for (const table of ['key_sets', 'clients'] as const) {
    const rows = kysely.selectFrom(table).select('tenant').limit(1);
    const own = issuer === null ? rows : rows.where('tenant', '=', tenantOf(issuer));
    if ((await own.executeTakeFirst()) !== undefined) return true;
  }
  return false;
}

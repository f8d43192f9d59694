/** Puts the parts of a standalone server together from its settings: database, accounts, provider. Serves nothing by itself. */

import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Config, createProvider, type GivenKey, type Logger, type Provider } from 'valetkey';
import { accountsMigrations, type PasswordAccounts, passwordAccounts } from 'valetkey/accounts';
import { builtInPages } from 'valetkey/pages';
import { type SqlDatabase, sqlDatabase } from 'valetkey/sql';
import { findSecret } from './secret-file.ts';
import type { GivenSettings } from './settings.ts';

/** Everything a command or the server works with. */
export interface Assembly {
  readonly settings: GivenSettings;
  readonly issuer: string;
  readonly port: number;
  readonly dataDir: string;
  readonly databaseUrl: string;
  readonly database: SqlDatabase;
  readonly accounts: PasswordAccounts;
  /** Path of the secret file; null when the secret was given. */
  readonly secretFile: string | null;
  /** Migrations applied and secret made by this start. */
  readonly made: { readonly migrations: readonly string[]; readonly secret: boolean };
  readonly provider: Provider;
  /** Flushes and closes. */
  close(): Promise<void>;
}

/** What the caller decides. */
export interface AssembleOptions {
  readonly logger?: Logger;
  /** Bring the schema up to date; default as configured. */
  readonly migrate?: boolean;
}

/** A scope for first steps, so that a token of the demo application can do something. */
const DEMO_SCOPES = { read: 'Read your data' };

/**
 * @throws ConfigError, StoreUnavailable, or Error with a message for operators
 */
export async function assemble(settings: GivenSettings, options: AssembleOptions = {}): Promise<Assembly> {
  const get = <T>(path: string): T | undefined => settings[path] as T | undefined;
  const port = get<number>('port') ?? 4000;
  const issuer = get<string>('issuer') ?? `http://localhost:${port}`;
  const dataDir = resolve(get<string>('dataDir') ?? 'valetkey-data');
  const databaseUrl = get<string>('databaseUrl') ?? `sqlite:${join(dataDir, 'valetkey.db')}`;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const database = sqlDatabase({
    url: databaseUrl,
    migrations: accountsMigrations,
    ...present({ prefix: get<string>('databasePrefix'), schema: get<string>('databaseSchema') }),
  });
  try {
    const migrate = options.migrate ?? get<boolean>('autoMigrate') ?? true;
    const migrations = migrate ? await database.migrate() : [];
    const keysExist = (await database.pendingMigrations()).length === 0 && (await database.forIssuer(issuer).keys.load()) !== null;
    const secret = findSecret(get<readonly string[]>('secret'), dataDir, keysExist);
    const accounts = passwordAccounts({ sql: database });
    const provider = createProvider(config(settings, { issuer, database, accounts, secrets: secret.secrets, logger: options.logger }));
    return {
      settings,
      issuer,
      port,
      dataDir,
      databaseUrl,
      database,
      accounts,
      secretFile: secret.file,
      made: { migrations, secret: secret.made },
      provider,
      async close() {
        await provider.close();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

interface Parts {
  readonly issuer: string;
  readonly database: SqlDatabase;
  readonly accounts: PasswordAccounts;
  readonly secrets: readonly string[];
  readonly logger: Logger | undefined;
}

/** Paths of settings that go to the provider as they are. */
const PASSED_ON = [
  'basePath',
  'name',
  'logoUrl',
  'defaultScopes',
  'publicMaxAge',
  'allowMissingPkce',
  'allowLocalhostRedirect',
  'allowInsecureIssuer',
];

function config(settings: GivenSettings, parts: Parts): Config {
  const passed = Object.fromEntries(PASSED_ON.filter((path) => settings[path] !== undefined).map((path) => [path, settings[path]]));
  const keys = givenKeys(settings);
  return {
    issuer: parts.issuer,
    store: parts.database,
    accounts: parts.accounts,
    pages: builtInPages(present({ accentColor: settings['accentColor'] as string | undefined })),
    secret: parts.secrets,
    ...passed,
    scopes: { ...DEMO_SCOPES, ...(settings['scopes'] as object | undefined) },
    lifetimes: group(settings, 'lifetimes'),
    keySchedule: group(settings, 'keySchedule'),
    refreshTokens: group(settings, 'refreshTokens'),
    logout: group(settings, 'logout'),
    ...present({ signingKeys: keys.length > 0 ? keys : undefined, logger: parts.logger }),
  };
}

function group(settings: GivenSettings, name: string): Record<string, never> {
  const prefix = `${name}.`;
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([path]) => path.startsWith(prefix))
      .map(([path, value]) => [path.slice(prefix.length), value]),
  ) as Record<string, never>;
}

/** The RSA keys of the configuration, in PEM, one or several in a text. */
function givenKeys(settings: GivenSettings): readonly GivenKey[] {
  const split = (path: string, active: boolean): GivenKey[] =>
    [...String(settings[path] ?? '').matchAll(/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g)].map(
      ([pem]) => ({ pem, alg: 'RS256', active }),
    );
  return [...split('rsaPrivateKey', true), ...split('rsaPrivateKeysInactive', false)];
}

/** Without the members that are undefined. */
function present<T extends object>(value: T): { [Key in keyof T]?: NonNullable<T[Key]> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [Key in keyof T]?: NonNullable<T[Key]>;
  };
}

/**
 * The list of all settings: those of the server itself, and one for each option of the provider and
 * of its features that can be written down. `settings.ts` reads them; `provider-config.ts` maps
 * them to the configuration of the provider.
 */
import {
  BUILT_IN_FEATURES,
  CORE_OPTIONS,
  type FeatureFactory,
  type ListedOption,
  type Option,
  type OptionKind,
  optionGroup,
  type RateLimit,
  writtenOptions,
} from 'valetkey';

/**
 * The kind of a value. `text`: a non-empty string; `count`: a whole number; `seconds`: a whole
 * number of seconds; `port`: a number up to 65535; `flag`: true or false; `list`: strings,
 * separated by commas or spaces; `map`: a JSON object; `rate-limit`: a limit and a number of
 * seconds, such as 5/900.
 */
export type SettingKind = Exclude<OptionKind, 'code'> | 'port';

/** One setting. */
export interface SettingDefinition {
  /** The name in the settings file, with dots for nesting, and the key in `GivenSettings`. */
  readonly path: string;
  /** The environment variable. With `_FILE` appended it names a file that contains the value. */
  readonly env: string;
  /** The kind of its value. */
  readonly kind: SettingKind;
  /**
   * The allowed values.
   * @default any value of the kind
   */
  readonly choices?: readonly string[];
  /** The word `none`, or null in the file, is a value as well. @default false */
  readonly nullable?: boolean;
  /** What it does and its default, in words for operators. */
  readonly about: string;
}

/**
 * The values that were given, by the path of the setting. `features` and `templates` contain code
 * of the operator.
 */
export type GivenSettings = Readonly<Record<string, unknown>>;

/** A feature factory, as `defineFeature` returns it, for options of any type. */
export type AnyFeature = FeatureFactory<never>;

/** `refreshTokens.rotation` → `VALETKEY_REFRESH_TOKENS_ROTATION`. */
function variableOf(path: string): string {
  const words = path.replaceAll('.', '_').replaceAll(/([a-z])([A-Z])/g, '$1_$2');
  return `VALETKEY_${words.toUpperCase()}`;
}

function setting(path: string, kind: SettingKind, about: string): SettingDefinition {
  return { path, env: variableOf(path), kind, about };
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** Settings of the server itself. */
const SERVER_SETTINGS: readonly SettingDefinition[] = [
  { path: 'port', env: 'PORT', kind: 'port', about: 'Port to listen on. Default: 4000.' },
  {
    path: 'host',
    env: 'HOST',
    kind: 'text',
    about:
      'Address to listen on. Default: loopback for an issuer on loopback, otherwise all addresses.',
  },
  {
    path: 'databaseUrl',
    env: 'DATABASE_URL',
    kind: 'text',
    about:
      'Database: sqlite:<file>, postgres://… or mysql://… Default: a SQLite file in the data folder.',
  },
  setting('workers', 'count', 'Processes that share the port. Default: 1.'),
  setting(
    'mcp',
    'flag',
    'What the Model Context Protocol asks for: client ID metadata documents, and tokens for one MCP server. Default: false.',
  ),
  setting('dataDir', 'text', 'Folder of the database and the secret. Default: ./valetkey-data.'),
  setting('databasePrefix', 'text', 'Prefix of every table name. Default: valetkey_.'),
  setting('databaseSchema', 'text', 'PostgreSQL schema of the tables.'),
  setting(
    'databasePoolSize',
    'count',
    'Maximum number of connections of each process to the database server. Default: 10.',
  ),
  setting(
    'databaseTimeout',
    'count',
    'Milliseconds to wait for the database server before a request fails. Default: 2000.',
  ),
  setting(
    'stopNotice',
    'count',
    'Milliseconds for which a server that stops takes new connections, so that load balancers learn of it. Default: 5000, or 500 for an issuer on loopback.',
  ),
  setting('autoMigrate', 'flag', 'Apply pending database migrations at start. Default: true.'),
  setting(
    'logoFile',
    'text',
    'Logo on the pages: a file (svg, png, jpg, webp) that this server serves.',
  ),
  setting('styleFile', 'text', 'File of CSS rules that are added after the built-in ones.'),
  setting('accentColor', 'text', 'Colour of buttons and links, as #rrggbb or #rgb.'),
  setting('languages', 'list', 'Languages of the pages, the first for all others: de, en, fr.'),
  setting('words', 'map', 'Texts of the pages: {"de": {"scopes": {"read": "Ihre Daten lesen"}}}'),
  setting(
    'rsaPrivateKey',
    'text',
    'RSA private key in PEM that signs tokens. It replaces the keys in the database.',
  ),
  setting(
    'rsaPrivateKeysInactive',
    'text',
    'RSA private keys in PEM that stay published but do not sign.',
  ),
  setting(
    'trustProxy',
    'list',
    'Addresses of proxies whose X-Forwarded-For is trusted, or a number of hops.',
  ),
  setting(
    'certificateHeader',
    'text',
    'Header in which a trusted proxy tells the certificate of a client, for mutual TLS.',
  ),
  setting(
    'certificateVerifiedHeader',
    'text',
    'Header in which a trusted proxy tells whether it verified that certificate: SUCCESS.',
  ),
  {
    ...setting('logLevel', 'text', 'Least severe level that is logged. Default: info.'),
    choices: LOG_LEVELS,
  },
];

/** Defaults of the server that replace defaults of the provider, in words. */
/** Far above what a client needs, and below what a client in a loop sends. */
export const TOKEN_REQUESTS: RateLimit = { limit: 12_000, seconds: 60 };

const SERVER_DEFAULTS: Readonly<Record<string, string>> = {
  issuer: 'http://localhost:<port>',
  secret: 'a file in the data folder',
  'rateLimits.tokenRequests': Object.values(TOKEN_REQUESTS).join('/'),
};

/**
 * Every setting.
 * @param features the features in force, whose options become settings
 * @default the built-in features
 */
export function settingsTable(
  features: readonly AnyFeature[] = BUILT_IN_FEATURES,
): readonly SettingDefinition[] {
  const ofFeatures = features.flatMap(({ featureName, options }) =>
    writtenOptions(options, `${optionGroup(featureName)}.`),
  );
  return [...SERVER_SETTINGS, ...[...writtenOptions(CORE_OPTIONS), ...ofFeatures].map(settingOf)];
}

function settingOf({ path, option }: ListedOption): SettingDefinition {
  const { kind, description, choices } = option;
  if (kind === 'code') throw new Error(`${path} can be given only in code.`);
  const otherwise = SERVER_DEFAULTS[path] ?? defaultText(option);
  const about = otherwise === null ? `${description}.` : `${description}. Default: ${otherwise}.`;
  return {
    ...setting(path, kind, about),
    ...(choices === undefined ? {} : { choices }),
    ...(option.nullable === true ? { nullable: true } : {}),
  };
}

/** The default in words; null when there is none. */
function defaultText({ kind, default: value, defaultText: words }: Option): string | null {
  if (words !== undefined) return words;
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.length === 0 ? null : value.join(', ');
  if (kind === 'rate-limit') return Object.values(value).join('/');
  if (kind === 'seconds') return duration(Number(value));
  return typeof value === 'object' ? null : String(value);
}

function duration(seconds: number): string {
  if (seconds > 0 && seconds % 86_400 === 0) return plural(seconds / 86_400, 'day');
  if (seconds >= 7200 && seconds % 3600 === 0) return plural(seconds / 3600, 'hour');
  return plural(seconds, 'second');
}

function plural(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

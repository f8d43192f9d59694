/**
 * Every setting there is: those of the server itself, and one for each option of the provider and
 * of its features that can be written down. Reading them is in `settings.ts`; what the values mean
 * to the provider is in `provider-config.ts`.
 */
import {
  BUILT_IN_FEATURES,
  CORE_OPTIONS,
  type FeatureFactory,
  type ListedOption,
  type Option,
  type OptionKind,
  optionGroup,
  writtenOptions,
} from 'valetkey';

/**
 * What a value looks like. `list`: separated by commas or spaces; `map`: a JSON object; `seconds`:
 * a whole number of them; `rate-limit`: so many failures in so many seconds, as 5/900.
 */
export type SettingKind = Exclude<OptionKind, 'code'> | 'port';

/** One setting. */
export interface SettingDefinition {
  /** In the file, dots for nesting; in the result. */
  readonly path: string;
  /** In the environment; with `_FILE` appended it names a file that holds the value. */
  readonly env: string;
  readonly kind: SettingKind;
  /** The only values there are. */
  readonly choices?: readonly string[];
  readonly about: string;
}

/**
 * What was given, by the path of its setting. `features` and `templates` hold what the operator
 * wrote in code.
 */
export type GivenSettings = Readonly<Record<string, unknown>>;

/** A function that makes a feature, of any options. */
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
  { path: 'port', env: 'PORT', kind: 'port', about: 'Port to listen on. Default 4000.' },
  {
    path: 'host',
    env: 'HOST',
    kind: 'text',
    about: 'Address to listen on. Default: loopback for an issuer on loopback, else every address.',
  },
  {
    path: 'databaseUrl',
    env: 'DATABASE_URL',
    kind: 'text',
    about: 'sqlite:<file> or postgres://… Default: sqlite in the data folder.',
  },
  setting('dataDir', 'text', 'Folder for the database and the secret. Default ./valetkey-data.'),
  setting('databasePrefix', 'text', 'Before every table name. Default valetkey_.'),
  setting('databaseSchema', 'text', 'PostgreSQL schema of the tables.'),
  setting('databasePoolSize', 'count', 'Connections to PostgreSQL, at most. Default 10.'),
  setting(
    'databaseTimeout',
    'count',
    'Milliseconds after which PostgreSQL counts as not answering. Default 2000.',
  ),
  setting('autoMigrate', 'flag', 'Bring the schema up to date at start. Default true.'),
  setting('logoFile', 'text', 'Logo on the pages: a file (svg, png, jpg, webp) served from here.'),
  setting('styleFile', 'text', 'A file of CSS rules that come after the built-in ones.'),
  setting('accentColor', 'text', 'Colour of buttons and links.'),
  setting(
    'rsaPrivateKey',
    'text',
    'RSA private key in PEM that signs, instead of keys in the database.',
  ),
  setting('rsaPrivateKeysInactive', 'text', 'RSA private keys in PEM that only stay published.'),
  setting(
    'trustProxy',
    'list',
    'Addresses of proxies whose X-Forwarded-For is believed, or a number of hops.',
  ),
  {
    ...setting('logLevel', 'text', 'How much is logged. Default info.'),
    choices: LOG_LEVELS,
  },
];

/** What the server puts in place of a default of the provider, in words. */
const SERVER_DEFAULTS: Readonly<Record<string, string>> = {
  issuer: 'http://localhost:<port>',
  secret: 'a file in the data folder',
};

/** @param features those in force, with options or without */
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
  if (kind === 'code') throw new Error(`${path} cannot be written down.`);
  const otherwise = SERVER_DEFAULTS[path] ?? defaultText(option);
  const about = otherwise === null ? `${description}.` : `${description}. Default: ${otherwise}.`;
  return { ...setting(path, kind, about), ...(choices === undefined ? {} : { choices }) };
}

/** What holds when nothing is said, in words; null when nothing does. */
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

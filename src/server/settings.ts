/**
 * The settings of the standalone server: one table says where each stands in the file and the environment and what it is. Every mistake is
 * reported at once. Secrets may come from files (`…_FILE`).
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, type ConfigProblem } from 'valetkey';

type Kind = 'text' | 'number' | 'boolean' | 'list' | 'json' | 'seconds';

/** One setting. */
export interface SettingDefinition {
  /** In the file, dots for nesting; in the result. */
  readonly path: string;
  /** In the environment. */
  readonly env: string;
  readonly kind: Kind;
  readonly about: string;
}

const LIFETIMES = [
  'code',
  'accessToken',
  'idToken',
  'refreshTokenIdle',
  'refreshTokenAbsolute',
  'sessionIdle',
  'sessionAbsolute',
  'interaction',
] as const;
const SCHEDULE = ['rotateEvery', 'publishBefore', 'keepAfter'] as const;
const constant = (path: string): string =>
  path
    .replaceAll('.', '_')
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toUpperCase();
const valetkey = (path: string, kind: Kind, about: string): SettingDefinition => ({ path, env: `VALETKEY_${constant(path)}`, kind, about });

/** Every setting there is. */
export const SETTINGS: readonly SettingDefinition[] = [
  { path: 'port', env: 'PORT', kind: 'number', about: 'Port to listen on. Default 4000.' },
  {
    path: 'host',
    env: 'HOST',
    kind: 'text',
    about: 'Address to listen on. Default: loopback for an issuer on loopback, else every address.',
  },
  { path: 'databaseUrl', env: 'DATABASE_URL', kind: 'text', about: 'sqlite:<file> or postgres://… Default: sqlite in the data folder.' },
  valetkey('issuer', 'text', 'The issuer identifier. Default http://localhost:<port>.'),
  valetkey('basePath', 'text', 'Path below which the endpoints live. Default /o.'),
  valetkey('dataDir', 'text', 'Folder for the database and the secret. Default ./valetkey-data.'),
  valetkey('databasePrefix', 'text', 'Before every table name. Default valetkey_.'),
  valetkey('databaseSchema', 'text', 'PostgreSQL schema of the tables.'),
  valetkey('autoMigrate', 'boolean', 'Bring the schema up to date at start. Default true.'),
  valetkey('secret', 'list', 'Secrets that seal keys and forms, the current one first. Default: a file in the data folder.'),
  valetkey('name', 'text', 'Name of this provider on its pages.'),
  valetkey('logoUrl', 'text', 'Logo on the pages: a URL of this origin.'),
  valetkey('accentColor', 'text', 'Colour of buttons and links.'),
  valetkey('scopes', 'json', 'More scopes: {"read": "Read your things"}.'),
  valetkey('defaultScopes', 'list', 'Scopes granted when a request names none.'),
  ...LIFETIMES.map((name) => valetkey(`lifetimes.${name}`, 'seconds', `Lifetime: ${name}.`)),
  valetkey('refreshTokens.rotation', 'boolean', 'A refresh token is replaced at each use. Default true.'),
  valetkey('refreshTokens.grace', 'number', 'Seconds in which a replaced refresh token gets the same answer again. Default 30.'),
  ...SCHEDULE.map((name) => valetkey(`keySchedule.${name}`, 'seconds', `Signing keys: ${name}.`)),
  valetkey('rsaPrivateKey', 'text', 'RSA private key in PEM that signs, instead of keys in the database.'),
  valetkey('rsaPrivateKeysInactive', 'text', 'RSA private keys in PEM that only stay published.'),
  valetkey('publicMaxAge', 'seconds', 'Seconds that discovery and JWKS may be cached. Default 3600.'),
  valetkey('logout.confirmation', 'text', 'always (default) or when-unproven.'),
  valetkey('logout.revokeTokens', 'boolean', 'Logout ends the tokens of the session. Default true.'),
  valetkey('allowMissingPkce', 'boolean', 'Weakens: confidential clients may leave PKCE out.'),
  valetkey('allowLocalhostRedirect', 'boolean', 'Weakens: http://localhost in redirect URIs.'),
  valetkey('allowInsecureIssuer', 'boolean', 'Weakens: an http issuer that is not on loopback.'),
  valetkey('trustProxy', 'list', 'Addresses of proxies whose X-Forwarded-For is believed, or a number of hops.'),
  valetkey('logLevel', 'text', 'debug, info (default), warn, error or silent.'),
];

/** Settings as given, by path; what is absent has its default elsewhere. */
export type GivenSettings = Readonly<Record<string, unknown>>;

/** Where settings come from. */
export interface SettingSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of the file; default: `valetkey.config.json` or `.mjs` in the working folder, if there. */
  readonly configFile?: string;
  /** From the command line; wins. */
  readonly overrides?: GivenSettings;
}

/**
 * Collects all settings: command line over environment over file.
 * @throws ConfigError that lists every problem
 */
export async function readSettings(sources: SettingSources): Promise<GivenSettings> {
  const problems: ConfigProblem[] = [];
  const fromFile = flatten(await readFileSettings(sources.configFile ?? sources.env['VALETKEY_CONFIG'], problems));
  const given: Record<string, unknown> = {};
  for (const name of Object.keys(fromFile)) {
    if (SETTINGS.some(({ path }) => path === name || name.startsWith(`${path}.`))) continue;
    problems.push({ option: name, problem: 'is not a setting.', remedy: 'See `valetkey doctor --settings`.' });
  }
  for (const name of Object.keys(sources.env)) {
    if (!name.startsWith('VALETKEY_') || name === 'VALETKEY_CONFIG') continue;
    if (!SETTINGS.some(({ env }) => env === name || `${env}_FILE` === name))
      problems.push({ option: name, problem: 'is not a setting.', remedy: 'See `valetkey doctor --settings`.' });
  }
  for (const setting of SETTINGS) {
    const value = sources.overrides?.[setting.path] ?? fromEnvironment(setting, sources.env, problems) ?? nested(fromFile, setting.path);
    if (value !== undefined) given[setting.path] = value;
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return given;
}

async function readFileSettings(path: string | undefined, problems: ConfigProblem[]): Promise<Record<string, unknown>> {
  const found = path ?? ['valetkey.config.json', 'valetkey.config.mjs'].find((name) => existsSync(name));
  if (found === undefined) return {};
  try {
    if (found.endsWith('.json')) return JSON.parse(readFileSync(found, 'utf8')) as Record<string, unknown>;
    return ((await import(pathToFileURL(resolve(found)).href)) as { default: Record<string, unknown> }).default;
  } catch (error) {
    problems.push({
      option: found,
      problem: `cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
      remedy: 'Write JSON, or a module with a default export.',
    });
    return {};
  }
}

function flatten(value: Record<string, unknown>, prefix = ''): Record<string, unknown> {
  const flat: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    const path = prefix + name;
    const group = SETTINGS.some((setting) => setting.path.startsWith(`${path}.`));
    if (group && typeof inner === 'object' && inner !== null) Object.assign(flat, flatten(inner as Record<string, unknown>, `${path}.`));
    else flat[path] = inner;
  }
  return flat;
}

function nested(flat: Readonly<Record<string, unknown>>, path: string): unknown {
  return Object.hasOwn(flat, path) ? flat[path] : undefined;
}

function fromEnvironment(setting: SettingDefinition, env: SettingSources['env'], problems: ConfigProblem[]): unknown {
  const file = env[`${setting.env}_FILE`];
  let text = env[setting.env];
  if (text === undefined && file !== undefined) {
    try {
      text = readFileSync(file, 'utf8').trim();
    } catch {
      problems.push({
        option: `${setting.env}_FILE`,
        problem: 'names a file that cannot be read.',
        remedy: 'Check the path and its permissions.',
      });
    }
  }
  if (text === undefined || text === '') return undefined;
  const value = parse(setting.kind, text);
  if (value === undefined)
    problems.push({ option: setting.env, problem: `is not a ${setting.kind === 'list' ? 'list' : setting.kind}.`, remedy: setting.about });
  return value;
}

function parse(kind: Kind, text: string): unknown {
  switch (kind) {
    case 'text':
      return text;
    case 'number':
    case 'seconds':
      return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
    case 'boolean':
      return /^(true|1|yes)$/i.test(text) ? true : /^(false|0|no)$/i.test(text) ? false : undefined;
    case 'list':
      return text.split(/[,\s]+/).filter((item) => item !== '');
    case 'json':
      try {
        return JSON.parse(text) as unknown;
      } catch {
        return undefined;
      }
  }
}

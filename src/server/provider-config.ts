/**
 * From settings to the provider's configuration, and everything the provider would say against it,
 * told before anything is opened or made. Defaults are the provider's; this file only passes on.
 */
import {
  CORE_OPTIONS,
  type Config,
  ConfigError,
  type ConfigProblem,
  checkConfig,
  type Feature,
  type GivenKey,
  memoryDatabase,
  type OptionTable,
  optionGroup,
  writtenOptions,
} from 'valetkey';
import { peerAddress } from 'valetkey/node';
import { type BuiltInPagesOptions, builtInPages } from 'valetkey/pages';
import { type SqlOptions, sqlProblems } from 'valetkey/sql';
import { pageFiles } from './page-files.ts';
import { featuresOf, ownFeatures } from './settings-file.ts';
import type { GivenSettings } from './settings-table.ts';

/** What settings do not hold. */
export type ConfigParts = Pick<Config, 'issuer' | 'store' | 'accounts'> & {
  readonly secret: readonly string[];
  readonly logger?: NonNullable<Config['logger']>;
};

/** A scope for first steps, so that a token of the demo application can do something. */
const DEMO_SCOPES = { read: 'Read your data' };

/** @throws ConfigError when the accent colour is none, or a file of the pages cannot be used */
export function providerConfig(settings: GivenSettings, parts: ConfigParts): Config {
  const accentColor = settings['accentColor'] as string | undefined;
  const templates = settings['templates'] as BuiltInPagesOptions['templates'];
  const keys = givenKeys(settings);
  return {
    ...valuesOf(CORE_OPTIONS, settings),
    ...parts,
    pages: builtInPages({
      ...(accentColor === undefined ? {} : { accentColor }),
      ...pageFiles(settings),
      ...(templates === undefined ? {} : { templates }),
    }),
    scopes: { ...DEMO_SCOPES, ...(settings['scopes'] as object | undefined) },
    features: givenFeatures(settings),
    ...(keys.length > 0 ? { signingKeys: keys } : {}),
  };
}

/** The features that have options here, and those of the operator's own. */
function givenFeatures(settings: GivenSettings): readonly Feature[] {
  const own = ownFeatures(settings['features']);
  return featuresOf({ content: settings }).flatMap((factory) => {
    const { featureName, options } = factory;
    const given = valuesOf(options, settings, `${optionGroup(featureName)}.`);
    const used = own.includes(factory) || Object.keys(given).length > 0;
    return used ? [factory(given as never)] : [];
  });
}

/** What the settings say of the options of a table, in the shape of the table. */
function valuesOf(
  table: OptionTable,
  settings: GivenSettings,
  prefix = '',
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { path } of writtenOptions(table)) {
    const value = settings[prefix + path];
    if (value === undefined) continue;
    const names = path.split('.');
    const last = names.pop() ?? '';
    let group = values;
    for (const name of names) {
      group[name] ??= {};
      group = group[name] as Record<string, unknown>;
    }
    group[last] = value;
  }
  return values;
}

/** Where the provider is found when nothing is said. */
export function issuerOf(settings: GivenSettings): string {
  return (settings['issuer'] as string | undefined) ?? `http://localhost:${portOf(settings)}`;
}

/**
 * Where relying parties look for the metadata (OIDC Discovery §4: a slash at the end of the issuer
 * is taken away).
 */
export function discoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}

export function portOf(settings: GivenSettings): number {
  return (settings['port'] as number | undefined) ?? 4000;
}

/** Whose X-Forwarded-For is believed. A single number is a number of hops. */
export function trustedProxies(settings: GivenSettings): false | number | readonly string[] {
  const list = (settings['trustProxy'] as readonly string[] | undefined) ?? [];
  if (list.length === 0) return false;
  const [only = '', ...more] = list;
  return more.length === 0 && /^[0-9]+$/.test(only) ? Number(only) : list;
}

/**
 * What the provider, its pages and the database would refuse, found with stand-ins for what they
 * open: nothing is opened or made.
 */
export function refusedBy(settings: GivenSettings): readonly ConfigProblem[] {
  const secret = (settings['secret'] as readonly string[] | undefined) ?? [
    'a stand-in for the secret in the file',
  ];
  const accounts: Config['accounts'] = { find: async () => null, authenticate: async () => null };
  const attempt = (given: GivenSettings): readonly ConfigProblem[] => {
    const parts = { issuer: issuerOf(given), store: memoryDatabase(), accounts, secret };
    return problemsWith(given, parts).map((problem) => ({
      ...problem,
      option: pathOf(problem.option, given),
    }));
  };
  const problems = [...attempt(settings)];
  // What the pages refuse is refused before the provider sees the rest.
  const pages = problems
    .filter(({ option }) => PAGE_SETTINGS.includes(option))
    .map(({ option }) => option);
  if (pages.length > 0)
    problems.push(
      ...attempt({
        ...settings,
        ...Object.fromEntries(PAGE_SETTINGS.map((path) => [path, undefined])),
      }),
    );
  try {
    peerAddress(trustedProxies(settings));
  } catch (error) {
    const problem =
      `is refused: ${error instanceof Error ? error.message : String(error)}.`.replace(
        /\.\.$/,
        '.',
      );
    problems.push({
      option: 'trustProxy',
      problem,
      remedy: 'Write addresses and networks like 10.0.0.0/8, or a number of hops.',
    });
  }
  const database = sqlProblems({ url: 'sqlite::memory:', ...sqlOptionsOf(settings) });
  problems.push(
    ...database.map((problem) => ({
      ...problem,
      option: SQL_SETTINGS.find(([, option]) => option === problem.option)?.[0] ?? '',
    })),
  );
  return problems.filter(
    ({ option }, index) => problems.findIndex((other) => other.option === option) === index,
  );
}

function problemsWith(settings: GivenSettings, parts: ConfigParts): readonly ConfigProblem[] {
  try {
    return checkConfig(providerConfig(settings, parts));
  } catch (error) {
    // The pages refuse by themselves.
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const PAGE_SETTINGS: readonly string[] = ['accentColor', 'logoFile', 'styleFile'];

/** Settings that are options of the database, and their names there. */
const SQL_SETTINGS: readonly (readonly [path: string, option: keyof SqlOptions])[] = [
  ['databaseUrl', 'url'],
  ['databasePrefix', 'prefix'],
  ['databaseSchema', 'schema'],
  ['databasePoolSize', 'poolSize'],
  ['databaseTimeout', 'timeout'],
];

/** The options of the database that are given. */
export function sqlOptionsOf(settings: GivenSettings): SqlOptions {
  return Object.fromEntries(
    SQL_SETTINGS.filter(([path]) => settings[path] !== undefined).map(([path, option]) => [
      option,
      settings[path],
    ]),
  );
}

/**
 * The setting behind an option of the provider: keys have two, scopes are one whatever their names.
 */
function pathOf(option: string, settings: GivenSettings): string {
  if (!option.startsWith('signingKeys'))
    return option.replace(/^scopes\..*/, 'scopes').replace(/\[[0-9]+\]$/, '');
  const index = Number(/\[([0-9]+)\]/.exec(option)?.[1] ?? Number.POSITIVE_INFINITY);
  return index < givenKeys(settings).filter(({ active }) => active).length
    ? 'rsaPrivateKey'
    : 'rsaPrivateKeysInactive';
}

/** The RSA keys of the settings, in PEM, one or several in a text. */
function givenKeys(settings: GivenSettings): readonly GivenKey[] {
  const split = (path: string, active: boolean): GivenKey[] => {
    // Files of environment variables write line breaks as \\n.
    const text = String(settings[path] ?? '').replaceAll('\\n', '\n');
    const found = text.match(
      /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g,
    );
    // What is no PEM at all goes on as it is, so that the provider refuses it instead of making
    // keys of its own.
    return (found ?? [text])
      .filter((pem) => pem !== '')
      .map((pem) => ({ pem, alg: 'RS256', active }));
  };
  return [...split('rsaPrivateKey', true), ...split('rsaPrivateKeysInactive', false)];
}

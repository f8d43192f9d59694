/**
 * Maps settings to the configuration of the provider, and finds every problem that the provider
 * would report before anything is opened or created. The provider owns the defaults.
 */
import {
  CORE_OPTIONS,
  type Config,
  ConfigError,
  type ConfigProblem,
  checkConfig,
  type Feature,
  type GivenKey,
  mcp,
  memoryDatabase,
  type OptionTable,
  optionGroup,
  writtenOptions,
} from 'valetkey';
import { peerAddress } from 'valetkey/node';
import { type BuiltInPagesOptions, builtInPages } from 'valetkey/pages';
import { embeddedUrl, type SqlOptions, sqlProblems } from 'valetkey/sql';
import { pageFiles } from './page-files.ts';
import { featuresOf, ownFeatures } from './settings-file.ts';
import { type GivenSettings, TOKEN_REQUESTS } from './settings-table.ts';

/** The parts of the configuration that `assemble.ts` builds. */
export type ConfigParts = Pick<Config, 'issuer' | 'store' | 'accounts'> & {
  readonly secret: readonly string[];
  readonly logger?: NonNullable<Config['logger']>;
};

/** A scope that the demo application can request without further setup. */
const DEMO_SCOPES = { read: 'Read your data' };

/**
 * The configuration of the provider.
 * @throws ConfigError when the accent colour, a file or a language for the pages is not valid
 */
export function providerConfig(settings: GivenSettings, parts: ConfigParts): Config {
  const accentColor = settings['accentColor'] as string | undefined;
  const templates = settings['templates'] as BuiltInPagesOptions['templates'];
  const languages = settings['languages'] as BuiltInPagesOptions['languages'];
  const words = settings['words'] as BuiltInPagesOptions['words'];
  const keys = givenKeys(settings);
  const values = valuesOf(CORE_OPTIONS, settings);
  return {
    ...values,
    rateLimits: { tokenRequests: TOKEN_REQUESTS, ...(values['rateLimits'] as object | undefined) },
    ...parts,
    pages: builtInPages({
      ...(accentColor === undefined ? {} : { accentColor }),
      ...pageFiles(settings),
      ...(templates === undefined ? {} : { templates }),
      ...(languages === undefined ? {} : { languages }),
      ...(words === undefined ? {} : { words }),
    }),
    scopes: { ...DEMO_SCOPES, ...(settings['scopes'] as object | undefined) },
    features: givenFeatures(settings),
    ...(keys.length > 0 ? { signingKeys: keys } : {}),
    ...clientsOf(settings),
  };
}

/** The clients that the settings file lists; the provider checks them. */
function clientsOf({ clients }: GivenSettings): Pick<Config, 'clients'> {
  return clients === undefined ? {} : { clients: clients as NonNullable<Config['clients']> };
}

/** The built-in features that have options in the settings, and all features of the operator. */
function givenFeatures(settings: GivenSettings): readonly Feature[] {
  const own = ownFeatures(settings['features']);
  return featuresOf({ content: settings }).flatMap((factory) => {
    const { featureName, options } = factory;
    const set = valuesOf(options, settings, `${optionGroup(featureName)}.`);
    const given = { ...presetFor(settings, featureName), ...set };
    const used = own.includes(factory) || Object.keys(given).length > 0;
    return used ? [factory(given as never)] : [];
  });
}

/** What the setting `mcp` says of a feature; the settings of the feature itself come first. */
function presetFor(settings: GivenSettings, name: string): Feature['given'] {
  if (settings['mcp'] !== true) return {};
  const isOpen = settings['dynamicRegistration.allowOpenRegistration'] === true;
  const preset = mcp({ allowOpenRegistration: isOpen });
  return preset.find((feature) => feature.name === name)?.given ?? {};
}

/** The values of the options of a table, nested as in the table. */
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

/** The issuer identifier: the setting `issuer`, or `http://localhost:<port>`. */
export function issuerOf(settings: GivenSettings): string {
  return (settings['issuer'] as string | undefined) ?? `http://localhost:${portOf(settings)}`;
}

/**
 * The URL at which relying parties look for the metadata of an issuer (OIDC Discovery §4: a slash
 * at the end of the issuer is removed).
 */
export function discoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}

/** The port to listen on. */
export function portOf(settings: GivenSettings): number {
  return (settings['port'] as number | undefined) ?? 4000;
}

/** The proxies whose X-Forwarded-For is trusted. A list with one number is a number of hops. */
export function trustedProxies(settings: GivenSettings): false | number | readonly string[] {
  const list = (settings['trustProxy'] as readonly string[] | undefined) ?? [];
  if (list.length === 0) return false;
  const [only = '', ...more] = list;
  return more.length === 0 && /^[0-9]+$/.test(only) ? Number(only) : list;
}

/**
 * Every problem that the provider, its pages and the database would report. Placeholders replace
 * the secret, the store and the accounts, so that nothing is opened or created.
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
  // The pages throw before the provider checks the other options, so check again without the
  // settings of the pages.
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
      `is not valid: ${error instanceof Error ? error.message : String(error)}.`.replace(
        /\.\.$/,
        '.',
      );
    problems.push({
      option: 'trustProxy',
      problem,
      remedy: 'Write addresses and networks like 10.0.0.0/8, or a number of hops.',
    });
  }
  if (settings['certificateHeader'] !== undefined && typeof trustedProxies(settings) === 'number')
    problems.push({
      option: 'certificateHeader',
      problem: 'needs the addresses of the proxies: a number of hops trusts whoever connects.',
      remedy: 'Write addresses and networks like 10.0.0.0/8 in trustProxy.',
    });
  problems.push(...workerProblems(settings));
  const database = sqlProblems({ url: embeddedUrl(null), ...sqlOptionsOf(settings) });
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

function workerProblems({ workers, databaseUrl }: GivenSettings): readonly ConfigProblem[] {
  if (workers === 0)
    return [{ option: 'workers', problem: 'must be 1 or more.', remedy: 'Leave it out for one.' }];
  if (workers === undefined || workers === 1 || databaseUrl !== embeddedUrl(null)) return [];
  const remedy = 'Use a file or a database server, or one process.';
  return [{ option: 'workers', problem: 'cannot share a database in memory.', remedy }];
}

function problemsWith(settings: GivenSettings, parts: ConfigParts): readonly ConfigProblem[] {
  try {
    return checkConfig(providerConfig(settings, parts));
  } catch (error) {
    // The pages throw their problems; the provider returns its own.
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const PAGE_SETTINGS: readonly string[] = [
  'accentColor',
  'logoFile',
  'styleFile',
  'languages',
  'words',
];

/** Settings that are options of the database, with the names of those options. */
const SQL_SETTINGS: readonly (readonly [path: string, option: keyof SqlOptions])[] = [
  ['databaseUrl', 'url'],
  ['databasePrefix', 'prefix'],
  ['databaseSchema', 'schema'],
  ['databasePoolSize', 'poolSize'],
  ['databaseTimeout', 'timeout'],
];

/** The options of the database that the settings contain. */
export function sqlOptionsOf(settings: GivenSettings): SqlOptions {
  return Object.fromEntries(
    SQL_SETTINGS.filter(([path]) => settings[path] !== undefined).map(([path, option]) => [
      option,
      settings[path],
    ]),
  );
}

/**
 * The setting that an option of the provider comes from. Signing keys come from two settings; all
 * scopes come from one.
 */
function pathOf(option: string, settings: GivenSettings): string {
  if (!option.startsWith('signingKeys'))
    return option.replace(/^scopes\..*/, 'scopes').replace(/\[[0-9]+\]$/, '');
  const index = Number(/\[([0-9]+)\]/.exec(option)?.[1] ?? Number.POSITIVE_INFINITY);
  return index < givenKeys(settings).filter(({ active }) => active).length
    ? 'rsaPrivateKey'
    : 'rsaPrivateKeysInactive';
}

/** The RSA keys of the settings, in PEM. One setting can contain several keys. */
function givenKeys(settings: GivenSettings): readonly GivenKey[] {
  const split = (path: string, active: boolean): GivenKey[] => {
    // Env files keep a value on one line and write its line breaks as \n.
    const text = String(settings[path] ?? '').replaceAll('\\n', '\n');
    const found = text.match(
      /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g,
    );
    // Pass on text that is not PEM, so that the provider reports it. Without the text the provider
    // would create keys of its own.
    return (found ?? [text])
      .filter((pem) => pem !== '')
      .map((pem) => ({ pem, alg: 'RS256', active }));
  };
  return [...split('rsaPrivateKey', true), ...split('rsaPrivateKeysInactive', false)];
}

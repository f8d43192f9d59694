/**
 * The one table of settings: where each stands in the settings file and in the environment, of what kind it is, and what it does.
 * Reading is in `settings.ts`; what the values mean to the provider is in `provider-config.ts`.
 */

/**
 * What a value looks like. `list`: separated by commas or spaces; `map`: a JSON object; `seconds`: a whole number of them;
 * `rateLimit`: so many failures in so many seconds, as 5/900.
 */
export type SettingKind =
  | 'text'
  | 'number'
  | 'port'
  | 'seconds'
  | 'boolean'
  | 'list'
  | 'map'
  | 'rateLimit';

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

/** Settings as given, by path; what is absent has its default elsewhere. */
export type GivenSettings = Readonly<Record<string, unknown>>;

const LIFETIMES: readonly (readonly [path: string, about: string])[] = [
  ['code', 'an authorization code. Default 60, at most 600.'],
  ['accessToken', 'an access token. Default 900.'],
  ['idToken', 'an ID token. Default 3600.'],
  ['refreshTokenIdle', 'a refresh token that is not used. Default 14 days.'],
  ['refreshTokenAbsolute', 'refresh tokens from the first one on. Default 90 days.'],
  ['sessionIdle', 'a browser session without use. Default 8 hours.'],
  ['sessionAbsolute', 'a browser session in all. Default 24 hours.'],
  ['interaction', 'a page left open. Default 3600.'],
  ['audit', 'a line of the audit log. Default 365 days.'],
];
const SCHEDULE: readonly (readonly [path: string, about: string])[] = [
  ['rotateEvery', 'a new key takes over after this long. Default 90 days.'],
  ['publishBefore', 'a key is published this long before its first use. Default 1 day.'],
  ['keepAfter', 'a key stays published this long after its last use. Default 2 days.'],
];

/** `refreshTokens.rotation` → `VALETKEY_REFRESH_TOKENS_ROTATION`. */
function setting(
  path: string,
  kind: SettingKind,
  about: string,
  choices?: readonly string[],
): SettingDefinition {
  const words = path.replaceAll('.', '_').replaceAll(/([a-z])([A-Z])/g, '$1_$2');
  return {
    path,
    env: `VALETKEY_${words.toUpperCase()}`,
    kind,
    about,
    ...(choices === undefined ? {} : { choices }),
  };
}

/** Every setting there is. */
export const SETTINGS: readonly SettingDefinition[] = [
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
  setting('issuer', 'text', 'The issuer identifier. Default http://localhost:<port>.'),
  setting('basePath', 'text', 'Path below which the endpoints live. Default /o.'),
  setting('dataDir', 'text', 'Folder for the database and the secret. Default ./valetkey-data.'),
  setting('databasePrefix', 'text', 'Before every table name. Default valetkey_.'),
  setting('databaseSchema', 'text', 'PostgreSQL schema of the tables.'),
  setting('databasePoolSize', 'number', 'Connections to PostgreSQL, at most. Default 10.'),
  setting(
    'databaseTimeout',
    'number',
    'Milliseconds after which PostgreSQL counts as not answering. Default 2000.',
  ),
  setting('autoMigrate', 'boolean', 'Bring the schema up to date at start. Default true.'),
  setting(
    'secret',
    'list',
    'Secrets that seal keys and forms, the current one first. Default: a file in the data folder.',
  ),
  setting('name', 'text', 'Name of this provider on its pages.'),
  setting('logoUrl', 'text', 'Logo on the pages: a path of this origin, or a data: address.'),
  setting(
    'logoFile',
    'text',
    'Logo on the pages: a file (svg, png, jpg, webp) that this server serves.',
  ),
  setting('styleFile', 'text', 'A file of CSS rules that come after the built-in ones.'),
  setting('accentColor', 'text', 'Colour of buttons and links.'),
  setting('scopes', 'map', 'More scopes: {"read": "Read your things"}.'),
  setting('defaultScopes', 'list', 'Scopes granted when a request names none.'),
  ...LIFETIMES.map(([path, about]) =>
    setting(`lifetimes.${path}`, 'seconds', `Lifetime of ${about}`),
  ),
  setting(
    'refreshTokens.rotation',
    'boolean',
    'A refresh token is replaced at each use. Default true.',
  ),
  setting(
    'refreshTokens.grace',
    'number',
    'Seconds in which a replaced refresh token gets the same answer again. Default 30.',
  ),
  setting(
    'keySchedule.algs',
    'list',
    'Signing algorithms, each with a key of its own. Default: all four.',
    ['RS256', 'PS256', 'ES256', 'EdDSA'],
  ),
  ...SCHEDULE.map(([path, about]) =>
    setting(`keySchedule.${path}`, 'seconds', `Signing keys: ${about}`),
  ),
  setting(
    'rsaPrivateKey',
    'text',
    'RSA private key in PEM that signs, instead of keys in the database.',
  ),
  setting('rsaPrivateKeysInactive', 'text', 'RSA private keys in PEM that only stay published.'),
  setting(
    'publicMaxAge',
    'seconds',
    'Seconds that discovery and JWKS may be cached. Default 3600.',
  ),
  setting(
    'logout.confirmation',
    'text',
    'When logout asks first: always (default) or when-unproven.',
    ['always', 'when-unproven'],
  ),
  setting('logout.revokeTokens', 'boolean', 'Logout ends the tokens of the session. Default true.'),
  setting('rateLimits.login', 'rateLimit', 'Failed logins per account. Default 5/900.'),
  setting('rateLimits.loginByAddress', 'rateLimit', 'Failed logins per address. Default 50/900.'),
  setting(
    'rateLimits.clientAuthentication',
    'rateLimit',
    'Failed client authentications per client and address. Default 20/60.',
  ),
  setting(
    'rateLimits.largeRequest',
    'rateLimit',
    'Requests too large for an address, per network. Default 60/900.',
  ),
  setting(
    'clientCacheSeconds',
    'seconds',
    'Seconds that a client changed on another node may be served as it was. Default 30.',
  ),
  setting('allowMissingPkce', 'boolean', 'Weakens: confidential clients may leave PKCE out.'),
  setting('allowLocalhostRedirect', 'boolean', 'Weakens: http://localhost in redirect URIs.'),
  setting('allowInsecureIssuer', 'boolean', 'Weakens: an http issuer that is not on loopback.'),
  setting(
    'trustProxy',
    'list',
    'Addresses of proxies whose X-Forwarded-For is believed, or a number of hops.',
  ),
  setting('logLevel', 'text', 'debug, info (default), warn, error or silent.', [
    'debug',
    'info',
    'warn',
    'error',
    'silent',
  ]),
];

/**
 * The one table of the options: kind, default, check and description of each. A configuration may
 * come from JavaScript or a file, so nothing is taken for granted about its values. What options
 * mean to one another is checked in `check-config.ts`.
 */

import { checkFeatures } from './check-features.ts';
import { checkKeys } from './check-keys.ts';
import type { Config } from './config.ts';
import type {
  KeySchedule,
  Lifetimes,
  LogoutRules,
  RateLimits,
  RefreshTokenRules,
} from './domain/settings.ts';
import {
  type Check,
  checkFunction,
  hasMethods,
  isObject,
  type Option,
  type OptionsOf,
  type Refuse,
} from './engine/contracts/options.ts';
import { CLIENT_KINDS } from './protocol/client-kinds.ts';
import { SIGNING_ALGS, USUAL_SIGNING_ALGS } from './protocol/names.ts';
import { isNeverRedirected } from './protocol/redirect-uri.ts';
import { isScopeToken } from './protocol/scope.ts';

const DAY = 24 * 3600;

const lifetime = (seconds: number, ofWhat: string, more: Partial<Option> = {}): Option => ({
  kind: 'seconds',
  description: `Lifetime of ${ofWhat}`,
  default: seconds,
  ...more,
});

const LIFETIMES: OptionsOf<Lifetimes> = {
  // RFC 6749 §4.1.2: a maximum code lifetime of 10 minutes.
  code: lifetime(60, 'an authorization code, at most 600', { most: 600 }),
  accessToken: lifetime(900, 'an access token'),
  idToken: lifetime(3600, 'an ID token'),
  refreshTokenIdle: lifetime(14 * DAY, 'a refresh token that is not used; none: without end', {
    nullable: true,
  }),
  refreshTokenAbsolute: lifetime(
    90 * DAY,
    'refresh tokens from the first one on; none: without end',
    { nullable: true },
  ),
  sessionIdle: lifetime(8 * 3600, 'a browser session without use'),
  sessionAbsolute: lifetime(DAY, 'a browser session in all'),
  consent: {
    kind: 'seconds',
    description: 'What people allowed an application is asked again after this long',
    defaultText: 'never',
    nullable: true,
    default: null,
  },
  interaction: lifetime(3600, 'a page left open'),
  newClient: lifetime(7 * DAY, 'a client that registered itself, until its first use'),
  unusedClient: lifetime(180 * DAY, 'a client that registered itself, since its last use'),
  audit: lifetime(365 * DAY, 'a line of the audit log'),
};

const REFRESH_TOKENS: OptionsOf<RefreshTokenRules> = {
  rotation: {
    kind: 'flag',
    description:
      'A refresh token is replaced at each use; one that nothing binds to its client always is',
    default: false,
  },
  grace: {
    kind: 'seconds',
    description: 'Seconds in which a replaced refresh token gets the same answer again',
    default: 30,
    least: 0,
    most: 300,
  },
};

const KEY_SCHEDULE: OptionsOf<KeySchedule> = {
  algs: {
    kind: 'list',
    description: 'Signing algorithms, each with a key of its own',
    default: USUAL_SIGNING_ALGS,
    choices: SIGNING_ALGS,
  },
  rotateEvery: {
    kind: 'seconds',
    description: 'Signing keys: a new key takes over after this long',
    default: 90 * DAY,
  },
  publishBefore: {
    kind: 'seconds',
    description: 'Signing keys: a key is published this long before its first use',
    default: DAY,
  },
  keepAfter: {
    kind: 'seconds',
    description: 'Signing keys: a key stays published this long after its last use',
    default: 2 * DAY,
  },
};

const LOGOUT: OptionsOf<LogoutRules> = {
  revokeTokens: {
    kind: 'flag',
    description: 'Logout ends the tokens of the session, but those with offline_access',
    default: true,
  },
};

const rateLimit = (limit: number, seconds: number, description: string): Option => ({
  kind: 'rate-limit',
  description,
  default: { limit, seconds },
});

const RATE_LIMITS: OptionsOf<RateLimits> = {
  login: rateLimit(5, 900, 'Failed logins per account'),
  loginByAddress: rateLimit(50, 900, 'Failed logins per network'),
  clientAuthentication: rateLimit(20, 60, 'Failed client authentications per client and network'),
  tokenRequests: {
    kind: 'rate-limit',
    description: 'Token requests per client, in each process; of a public client per network',
    defaultText: 'no limit',
    nullable: true,
    default: null,
  },
  largeRequest: rateLimit(60, 900, 'Requests too large for an address, per network'),
  largeRequestInAll: rateLimit(10_000, 900, 'Requests too large for an address, in all'),
};

/** What only code can give. */
const code = (description: string, check: Check): Option => ({ kind: 'code', description, check });

const withMethods = (description: string, remedy: string, ...methods: readonly string[]): Option =>
  code(description, (value, option, refuse) => {
    if (hasMethods(value, ...methods)) return;
    refuse(option, `must have the method ${methods.join(', ')}.`, remedy);
  });

const callable = (description: string): Option => code(description, checkFunction);

const flag = (description: string): Option => ({ kind: 'flag', description, default: false });

/** Entries of a list of things that code makes: each has a name and a method. */
const plugIns = (description: string, name: string, method: string): Option => ({
  ...code(description, (value, option, refuse) => {
    if (!Array.isArray(value)) return refuse(option, 'must be a list.', 'Write a list.');
    for (const [index, item] of value.entries()) {
      if (hasMethods(item, method) && isObject(item) && typeof item[name] === 'string') continue;
      const problem = `must have ${name} and the method ${method}.`;
      refuse(`${option}[${index}]`, problem, 'Make it as the documentation of the contract says.');
    }
  }),
  default: [],
});

/** Every option there is: a forgotten one does not compile. */
export const CORE_OPTIONS: OptionsOf<Config> = {
  issuer: {
    kind: 'text',
    description: 'The issuer identifier: an https URL without query or fragment',
  },
  store: withMethods(
    'Where everything is remembered',
    'Pass memoryDatabase() or sqlDatabase(…).',
    'forIssuer',
  ),
  accounts: withMethods('Who can sign in', 'Pass an object with find(sub).', 'find'),
  pages: code('What people see', checkPages),
  basePath: {
    kind: 'text',
    description: 'Path below which the endpoints live',
    defaultText: 'the path of the issuer, or /o where it has none',
    emptyToo: true,
    check(value, option, refuse) {
      if (!/^(\/[A-Za-z0-9._~-]+)*\/?$/.test(String(value)))
        refuse(option, 'must be a path.', 'Write it like /o or /auth/v1.');
    },
  },
  trailingSlash: {
    kind: 'flag',
    description: 'The addresses of endpoints end with a slash; both forms always answer',
    default: true,
  },
  secret: {
    kind: 'list',
    description: 'Secrets that seal keys and forms, the current one first',
    textToo: true,
    check: checkSecret,
  },
  name: {
    kind: 'text',
    description: 'Name of this provider on its pages',
    defaultText: 'the host of the issuer',
  },
  logoUrl: {
    kind: 'text',
    description: 'Logo on the pages: a path of this origin, or a data: address',
    nullable: true,
    default: null,
    check(value, option, refuse) {
      if (/^(\/(?!\/)|data:image\/)/.test(String(value))) return;
      const remedy = 'Write a path like /logo.svg, or a data: address.';
      refuse(option, 'must be a path of this origin, since pages load no others.', remedy);
    },
  },
  scopes: {
    kind: 'map',
    description: 'More scopes: {"read": "Read your things"}',
    default: {},
    check: checkScopes,
  },
  claims: callable('Claims beyond those of the account and its scopes'),
  accessTokenClaims: callable('Claims of access tokens beyond those of the protocol'),
  scopesFor: callable('Which scopes an application may have, of those of its registration'),
  defaultScopes: {
    kind: 'list',
    description: 'Scopes granted when a request names none',
    default: [],
  },
  lifetimes: LIFETIMES,
  refreshTokens: REFRESH_TOKENS,
  keySchedule: KEY_SCHEDULE,
  signingKeys: code('Private keys in PEM instead of keys in the store', checkKeys),
  publicMaxAge: {
    kind: 'seconds',
    description: 'Seconds that discovery and JWKS may be cached',
    default: 3600,
  },
  logout: LOGOUT,
  features: {
    ...code('Features with options, and features of your own', checkFeatures),
    default: [],
  },
  grants: plugIns('Grant types of your own', 'type', 'prepare'),
  clientAuthenticationMethods: plugIns(
    'Client authentication methods of your own',
    'name',
    'detect',
  ),
  clients: {
    ...code('Clients that are registered and brought up to date at the start', checkClients),
    default: [],
  },
  rateLimits: RATE_LIMITS,
  clientCacheSeconds: {
    kind: 'seconds',
    description:
      'Seconds that a client is served as it was before another node changed it; what is issued goes by what it is',
    default: 30,
  },
  allowMissingPkce: flag('Weakens: clients with credentials may leave PKCE out'),
  allowRedirectUriWildcards: flag('Weakens: wildcard hosts in redirect URIs and origins'),
  allowLocalhostRedirect: flag('Weakens: http://localhost in redirect URIs of web applications'),
  allowPrivateSchemes: {
    kind: 'list',
    description: 'Weakens: private schemes of redirect URIs of public native applications: cursor',
    default: [],
    check: checkPrivateSchemes,
  },
  allowOutbound: {
    kind: 'list',
    description:
      'Weakens: origins inside your network that the server may call for applications (keys, documents, request objects, logout): https://keys.internal:8443',
    default: [],
    check: checkOutbound,
  },
  allowCrossSiteSession: flag('Weakens: the session also counts in frames of other sites'),
  allowUnvouchedRedirects: flag(
    'Weakens: refusals send browsers on to applications for which nobody vouches',
  ),
  allowInsecureIssuer: flag('Weakens: an http issuer that is not on loopback'),
  clock: callable('Now, in whole seconds'),
  random: callable('Random bytes'),
  logger: withMethods('Any logger', 'It has info, warn and error.', 'info', 'warn', 'error'),
  onEvent: callable('Hears every event'),
};

/** Which pages there must be is known once all features are: `engine/assemble.ts` looks at each. */
function checkPages(value: unknown, option: string, refuse: Refuse): void {
  if (isObject(value)) return;
  refuse(option, 'must be an object.', 'Pass builtInPages() of valetkey/pages.');
}

function checkSecret(value: unknown, option: string, refuse: Refuse): void {
  const secrets = value as readonly string[];
  const isWeak = (secret: string): boolean => secret.length < 32 || new Set(secret).size < 8;
  if (secrets.length > 0 && !secrets.some(isWeak)) return;
  refuse(
    option,
    'is too short, or the same few characters over and over.',
    'Use at least 32 random bytes as text, e.g. of `openssl rand -base64 32`.',
  );
}

function checkScopes(value: unknown, option: string, refuse: Refuse): void {
  for (const [name, scope] of Object.entries(value as object)) {
    const path = `${option}.${name}`;
    if (!isScopeToken(name)) {
      const remedy = 'Use printable characters without spaces or quotes.';
      refuse(path, 'is not a scope value.', remedy);
    }
    if (scope !== null && typeof scope !== 'string' && !isDescribed(scope))
      refuse(path, 'must have a description.', 'Write a text, or { description, claims, writes }.');
  }
}

function isDescribed(scope: unknown): boolean {
  if (!isObject(scope) || typeof scope['description'] !== 'string') return false;
  const { claims = [], writes = false } = scope;
  if (typeof writes !== 'boolean') return false;
  return Array.isArray(claims) && claims.every((claim) => typeof claim === 'string');
}

function checkClients(value: unknown, option: string, refuse: Refuse): void {
  if (!Array.isArray(value)) {
    refuse(option, 'must be a list.', 'Write a list.');
    return;
  }
  const seen = new Set<unknown>();
  for (const [index, client] of value.entries()) {
    const path = `${option}[${index}]`;
    if (!isObject(client)) {
      refuse(path, 'is not an object.', "Write { clientId: 'my-app', name: 'My app' }.");
      continue;
    }
    const { clientId, name } = client;
    if (typeof clientId !== 'string' || typeof name !== 'string') {
      refuse(path, 'has no clientId, or no name.', "Write { clientId: 'my-app', name: 'My app' }.");
      continue;
    }
    const { kind, clientSecret, clientSecretEnv } = client;
    if (kind !== undefined && !(CLIENT_KINDS as readonly unknown[]).includes(kind))
      refuse(path, 'has a kind that does not exist.', `Write one of ${CLIENT_KINDS.join(', ')}.`);
    for (const secret of [clientSecret, clientSecretEnv])
      if (secret !== undefined && typeof secret !== 'string')
        refuse(path, 'has a secret that is no text.', "Write clientSecretEnv: 'MY_APP_SECRET'.");
    if (seen.has(clientId)) refuse(path, `is ${clientId} again.`, 'List each client once.');
    seen.add(clientId);
  }
}

function checkPrivateSchemes(value: unknown, option: string, refuse: Refuse): void {
  for (const scheme of value as readonly string[]) {
    if (!/^[a-z][a-z0-9+.-]*$/.test(scheme))
      refuse(option, `names ${scheme}, which is not a scheme.`, 'Write it without colon: cursor.');
    else if (isNeverRedirected(scheme))
      refuse(option, `names ${scheme}, which no application may use.`, 'Take it out.');
  }
}

function checkOutbound(value: unknown, option: string, refuse: Refuse): void {
  for (const origin of value as readonly string[]) {
    if (URL.canParse(origin) && new URL(origin).origin === origin && /^https?:/.test(origin))
      continue;
    refuse(
      option,
      `names ${origin}, which is no origin.`,
      'Write it like https://keys.internal:8443.',
    );
  }
}

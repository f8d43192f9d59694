/**
 * What is wrong with a configuration: every option has its check in one table, and what options mean to one another is looked at afterwards.
 * A configuration may come from JavaScript or a file, so nothing is taken for granted about its values.
 */
import { createPrivateKey } from 'node:crypto';
import { closest } from 'fastest-levenshtein';
import { CLIENT_AUTH_METHODS, type Config, DEFAULTS, GRANTS, STANDARD_SCOPES } from './config.ts';
import type { ConfigProblem } from './protocol/errors.ts';
import { SIGNING_ALGS } from './protocol/names.ts';
import { isScopeToken } from './protocol/scope.ts';

/** Tells a problem of an option and its remedy. */
type Refuse = (option: string, problem: string, remedy: string) => void;
/** Looks at a value that is there. */
type Check = (value: unknown, option: string, refuse: Refuse) => void;

/** A rule with what to say when it does not hold. */
const rule =
  (holds: (value: unknown) => boolean, problem: string, remedy: string): Check =>
  (value, option, refuse) => {
    if (!holds(value)) refuse(option, problem, remedy);
  };
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const has = (value: unknown, ...methods: string[]): boolean =>
  isObject(value) && methods.every((name) => typeof value[name] === 'function');
const isWhole = (value: unknown, least: number, most: number): boolean =>
  Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;

const seconds = rule(
  (value) => isWhole(value, 1, Number.MAX_SAFE_INTEGER),
  'is not a positive number of seconds.',
  'Durations are whole seconds.',
);
const flag = rule(
  (value) => typeof value === 'boolean',
  'is not true or false.',
  'Write true or false, not a text.',
);
const text = rule(
  (value) => typeof value === 'string' && value !== '',
  'is not a text.',
  'Write a text, or leave it out.',
);
const callable = rule(
  (value) => typeof value === 'function',
  'is not a function.',
  'Pass a function, or leave it out.',
);
const rateLimit = rule(
  (value) =>
    isObject(value) &&
    Object.keys(value).sort().join() === 'limit,seconds' &&
    Object.values(value).every((n) => isWhole(n, 1, 1e9)),
  'is not a positive limit in positive seconds.',
  'Write { limit: 5, seconds: 900 }.',
);

/** A group of options; unknown names are told with the nearest known one. */
const group =
  (members: Readonly<Record<string, Check>>): Check =>
  (value, option, refuse) => {
    if (!isObject(value))
      return refuse(option, 'is not an object.', `It may hold ${Object.keys(members).join(', ')}.`);
    checkMembers(value, members, `${option}.`, refuse);
  };

function checkMembers(
  value: object,
  members: Readonly<Record<string, Check>>,
  prefix: string,
  refuse: Refuse,
): void {
  const names = Object.keys(members);
  for (const [name, inner] of Object.entries(value)) {
    if (!Object.hasOwn(members, name))
      refuse(prefix + name, 'is not an option.', `Did you mean ${prefix}${closest(name, names)}?`);
    else if (inner !== undefined) members[name]?.(inner, prefix + name, refuse);
  }
}

const each =
  (check: Check): Check =>
  (value, option, refuse) => {
    if (!Array.isArray(value)) return refuse(option, 'is not a list.', 'Write a list.');
    for (const [index, item] of value.entries()) check(item, `${option}[${index}]`, refuse);
  };

const plugIn = (name: 'type' | 'method', method: string, builtIn: readonly string[]): Check =>
  each((value, option, refuse) => {
    if (!has(value, method) || !isObject(value) || typeof value[name] !== 'string')
      return refuse(
        option,
        `has no ${name} or no ${method}().`,
        'Make it as the documentation of the contract says.',
      );
    if (builtIn.includes(value[name]))
      refuse(option, `has the ${name} ${value[name]}, which is built in.`, 'Choose another name.');
  });

/** One check for every option there is: a forgotten one does not compile. */
const OPTIONS: Readonly<Record<keyof Config, Check>> = {
  issuer: () => undefined,
  store: rule(
    (value) => has(value, 'forIssuer'),
    'is no store.',
    'Pass memoryDatabase() or sqlDatabase(…).',
  ),
  accounts: rule(
    (value) => has(value, 'find'),
    'has no find(sub).',
    'Pass an object with find(sub).',
  ),
  pages: (value, option, refuse) => {
    const drawn =
      isObject(value) &&
      ['account', 'logout', 'signedOut', 'error'].every(
        (name) => typeof value[name] === 'function',
      );
    if (!drawn)
      return refuse(
        option,
        'lacks pages.',
        'Pass builtInPages() of valetkey/pages, with your own pages as its options.',
      );
    for (const name of ['login', 'consent'] as const) {
      const page = value[name];
      if (
        typeof page !== 'function' &&
        !(typeof page === 'string' && URL.canParse(page, 'https://host.example'))
      )
        refuse(
          `${option}.${name}`,
          'is neither a function nor an address.',
          'Write a function, or the address of your own page.',
        );
    }
  },
  basePath: rule(
    (value) => typeof value === 'string' && /^(\/[A-Za-z0-9._~-]+)*\/?$/.test(value),
    'is not a path.',
    'Write it like /o or /auth/v1.',
  ),
  secret: (value, option, refuse) => {
    const secrets = [value].flat();
    if (
      secrets.length === 0 ||
      secrets.some(
        (secret) => typeof secret !== 'string' || secret.length < 32 || new Set(secret).size < 8,
      )
    )
      refuse(
        option,
        'is too short, or the same few characters over and over.',
        'Use at least 32 random bytes as text, e.g. of `openssl rand -base64 32`.',
      );
  },
  name: text,
  logoUrl: rule(
    (value) =>
      value === null || (typeof value === 'string' && /^(\/(?!\/)|data:image\/)/.test(value)),
    'is not a path of this origin.',
    'Pages load pictures of this origin only: write a path like /logo.svg, or a data: address.',
  ),
  scopes: (value, option, refuse) => {
    if (!isObject(value))
      return refuse(option, 'is not an object.', 'Write { read: "Read your things" }.');
    for (const [name, scope] of Object.entries(value)) {
      if (!isScopeToken(name))
        refuse(
          `${option}.${name}`,
          'is not a scope value.',
          'Use printable characters without spaces or quotes.',
        );
      const described = isObject(scope) && typeof scope['description'] === 'string';
      const claims = isObject(scope) ? (scope['claims'] ?? []) : [];
      const fits = Array.isArray(claims) && claims.every((claim) => typeof claim === 'string');
      if (scope !== null && typeof scope !== 'string' && !(described && fits))
        refuse(
          `${option}.${name}`,
          'has no description.',
          'Write a text, or { description, claims }.',
        );
    }
  },
  claims: callable,
  defaultScopes: each(text),
  lifetimes: group({
    ...Object.fromEntries(Object.keys(DEFAULTS.lifetimes).map((name) => [name, seconds])),
    // RFC 6749 §4.1.2: a maximum code lifetime of 10 minutes.
    code: rule(
      (value) => isWhole(value, 1, 600),
      'is not between 1 and 600 seconds.',
      'Codes live for a minute or so.',
    ),
  }),
  refreshTokens: group({
    rotation: flag,
    grace: rule(
      (value) => isWhole(value, 0, 300),
      'is not between 0 and 300 seconds.',
      'Half a minute covers lost answers.',
    ),
  }),
  keySchedule: group({
    algs: rule(
      (value) =>
        Array.isArray(value) &&
        value.length > 0 &&
        value.every((alg) => (SIGNING_ALGS as readonly unknown[]).includes(alg)),
      'is not a list of signing algorithms.',
      `Choose among ${SIGNING_ALGS.join(', ')}.`,
    ),
    rotateEvery: seconds,
    publishBefore: seconds,
    keepAfter: seconds,
  }),
  signingKeys: (value, option, refuse) => {
    each(checkKey)(value, option, refuse);
    if (
      Array.isArray(value) &&
      !value.some((key: unknown) => isObject(key) && key['active'] === true)
    )
      refuse(option, 'has no active key.', 'One key signs: { pem, alg, active: true }.');
  },
  publicMaxAge: seconds,
  logout: group({
    confirmation: rule(
      (value) => value === 'always' || value === 'when-unproven',
      'is unknown.',
      'It is always or when-unproven.',
    ),
    revokeTokens: flag,
  }),
  grants: plugIn(
    'type',
    'prepare',
    GRANTS.map(({ type }) => type),
  ),
  clientAuthMethods: plugIn(
    'method',
    'detect',
    CLIENT_AUTH_METHODS.map(({ method }) => method),
  ),
  rateLimits: group({
    login: rateLimit,
    loginByAddress: rateLimit,
    clientAuthentication: rateLimit,
    largeRequest: rateLimit,
  }),
  clientCacheSeconds: seconds,
  allowMissingPkce: flag,
  allowLocalhostRedirect: flag,
  allowInsecureIssuer: flag,
  clock: callable,
  random: callable,
  logger: rule(
    (value) => has(value, 'info', 'warn', 'error'),
    'lacks methods.',
    'It has info, warn and error.',
  ),
  onEvent: callable,
};

/** Every problem of a configuration. */
export function checkConfig(config: Config): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const refuse: Refuse = (option, problem, remedy) =>
    void problems.push({ option, problem, remedy });
  checkMembers(config, OPTIONS, '', refuse);
  for (const option of ['store', 'accounts', 'pages'] as const)
    if (config[option] === undefined) OPTIONS[option](undefined, option, refuse);
  checkIssuer(config, refuse);
  // What options mean to one another can be said once each is right by itself.
  if (problems.length === 0) checkTogether(config, refuse);
  return problems;
}

function checkIssuer(config: Config, refuse: Refuse): void {
  const { issuer } = config;
  if (typeof issuer !== 'string' || !URL.canParse(issuer)) {
    refuse('issuer', 'is not a URL.', 'Write it like https://id.example.com.');
    return;
  }
  const url = new URL(issuer);
  // OIDC Discovery §3, RFC 8414 §2: https, without query or fragment.
  if (url.search !== '' || url.hash !== '' || /[?#]$/.test(issuer))
    refuse('issuer', 'has a query or fragment.', 'Leave them out.');
  else if (url.username !== '' || url.password !== '')
    refuse('issuer', 'has user information.', 'Leave it out.');
  else if (url.href !== issuer && url.href !== `${issuer}/`) {
    refuse('issuer', 'is not in its ordinary spelling.', `Write ${url.href.replace(/\/$/, '')}.`);
  }
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (
    url.protocol !== 'https:' &&
    !(url.protocol === 'http:' && (loopback || config.allowInsecureIssuer === true))
  )
    refuse(
      'issuer',
      'is not https.',
      'Use https; http is for loopback only (or allowInsecureIssuer).',
    );
}

const KEY_KINDS: Readonly<Record<string, string>> = {
  RS256: 'rsa',
  PS256: 'rsa',
  ES256: 'ec prime256v1',
  EdDSA: 'ed25519',
};

function checkKey(value: unknown, option: string, refuse: Refuse): void {
  const { pem, alg, active } = isObject(value) ? value : {};
  if (typeof alg !== 'string' || !Object.hasOwn(KEY_KINDS, alg)) {
    refuse(option, 'has no alg that signs.', `Choose among ${SIGNING_ALGS.join(', ')}.`);
    return;
  }
  if (typeof active !== 'boolean')
    refuse(
      option,
      'does not say whether it is active.',
      'Write active: true, or false for an old key.',
    );
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(String(pem));
    const { namedCurve, modulusLength = 2048 } = asymmetricKeyDetails ?? {};
    const kind =
      namedCurve === undefined ? asymmetricKeyType : `${asymmetricKeyType} ${namedCurve}`;
    if (kind !== KEY_KINDS[alg])
      refuse(
        option,
        `is a key of the kind ${kind}, which cannot sign ${alg}.`,
        `It needs ${KEY_KINDS[alg]}.`,
      );
    // RFC 7518 §3.3: RSA keys have at least 2048 bits.
    else if (modulusLength < 2048)
      refuse(option, 'is an RSA key below 2048 bits.', 'Make a longer one.');
  } catch {
    refuse(option, 'is not a private key in PEM.', 'It begins with -----BEGIN … PRIVATE KEY-----.');
  }
}

/** Seconds that clocks may differ, added to how long caches and tokens live. */
const SKEW = 60;

function checkTogether(config: Config, refuse: Refuse): void {
  if (typeof config.pages.login === 'function' && config.accounts.authenticate === undefined)
    refuse(
      'accounts.authenticate',
      'is missing.',
      'The login page needs it; or set pages.login to the URL of your own page.',
    );
  if (config.secret === undefined && config.store.ephemeral !== true)
    refuse(
      'secret',
      'is missing.',
      'Pass 32 random bytes as text from outside the database, e.g. of `openssl rand -base64 32`.',
    );
  const twice = (names: readonly string[]): string | undefined =>
    names.find((name, index) => names.indexOf(name) !== index);
  const grant = twice((config.grants ?? []).map(({ type }) => type));
  if (grant !== undefined)
    refuse('grants', `has ${grant} twice.`, 'Each grant type has one definition.');
  const method = twice((config.clientAuthMethods ?? []).map(({ method: name }) => name));
  if (method !== undefined)
    refuse('clientAuthMethods', `has ${method} twice.`, 'Each method has one definition.');
  const scopes = { ...STANDARD_SCOPES, ...config.scopes };
  const unknown = config.defaultScopes?.find(
    (name) => (Object.hasOwn(scopes, name) ? scopes[name] : null) === null,
  );
  if (unknown !== undefined)
    refuse('defaultScopes', `names ${unknown}, which is not a scope.`, 'Define it under scopes.');
  checkDurations(config, refuse);
}

function checkDurations(config: Config, refuse: Refuse): void {
  const lifetimes = { ...DEFAULTS.lifetimes, ...config.lifetimes };
  const schedule = { ...DEFAULTS.keySchedule, ...config.keySchedule };
  const cached = (config.publicMaxAge ?? DEFAULTS.publicMaxAge) + SKEW;
  if (schedule.publishBefore < cached)
    refuse(
      'keySchedule.publishBefore',
      'is shorter than caches live.',
      `With this publicMaxAge it is at least ${cached} seconds.`,
    );
  if (schedule.keepAfter < lifetimes.idToken + cached)
    refuse(
      'keySchedule.keepAfter',
      'is shorter than ID tokens and caches live.',
      `It is at least ${lifetimes.idToken + cached} seconds.`,
    );
  if (schedule.rotateEvery <= schedule.publishBefore)
    refuse(
      'keySchedule.rotateEvery',
      'is not longer than publishBefore.',
      'A key is published before it takes over from the last.',
    );
}

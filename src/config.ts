/**
 * What the user writes, every default, the built-in lists of grants and client authentication methods, and every cross-check.
 * The rest of the code reads `Settings` and knows no default.
 */
import { createPrivateKey, randomBytes } from 'node:crypto';
import { closest } from 'fastest-levenshtein';
import type { ClientAuthMethod } from './client-auth/client-auth.ts';
import { clientSecretBasic, clientSecretPost } from './client-auth/client-secret.ts';
import { publicClient } from './client-auth/public-client.ts';
import type { Random } from './crypto/secrets.ts';
import type { Accounts } from './domain/accounts.ts';
import type { Pages } from './domain/pages.ts';
import type { Budget, EventListener, GivenKey, KeySchedule, Lifetimes, Logger, ScopeDefinition, Settings } from './domain/settings.ts';
import { authorizationCode } from './grants/authorization-code.ts';
import { clientCredentials } from './grants/client-credentials.ts';
import type { Grant } from './grants/grant.ts';
import { refreshToken } from './grants/refresh-token.ts';
import { SCOPE_CLAIMS } from './protocol/claims.ts';
import { ConfigError, type ConfigProblem } from './protocol/errors.ts';
import { SIGNING_ALGS, type SigningAlg } from './protocol/names.ts';
import { isScopeToken } from './protocol/scope.ts';
import type { Database } from './store/store.ts';

/** Configuration of a provider. Durations in seconds. */
export interface Config {
  /** The issuer identifier: an https URL without query or fragment (http on loopback). Never derived from a request. */
  readonly issuer: string;
  /** Where everything is remembered: `memoryDatabase()`, `sqlDatabase(…)`, or your own. */
  readonly store: Database;
  /** Who can sign in. */
  readonly accounts: Accounts;
  /** What people see: `builtInPages()` of `valetkey/pages`, or your own. */
  readonly pages: Pages;
  /** Path below which the endpoints live. Default `/o`; independent of the issuer. */
  readonly basePath?: string;
  /**
   * The secret that seals private keys, interactions and forms: 32 bytes or more, from outside the database. Several: the first is current,
   * the others still open what they sealed. Required unless the store is in memory.
   */
  readonly secret?: string | readonly string[];
  /** Name of this provider on its pages. Default: the issuer's host. */
  readonly name?: string;
  readonly logoUrl?: string | null;
  /** Scopes beside the standard ones: a description, or a description and the claims it releases. `null` removes a standard one. */
  readonly scopes?: Readonly<Record<string, string | { readonly description: string; readonly claims?: readonly string[] } | null>>;
  /** Scopes granted when a request names none. Default: none. */
  readonly defaultScopes?: readonly string[];
  /** Default: code 60, accessToken 900, idToken 3600, refreshTokenIdle 14 days, refreshTokenAbsolute 90 days, sessionIdle 8 h, sessionAbsolute 24 h, interaction 3600, audit 365 days. */
  readonly lifetimes?: Partial<Lifetimes>;
  /** `rotation`: a refresh token is replaced at each use (default true). `grace`: seconds in which the replaced one gets the same answer (default 30). */
  readonly refreshTokens?: { readonly rotation?: boolean; readonly grace?: number };
  /** When keys made by the provider change. Default: all algorithms (the first from the start, any other once a client asks for it), rotateEvery 90 days, publishBefore 1 day, keepAfter 2 days. */
  readonly keySchedule?: Partial<KeySchedule>;
  /** Private keys in PEM instead of keys in the store. The first active one of an algorithm signs. */
  readonly signingKeys?: readonly GivenKey[];
  /** Seconds that discovery and JWKS may be cached. Default 3600. */
  readonly publicMaxAge?: number;
  /** `confirmation`: ask always (default), or only when the hint does not prove the session. `revokeTokens`: end the session's tokens (default true). */
  readonly logout?: { readonly confirmation?: 'always' | 'when-unproven'; readonly revokeTokens?: boolean };
  /** More grant types. */
  readonly grants?: readonly Grant[];
  /** More client authentication methods. */
  readonly clientAuthMethods?: readonly ClientAuthMethod[];
  /** Failures tolerated: login 5 in 15 min per account, loginByAddress 50 in 15 min, clientAuth 20 a minute per client and address. */
  readonly budgets?: { readonly login?: Budget; readonly loginByAddress?: Budget; readonly clientAuth?: Budget };
  /** Seconds that a client changed on another node may be served as it was. Default 30. */
  readonly clientCacheSeconds?: number;
  /** Weakens: confidential clients may leave PKCE out. */
  readonly allowMissingPkce?: boolean;
  /** Weakens: `http://localhost` counts as loopback in redirect URIs. */
  readonly allowLocalhostRedirect?: boolean;
  /** Weakens: an http issuer that is not on loopback. */
  readonly allowInsecureIssuer?: boolean;
  /** Now, in whole seconds. For tests. */
  readonly clock?: () => number;
  /** Random bytes. For tests. */
  readonly random?: Random;
  readonly logger?: Logger;
  readonly onEvent?: EventListener;
}

/** Settings and the plug-ins in force. */
export interface Resolved {
  readonly settings: Settings;
  readonly store: Database;
  readonly grants: readonly Grant[];
  readonly clientAuthMethods: readonly ClientAuthMethod[];
}

const GRANTS: readonly Grant[] = [authorizationCode, refreshToken, clientCredentials];
const CLIENT_AUTH_METHODS: readonly ClientAuthMethod[] = [clientSecretBasic, clientSecretPost, publicClient];

const DAY = 24 * 3600;
const LIFETIMES: Lifetimes = {
  code: 60,
  accessToken: 900,
  idToken: 3600,
  refreshTokenIdle: 14 * DAY,
  refreshTokenAbsolute: 90 * DAY,
  sessionIdle: 8 * 3600,
  sessionAbsolute: DAY,
  interaction: 3600,
  audit: 365 * DAY,
};
const KEY_SCHEDULE: KeySchedule = { algs: SIGNING_ALGS, rotateEvery: 90 * DAY, publishBefore: DAY, keepAfter: 2 * DAY };
const LIMITS: Settings['limits'] = { total: 65_536, count: 100, value: 8192, url: 16_384 };
const BUDGETS: Settings['budgets'] = {
  login: { limit: 5, seconds: 900 },
  loginByAddress: { limit: 50, seconds: 900 },
  clientAuth: { limit: 20, seconds: 60 },
};
const STANDARD_SCOPES: Readonly<Record<string, string>> = {
  openid: 'Confirm who you are',
  profile: 'See your name and profile details',
  email: 'See your email address',
  address: 'See your postal address',
  phone: 'See your phone number',
  offline_access: 'Stay connected while you are away',
};
const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
const ALLOW_OPTIONS = ['allowMissingPkce', 'allowLocalhostRedirect', 'allowInsecureIssuer'] as const;
const KNOWN: readonly (keyof Config)[] = [
  'issuer',
  'store',
  'accounts',
  'pages',
  'basePath',
  'secret',
  'name',
  'logoUrl',
  'scopes',
  'defaultScopes',
  'lifetimes',
  'refreshTokens',
  'keySchedule',
  'signingKeys',
  'publicMaxAge',
  'logout',
  'grants',
  'clientAuthMethods',
  'budgets',
  'clientCacheSeconds',
  ...ALLOW_OPTIONS,
  'clock',
  'random',
  'logger',
  'onEvent',
];

/** The same for groups of options. */
const KNOWN_INSIDE: Readonly<Record<string, readonly string[]>> = {
  lifetimes: Object.keys(LIFETIMES),
  keySchedule: Object.keys(KEY_SCHEDULE),
  budgets: Object.keys(BUDGETS),
  refreshTokens: ['rotation', 'grace'],
  logout: ['confirmation', 'revokeTokens'],
};

/**
 * Fills in defaults and checks everything.
 * @throws ConfigError that lists every problem with its remedy
 */
export function resolveConfig(config: Config): Resolved {
  const problems = checkConfig(config);
  if (problems.length > 0) throw new ConfigError(problems);
  const lifetimes = { ...LIFETIMES, ...config.lifetimes };
  const random: Random = config.random ?? ((size) => randomBytes(size));
  const settings: Settings = {
    issuer: config.issuer,
    basePath: (config.basePath ?? '/o').replace(/\/$/, ''),
    // Nothing outlives an ephemeral store, so its secret need not either.
    secrets: config.secret === undefined ? [randomBytes(32).toString('base64url')] : [config.secret].flat(),
    accounts: config.accounts,
    pages: config.pages,
    name: config.name ?? new URL(config.issuer).host,
    logoUrl: config.logoUrl ?? null,
    scopes: resolveScopes(config.scopes ?? {}),
    defaultScopes: config.defaultScopes ?? [],
    lifetimes,
    refreshRotation: config.refreshTokens?.rotation ?? true,
    refreshGrace: config.refreshTokens?.grace ?? 30,
    keySchedule: { ...KEY_SCHEDULE, ...config.keySchedule },
    givenKeys: config.signingKeys ?? null,
    idTokenAlgs: [...signingAlgs(config), 'HS256'],
    publicMaxAge: config.publicMaxAge ?? 3600,
    logoutConfirmation: config.logout?.confirmation ?? 'always',
    logoutRevokesTokens: config.logout?.revokeTokens ?? true,
    allowMissingPkce: config.allowMissingPkce ?? false,
    allowLocalhostRedirect: config.allowLocalhostRedirect ?? false,
    weakened: ALLOW_OPTIONS.filter((option) => config[option] === true),
    limits: LIMITS,
    budgets: { ...BUDGETS, ...config.budgets },
    clientCacheSeconds: config.clientCacheSeconds ?? 30,
    clock: config.clock ?? (() => Math.floor(Date.now() / 1000)),
    random,
    logger: config.logger ?? SILENT,
    onEvent: config.onEvent ?? null,
  };
  return {
    settings,
    store: config.store,
    grants: [...GRANTS, ...(config.grants ?? [])],
    clientAuthMethods: [...CLIENT_AUTH_METHODS, ...(config.clientAuthMethods ?? [])],
  };
}

/** Algorithms with a key of ours: given ones if any are given, else those of the schedule. */
function signingAlgs(config: Config): readonly SigningAlg[] {
  const given = config.signingKeys?.filter(({ active }) => active).map(({ alg }) => alg);
  const algs = given ?? config.keySchedule?.algs ?? KEY_SCHEDULE.algs;
  return SIGNING_ALGS.filter((alg) => algs.includes(alg));
}

function resolveScopes(extra: NonNullable<Config['scopes']>): ReadonlyMap<string, ScopeDefinition> {
  const scopes = new Map<string, ScopeDefinition>();
  for (const [name, description] of Object.entries(STANDARD_SCOPES))
    scopes.set(name, { name, description, claims: SCOPE_CLAIMS[name] ?? [] });
  for (const [name, given] of Object.entries(extra)) {
    if (given === null) scopes.delete(name);
    else if (typeof given === 'string') scopes.set(name, { name, description: given, claims: SCOPE_CLAIMS[name] ?? [] });
    else scopes.set(name, { name, description: given.description, claims: given.claims ?? SCOPE_CLAIMS[name] ?? [] });
  }
  return scopes;
}

function checkConfig(config: Config): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const refuse = (option: string, problem: string, remedy: string): void => void problems.push({ option, problem, remedy });

  for (const key of Object.keys(config)) {
    if ((KNOWN as readonly string[]).includes(key)) continue;
    refuse(key, 'is not an option.', `Did you mean ${closest(key, KNOWN as string[])}?`);
  }
  for (const [group, known] of Object.entries(KNOWN_INSIDE)) {
    for (const key of Object.keys((config[group as keyof Config] as object | undefined) ?? {})) {
      if (!known.includes(key)) refuse(`${group}.${key}`, 'is not an option.', `Did you mean ${group}.${closest(key, known)}?`);
    }
  }
  checkIssuer(config, refuse);
  checkPlugins(config, refuse);
  if (typeof config.store?.forIssuer !== 'function') refuse('store', 'is missing.', 'Pass memoryDatabase() or sqlDatabase(…).');
  if (typeof config.accounts?.find !== 'function') refuse('accounts', 'is missing.', 'Pass an object with find(sub).');
  if (typeof config.pages?.error !== 'function') refuse('pages', 'is missing.', 'Pass builtInPages() of valetkey/pages.');
  if (typeof config.pages?.login === 'function' && config.accounts !== undefined && config.accounts.authenticate === undefined) {
    refuse('accounts.authenticate', 'is missing.', 'The login page needs it; or set pages.login to the URL of your own page.');
  }
  if (config.basePath !== undefined && !/^(\/[A-Za-z0-9._~-]+)*\/?$/.test(config.basePath)) {
    refuse('basePath', 'is not a path.', 'Write it like /o or /auth/v1.');
  }
  const secrets = config.secret === undefined ? [] : [config.secret].flat();
  if (secrets.length === 0 && config.store?.ephemeral !== true) {
    refuse('secret', 'is missing.', 'Pass 32 random bytes as text from outside the database, e.g. of `openssl rand -base64 32`.');
  }
  if (secrets.some((secret) => secret.length < 32)) refuse('secret', 'is too short.', 'Use at least 32 random bytes as text.');
  for (const [name, value] of durationsOf(config)) {
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value <= 0)
      refuse(name, 'is not a positive number of seconds.', 'Durations are whole seconds.');
  }
  // RFC 6749 §4.1.2: a maximum code lifetime of 10 minutes.
  if ((config.lifetimes?.code ?? 0) > 600) refuse('lifetimes.code', 'is longer than 600 seconds.', 'Codes live for a minute or so.');
  const keepAfter = config.keySchedule?.keepAfter ?? KEY_SCHEDULE.keepAfter;
  if (keepAfter < (config.lifetimes?.idToken ?? LIFETIMES.idToken)) {
    refuse('keySchedule.keepAfter', 'is shorter than ID tokens live.', 'Keep keys published at least as long as lifetimes.idToken.');
  }
  for (const scope of Object.keys(config.scopes ?? {})) {
    if (!isScopeToken(scope)) refuse(`scopes.${scope}`, 'is not a scope value.', 'Use printable characters without spaces or quotes.');
  }
  return problems;
}

/** Every option that is a number of seconds, under its full name. */
function durationsOf({ lifetimes, keySchedule, publicMaxAge, clientCacheSeconds }: Config): readonly (readonly [string, unknown])[] {
  const { algs: _, ...schedule } = keySchedule ?? {};
  const named = (group: string, members: object): [string, unknown][] =>
    Object.entries(members).map(([name, value]) => [`${group}.${name}`, value]);
  return [
    ...named('lifetimes', lifetimes ?? {}),
    ...named('keySchedule', schedule),
    ['publicMaxAge', publicMaxAge],
    ['clientCacheSeconds', clientCacheSeconds],
  ];
}

function checkIssuer(config: Config, refuse: (option: string, problem: string, remedy: string) => void): void {
  if (typeof config.issuer !== 'string' || !URL.canParse(config.issuer)) {
    refuse('issuer', 'is not a URL.', 'Write it like https://id.example.com.');
    return;
  }
  const url = new URL(config.issuer);
  // OIDC Discovery §3, RFC 8414 §2: https, without query or fragment.
  if (url.search !== '' || url.hash !== '' || config.issuer.endsWith('?') || config.issuer.endsWith('#'))
    refuse('issuer', 'has a query or fragment.', 'Leave them out.');
  if (config.issuer.endsWith('/')) refuse('issuer', 'ends with a slash.', `Write ${config.issuer.replace(/\/+$/, '')}.`);
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && (loopback || config.allowInsecureIssuer === true))) {
    refuse('issuer', 'is not https.', 'Use https; http is for loopback only (or allowInsecureIssuer).');
  }
}

function checkPlugins(config: Config, refuse: (option: string, problem: string, remedy: string) => void): void {
  const twice = (names: readonly string[]): string | undefined => names.find((name, index) => names.indexOf(name) !== index);
  const grant = twice([...GRANTS, ...(config.grants ?? [])].map(({ type }) => type));
  if (grant !== undefined) refuse('grants', `has ${grant} twice.`, 'Each grant type has one definition.');
  const method = twice([...CLIENT_AUTH_METHODS, ...(config.clientAuthMethods ?? [])].map(({ method: name }) => name));
  if (method !== undefined) refuse('clientAuthMethods', `has ${method} twice.`, 'Each method has one definition.');
  const confirmation = config.logout?.confirmation ?? 'always';
  if (!['always', 'when-unproven'].includes(confirmation)) refuse('logout.confirmation', 'is unknown.', 'It is always or when-unproven.');
  const grace = config.refreshTokens?.grace ?? 0;
  if (!Number.isSafeInteger(grace) || grace < 0 || grace > 300)
    refuse('refreshTokens.grace', 'is not between 0 and 300 seconds.', 'Half a minute covers lost answers.');
  const scopes = resolveScopes(config.scopes ?? {});
  const unknown = config.defaultScopes?.find((scope) => !scopes.has(scope));
  if (unknown !== undefined) refuse('defaultScopes', `names ${unknown}, which is not a scope.`, 'Define it under scopes.');
  for (const [name, budget] of Object.entries(config.budgets ?? {})) {
    if (![budget.limit, budget.seconds].every((part) => Number.isSafeInteger(part) && part > 0))
      refuse(`budgets.${name}`, 'is not a positive limit in positive seconds.', 'Write { limit: 5, seconds: 900 }.');
  }
  for (const [index, { pem }] of (config.signingKeys ?? []).entries()) {
    try {
      createPrivateKey(pem);
    } catch {
      refuse(`signingKeys[${index}]`, 'is not a private key in PEM.', 'It begins with -----BEGIN … PRIVATE KEY-----.');
    }
  }
}

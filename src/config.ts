/**
 * What the user writes, every default, and the built-in lists of grants and client authentication methods. What is refused is in
 * `config-checks.ts`; `resolve-config.ts` fills in the defaults. The rest of the code reads `Settings` and knows no default.
 */
import type { ClientAuthMethod } from './client-auth/client-auth.ts';
import { clientSecretBasic, clientSecretPost } from './client-auth/client-secret.ts';
import { publicClient } from './client-auth/public-client.ts';
import type { Random } from './crypto/secrets.ts';
import type { Accounts } from './domain/accounts.ts';
import type { Pages } from './domain/pages.ts';
import type {
  ClaimsSource,
  EventListener,
  GivenKey,
  KeySchedule,
  Lifetimes,
  Logger,
  RateLimits,
  Settings,
} from './domain/settings.ts';
import { authorizationCode } from './grants/authorization-code.ts';
import { clientCredentials } from './grants/client-credentials.ts';
import type { Grant } from './grants/grant.ts';
import { refreshToken } from './grants/refresh-token.ts';
import { SIGNING_ALGS } from './protocol/names.ts';
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
  /** A path of this origin, or a `data:` address. Default: the logo of the pages. */
  readonly logoUrl?: string | null;
  /** Scopes beside the standard ones: a description, or a description and the claims it releases. `null` removes a standard one. */
  readonly scopes?: Readonly<
    Record<
      string,
      string | { readonly description: string; readonly claims?: readonly string[] } | null
    >
  >;
  /**
   * Claims beyond those of the account and its scopes, such as roles: asked for each userinfo response and each ID token. What the protocol
   * itself says (`iss`, `sub`, `aud`, `exp` …) cannot be replaced.
   */
  readonly claims?: ClaimsSource;
  /** Scopes granted when a request names none. Default: none. */
  readonly defaultScopes?: readonly string[];
  /** Default: code 60, accessToken 900, idToken 3600, refreshTokenIdle 14 days, refreshTokenAbsolute 90 days, sessionIdle 8 h, sessionAbsolute 24 h, interaction 3600, audit 365 days. */
  readonly lifetimes?: Partial<Lifetimes>;
  /** `rotation`: a refresh token is replaced at each use (default true; those of public clients always are). `grace`: seconds in which the replaced one gets the same answer (default 30). */
  readonly refreshTokens?: { readonly rotation?: boolean; readonly grace?: number };
  /** When keys made by the provider change. Default: all algorithms (the first from the start, any other once a client asks for it), rotateEvery 90 days, publishBefore 1 day, keepAfter 2 days. */
  readonly keySchedule?: Partial<KeySchedule>;
  /** Private keys in PEM instead of keys in the store. The first active one of an algorithm signs. */
  readonly signingKeys?: readonly GivenKey[];
  /** Seconds that discovery and JWKS may be cached. Default 3600. */
  readonly publicMaxAge?: number;
  /** `confirmation`: ask always (default), or only when the hint does not prove the session. `revokeTokens`: end the session's tokens (default true). */
  readonly logout?: {
    readonly confirmation?: 'always' | 'when-unproven';
    readonly revokeTokens?: boolean;
  };
  /** More grant types. */
  readonly grants?: readonly Grant[];
  /** More client authentication methods. */
  readonly clientAuthMethods?: readonly ClientAuthMethod[];
  /**
   * Failures tolerated: login 5 in 15 min per account, loginByAddress 50 in 15 min, clientAuthentication 20 a minute per client and network; and
   * largeRequest, 60 in 15 min per network, or in all where the host tells no address. A network is an IPv4 address or the first 64 bits of an IPv6 address.
   */
  readonly rateLimits?: Partial<RateLimits>;
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
  /** Any logger with info, warn and error. Default: silent. */
  readonly logger?: Logger;
  /** Hears every event, in this process. */
  readonly onEvent?: EventListener;
}

/** Grant types that are built in. */
export const GRANTS: readonly Grant[] = [authorizationCode, refreshToken, clientCredentials];
/** Client authentication methods that are built in. */
export const CLIENT_AUTH_METHODS: readonly ClientAuthMethod[] = [
  clientSecretBasic,
  clientSecretPost,
  publicClient,
];
/** Options that weaken security; those in force are named at start-up. */
export const ALLOW_OPTIONS: readonly (
  | 'allowMissingPkce'
  | 'allowLocalhostRedirect'
  | 'allowInsecureIssuer'
)[] = ['allowMissingPkce', 'allowLocalhostRedirect', 'allowInsecureIssuer'];

const DAY = 24 * 3600;
const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** What holds where the configuration says nothing. */
export const DEFAULTS: Defaults = {
  basePath: '/o',
  defaultScopes: [],
  lifetimes: {
    code: 60,
    accessToken: 900,
    idToken: 3600,
    refreshTokenIdle: 14 * DAY,
    refreshTokenAbsolute: 90 * DAY,
    sessionIdle: 8 * 3600,
    sessionAbsolute: DAY,
    interaction: 3600,
    audit: 365 * DAY,
  },
  refreshTokens: { rotation: true, grace: 30 },
  keySchedule: {
    algs: SIGNING_ALGS,
    rotateEvery: 90 * DAY,
    publishBefore: DAY,
    keepAfter: 2 * DAY,
  },
  publicMaxAge: 3600,
  logout: { confirmation: 'always', revokeTokens: true },
  rateLimits: {
    login: { limit: 5, seconds: 900 },
    loginByAddress: { limit: 50, seconds: 900 },
    clientAuthentication: { limit: 20, seconds: 60 },
    largeRequest: { limit: 60, seconds: 900 },
  },
  clientCacheSeconds: 30,
  logger: SILENT,
};

type Defaults = { readonly [Option in DefaultOption]: Required<NonNullable<Config[Option]>> } & {
  readonly lifetimes: Lifetimes;
  readonly keySchedule: KeySchedule;
};
type DefaultOption =
  | 'basePath'
  | 'defaultScopes'
  | 'lifetimes'
  | 'refreshTokens'
  | 'keySchedule'
  | 'publicMaxAge'
  | 'logout'
  | 'rateLimits'
  | 'clientCacheSeconds'
  | 'logger';

/** Scopes every provider has, in plain words. */
export const STANDARD_SCOPES: Readonly<Record<string, string>> = {
  openid: 'Confirm who you are',
  profile: 'See your name and profile details',
  email: 'See your email address',
  address: 'See your postal address',
  phone: 'See your phone number',
  offline_access: 'Stay connected while you are away',
};

/** Bounds of one request, in characters and parameters. */
export const LIMITS: Settings['limits'] = { total: 65_536, count: 100, value: 8192, url: 16_384 };

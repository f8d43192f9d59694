/**
 * The configuration after every default and check: what the rest of the code reads. It keeps the
 * names and the shape of `Config`; defaults, checks and descriptions stand in `config-options.ts`
 * alone.
 */
import type { Random } from '../crypto/handles.ts';
import type { IdTokenAlg, SigningAlg } from '../protocol/names.ts';
import type { ParamLimits } from '../protocol/params.ts';
import type { AuditEvent, Client } from '../store/records.ts';
import type { Account, Accounts } from './accounts.ts';
import type { Pages } from './pages.ts';

/** A scope and what it means. */
export interface ScopeDefinition {
  /** The scope value (RFC 6749 §3.3). */
  readonly name: string;
  /** Plain words for the consent page, continuing "It will be able to …". */
  readonly description: string;
  /** Claims it releases at userinfo. */
  readonly claims: readonly string[];
}

/** Lifetimes in seconds. */
export interface Lifetimes {
  /** An authorization code; at most 600 (RFC 6749 §4.1.2). @default 60 */
  readonly code: number;
  /** An access token. @default 900 */
  readonly accessToken: number;
  /** An ID token. @default 3600 */
  readonly idToken: number;
  /** A refresh token that is not used. @default 14 days */
  readonly refreshTokenIdle: number;
  /** Refresh tokens of one family, from the first one on. @default 90 days */
  readonly refreshTokenAbsolute: number;
  /** A session without use. @default 8 hours */
  readonly sessionIdle: number;
  /** A session in all. @default 24 hours */
  readonly sessionAbsolute: number;
  /** After this a page that was left open starts again. @default 3600 */
  readonly interaction: number;
  /** Audit rows are kept this long. @default 365 days */
  readonly audit: number;
}

/** When signing keys are published, used and withdrawn. Seconds. */
export interface KeySchedule {
  /**
   * Algorithms on offer. The first has a key from the start, any other once a client asks for it.
   * @default all
   */
  readonly algs: readonly SigningAlg[];
  /** A new key takes over this long after the one before. @default 90 days */
  readonly rotateEvery: number;
  /** A key is published this long before its first use; longer than caches live. @default 1 day */
  readonly publishBefore: number;
  /**
   * A key stays published this long after its last use; longer than tokens and caches live.
   * @default 2 days
   */
  readonly keepAfter: number;
}

/** A private key given by configuration instead of the store. */
export interface GivenKey {
  /** PKCS#1, PKCS#8 or SEC1. */
  readonly pem: string;
  /** What it signs. */
  readonly alg: SigningAlg;
  /** False: only published, for tokens signed with it earlier. */
  readonly active: boolean;
}

/** At most `limit` attempts within `seconds`. */
export interface RateLimit {
  readonly limit: number;
  /** Length of a window. */
  readonly seconds: number;
}

/**
 * How many attempts are tolerated. A network is an IPv4 address or the first 64 bits of an IPv6
 * address.
 */
export interface RateLimits {
  /**
   * Failed logins per account, counted over all browsers that never signed in to it; each that did
   * has as many of its own.
   * @default 5 in 15 minutes
   */
  readonly login: RateLimit;
  /** Failed logins per network, whatever the account. @default 50 in 15 minutes */
  readonly loginByAddress: RateLimit;
  /**
   * Failed client authentications per client and network; of unknown clients per network.
   * @default 20 in a minute
   */
  readonly clientAuthentication: RateLimit;
  /**
   * Requests too large for an address, which are stored: per network, or in all where the host
   * tells no address.
   * @default 60 in 15 minutes
   */
  readonly largeRequest: RateLimit;
}

/** What happens to refresh tokens when they are used. */
export interface RefreshTokenRules {
  /** A refresh token is replaced at each use; those of public clients always are. @default true */
  readonly rotation: boolean;
  /** Seconds in which the replaced one gets the same answer again. @default 30 */
  readonly grace: number;
}

/** What the end of a session ends. */
export interface LogoutRules {
  /** The tokens issued in it, but those with `offline_access`. @default true */
  readonly revokeTokens: boolean;
}

/** What claims are asked for. */
export interface ClaimsRequest {
  readonly target: 'userinfo' | 'id_token';
  readonly account: Account;
  readonly client: Client;
  readonly scopes: readonly string[];
}

/** Claims beyond those of the account and its scopes. */
export type ClaimsSource = (
  request: ClaimsRequest,
) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;

/** Hears every event, in the process that caused it. */
export type EventListener = (event: AuditEvent) => void;

/** A logger as most libraries have it. Messages carry no secrets. */
export interface Logger {
  /** Every refused request. */
  info(fields: object, message: string): void;
  /** What an operator should know once. */
  warn(fields: object, message: string): void;
  /** What went wrong on our side. */
  error(fields: object, message: string): void;
}

/** The members of `Config` with every default filled in; see there what each means. */
export interface Settings {
  readonly issuer: string;
  /** Starts with a slash, ends without one; '' at the root. */
  readonly basePath: string;
  /** The current one first; the others still open what they sealed. */
  readonly secret: readonly string[];
  readonly accounts: Accounts;
  readonly pages: Pages;
  readonly name: string;
  readonly logoUrl: string | null;
  readonly scopes: ReadonlyMap<string, ScopeDefinition>;
  readonly claims: ClaimsSource | null;
  readonly defaultScopes: readonly string[];
  readonly lifetimes: Lifetimes;
  readonly refreshTokens: RefreshTokenRules;
  readonly keySchedule: KeySchedule;
  readonly signingKeys: readonly GivenKey[] | null;
  readonly publicMaxAge: number;
  readonly logout: LogoutRules;
  readonly rateLimits: RateLimits;
  readonly clientCacheSeconds: number;
  readonly allowMissingPkce: boolean;
  readonly allowLocalhostRedirect: boolean;
  readonly allowInsecureIssuer: boolean;
  readonly clock: () => number;
  readonly random: Random;
  readonly logger: Logger;
  readonly onEvent: EventListener | null;
  /** Algorithms that ID tokens can be signed with: those with a key, and HS256. */
  readonly idTokenAlgs: readonly IdTokenAlg[];
  /** Options in force that weaken security; they are named at start-up. */
  readonly weakened: readonly string[];
  /** Bounds of one request. */
  readonly limits: ParamLimits & { readonly url: number };
}

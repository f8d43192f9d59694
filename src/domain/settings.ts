/** The configuration after every default and check: what the rest of the code reads. Defaults stand in `config.ts` alone. */
import type { Random } from '../crypto/secrets.ts';
import type { IdTokenAlg, SigningAlg } from '../protocol/names.ts';
import type { ParamLimits } from '../protocol/params.ts';
import type { AuditEvent, Client } from '../store/records.ts';
import type { Account, Accounts } from './accounts.ts';
import type { Pages } from './pages.ts';

/** A scope and what it means. */
export interface ScopeDefinition {
  /** The scope value (RFC 6749 §3.3). */
  readonly name: string;
  /** Plain words for the consent page, continuing "This lets the application …". */
  readonly description: string;
  /** Claims it releases at userinfo. */
  readonly claims: readonly string[];
}

/** Lifetimes in seconds. */
export interface Lifetimes {
  /** An authorization code; at most 600 (RFC 6749 §4.1.2). */
  readonly code: number;
  /** An access token. */
  readonly accessToken: number;
  /** An ID token. */
  readonly idToken: number;
  /** A refresh token that is not used. */
  readonly refreshTokenIdle: number;
  /** Refresh tokens of one family, from the first one on. */
  readonly refreshTokenAbsolute: number;
  /** A session without use. */
  readonly sessionIdle: number;
  /** A session in all. */
  readonly sessionAbsolute: number;
  /** After this a page that was left open starts again. */
  readonly interaction: number;
  /** Audit lines are kept this long. */
  readonly audit: number;
}

/** When signing keys are published, used and withdrawn. Seconds. */
export interface KeySchedule {
  /** Algorithms on offer; the first has a key from the start, any other once a client asks for it. */
  readonly algs: readonly SigningAlg[];
  /** A new key takes over this long after the one before. */
  readonly rotateEvery: number;
  /** A key is published this long before its first use; longer than caches live. */
  readonly publishBefore: number;
  /** A key stays published this long after its last use; longer than tokens and caches live. */
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

/** A rate limit: at most `limit` attempts within `seconds`. */
export interface RateLimit {
  /** How many are tolerated in a window. */
  readonly limit: number;
  /** Length of a window. */
  readonly seconds: number;
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

/** What failures, and what costs, are tolerated. */
export interface RateLimits {
  /** Failed logins per account, counted over all browsers that never signed in to it; each that did has as many of its own. */
  readonly login: RateLimit;
  /** Failed logins per network, whatever the account. */
  readonly loginByAddress: RateLimit;
  /** Failed client authentications per client and network; of unknown clients per network. */
  readonly clientAuthentication: RateLimit;
  /** Requests too large to travel in an address, which have to be stored, per network. */
  readonly largeRequest: RateLimit;
}

/** Hears every event, in the process that caused it. */
export type EventListener = (event: AuditEvent) => void;

/** A logger as most libraries have it. Messages carry no secrets. */
export interface Logger {
  /** Refusals: the daily bread. */
  info(fields: object, message: string): void;
  /** What an operator should know once. */
  warn(fields: object, message: string): void;
  /** What went wrong on our side. */
  error(fields: object, message: string): void;
}

export interface Settings {
  readonly issuer: string;
  /** Starts with a slash, ends without one; '' at the root. */
  readonly basePath: string;
  readonly secrets: readonly string[];
  readonly accounts: Accounts;
  readonly pages: Pages;
  readonly name: string;
  readonly logoUrl: string | null;
  readonly scopes: ReadonlyMap<string, ScopeDefinition>;
  readonly claims: ClaimsSource | null;
  /** Scopes granted when a request names none. */
  readonly defaultScopes: readonly string[];
  readonly lifetimes: Lifetimes;
  readonly refreshRotation: boolean;
  /** Seconds in which the immediate predecessor of a refresh token gets the same answer again. */
  readonly refreshGrace: number;
  readonly keySchedule: KeySchedule;
  readonly givenKeys: readonly GivenKey[] | null;
  /** Algorithms that ID tokens can be signed with: those with a key, and HS256. */
  readonly idTokenAlgs: readonly IdTokenAlg[];
  /** Seconds that caches may keep the JWKS and discovery documents. */
  readonly publicMaxAge: number;
  readonly logoutConfirmation: 'always' | 'when-unproven';
  readonly logoutRevokesTokens: boolean;
  readonly allowMissingPkce: boolean;
  readonly allowLocalhostRedirect: boolean;
  /** Options in force that weaken security, named at start-up. */
  readonly weakened: readonly string[];
  readonly limits: ParamLimits & { readonly url: number };
  readonly rateLimits: RateLimits;
  /** Seconds that a client may be served from memory after it changed on another node. */
  readonly clientCacheSeconds: number;
  readonly clock: () => number;
  readonly random: Random;
  readonly logger: Logger;
  readonly onEvent: EventListener | null;
}

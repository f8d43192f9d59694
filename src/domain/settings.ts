/**
 * The configuration after every default and check: what the rest of the code reads. It keeps the
 * names and the shape of `Config`. `config-options.ts` applies the defaults; `@default` repeats
 * them for readers.
 */
import type { Random } from '../crypto/handles.ts';
import type { IdTokenAlg, KeyAlg, SigningAlg } from '../protocol/names.ts';
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
  /** Whether it lets applications change something, rather than only read. */
  readonly writes: boolean;
}

/** Lifetimes in seconds. */
export interface Lifetimes {
  /** An authorization code; at most 600 (RFC 6749 §4.1.2). @default 60 */
  readonly code: number;
  /** An access token. @default 900 */
  readonly accessToken: number;
  /** An ID token. @default 3600 */
  readonly idToken: number;
  /** A refresh token that is not used; null: without end. @default 14 days */
  readonly refreshTokenIdle: number | null;
  /** Refresh tokens of one family, from the first one on; null: without end. @default 90 days */
  readonly refreshTokenAbsolute: number | null;
  /** A session without use. @default 8 hours */
  readonly sessionIdle: number;
  /** A session, however much it is used. @default 24 hours */
  readonly sessionAbsolute: number;
  /** What people allowed is asked again after this long; null: never. @default null */
  readonly consent: number | null;
  /** A page that was left open for longer starts again. @default 3600 */
  readonly interaction: number;
  /** One that registered or describes itself, until its first use. @default 7 days */
  readonly newClient: number;
  /** One that registered or describes itself, since its last use. @default 180 days */
  readonly unusedClient: number;
  /** Audit rows are kept this long. @default 365 days */
  readonly audit: number;
}

/** When signing keys are published, used and withdrawn. Seconds. */
export interface KeySchedule {
  /**
   * Algorithms on offer. Each has a key from the first start; that of one which is added later is
   * published for `publishBefore` before a client can be registered for it.
   * @default RS256, PS256, ES256 and EdDSA
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
export interface GivenPem {
  /** PKCS#1, PKCS#8 or SEC1. */
  readonly pem: string;
  /** What it signs, or how clients encrypt to it (`requestObjects.encryptionAlgs`). */
  readonly alg: KeyAlg;
  /** False: only published, for tokens signed with it earlier. */
  readonly active: boolean;
}

/**
 * Signs with a key that this process does not hold: in a key management service (KMS) or in a
 * hardware security module (HSM). At its first use it signs a probe, which its public key has to
 * verify.
 */
export interface Signer {
  /** What it signs. */
  readonly alg: SigningAlg;
  /** The public key: PEM (SubjectPublicKeyInfo), or a JWK. */
  readonly publicKey: string | Readonly<Record<string, unknown>>;
  /** False: only published, for tokens signed with it earlier. */
  readonly active: boolean;
  /**
   * The signature of these bytes, in the form of RFC 7518 §3: for ECDSA the numbers r and s, each
   * as long as the curve, and not DER. The hash is part of the algorithm: SHA-256 for RS256. When
   * it rejects, or needs more than 10 seconds, the request is answered 503.
   */
  sign(data: Uint8Array): Promise<Uint8Array>;
}

/** A key given by configuration: a private key, or what signs with one that is elsewhere. */
export type GivenKey = GivenPem | Signer;

/** At most `limit` attempts within `seconds`. */
export interface RateLimit {
  /** Attempts in one window. */
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
   * Token requests of a client that proved itself, in each process; of a public one, per network as
   * well. Null: as many as it likes. @default null; 12 000 in a minute in the standalone server
   */
  readonly tokenRequests: RateLimit | null;
  /**
   * Requests too large for an address, which are stored: per network, or in all where the host
   * tells no address.
   * @default 60 in 15 minutes
   */
  readonly largeRequest: RateLimit;
  /** The same from all networks together. @default 10 000 in 15 minutes */
  readonly largeRequestInAll: RateLimit;
}

/** What happens to refresh tokens when they are used. */
export interface RefreshTokenRules {
  /**
   * A refresh token is replaced at each use. Those of public clients always are, unless they are
   * bound to a key: a client that proves itself gains nothing by it, and loses its access when an
   * answer is lost (RFC 9700 §2.2.2).
   * @default false
   */
  readonly rotation: boolean;
  /** Seconds in which the replaced one gets the same answer again. @default 30 */
  readonly grace: number;
}

/** What the end of a session ends. */
export interface LogoutRules {
  /** The tokens issued in it, but those with `offline_access`. @default true */
  readonly revokeTokens: boolean;
}

/** For which claims a source is asked. */
export interface ClaimsRequest {
  /** Where the claims are sent. */
  readonly target: 'userinfo' | 'id_token';
  /** The account of the subject. */
  readonly account: Account;
  /** The client that receives the claims. */
  readonly client: Client;
  /** The scopes of the access token. */
  readonly scopes: readonly string[];
  /** Claims that the application asked for by name, for this target (OIDC Core §5.5). */
  readonly requested: readonly string[];
}

/** Claims beyond those of the account and its scopes. */
export type ClaimsSource = (
  request: ClaimsRequest,
) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;

/** For which request scopes are asked. */
export interface ScopesRequest {
  /** The client that asks. */
  readonly client: Client;
  /** Whether a user is involved, or the client acts for itself. */
  readonly acting: 'for-user' | 'for-client';
}

/** Scopes that a client may have now. */
export interface ScopeOffer {
  /** Those that it may have, of those on offer (`Config.scopes`) and of its registration. */
  readonly available: readonly string[];
  /** Those of a request that names none. @default those of its registration, or of the server */
  readonly default?: readonly string[];
}

/** Says which scopes a client may have: a list, or with the default ones. */
export type ScopesSource = (
  request: ScopesRequest,
) => readonly string[] | ScopeOffer | Promise<readonly string[] | ScopeOffer>;

/** For which access token claims are asked. */
export interface AccessTokenClaimsRequest {
  /** The account of the subject; null when the client acts for itself. */
  readonly account: Account | null;
  /** The client that the token was issued to. */
  readonly client: Client;
  /** The scopes of the token. */
  readonly scopes: readonly string[];
}

/** Claims of access tokens beyond those of the protocol. */
export type AccessTokenClaimsSource = (
  request: AccessTokenClaimsRequest,
) => Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;

/** Hears every event as it is stored. Hosts write an `EventListener`, which knows their types. */
export type AuditListener = (event: AuditEvent) => void;

/** A logger as most libraries have it. Messages carry no secrets. */
export interface Logger {
  /** Every refused request. */
  info(fields: object, message: string): void;
  /** What an operator should know once. */
  warn(fields: object, message: string): void;
  /** What went wrong on our side. */
  error(fields: object, message: string): void;
}

/** Bounds of one request. */
export interface RequestLimits extends ParamLimits {
  /** Characters of the URL. */
  readonly url: number;
}

/** The members of `Config` with every default filled in; see there what each means. */
export interface Settings {
  /** The issuer identifier. */
  readonly issuer: string;
  /** Starts with a slash, ends without one; '' at the root. */
  readonly basePath: string;
  /** Whether the addresses of endpoints end with a slash. Both forms answer. */
  readonly trailingSlash: boolean;
  /** The current one first; the others still open what they sealed. */
  readonly secret: readonly string[];
  /** Where people are found. */
  readonly accounts: Accounts;
  /** The template of each page. */
  readonly pages: Pages;
  /** Name of this provider as people know it. */
  readonly name: string;
  /** Logo on the pages; null without one. */
  readonly logoUrl: string | null;
  /** The scopes on offer, by name. */
  readonly scopes: ReadonlyMap<string, ScopeDefinition>;
  /** Where further claims come from; null without one. */
  readonly claims: ClaimsSource | null;
  /** Where further claims of access tokens come from; null without one. */
  readonly accessTokenClaims: AccessTokenClaimsSource | null;
  /** Which scopes a client may have now; null: those of its registration. */
  readonly scopesFor: ScopesSource | null;
  /** Scopes of a request that names none. */
  readonly defaultScopes: readonly string[];
  /** Lifetimes in seconds. */
  readonly lifetimes: Lifetimes;
  /** Rotation of refresh tokens. */
  readonly refreshTokens: RefreshTokenRules;
  /** When signing keys change. */
  readonly keySchedule: KeySchedule;
  /** Keys given by configuration; null when the store keeps them. */
  readonly signingKeys: readonly GivenKey[] | null;
  /** Seconds for which caches may keep public documents. */
  readonly publicMaxAge: number;
  /** What the end of a session ends. */
  readonly logout: LogoutRules;
  /** Attempts tolerated. */
  readonly rateLimits: RateLimits;
  /** Seconds for which a client is remembered; 0 switches the cache off. */
  readonly clientCacheSeconds: number;
  /** Whether confidential clients may leave out PKCE. */
  readonly allowMissingPkce: boolean;
  /** Whether `http://localhost` counts as loopback in redirect URIs. */
  readonly allowLocalhostRedirect: boolean;
  /** Whether redirect URIs and origins may have a wildcard at the beginning of their host. */
  readonly allowRedirectUriWildcards: boolean;
  /** Private-use schemes of redirect URIs that need no reversed domain name. */
  readonly allowPrivateSchemes: readonly string[];
  /** Origins inside the network that documents may be fetched from. */
  readonly allowOutbound: readonly string[];
  /** Whether the cookie of the session is sent from frames of other sites. */
  readonly allowCrossSiteSession: boolean;
  /** Whether refusals send browsers on to clients for which nobody vouches. */
  readonly allowUnvouchedRedirects: boolean;
  /** Whether the issuer may be an http URL that is not on loopback. */
  readonly allowInsecureIssuer: boolean;
  /** The current time in seconds since 1970. */
  readonly clock: () => number;
  /** Source of random bytes. */
  readonly random: Random;
  /** Receives log lines. */
  readonly logger: Logger;
  /** Receives every event; null without a listener. */
  readonly onEvent: AuditListener | null;
  /** Algorithms that ID tokens can be signed with: those with a key, and HS256. */
  readonly idTokenAlgs: readonly IdTokenAlg[];
  /** Options in force that weaken security; they are named at start-up. */
  readonly weakened: readonly string[];
  /** Bounds of one request. */
  readonly limits: RequestLimits;
}

/**
 * What is remembered, as plain readonly data. Times are whole seconds since 1970 (UTC). Nothing in
 * here can be used as a credential: every handle is kept as a digest, every readable secret sealed.
 * How records may change is the business of the port in `store.ts`.
 */
import type { CompleteClientMetadata } from '../protocol/client-metadata.ts';

/** Whole seconds since 1970-01-01T00:00:00Z. */
export type Seconds = number;
/** SHA-256 of a handle, base64url without padding (43 characters). */
export type Digest = string;

/**
 * One of a client's secrets. A client may have several, so that a secret can be replaced without
 * downtime.
 */
export interface ClientSecret {
  readonly id: string;
  readonly digest: Digest;
  /**
   * The secret itself, sealed under the provider's secret; only for clients whose ID tokens are
   * signed with HS256.
   */
  readonly sealed: string | null;
  readonly createdAt: Seconds;
  readonly expiresAt: Seconds | null;
}

/**
 * A registered client; people call it an application. What may be registered is in
 * `protocol/client-metadata.ts`.
 */
export interface Client extends CompleteClientMetadata {
  readonly clientId: string;
  readonly secrets: readonly ClientSecret[];
  readonly registrationSource: 'manual' | 'dynamic';
  readonly disabledAt: Seconds | null;
  readonly createdAt: Seconds;
  readonly updatedAt: Seconds;
  /** Goes up by one with every change, so that two changes at once do not undo each other. */
  readonly version: number;
}

/**
 * A browser's login. `sid` is public (it goes into ID tokens); the cookie carries another value,
 * kept as `handle`.
 */
export interface Session {
  readonly handle: Digest;
  readonly sid: string;
  readonly sub: string;
  readonly authTime: Seconds;
  readonly amr: readonly string[];
  readonly acr: string | null;
  readonly createdAt: Seconds;
  readonly seenAt: Seconds;
  /** Absolute end; the idle limit is judged from `seenAt`. */
  readonly expiresAt: Seconds;
}

/** The durable fact that a subject lets a client do something. One per subject and client. */
export interface Authorization {
  readonly id: string;
  readonly sub: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly createdAt: Seconds;
  readonly updatedAt: Seconds;
}

/**
 * Who may have what, and how they had signed in when they allowed it. It travels from the code into
 * the family of tokens.
 */
export interface Entitlement {
  readonly clientId: string;
  readonly sub: string;
  /**
   * The authorization it stands under; null when none is kept (a grant type of the host may do so).
   */
  readonly authorizationId: string | null;
  readonly sid: string | null;
  readonly scopes: readonly string[];
  readonly authTime: Seconds | null;
  readonly amr: readonly string[];
  readonly acr: string | null;
  /**
   * What else travels from the authorization to the tokens, by the name of the feature that brings
   * it: resources, a claims request, authorization details, the key that binds. JSON values only.
   */
  readonly details: Details;
}

/** JSON values by the name of the feature that brings them. */
export type Details = Readonly<Record<string, unknown>>;

/**
 * An authorization code that was issued. Kept after use, so that a replay is recognised
 * (`Store.clear` says how long).
 */
export interface Code extends Entitlement {
  readonly digest: Digest;
  /**
   * The redirect_uri of the request, or null when the request had none and the registered one was
   * used.
   */
  readonly redirectUri: string | null;
  readonly codeChallenge: string | null;
  readonly nonce: string | null;
  readonly createdAt: Seconds;
  readonly expiresAt: Seconds;
  /** How often a wrong code_verifier was presented. */
  readonly failedAttempts: number;
  /** When it was used up: redeemed, or ended with its session, authorization or subject. */
  readonly redeemedAt: Seconds | null;
  /** The family issued from it, if it was redeemed. */
  readonly familyId: string | null;
}

/**
 * All tokens that descend from one authorization code. It holds exactly one live refresh token
 * (`refreshDigest`), so two live branches cannot be represented.
 */
export interface Family extends Entitlement {
  /** Digest of the family part of its refresh tokens. */
  readonly id: Digest;
  readonly createdAt: Seconds;
  /** Digest of the whole live refresh token; null when none was issued. */
  readonly refreshDigest: Digest | null;
  /** Idle end of the live refresh token, never after `expiresAt`. */
  readonly refreshExpiresAt: Seconds | null;
  /** The token the live one replaced: only it may be repeated, within the grace. */
  readonly previousDigest: Digest | null;
  /** The answer given for `previousDigest`, sealed under a key derived from that very token. */
  readonly sealedSuccessor: string | null;
  readonly rotatedAt: Seconds | null;
  /** Absolute end of the family. */
  readonly expiresAt: Seconds;
  readonly revokedAt: Seconds | null;
}

/** An opaque access token: everything userinfo and introspection need stands in this row. */
export interface AccessToken {
  readonly digest: Digest;
  /** Null for tokens that act for the client itself (client_credentials). */
  readonly familyId: Digest | null;
  readonly authorizationId: string | null;
  readonly clientId: string;
  /** The subject, or null when the token acts for the client itself. */
  readonly sub: string | null;
  readonly sid: string | null;
  readonly scopes: readonly string[];
  /** Those of its entitlement. */
  readonly details: Details;
  readonly issuedAt: Seconds;
  readonly expiresAt: Seconds;
}

/** One row for every ID token issued. */
export interface IdTokenRecord {
  readonly jti: string;
  readonly sub: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly sid: string | null;
  /** Digest of the access token issued beside it. */
  readonly accessTokenDigest: Digest | null;
  readonly issuedAt: Seconds;
  readonly expiresAt: Seconds;
}

/**
 * Something that is used at most once, or that must not come twice: a pushed request, a device
 * code, the `jti` of an assertion. Any feature may keep such records without a table of its own.
 */
export interface OneTimeRecord {
  /** Whose record it is: the name of the feature, or of one of its kinds. At most 64 characters. */
  readonly kind: string;
  /** Digest of the handle; unique in its kind. */
  readonly digest: Digest;
  /** Digest of a second handle (a user code), unique in its kind as well; null without one. */
  readonly secondKey: Digest | null;
  /** What its owner keeps in it, sealed; the store does not look inside. */
  readonly payload: string;
  /** 1 when it is put; goes up by one with every swap. */
  readonly version: number;
  /** When it was consumed; null while it was not. */
  readonly consumedAt: Seconds | null;
  /** It cannot be consumed from then on, and may be cleared. */
  readonly expiresAt: Seconds;
}

/** Which one-time record is to be consumed, as it was when it was judged. */
export type OneTimeKey = Pick<OneTimeRecord, 'kind' | 'digest' | 'version'>;

/**
 * A signing key as it rests. Its state (next, current, retired, removed) follows from the times.
 */
export interface StoredKey {
  readonly kid: string;
  readonly alg: string;
  /** The private JWK, sealed under the provider's secret. */
  readonly sealedPrivateJwk: string;
  /** The public JWK as JSON text. */
  readonly publicJwk: string;
  readonly createdAt: Seconds;
  readonly activeAt: Seconds;
  readonly retiredAt: Seconds | null;
  readonly removedAt: Seconds | null;
}

/** All signing keys of an issuer, replaced as a whole by compare and swap. */
export interface KeySet {
  readonly version: number;
  readonly keys: readonly StoredKey[];
}

/** One line of the audit log. */
export interface AuditEvent {
  readonly id: string;
  readonly at: Seconds;
  readonly type: string;
  readonly sub: string | null;
  readonly clientId: string | null;
  /** Address of the peer; null where it is not known, or nobody's request caused the event. */
  readonly ip: string | null;
  /** Id of the request that caused the event. */
  readonly requestId: string | null;
  /** Our stable slug when something was refused. */
  readonly reason: string | null;
  /** Small, free of secrets. */
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

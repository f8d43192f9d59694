/**
 * The stored records, as plain readonly data. Times are whole seconds since 1970 (UTC). Nothing in
 * a record can be used as a credential: every handle is stored as a digest, and every secret that
 * must be readable again is sealed. How records may change is defined by the port in `store.ts`.
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
  /** Random identifier of the secret. It is public. */
  readonly id: string;
  /** Digest of the secret, by which a presented secret is checked. */
  readonly digest: Digest;
  /**
   * The secret, sealed under the provider's secret. Null except for clients whose ID tokens are
   * signed with HS256, because there the secret itself is the key.
   */
  readonly sealed: string | null;
  /** When the secret was stored. */
  readonly createdAt: Seconds;
  /** From this time the secret is refused; null if it does not expire. */
  readonly expiresAt: Seconds | null;
}

/**
 * A registered client, called an application on pages. What may be registered is defined in
 * `protocol/client-metadata.ts`.
 */
export interface Client extends CompleteClientMetadata {
  /** The `client_id`. */
  readonly clientId: string;
  /** The secrets of the client; empty for a public client. */
  readonly secrets: readonly ClientSecret[];
  /**
   * `manual` if the host or an operator registered it, `configuration` if the configuration lists
   * it, `dynamic` if it registered itself with an initial access token, `open` if it registered
   * itself without one, so that nobody vouches for it, `metadata_document` if nobody registered it
   * and a document at its client_id describes it.
   */
  readonly registrationSource:
    | 'manual'
    | 'configuration'
    | 'dynamic'
    | 'open'
    | 'metadata_document';
  /** When its document was read that says what it is. Absent without one. */
  readonly describedAt?: Seconds;
  /**
   * Members, and wire names of fields, that operators changed of what its document says: they stay.
   * @default none
   */
  readonly setByOperators?: readonly string[];
  /** When the client was disabled; null while it is enabled. */
  readonly disabledAt: Seconds | null;
  /**
   * Digest of the token by which the client manages its own registration (RFC 7592 §3). Null or
   * absent: only operators can.
   */
  readonly registrationToken?: Digest | null;
  /**
   * From this time the client is gone, unless it is used before (`ClientStore.used`), which moves
   * the time and makes no new version. Null or absent: it stays.
   */
  readonly expiresAt?: Seconds | null;
  /**
   * True when another client had the same client_id before: what was issued before `createdAt`
   * belongs to that one. Absent in records of an earlier version, where it is not known.
   */
  readonly hasPredecessor?: boolean;
  /** When the client was registered. */
  readonly createdAt: Seconds;
  /** When the record last changed. */
  readonly updatedAt: Seconds;
  /**
   * Goes up by one with every change, so that two concurrent changes do not undo each other. Codes
   * and tokens are issued only while the client has the version by which the request was judged. It
   * begins anywhere, so that a client that is registered anew has another one.
   */
  readonly version: number;
}

/**
 * An initial access token (RFC 7591 §3): lets its holder register clients, a limited number of
 * times.
 */
export interface InitialAccessToken {
  /** Random identifier of the token. It is public. */
  readonly id: string;
  /** Digest of the token. */
  readonly digest: Digest;
  /** What operators know it by. */
  readonly name: string;
  /** How many clients can still be registered with it. */
  readonly usesLeft: number;
  /** When the token was made. */
  readonly createdAt: Seconds;
  /** From this time the token is refused and may be cleared. */
  readonly expiresAt: Seconds;
}

/**
 * A browser's login. `sid` is public (it goes into ID tokens). The cookie carries a different
 * value, of which `handle` is the digest.
 */
export interface Session {
  /** Digest of the value in the session cookie. */
  readonly handle: Digest;
  /** Public identifier of the session, sent in the claim `sid`. */
  readonly sid: string;
  /** The subject who is signed in. */
  readonly sub: string;
  /** When the subject proved who they are. */
  readonly authTime: Seconds;
  /** Authentication methods of the login (RFC 8176). */
  readonly amr: readonly string[];
  /** Authentication context that the login reached (OIDC Core §2); null if none is known. */
  readonly acr: string | null;
  /** When the session was started. */
  readonly createdAt: Seconds;
  /** When the browser last used the session. The idle limit counts from here. */
  readonly seenAt: Seconds;
  /** Absolute end, independent of use. */
  readonly expiresAt: Seconds;
}

/** The durable fact that a subject lets a client do something. One per subject and client. */
export interface Authorization {
  /** Random identifier, which codes, families and access tokens refer to. */
  readonly id: string;
  /** The subject who allowed it. */
  readonly sub: string;
  /** The client that is allowed to. */
  readonly clientId: string;
  /** Every scope that the subject has allowed this client so far. */
  readonly scopes: readonly string[];
  /** When the subject first allowed something. */
  readonly createdAt: Seconds;
  /** When the subject last allowed something. */
  readonly updatedAt: Seconds;
}

/**
 * What a subject allows a client, and how the subject was signed in at that time. It is copied from
 * the code to the token family.
 */
export interface Entitlement {
  /** The client that is allowed to. */
  readonly clientId: string;
  /** The subject who allowed it. */
  readonly sub: string;
  /**
   * The authorization that it depends on: when that is revoked, the tokens end. Null if no
   * authorization is stored, which a grant type of the host may do.
   */
  readonly authorizationId: string | null;
  /** `sid` of the session in which the subject allowed it; null without a session. */
  readonly sid: string | null;
  /** The allowed scopes. */
  readonly scopes: readonly string[];
  /** When the subject proved who they are; null if not known. */
  readonly authTime: Seconds | null;
  /** Authentication methods of the login (RFC 8176); empty if not known. */
  readonly amr: readonly string[];
  /** Authentication context that the login reached (OIDC Core §2); null if none is known. */
  readonly acr: string | null;
  /**
   * Facts of features that pass from the authorization request to the tokens, by name of the
   * feature: resources, a claims request, authorization details, a key that tokens are bound to.
   * JSON values only.
   */
  readonly details: Details;
}

/** JSON values, by name of the feature that they belong to. */
export type Details = Readonly<Record<string, unknown>>;

/**
 * An issued authorization code. The record stays after the code is consumed, so that a replay is
 * recognised (`Store.clear` defines for how long).
 */
export interface Code extends Entitlement {
  /** Digest of the code. */
  readonly digest: Digest;
  /**
   * The `redirect_uri` parameter of the request. Null if the request had none and the only
   * registered one was used.
   */
  readonly redirectUri: string | null;
  /** The `code_challenge` of the request (method S256); null if the request had none. */
  readonly codeChallenge: string | null;
  /** The `nonce` of the request; null if the request had none. */
  readonly nonce: string | null;
  /** When the code was issued. */
  readonly createdAt: Seconds;
  /** From this time the code cannot be redeemed. */
  readonly expiresAt: Seconds;
  /** How often a wrong `code_verifier` was presented. */
  readonly failedAttempts: number;
  /**
   * When the code was consumed: by its redemption, or by the end of its session, authorization or
   * subject. Null while it is not consumed.
   */
  readonly consumedAt: Seconds | null;
  /** The family that was issued from the code; null if it was not redeemed. */
  readonly familyId: string | null;
}

/**
 * All tokens that descend from one redemption, of an authorization code for example. A family has
 * only one live refresh token (`refreshDigest`), so two live branches cannot be represented.
 */
export interface Family extends Entitlement {
  /** Digest of the family part, which all refresh tokens of the family contain. */
  readonly id: Digest;
  /** When the family was issued. */
  readonly createdAt: Seconds;
  /** Digest of the whole live refresh token; null if none was issued. */
  readonly refreshDigest: Digest | null;
  /**
   * Idle end of the live refresh token, never after `expiresAt`. Null if no refresh token was
   * issued.
   */
  readonly refreshExpiresAt: Seconds | null;
  /**
   * Digest of the refresh token that the live one replaced; null before the first rotation. It is
   * the only old token that may be presented again, and only within the grace period.
   */
  readonly previousDigest: Digest | null;
  /**
   * The response that was given for the previous refresh token, sealed under a key derived from
   * that token, so that a copy of the database does not reveal it. Null before the first rotation.
   */
  readonly sealedSuccessor: string | null;
  /** When the live refresh token replaced the previous one; null before the first rotation. */
  readonly rotatedAt: Seconds | null;
  /** Absolute end of the family. */
  readonly expiresAt: Seconds;
  /** When the family was revoked; null while it is not. */
  readonly revokedAt: Seconds | null;
}

/** An opaque access token. The row holds everything that userinfo and introspection need. */
export interface AccessToken {
  /** Digest of the access token. */
  readonly digest: Digest;
  /** The family it belongs to; null if the token acts for the client itself. */
  readonly familyId: Digest | null;
  /** The authorization it depends on; null if it depends on none. */
  readonly authorizationId: string | null;
  /** The client that the token was issued to. */
  readonly clientId: string;
  /** The subject; null if the token acts for the client itself (client_credentials). */
  readonly sub: string | null;
  /** `sid` of the session in which the subject allowed it; null without a session. */
  readonly sid: string | null;
  /** The scopes of this token, never more than those of its entitlement. */
  readonly scopes: readonly string[];
  /** The details of its entitlement. */
  readonly details: Details;
  /** When the token was issued. */
  readonly issuedAt: Seconds;
  /** From this time the token is refused. */
  readonly expiresAt: Seconds;
}

/** The record of an issued ID token. Every ID token has one. */
export interface IdTokenRecord {
  /** The claim `jti` of the ID token. */
  readonly jti: string;
  /** The subject of the ID token. */
  readonly sub: string;
  /** The client that the ID token was issued to. */
  readonly clientId: string;
  /** The scopes that were issued with the ID token. */
  readonly scopes: readonly string[];
  /** `sid` of the session; null without a session. */
  readonly sid: string | null;
  /** Digest of the access token in the same response; null if there was none. */
  readonly accessTokenDigest: Digest | null;
  /** When the ID token was issued. */
  readonly issuedAt: Seconds;
  /** The end of the ID token, as in its claim `exp`. */
  readonly expiresAt: Seconds;
}

/**
 * A record that is consumed at most once, or that must not be stored twice: a pushed request, a
 * device code, the `jti` of an assertion. Any feature may store such records without a table of
 * its own.
 */
export interface OneTimeRecord {
  /**
   * The name of the feature that owns the record, or of one of its kinds. At most 64 characters.
   */
  readonly kind: string;
  /** Digest of the handle, unique within the kind. */
  readonly digest: Digest;
  /** Digest of a second handle (a user code), also unique within the kind; null without one. */
  readonly secondKey: Digest | null;
  /** Data of the owner, which seals what is secret. The store does not read it. */
  readonly payload: string;
  /** 1 when the record is put. It goes up by one with every swap. */
  readonly version: number;
  /** When the record was consumed; null while it is not. */
  readonly consumedAt: Seconds | null;
  /** From this time the record cannot be consumed and may be cleared. */
  readonly expiresAt: Seconds;
}

/** Names a one-time record, in the version that was judged before it is consumed. */
export type OneTimeKey = Pick<OneTimeRecord, 'kind' | 'digest' | 'version'>;

/**
 * A stored signing key. Its state (next, current, retired or removed) follows from its times.
 */
export interface StoredKey {
  /** The key ID, as in the header `kid` of tokens. */
  readonly kid: string;
  /** The algorithm (RFC 7518) that the key signs with. */
  readonly alg: string;
  /** The private JWK, sealed under the provider's secret. */
  readonly sealedPrivateJwk: string;
  /** The public JWK, as JSON text. */
  readonly publicJwk: string;
  /** When the key was made and published. */
  readonly createdAt: Seconds;
  /** From this time the key signs. */
  readonly activeAt: Seconds;
  /** From this time the key no longer signs; null if no end is known yet. */
  readonly retiredAt: Seconds | null;
  /** From this time the key is no longer published; null if no end is known yet. */
  readonly removedAt: Seconds | null;
}

/** All signing keys of an issuer, which compare and swap replaces as a whole. */
export interface KeySet {
  /** Goes up by one with every replacement; 1 for the first set. */
  readonly version: number;
  /** Every key that is not removed. */
  readonly keys: readonly StoredKey[];
}

/** One row of the audit log. */
export interface AuditEvent {
  /** Random identifier of the event. */
  readonly id: string;
  /** When the event happened. */
  readonly at: Seconds;
  /** Name of the event, such as `tokens.issued`. At most 64 characters. */
  readonly type: string;
  /** The subject that the event concerns; null if none. */
  readonly sub: string | null;
  /** The client that the event concerns; null if none. */
  readonly clientId: string | null;
  /** Address of the peer; null if it is not known or no request caused the event. */
  readonly ip: string | null;
  /** Id of the request that caused the event; null if no request caused it. */
  readonly requestId: string | null;
  /** Our stable slug for the refusal; null if nothing was refused. */
  readonly reason: string | null;
  /** A few more facts. They contain no secrets. */
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

/** The audit row of an act; null when nobody needs to find it again. */
export type ActRow = AuditEvent | null;

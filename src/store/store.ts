/**
 * The port to whatever remembers. Each method names its law; `valetkey/testing` checks every law against every store,
 * with concurrent callers. A law that says "one statement" means: of any number of concurrent callers, in any number of
 * processes, the outcome is as if they came one after the other.
 * Times come in as arguments, so a store has no clock. Expiry is judged by the caller or by the `now` argument, never by `clear`.
 * When the database cannot answer, a method throws `StoreUnavailable`; no other error is expected of it.
 */
import type {
  AccessToken,
  AuditEvent,
  Authorization,
  Client,
  Code,
  Digest,
  Family,
  IdTokenRecord,
  KeySet,
  Seconds,
  Session,
  StoredKey,
} from './records.ts';

/** The database did not answer in time or refused the connection: endpoints answer 503 with Retry-After. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** A database, able to serve any number of issuers. No method of a `Store` can reach another issuer's records. */
export interface Database {
  /** True when nothing outlives the process: only then may the provider make up its own secret. */
  readonly ephemeral: boolean;
  /** The records of one issuer. Cheap, does no I/O. */
  forIssuer(issuer: string): Store;
}

/** All records of one issuer. */
export interface Store {
  readonly clients: ClientStore;
  readonly sessions: SessionStore;
  readonly authorizations: AuthorizationStore;
  readonly codes: CodeStore;
  readonly tokens: TokenStore;
  readonly keys: KeyStore;
  readonly interactions: InteractionStore;
  readonly counters: CounterStore;
  readonly audit: AuditStore;
  /**
   * Deletes what can no longer matter. Bounded: at most `batch` rows per record kind and call. Changes no behaviour, so it keeps: codes until
   * `CODE_KEPT` after they expired, families until `expiresAt` (no token of theirs lives longer), audit lines
   * that are not older than `auditFrom`, everything else until it expired.
   */
  clear(now: Seconds, batch: number, auditFrom: Seconds): Promise<ClearedCounts>;
}

/** Seconds that a code is kept after it expired: a replay is recognised as long as its row stays; afterwards it is merely unknown. */
export const CODE_KEPT = 600;

/** Rows deleted by one `clear`, by record kind. */
export interface ClearedCounts {
  readonly codes: number;
  readonly accessTokens: number;
  readonly families: number;
  readonly idTokens: number;
  readonly sessions: number;
  readonly interactions: number;
  readonly counters: number;
  readonly audit: number;
}

/** Registered clients. */
export interface ClientStore {
  /** The client, disabled or not. */
  find(clientId: string): Promise<Client | null>;
  /** One statement: false when the client_id is taken, and then nothing changes. */
  insert(client: Client): Promise<boolean>;
  /**
   * Compare and swap: replaces the whole record only if the stored one has the version before `client.version`. Of any number of concurrent
   * changes of one version exactly one sees true; false also when there is none.
   */
  replace(client: Client): Promise<boolean>;
  /**
   * Deletes the client and every authorization of it, in one transaction: whatever stood under them is dead from then on, and goes when it
   * expires. False when there was none.
   */
  delete(clientId: string): Promise<boolean>;
  /** In order of client_id, after `after` (exclusive), at most `limit`. */
  list(page: {
    readonly after?: string;
    readonly limit: number;
    readonly owner?: string;
  }): Promise<readonly Client[]>;
}

/** Logins of browsers. */
export interface SessionStore {
  /** The session of a handle, expired or not. */
  find(handle: Digest): Promise<Session | null>;
  /**
   * Inserts `session` and, in the same transaction, deletes the session it takes the place of — unless the subject was revoked
   * (`tokens.revokeSubject`) at or after `began`, when the proof of the login began: then nothing changes and it resolves to false. A login
   * under way cannot slip past a revocation.
   */
  start(session: Session, replaces: Digest | null, began: Seconds): Promise<boolean>;
  /** Moves `seenAt` forward; never backward, never re-creates. */
  touch(handle: Digest, seenAt: Seconds): Promise<void>;
  /**
   * Deletes the session. With `revokeTokens`, in the same transaction: codes of its `sid` are used up, then families of its
   * `sid` without `offline_access` are revoked — in that order, so that a redemption under way cannot slip between.
   * Resolves to the session that was ended, null when there was none (any longer): one caller of many gets it.
   */
  end(handle: Digest, now: Seconds, revokeTokens: boolean): Promise<Session | null>;
  /** All sessions of a subject, expired or not. */
  listBySubject(sub: string): Promise<readonly Session[]>;
}

/** What subjects let clients do. */
export interface AuthorizationStore {
  /** The one authorization of a subject and a client. */
  find(sub: string, clientId: string): Promise<Authorization | null>;
  /**
   * Makes or widens the one authorization of (sub, clientId): scopes become the union, `id` and `createdAt` stay those of
   * the existing row. One statement or transaction: two concurrent calls lose no scope. Resolves to what then stands.
   */
  remember(authorization: Authorization): Promise<Authorization>;
  /** Deletes it and with it everything issued under it: codes used up first, then families revoked. False when there was none. */
  revoke(id: string, now: Seconds): Promise<boolean>;
  /** All authorizations of a subject. */
  listBySubject(sub: string): Promise<readonly Authorization[]>;
}

/** What `codes.find` reads in one trip: the code, and whether the authorization it was issued under still stands (true when it needs none). */
export interface FoundCode {
  readonly code: Code;
  readonly authorized: boolean;
}

/** Authorization codes. */
export interface CodeStore {
  /**
   * Stores a code if the session (its handle) it is made in still stands and no code of this digest exists; else nothing changes. Of a call and a
   * concurrent end of the session either the call sees `session_ended`, or the end uses the code up.
   */
  insert(code: Code, session: Digest): Promise<'stored' | 'exists' | 'session_ended'>;
  find(digest: Digest): Promise<FoundCode | null>;
  /** Counts one wrong verifier, one statement; resolves to the new count (0 when the code is gone). */
  countFailure(digest: Digest): Promise<number>;
}

/** What one token response makes: stored together or not at all. */
export interface Issue {
  /** Null when the access token needs no row. */
  readonly accessToken: AccessToken | null;
  readonly idToken: IdTokenRecord | null;
}

/** A family read together with what its life depends on, in one trip. */
export interface FoundFamily {
  readonly family: Family;
  /** The authorization it stands under (if it does) still exists. */
  readonly authorized: boolean;
}

/** An access token read together with what its life depends on, in one trip. */
export interface FoundAccessToken {
  readonly token: AccessToken;
  /** Its family (if it has one) is not revoked and its authorization (if it has one) still exists. */
  readonly live: boolean;
}

/** The rotation of a family's refresh token. */
export interface Rotation {
  readonly familyId: Digest;
  /** The digest that must still be the live one. */
  readonly presented: Digest;
  readonly refreshDigest: Digest;
  readonly refreshExpiresAt: Seconds;
  readonly sealedSuccessor: string;
}

/** Families, access tokens and records of ID tokens; the single uses. */
export interface TokenStore {
  /**
   * THE single use of a code: one statement marks it redeemed by `family.id` if it is neither used up nor expired at `now`, and only then
   * family, access token and ID token record are stored. Exactly one of any number of concurrent calls sees 'fresh'; the others see 'consumed'
   * and change nothing.
   */
  redeem(code: Digest, family: Family, issue: Issue, now: Seconds): Promise<'fresh' | 'consumed'>;
  /**
   * THE single use of a refresh token: one statement moves the family from `presented` to the new digest
   * (previousDigest = presented, rotatedAt = now) if `presented` is still live and the family not revoked, its authorization
   * still exists and it has not expired at `now`; only then the issue is stored. Exactly one concurrent call sees 'fresh'.
   */
  rotate(rotation: Rotation, issue: Issue, now: Seconds): Promise<'fresh' | 'consumed'>;
  /**
   * Stores an issue under a family without rotating: only if `presented` is live in a family neither revoked nor expired at `now`;
   * moves `refreshExpiresAt`.
   */
  extend(
    familyId: Digest,
    presented: Digest,
    refreshExpiresAt: Seconds,
    issue: Issue,
    now: Seconds,
  ): Promise<'fresh' | 'consumed'>;
  /** Stores tokens that use nothing up, and the family they begin, if they do. */
  insert(issue: Issue, family: Family | null): Promise<void>;
  /** In one trip, with what its life depends on; null when unknown. */
  findFamily(id: Digest): Promise<FoundFamily | null>;
  /** In one trip, with what its life depends on; null when unknown. */
  findAccessToken(digest: Digest): Promise<FoundAccessToken | null>;
  /** Ends a family and all its tokens: a fixed number of statements however large. False when it was ended already or is unknown. */
  revokeFamily(id: Digest, now: Seconds): Promise<boolean>;
  /** Ends one access token that has no family. False when unknown. */
  revokeAccessToken(digest: Digest): Promise<boolean>;
  /**
   * Ends all codes, families, sessions of a subject (account disabled, password changed): codes used up first. Logins that began before `now`
   * start no session any more. Resolves to the families ended.
   */
  revokeSubject(sub: string, now: Seconds): Promise<number>;
  /** The record of an ID token, expired or not. */
  findIdToken(jti: string): Promise<IdTokenRecord | null>;
}

/** The signing keys of the issuer. */
export interface KeyStore {
  /** The key set; null when there is none yet. */
  load(): Promise<KeySet | null>;
  /**
   * Compare and swap: stores `keys` as version `expected + 1` only if the stored version is `expected` (0: nothing stored).
   * Exactly one of any number of concurrent calls with the same `expected` sees true. Ten nodes starting at once make one set.
   */
  swap(expected: number, keys: readonly StoredKey[]): Promise<boolean>;
}

/** Only interactions too large to travel in a URL are stored; anonymous visitors write nothing otherwise. */
export interface InteractionStore {
  /** Keeps a sealed text until `expiresAt`. */
  put(handle: Digest, sealed: string, expiresAt: Seconds): Promise<void>;
  /** The text, unless it has expired at `now`. */
  find(handle: Digest, now: Seconds): Promise<string | null>;
}

/** Counters of failures (sign-in, client authentication), in fixed windows. */
export interface CounterStore {
  /** `key` is a digest. One statement: counts one more in the window and resolves to the new count and the window's end. Of 100 concurrent hits each sees another count. */
  hit(
    key: string,
    windowSeconds: number,
    now: Seconds,
  ): Promise<{ readonly count: number; readonly resetAt: Seconds }>;
  /** Takes one back, never below zero. One statement. */
  giveBack(key: string): Promise<void>;
  /** Forgets the counter (after a success). */
  reset(key: string): Promise<void>;
}

/** The audit log. */
export interface AuditStore {
  /** Appends; never changes. */
  append(events: readonly AuditEvent[]): Promise<void>;
  /** Newest first, at most `limit`, filtered where given. */
  list(query: {
    readonly limit: number;
    readonly type?: string;
    readonly sub?: string;
    readonly clientId?: string;
  }): Promise<readonly AuditEvent[]>;
}

/**
 * The port to whatever remembers. Each method states its law; `valetkey/testing` checks every law
 * against every store, with concurrent callers. "One atomic act" means: of any number of concurrent
 * callers, in any number of processes and on any number of nodes, the outcome is as if they came
 * one after the other. An act begins with the write that decides it, and reads nothing before.
 *
 * Times come in as arguments, so a store has no clock. Expiry is judged by the caller or by the
 * `now` argument, never by `clear`. Acts that operators must be able to find again take their audit
 * row (`audit`): it is stored if, and only if, the act happened, in the same transaction.
 *
 * When the database cannot answer, a method throws `StoreUnavailable`; callers expect no other
 * error.
 */
import type { ClientStore, InitialAccessTokenStore } from './clients.ts';
import type { CounterStore } from './counters.ts';
import type { DeliveryStore } from './deliveries.ts';
import type { Issue, IssueOutcome, ProvenAt } from './issue.ts';
import type {
  AccessToken,
  ActRow,
  AuditEvent,
  Authorization,
  Code,
  Digest,
  Entitlement,
  Family,
  IdTokenRecord,
  KeySet,
  OneTimeKey,
  OneTimeRecord,
  Seconds,
  Session,
  StoredKey,
} from './records.ts';
import type { ResourceStore } from './resources.ts';

/**
 * The database did not answer in time or refused the connection: endpoints answer 503 with
 * Retry-After.
 */
export class StoreUnavailable extends Error {
  /** Always `StoreUnavailable`. */
  override readonly name = 'StoreUnavailable';
}

/**
 * A database, able to serve any number of issuers. No method of a `Store` reaches another issuer's
 * records.
 */
export interface Database {
  /** True when nothing outlives the process: only then may the provider make up its own secret. */
  readonly ephemeral: boolean;
  /** The records of one issuer. Cheap, does no I/O. */
  forIssuer(issuer: string): Store;
}

/** All records of one issuer. */
export interface Store {
  /** Registered clients. */
  readonly clients: ClientStore;
  /** Tokens that let clients register themselves. */
  readonly initialAccessTokens: InitialAccessTokenStore;
  /** Logins of browsers. */
  readonly sessions: SessionStore;
  /** APIs that operators registered. */
  readonly resources: ResourceStore;
  /** What subjects allowed clients. */
  readonly authorizations: AuthorizationStore;
  /** Authorization codes. */
  readonly codes: CodeStore;
  /** Families, access tokens and records of ID tokens. */
  readonly tokens: TokenStore;
  /** Records that are used at most once. */
  readonly oneTime: OneTimeStore;
  /** What applications have to be told. */
  readonly deliveries: DeliveryStore;
  /** The signing keys. */
  readonly keys: KeyStore;
  /** Counters of attempts. */
  readonly counters: CounterStore;
  /** The audit log. */
  readonly audit: AuditStore;
  /**
   * Deletes what can no longer matter, at most `batch` rows per record kind and call. It changes no
   * behaviour, so it keeps: codes until `CODE_KEPT` after they expired, families until `expiresAt`
   * (no token of theirs lives longer), audit rows not older than `auditFrom`, everything else until
   * it expired.
   */
  clear(now: Seconds, batch: number, auditFrom: Seconds): Promise<ClearedCounts>;
}

/**
 * Seconds that a code is kept after it expired. A replay is recognised as long as its row is there.
 */
export const CODE_KEPT = 600;

/** Rows deleted by one `clear`, by record kind. */
export interface ClearedCounts {
  /** Codes that expired more than `CODE_KEPT` ago. */
  readonly codes: number;
  /** Expired access tokens. */
  readonly accessTokens: number;
  /** Expired families. */
  readonly families: number;
  /** Records of expired ID tokens. */
  readonly idTokens: number;
  /** Expired sessions. */
  readonly sessions: number;
  /** Clients of expired sessions. */
  readonly sessionClients: number;
  /** Expired one-time records. */
  readonly oneTimeRecords: number;
  /** Counters whose window ended. */
  readonly counters: number;
  /** Expired initial access tokens. */
  readonly initialAccessTokens: number;
  /** Audit rows older than the limit. */
  readonly audit: number;
}

/** What names a session and everything issued in it. */
export type SessionKey = Pick<Session, 'handle' | 'sub' | 'sid'>;

/** A session read together with what its subject allowed a client, in one trip. */
export interface FoundSession {
  /** The session as stored. */
  readonly session: Session;
  /** What its subject allowed the client; null when that is nothing. */
  readonly authorization: Authorization | null;
}

/**
 * When the proof of a login began. A host that vouches for a login of its own has only a time
 * (`revocations: null`); a revocation in the same second counts as earlier then.
 */
export type LoginProof =
  | ProvenAt
  | {
      /** Not known. */
      readonly revocations: null;
      /** The time of the proof. */
      readonly time: Seconds;
    };

/** Logins of browsers. */
export interface SessionStore {
  /** The session of a handle, expired or not. */
  find(handle: Digest): Promise<Session | null>;
  /** The same, with what its subject allowed this client. */
  findFor(handle: Digest, clientId: string): Promise<FoundSession | null>;
  /**
   * One atomic act: inserts `session` and deletes the session it replaces (which may have the same
   * handle); of one with another `sid` it tells the clients, as `end` does, and with the same `sid`
   * its clients go on with it. Nothing changes, and it resolves to
   * - `subject_revoked` when the subject was revoked (`tokens.revokeSubject`) after the proof
   *   began: a login under way cannot slip past a revocation;
   * - `exists` when there is a session of this handle already: of any number of concurrent starts
   *   under one handle exactly one sees `started`.
   */
  start(
    session: Session,
    replaces: Digest | null,
    proof: LoginProof,
  ): Promise<'started' | 'exists' | 'subject_revoked'>;
  /** Moves `seenAt` forward; never backward, never re-creates. */
  touch(handle: Digest, seenAt: Seconds): Promise<void>;
  /**
   * One atomic act: deletes the session. With `revokeTokens` it consumes the codes of its `sid` and
   * then revokes the families of its `sid` without `offline_access`, in that order, so that a
   * redemption under way cannot slip between. It makes a delivery, `session_ended` and due now, for
   * each client of the session that wants to be told. Of any number of concurrent calls exactly one
   * sees true.
   */
  end(session: SessionKey, now: Seconds, revokeTokens: boolean, audit: ActRow): Promise<boolean>;
  /**
   * One atomic act: notes that a client takes part in a session. It writes the session's row, so
   * that of a client that joins and a concurrent end of the session either the client sees false or
   * the end tells it. Noting it again changes whether it wants to be told.
   * @param wantsDelivery whether the end makes a delivery for the client
   */
  join(session: Session, clientId: string, wantsDelivery: boolean): Promise<boolean>;
  /** The clients that take part in the session of a `sid`, in order of client_id. */
  clients(sid: string): Promise<readonly string[]>;
  /** All sessions of a subject, expired or not. */
  listBySubject(sub: string): Promise<readonly Session[]>;
}

/** What must hold for an authorization to be remembered. */
export interface AuthorizationConditions {
  /** The version of the client for which the subject was asked. The client still has it. */
  readonly clientVersion: number;
  /** The session in which the subject was asked. It still stands. */
  readonly session: Pick<Session, 'handle' | 'sid'>;
  /** Scopes that were allowed so long ago that they are no part of the union. @default none */
  readonly expired?: readonly string[];
}

/** What subjects let clients do. */
export interface AuthorizationStore {
  /** The one authorization of a subject and a client. */
  find(sub: string, clientId: string): Promise<Authorization | null>;
  /**
   * Makes or widens the one authorization of (sub, clientId): scopes become the union, without
   * those that expired, `id` and `createdAt` stay those of the existing row. One atomic act: two
   * concurrent calls lose no scope. Resolves to what then stands. Nothing changes when a condition
   * does not hold. It writes the session's row, so that what ends a subject leaves no authorization
   * of a request under way.
   */
  remember(
    authorization: Authorization,
    conditions: AuthorizationConditions,
  ): Promise<Authorization | 'session_ended' | 'client_changed'>;
  /**
   * One atomic act: deletes the authorization, consumes the codes issued under it, then revokes its
   * families. False when there was none.
   */
  revoke(
    authorization: Pick<Authorization, 'id' | 'sub'>,
    now: Seconds,
    audit: ActRow,
  ): Promise<boolean>;
  /** All authorizations of a subject. */
  listBySubject(sub: string): Promise<readonly Authorization[]>;
}

/** What `codes.find` reads in one trip. */
export interface FoundCode {
  /** The code as stored. */
  readonly code: Code;
  /** The authorization it was issued under still stands; true when it needs none. */
  readonly authorized: boolean;
}

/** What became of an attempt to store a code. */
export type CodeOutcome = 'stored' | 'exists' | 'session_ended' | 'consumed' | 'client_changed';

/** What must hold for a code to be stored. */
export interface CodeConditions {
  /** The version of the client by which the request was judged. The client still has it. */
  readonly clientVersion: number;
  /** The session, with the sid of the code. It still stands. */
  readonly session: Digest;
  /** The record that the same act consumes, and that nobody consumed before; null for none. */
  readonly consumes: OneTimeKey | null;
}

/** Authorization codes. */
export interface CodeStore {
  /**
   * One atomic act: stores a code if its client is registered and not disabled, the conditions hold
   * and no code of this digest exists. Else nothing changes. It writes the session's row, so that
   * of a code and a concurrent end of its session either the code sees `session_ended` or the end
   * consumes the code.
   */
  insert(code: Code, conditions: CodeConditions): Promise<CodeOutcome>;
  /** In one trip, with what its life depends on; null when unknown. */
  find(digest: Digest): Promise<FoundCode | null>;
  /** Counts one wrong verifier in one statement; of concurrent calls each counts. */
  countFailure(digest: Digest): Promise<void>;
}

/** A family read together with what its life depends on, in one trip. */
export interface FoundFamily {
  /** The family as stored. */
  readonly family: Family;
  /** The authorization it stands under (if it does) still exists. */
  readonly authorized: boolean;
  /** The version of its client; null when that is disabled or not registered. */
  readonly clientVersion: number | null;
}

/** An access token read together with what its life depends on, in one trip. */
export interface FoundAccessToken {
  /** The access token as stored. */
  readonly token: AccessToken;
  /**
   * Its client is registered and not disabled, its family (if it has one) is not revoked, and its
   * authorization (if it has one) still exists.
   */
  readonly live: boolean;
  /** How its subject was signed in, as its family says; null without a family. */
  readonly login: Pick<Entitlement, 'authTime' | 'amr' | 'acr'> | null;
}

/** What a revocation of a subject ended. */
export interface RevokedSubject {
  /** How many families. */
  readonly families: number;
  /** The sessions. */
  readonly sessions: readonly Session[];
}

/** Families, access tokens and records of ID tokens. */
export interface TokenStore {
  /**
   * THE single use of codes, refresh tokens and one-time records, in one atomic act: consumes what
   * is to be consumed, and only then stores the rest. Exactly one of any number of concurrent calls
   * for one consumption sees `fresh`; the others see `consumed` and change nothing. Nothing changes
   * either when the client was deleted, disabled or changed: that holds at once on every node.
   */
  issue(issue: Issue, now: Seconds): Promise<IssueOutcome>;
  /** In one trip, with what its life depends on; null when unknown. */
  findFamily(id: Digest): Promise<FoundFamily | null>;
  /** In one trip, with what its life depends on; null when unknown. */
  findAccessToken(digest: Digest): Promise<FoundAccessToken | null>;
  /**
   * Ends a family and all its tokens, in a fixed number of statements however large it is. False
   * when it was ended already or is unknown, or is not of this client, if one is given.
   */
  revokeFamily(id: Digest, now: Seconds, audit: ActRow, clientId?: string): Promise<boolean>;
  /**
   * Ends an access token of this client, and with it the family that it belongs to, if that is the
   * client's as well; a token that another client got for it (RFC 8693) ends alone. False when the
   * token is unknown or of another client, or its family was ended already.
   */
  revokeAccessToken(
    digest: Digest,
    clientId: string,
    now: Seconds,
    audit: ActRow,
  ): Promise<boolean>;
  /**
   * One atomic act: ends all sessions, codes and families of a subject (account disabled, password
   * changed), in this order, and makes a delivery for each client of the sessions, as
   * `sessions.end` does. Logins and grants whose proof began before start nothing any more.
   */
  revokeSubject(sub: string, now: Seconds, audit: ActRow): Promise<RevokedSubject>;
  /**
   * How many revocations of subjects there were so far. Ask before somebody proves who they are: a
   * revocation that comes later has a higher number.
   */
  revocations(): Promise<number>;
  /** The record of an ID token, expired or not. */
  findIdToken(jti: string): Promise<IdTokenRecord | null>;
}

/** Names a one-time record by one of its two keys. */
export type OneTimeLookup =
  | {
      /** The kind of the record. */
      readonly kind: string;
      /** Digest of its handle. */
      readonly digest: Digest;
    }
  | {
      /** The kind of the record. */
      readonly kind: string;
      /** Digest of its second handle. */
      readonly secondKey: Digest;
    };

/** Records that are used at most once. */
export interface OneTimeStore {
  /**
   * Put if absent: false when its digest or its second key is taken in its kind, and then nothing
   * changes. Of any number of concurrent puts of one key exactly one sees true.
   */
  put(record: OneTimeRecord): Promise<boolean>;
  /** The record, consumed or expired or not. */
  find(key: OneTimeLookup): Promise<OneTimeRecord | null>;
  /**
   * Compare and swap: replaces payload and end only if the stored record has the version before
   * `record.version` and is not consumed. Of any number of concurrent swaps of one version exactly
   * one sees true.
   */
  swap(record: OneTimeRecord): Promise<boolean>;
  /**
   * Consumes the record if it still has this version, is not consumed and not expired at `now`. Of
   * any number of concurrent calls exactly one sees true. (`tokens.issue` and `codes.insert` do the
   * same as part of their act.)
   */
  consume(key: OneTimeKey, now: Seconds): Promise<boolean>;
}

/** The signing keys of the issuer. */
export interface KeyStore {
  /** The key set; null when there is none yet. */
  load(): Promise<KeySet | null>;
  /**
   * Compare and swap: stores `keys` as version `expected + 1` only if the stored version is
   * `expected` (0: nothing stored). Exactly one of any number of concurrent calls with the same
   * `expected` sees true. Ten nodes starting at once make one set.
   */
  swap(expected: number, keys: readonly StoredKey[], audit: ActRow): Promise<boolean>;
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

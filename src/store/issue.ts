/**
 * What one token response stores, and what it consumes: the argument of `TokenStore.issue`, the one
 * place where codes, refresh tokens and one-time records are used up.
 */
import type {
  AccessToken,
  Details,
  Digest,
  Family,
  IdTokenRecord,
  OneTimeKey,
  Seconds,
} from './records.ts';

/** A code that issuing consumes: neither consumed nor expired. It remembers the new family. */
export interface CodeConsumption {
  /** Says that it is a code. */
  readonly kind: 'code';
  /** Digest of the code. */
  readonly digest: Digest;
}

/**
 * The live refresh token of a family that is neither revoked nor expired and whose authorization
 * (if it has one) still exists.
 */
export interface RefreshTokenConsumption {
  /** Says that it is a refresh token. */
  readonly kind: 'refresh_token';
  /** The family of the token. */
  readonly familyId: Digest;
  /** Digest of the token that was presented. It must be the live one. */
  readonly presented: Digest;
  /** The new idle end. */
  readonly refreshExpiresAt: Seconds;
  /**
   * The new refresh token. With it the family rotates: `presented` becomes the previous token and
   * `rotatedAt` is now. Null: the same token stays live.
   */
  readonly successor: RefreshTokenSuccessor | null;
}

/** The refresh token that replaces another. */
export interface RefreshTokenSuccessor {
  /** Digest of the new token. */
  readonly digest: Digest;
  /** The whole answer, sealed under a key that only the previous token yields. */
  readonly sealed: string;
  /**
   * New details of the family, when the client proved a key to which its tokens are bound from now
   * on; null: they stay as they are.
   */
  readonly details: Details | null;
}

/**
 * A one-time record that is neither consumed nor expired and still has the version that was read.
 */
export interface OneTimeConsumption {
  /** Says that it is a one-time record. */
  readonly kind: 'one_time_record';
  /** The record, with the version that was read. */
  readonly record: OneTimeKey;
}

/** What issuing tokens consumes, as the store sees it. */
export type StoredConsumption = CodeConsumption | RefreshTokenConsumption | OneTimeConsumption;

/**
 * When a subject proved who they are, or allowed something. The number of revocations orders it
 * exactly, whatever the clocks of nodes say. The time is for revocations without a number, of an
 * earlier version of this software.
 */
export interface ProvenAt {
  /** What `tokens.revocations` said before. */
  readonly revocations: number;
  /** The time before. */
  readonly time: Seconds;
}

/** A condition of issuing: the subject was not revoked later than this. */
export interface SubjectCondition extends ProvenAt {
  /** The subject. */
  readonly sub: string;
}

/** What one token response stores: together, or not at all. */
export interface Issue {
  /**
   * The client that gets the tokens, and that all of these records name. They are issued only if it
   * is registered and not disabled.
   */
  readonly clientId: string;
  /**
   * The version of the client by which the request was judged. Nothing is issued if it has another
   * one by now.
   */
  readonly clientVersion: number;
  /** Null when nothing is consumed. */
  readonly consumption: StoredConsumption | null;
  /**
   * For tokens of a subject that no code or refresh token speaks for: they are issued only if the
   * subject was not revoked since. The act writes the subject's row, as `revokeSubject` does.
   */
  readonly subject: SubjectCondition | null;
  /** The family that begins, if one does. */
  readonly family: Family | null;
  /** Null when the access token needs no row. */
  readonly accessToken: AccessToken | null;
  /** The record of the ID token; null when none is issued. */
  readonly idToken: IdTokenRecord | null;
}

/** What became of an attempt to issue tokens; of several reasons against it, any one. */
export type IssueOutcome = 'fresh' | 'consumed' | 'subject_revoked' | 'client_changed';

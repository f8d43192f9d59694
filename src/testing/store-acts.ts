/**
 * Short calls of `tokens.issue`, one for each kind of consumption, for the laws and tests of
 * stores. The records that they store come from `store-samples.ts`.
 */
import type {
  AccessToken,
  Code,
  CodeOutcome,
  Family,
  IdTokenRecord,
  IssueOutcome,
  OneTimeKey,
  Store,
} from 'valetkey';

/** The records of one token response, without its family. */
export interface TokenIssue {
  /** The client that gets the tokens. */
  readonly clientId: string;
  /** Its version. */
  readonly clientVersion: number;
  /** The record of the access token; null to store none. */
  readonly accessToken: AccessToken | null;
  /** The record of the ID token; null to store none. */
  readonly idToken: IdTokenRecord | null;
}

/** A token response of which no record is stored. */
export const nothingFor = ({ clientId }: Pick<TokenIssue, 'clientId'>): TokenIssue => ({
  clientId,
  clientVersion: 1,
  accessToken: null,
  idToken: null,
});

/** The rotation of a family's refresh token. */
export interface Rotation {
  /** Id of the family. */
  readonly familyId: string;
  /** Digest of the presented refresh token. */
  readonly presented: string;
  /** Digest of the new refresh token. */
  readonly refreshDigest: string;
  /** The new idle end of the family, in seconds since 1970. */
  readonly refreshExpiresAt: number;
  /** The sealed response, for `Family.sealedSuccessor`. */
  readonly sealedSuccessor: string;
  /** New details of the family. @default as they are */
  readonly details?: Family['details'];
}

/** Stores a code of a client that did not change since it was registered. */
export async function insertCode(
  store: Store,
  code: Code,
  session: string,
  consumes: OneTimeKey | null = null,
  clientVersion = 1,
): Promise<CodeOutcome> {
  return await store.codes.insert(code, { clientVersion, session, consumes });
}

/** Consumes a code, given by its digest, and starts a family. */
export async function redeem(
  store: Store,
  code: string,
  family: Family,
  issue: TokenIssue,
  now: number,
): Promise<IssueOutcome> {
  const consumption = { kind: 'code', digest: code } as const;
  return await store.tokens.issue({ ...issue, consumption, subject: null, family }, now);
}

/** Replaces the live refresh token of a family. */
export async function rotate(
  store: Store,
  { refreshDigest: digest, sealedSuccessor: sealed, details, ...rest }: Rotation,
  issue: TokenIssue,
  now: number,
): Promise<IssueOutcome> {
  const successor = { digest, sealed, details: details ?? null };
  const consumption = { kind: 'refresh_token', ...rest, successor } as const;
  return await store.tokens.issue({ ...issue, consumption, subject: null, family: null }, now);
}

/** Issues tokens for the live refresh token of a family, which stays live. */
export async function extend(
  store: Store,
  familyId: string,
  presented: string,
  refreshExpiresAt: number,
  issue: TokenIssue,
  now: number,
): Promise<IssueOutcome> {
  const consumption = {
    kind: 'refresh_token',
    familyId,
    presented,
    refreshExpiresAt,
    successor: null,
  } as const;
  return await store.tokens.issue({ ...issue, consumption, subject: null, family: null }, now);
}

/** Stores tokens that consume nothing, and the family that they start, if any. */
export async function issueFreely(
  store: Store,
  issue: TokenIssue,
  family: Family | null,
): Promise<IssueOutcome> {
  return await store.tokens.issue({ ...issue, consumption: null, subject: null, family }, 0);
}

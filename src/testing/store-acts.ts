/** The ways of `tokens.issue`, each by its name, as laws and tests of stores need them. */
import type { AccessToken, Family, IdTokenRecord, IssueOutcome, Store } from 'valetkey';

/** What one token response stores beside its family. */
export interface TokenIssue {
  readonly accessToken: AccessToken | null;
  readonly idToken: IdTokenRecord | null;
}

/** The rotation of a family's refresh token. */
export interface Rotation {
  readonly familyId: string;
  readonly presented: string;
  readonly refreshDigest: string;
  readonly refreshExpiresAt: number;
  readonly sealedSuccessor: string;
}

/** Consumes a code and begins a family. */
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
  { refreshDigest: digest, sealedSuccessor: sealed, ...rest }: Rotation,
  issue: TokenIssue,
  now: number,
): Promise<IssueOutcome> {
  const consumption = { kind: 'refresh_token', ...rest, successor: { digest, sealed } } as const;
  return await store.tokens.issue({ ...issue, consumption, subject: null, family: null }, now);
}

/** Issues under the live refresh token of a family, which stays live. */
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

/** Stores tokens that consume nothing, and the family they begin, if they do. */
export async function issueFreely(
  store: Store,
  issue: TokenIssue,
  family: Family | null,
): Promise<IssueOutcome> {
  return await store.tokens.issue({ ...issue, consumption: null, subject: null, family }, 0);
}

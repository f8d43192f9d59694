/**
 * Issues tokens; nothing else does. Grants prove what may be issued. This file makes access token,
 * refresh token and ID token and stores their records in one atomic act of the store. Signing and
 * storing run at the same time.
 */
import { sha256 } from '../crypto/bytes.ts';
import { base64url, newFamilyPart, newRefreshToken, nextRefreshToken } from '../crypto/handles.ts';
import { isPublic } from '../protocol/client-metadata-rules.ts';
import { formatScope } from '../protocol/scope.ts';
import type {
  CodeConsumption,
  Issue,
  IssueOutcome,
  OneTimeConsumption,
  StoredConsumption,
  SubjectCondition,
} from '../store/issue.ts';
import type {
  AccessToken,
  Client,
  Details,
  Entitlement,
  Family,
  IdTokenRecord,
} from '../store/records.ts';
import {
  type AccessTokenFacts,
  type MadeAccessToken,
  makeAccessToken,
  writeAccessToken,
} from './access-tokens.ts';
import { lifetimesOf, rotates } from './client-lifetimes.ts';
import {
  type Confirmation,
  confirmationIn,
  requireSame,
  requireSameDetails,
  tokenTypeOf,
  withConfirmation,
} from './confirmations.ts';
import type { Context } from './context.ts';
import { idleEnd, newFamily } from './families.ts';
import { type IdTokenSigner, idTokenSigner } from './id-tokens.ts';
import type { CheckedRedemption, LiveRefreshToken, TokenResponse } from './redemption.ts';
import { type Successor, sealSuccessor } from './refresh-tokens.ts';

/** Tokens were issued. */
export interface IssuedTokens {
  /** Says that tokens were issued. */
  readonly outcome: 'issued';
  /** The answer for the client. */
  readonly response: TokenResponse;
}

/** Nothing was issued. When another request consumed first, the grant judges again. */
export interface NothingIssued {
  /** Why not. */
  readonly outcome: Exclude<IssueOutcome, 'fresh'>;
}

/** The result of issuing. */
export type Issued = IssuedTokens | NothingIssued;

/** Issues what a redemption entitles to. */
export async function issueTokens(
  ctx: Context,
  client: Client,
  redemption: CheckedRedemption,
): Promise<Issued> {
  const { entitlement, consumption, joins } = redemption.proven;
  if (consumption?.kind === 'repeated_refresh_token') {
    // Nothing is stored, so no act of the store compares the versions.
    if (consumption.clientVersion !== client.version) return { outcome: 'client_changed' };
    return await repeatAnswer(ctx, client, redemption, consumption.successor);
  }
  if (consumption?.kind === 'refresh_token')
    return await continueFamily(ctx, client, redemption, consumption);
  if (entitlement === null || joins !== undefined)
    return await issueAlone(ctx, client, redemption, consumption);
  return await startFamily(ctx, client, redemption, entitlement, consumption);
}

/** What is consumed and leaves no family to continue. */
type FirstConsumption = CodeConsumption | OneTimeConsumption | null;

type TokenFacts = Pick<AccessTokenFacts, 'entitlement' | 'family'>;

interface NewTokens {
  readonly access: MadeAccessToken;
  readonly idToken: IdTokenRecord | null;
}

async function makeTokens(
  ctx: Context,
  client: Client,
  redemption: CheckedRedemption,
  { entitlement, family }: TokenFacts,
): Promise<NewTokens> {
  const { proven, scopes, details, confirmation, accessToken: rules } = redemption;
  const { bounds, write } = rules;
  const { clientId } = client;
  const { accessToken: usual, idToken: idTokenLifetime } = lifetimesOf(ctx, client);
  const token: AccessTokenFacts = {
    clientId,
    lifetime: Math.min(usual, bounds.lifetime ?? usual, proven.lifetime ?? usual),
    scopes: bounds.scopes,
    entitlement,
    details,
    confirmation,
    family,
  };
  const access =
    write === null ? makeAccessToken(ctx, token) : await writeAccessToken(ctx, token, write);
  // OIDC Core §3.1.2.1: without openid the request is plain OAuth 2.0 and has no ID token.
  const isWanted = entitlement !== null && scopes.includes('openid');
  if (!isWanted || proven.idToken === false) return { access, idToken: null };
  const now = ctx.now();
  const idToken: IdTokenRecord = {
    jti: base64url(ctx.settings.random(16)),
    sub: entitlement.sub,
    clientId,
    scopes,
    sid: entitlement.sid,
    accessTokenDigest: access.record.digest,
    issuedAt: now,
    expiresAt: now + idTokenLifetime,
  };
  return { access, idToken };
}

/** Tokens of the client itself, and those that join a family: an access token and no more. */
async function issueAlone(
  ctx: Context,
  client: Client,
  redemption: CheckedRedemption,
  consumption: FirstConsumption,
): Promise<Issued> {
  const { entitlement, joins: family = null } = redemption.proven;
  const made = await makeTokens(ctx, client, redemption, { entitlement, family });
  const issue = issueOf(client, made, { consumption, subject: null, family: null });
  const outcome = await ctx.store.tokens.issue(issue, ctx.now());
  if (outcome !== 'fresh') return { outcome };
  return { outcome: 'issued', response: respond(ctx, redemption, made.access, null, null) };
}

async function startFamily(
  ctx: Context,
  client: Client,
  redemption: CheckedRedemption,
  entitlement: Entitlement,
  consumption: FirstConsumption,
): Promise<Issued> {
  const { random } = ctx.settings;
  const { confirmation, proven } = redemption;
  const part = newFamilyPart(random);
  const refreshable = proven.refreshable && client.grantTypes.includes('refresh_token');
  const refreshToken = refreshable ? newRefreshToken(part, random) : null;
  // RFC 9449 §5: the refresh tokens of a public client are bound; another client proves itself.
  const details = withConfirmation(entitlement.details, isPublic(client) ? confirmation : {});
  const family = newFamily(ctx, client, { ...entitlement, details }, part, refreshToken);
  const made = await makeTokens(ctx, client, redemption, { entitlement, family });
  // Revoking a subject consumes its codes, so a code needs no second condition.
  const subject = consumption?.kind === 'code' ? null : conditionOf(redemption, entitlement);
  const issue = issueOf(client, made, { consumption, subject, family });
  return await storeAndSign(ctx, client, redemption, made, issue, refreshToken);
}

function conditionOf({ proof }: CheckedRedemption, { sub }: Entitlement): SubjectCondition {
  if (proof === null) throw new Error('The grant type does not say when its proof began.');
  const { revocations, time } = proof;
  return { sub, revocations, time };
}

async function continueFamily(
  ctx: Context,
  client: Client,
  redemption: CheckedRedemption,
  { refreshToken, family }: LiveRefreshToken,
): Promise<Issued> {
  const { random } = ctx.settings;
  const { confirmation } = redemption;
  const made = await makeTokens(ctx, client, redemption, { entitlement: family, family });
  const isReplaced = rotates(ctx, client, family);
  const next = isReplaced ? nextRefreshToken(refreshToken, random) : refreshToken;
  const successor = isReplaced
    ? {
        digest: sha256(next),
        sealed: sealSuccessor(refreshToken, successorOf(made, next), random),
        details: isPublic(client) ? boundDetails(family, confirmation) : null,
      }
    : null;
  const consumption: StoredConsumption = {
    kind: 'refresh_token',
    familyId: family.id,
    presented: sha256(refreshToken),
    refreshExpiresAt: idleEnd(ctx, client, family.expiresAt),
    successor,
  };
  const issue = issueOf(client, made, { consumption, subject: null, family: null });
  return await storeAndSign(ctx, client, redemption, made, issue, next);
}

/**
 * RFC 9449 §5: a family that is not bound yet is, to the key that its public client proves first.
 * Null when nothing changes.
 */
function boundDetails({ details }: Family, confirmation: Confirmation): Details | null {
  const before = confirmationIn(details);
  const after = { ...before, ...confirmation };
  const isSame = Object.keys(after).length === Object.keys(before).length;
  return isSame ? null : withConfirmation(details, after);
}

function successorOf({ access, idToken }: NewTokens, refreshToken: string): Successor {
  const { scopes, details, issuedAt, expiresAt } = access.record;
  const idTokenJti = idToken?.jti ?? null;
  const facts = { accessToken: access.text, refreshToken, scopes, details, issuedAt, expiresAt };
  return { ...facts, idTokenJti };
}

/**
 * Finds the key first, so that a missing key consumes nothing; then stores and signs at the same
 * time.
 */
async function storeAndSign(
  ctx: Context,
  client: Client,
  redemption: CheckedRedemption,
  { access, idToken: record }: NewTokens,
  issue: Issue,
  refreshToken: string | null,
): Promise<Issued> {
  const signer = record === null ? null : await idTokenSigner(ctx, client);
  const [outcome, idToken] = await Promise.all([
    ctx.store.tokens.issue(issue, ctx.now()),
    sign(signer, redemption, record, access.text),
  ]);
  if (outcome !== 'fresh') return { outcome };
  return { outcome: 'issued', response: respond(ctx, redemption, access, refreshToken, idToken) };
}

async function repeatAnswer(
  ctx: Context,
  client: Client,
  redemption: CheckedRedemption,
  successor: Successor,
): Promise<Issued> {
  // The answer is for the key that the first request proved.
  requireSame(successor.details ?? {}, redemption.confirmation);
  requireSameDetails(successor.details ?? {}, {
    ...redemption.proven.entitlement?.details,
    ...redemption.details,
  });
  const { issuedAt, accessToken, idTokenJti: jti } = successor;
  const expiresAt = issuedAt + lifetimesOf(ctx, client).idToken;
  const record = jti === null ? null : { jti, issuedAt, expiresAt };
  const signer = record === null ? null : await idTokenSigner(ctx, client);
  const idToken = await sign(signer, redemption, record, accessToken);
  const access = { text: accessToken, record: successor };
  const { refreshToken } = successor;
  return { outcome: 'issued', response: respond(ctx, redemption, access, refreshToken, idToken) };
}

async function sign(
  signer: IdTokenSigner | null,
  { proven: { entitlement, nonce }, claims }: CheckedRedemption,
  record: Pick<IdTokenRecord, 'jti' | 'issuedAt' | 'expiresAt'> | null,
  accessToken: string,
): Promise<string | null> {
  if (signer === null || record === null || entitlement === null) return null;
  const { jti, issuedAt, expiresAt } = record;
  return await signer({
    jti,
    issuedAt,
    expiresAt,
    entitlement,
    nonce,
    claims,
    beside: { accessToken },
  });
}

function issueOf(
  { clientId, version: clientVersion }: Client,
  { access, idToken }: NewTokens,
  { consumption, subject, family }: Pick<Issue, 'consumption' | 'subject' | 'family'>,
): Issue {
  const accessToken = access.record;
  // Written out: spreading costs more than the store in memory does.
  return { clientId, clientVersion, consumption, subject, family, accessToken, idToken };
}

function respond(
  ctx: Context,
  { accessToken: { told }, proven: { told: more } }: CheckedRedemption,
  access: {
    readonly text: string;
    readonly record: Pick<AccessToken, 'scopes' | 'expiresAt'> & { readonly details?: Details };
  },
  refreshToken: string | null,
  idToken: string | null,
): TokenResponse {
  const { scopes, details = {}, expiresAt } = access.record;
  return {
    access_token: access.text,
    token_type: tokenTypeOf(confirmationIn(details)),
    expires_in: Math.max(1, expiresAt - ctx.now()),
    // RFC 6749 §3.3: a scope has at least one value.
    ...(scopes.length === 0 ? {} : { scope: formatScope(scopes) }),
    ...(refreshToken === null ? {} : { refresh_token: refreshToken }),
    ...(idToken === null ? {} : { id_token: idToken }),
    ...told,
    ...more,
  };
}

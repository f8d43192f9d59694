/**
 * THE mint. Grants prove what may be issued; here it is issued: access token, refresh token, ID token and their records, in one
 * conditional transaction of the store. Signing and storing run side by side.
 */
import { sha256 } from '../crypto/bytes.ts';
import { base64url, newFamilyPart, newHandle, newRefreshToken, nextRefreshToken } from '../crypto/secrets.ts';
import { OAuthError } from '../protocol/errors.ts';
import { formatScope } from '../protocol/scope.ts';
import type { AccessToken, Client, Digest, Family, GrantFacts, IdTokenRecord } from '../store/records.ts';
import type { Context } from './context.ts';
import { type IdTokenSigner, idTokenSigner } from './id-tokens.ts';
import { type Successor, sealSuccessor } from './refresh-tokens.ts';

/** What a grant proved: who the tokens are for, and what is used up by issuing them. */
export interface Redemption {
  /** The subject and the circumstances; null for tokens that act for the client itself. */
  readonly grant: GrantFacts | null;
  /** Scopes of this access token; never more than the grant's. */
  readonly scopes: readonly string[];
  /** Goes into the ID token. */
  readonly nonce: string | null;
  readonly uses: Uses;
}

/** What issuing uses up. */
export type Uses =
  /** Nothing; with a subject, the tokens begin a family. */
  | { readonly kind: 'nothing' }
  /** An authorization code; the tokens begin a family. */
  | { readonly kind: 'code'; readonly code: Digest }
  /** The live refresh token of a family. */
  | { readonly kind: 'refresh_token'; readonly refreshToken: string; readonly family: Family }
  /** A refresh token repeated within the grace: nothing is used up, the same answer goes out again. */
  | { readonly kind: 'successor'; readonly successor: Successor };

/** A successful token response (RFC 6749 §5.1, OIDC Core §3.1.3.3). */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: 'Bearer' | 'DPoP';
  /** Seconds. */
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
}

/** What issuing ended in. A code or refresh token that somebody else used first is for the grant to judge. */
export type Issued = { readonly outcome: 'issued'; readonly response: TokenResponse } | { readonly outcome: 'spent' };

/** Issues what a redemption entitles to. */
export async function issueTokens(ctx: Context, client: Client, redemption: Redemption): Promise<Issued> {
  const { grant, uses } = redemption;
  if (uses.kind === 'successor') return await repeatAnswer(ctx, client, uses.successor, grant);
  if (uses.kind === 'refresh_token') return await continueFamily(ctx, client, redemption, uses);
  if (grant === null) return await issueForClient(ctx, client, redemption.scopes);
  return await startFamily(ctx, client, redemption, grant, uses.kind === 'code' ? uses.code : null);
}

interface Minted {
  readonly accessToken: string;
  readonly record: AccessToken;
  readonly idToken: IdTokenRecord | null;
}

/** @param end no token outlives this, where given: the end of its family */
function mint(
  ctx: Context,
  clientId: string,
  scopes: readonly string[],
  grant: GrantFacts | null,
  family: { readonly id: Digest; readonly end: number } | null,
): Minted {
  const { random, lifetimes } = ctx.settings;
  const accessToken = newHandle('accessToken', random);
  const now = ctx.now();
  const record: AccessToken = {
    digest: sha256(accessToken),
    familyId: family?.id ?? null,
    authorizationId: grant?.authorizationId ?? null,
    clientId,
    sub: grant?.sub ?? null,
    sid: grant?.sid ?? null,
    scopes,
    issuedAt: now,
    expiresAt: Math.min(now + lifetimes.accessToken, family?.end ?? Number.POSITIVE_INFINITY),
  };
  // OIDC Core §3.1.2.1: without openid the request is plain OAuth 2.0 and has no ID token.
  if (grant === null || !scopes.includes('openid')) return { accessToken, record, idToken: null };
  const idToken: IdTokenRecord = {
    jti: base64url(random(16)),
    sub: grant.sub,
    clientId,
    scopes,
    sid: grant.sid,
    accessTokenDigest: record.digest,
    issuedAt: now,
    expiresAt: now + lifetimes.idToken,
  };
  return { accessToken, record, idToken };
}

async function issueForClient(ctx: Context, client: Client, scopes: readonly string[]): Promise<Issued> {
  const { accessToken, record } = mint(ctx, client.clientId, scopes, null, null);
  await ctx.store.tokens.insert({ accessToken: record, idToken: null }, null);
  return { outcome: 'issued', response: respond(ctx, accessToken, record, null, null) };
}

async function startFamily(ctx: Context, client: Client, redemption: Redemption, grant: GrantFacts, code: Digest | null): Promise<Issued> {
  const { lifetimes, random } = ctx.settings;
  const now = ctx.now();
  const part = newFamilyPart(random);
  const refreshToken = client.grantTypes.includes('refresh_token') ? newRefreshToken(part, random) : null;
  // Without a refresh token the family ends with its access token, and its row may go.
  const expiresAt = now + (refreshToken === null ? lifetimes.accessToken : lifetimes.refreshTokenAbsolute);
  const family: Family = {
    ...grantFacts(grant),
    id: sha256(part),
    createdAt: now,
    refreshDigest: refreshToken === null ? null : sha256(refreshToken),
    refreshExpiresAt: refreshToken === null ? null : idleEnd(ctx, expiresAt),
    previousDigest: null,
    sealedSuccessor: null,
    rotatedAt: null,
    expiresAt,
    revokedAt: null,
  };
  const minted = mint(ctx, client.clientId, redemption.scopes, grant, { id: family.id, end: expiresAt });
  const issue = { accessToken: minted.record, idToken: minted.idToken };
  const signer = await signerFor(ctx, client, minted);
  const storing =
    code === null ? ctx.store.tokens.insert(issue, family).then(() => 'fresh' as const) : ctx.store.tokens.redeem(code, family, issue, now);
  const [outcome, idToken] = await Promise.all([storing, sign(signer, grant, minted, redemption.nonce)]);
  if (outcome === 'spent') return { outcome };
  return { outcome: 'issued', response: respond(ctx, minted.accessToken, minted.record, refreshToken, idToken) };
}

async function continueFamily(
  ctx: Context,
  client: Client,
  redemption: Redemption,
  uses: Extract<Uses, { kind: 'refresh_token' }>,
): Promise<Issued> {
  const { family } = uses;
  const { random, refreshRotation } = ctx.settings;
  const now = ctx.now();
  const minted = mint(ctx, client.clientId, redemption.scopes, family, { id: family.id, end: family.expiresAt });
  const issue = { accessToken: minted.record, idToken: minted.idToken };
  const signer = await signerFor(ctx, client, minted);
  const presented = sha256(uses.refreshToken);
  const refreshExpiresAt = idleEnd(ctx, family.expiresAt);
  let refreshToken = uses.refreshToken;
  let storing: Promise<'fresh' | 'spent'>;
  if (refreshRotation) {
    refreshToken = nextRefreshToken(uses.refreshToken, random);
    const successor: Successor = {
      accessToken: minted.accessToken,
      refreshToken,
      scopes: redemption.scopes,
      issuedAt: now,
      expiresAt: minted.record.expiresAt,
      idTokenJti: minted.idToken?.jti ?? null,
    };
    const sealedSuccessor = sealSuccessor(uses.refreshToken, successor, random);
    const rotation = { familyId: family.id, presented, refreshDigest: sha256(refreshToken), refreshExpiresAt, sealedSuccessor };
    storing = ctx.store.tokens.rotate(rotation, issue, now);
  } else {
    storing = ctx.store.tokens.extend(family.id, presented, refreshExpiresAt, issue, now);
  }
  // OIDC Core §12.2: a refreshed ID token has no nonce of its own and the auth_time of the original sign-in.
  const [outcome, idToken] = await Promise.all([storing, sign(signer, family, minted, null)]);
  if (outcome === 'spent') return { outcome };
  return { outcome: 'issued', response: respond(ctx, minted.accessToken, minted.record, refreshToken, idToken) };
}

async function repeatAnswer(ctx: Context, client: Client, successor: Successor, grant: GrantFacts | null): Promise<Issued> {
  const { issuedAt, accessToken, idTokenJti: jti } = successor;
  const expiresAt = issuedAt + ctx.settings.lifetimes.idToken;
  const signer = jti === null ? null : await idTokenSigner(ctx, client);
  const idToken =
    jti === null || signer === null || grant === null ? null : await signer({ jti, grant, issuedAt, expiresAt, nonce: null, accessToken });
  return { outcome: 'issued', response: respond(ctx, accessToken, successor, successor.refreshToken, idToken) };
}

async function signerFor(ctx: Context, client: Client, minted: Minted): Promise<IdTokenSigner | null> {
  return minted.idToken === null ? null : await idTokenSigner(ctx, client);
}

async function sign(signer: IdTokenSigner | null, grant: GrantFacts, minted: Minted, nonce: string | null): Promise<string | null> {
  const record = minted.idToken;
  if (record === null || signer === null) return null;
  const { jti, issuedAt, expiresAt } = record;
  return await signer({ jti, grant, issuedAt, expiresAt, nonce, accessToken: minted.accessToken });
}

function respond(
  ctx: Context,
  accessToken: string,
  facts: { readonly scopes: readonly string[]; readonly expiresAt: number },
  refreshToken: string | null,
  idToken: string | null,
): TokenResponse {
  return {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: Math.max(1, facts.expiresAt - ctx.now()),
    scope: formatScope(facts.scopes),
    ...(refreshToken === null ? {} : { refresh_token: refreshToken }),
    ...(idToken === null ? {} : { id_token: idToken }),
  };
}

function idleEnd(ctx: Context, absolute: number): number {
  return Math.min(ctx.now() + ctx.settings.lifetimes.refreshTokenIdle, absolute);
}

function grantFacts(facts: GrantFacts): GrantFacts {
  const { clientId, sub, authorizationId, sid, scopes, authTime, amr, acr } = facts;
  return { clientId, sub, authorizationId, sid, scopes, authTime, amr, acr };
}

/** Refuses a subject that does not exist (any longer) or is disabled. */
export async function requireAccount(ctx: Context, sub: string): Promise<void> {
  const account = await ctx.settings.accounts.find(sub);
  if (account === null || !account.enabled) {
    throw new OAuthError('invalid_grant', 'account_disabled', 'The account is not available.');
  }
}

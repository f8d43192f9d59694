/**
 * THE mint. Grants prove what may be issued; here it is issued: access token, refresh token, ID token and their records, in one
 * conditional transaction of the store. Signing and storing run side by side.
 */
import { sha256 } from '../crypto/bytes.ts';
import { base64url, newFamilyPart, newHandle, newRefreshToken, nextRefreshToken } from '../crypto/secrets.ts';
import { OAuthError } from '../protocol/errors.ts';
import { formatScope } from '../protocol/scope.ts';
import type { AccessToken, Client, Digest, Family, GrantFacts, IdTokenRecord } from '../store/records.ts';
import type { Issue } from '../store/store.ts';
import type { Context } from './context.ts';
import { type IdTokenSigner, idTokenSigner } from './id-tokens.ts';
import { type Successor, sealSuccessor } from './refresh-tokens.ts';

/** What a grant proved: who the tokens are for and what is used up by issuing them. */
export type Redemption =
  /** Tokens for the client itself. */
  | { readonly uses: 'nothing'; readonly scopes: readonly string[] }
  /** A code starts a family. */
  | { readonly uses: 'code'; readonly code: Digest; readonly grant: GrantFacts; readonly nonce: string | null }
  /** The live refresh token of a family. `scopes` of this access token may be narrower than the grant's. */
  | { readonly uses: 'refresh_token'; readonly refreshToken: string; readonly family: Family; readonly scopes: readonly string[] }
  /** A refresh token repeated within the grace: nothing is used up, the same answer goes out again. */
  | { readonly uses: 'successor'; readonly successor: Successor; readonly family: Family };

/** A successful token response (RFC 6749 §5.1, OIDC Core §3.1.3.3). */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: 'Bearer';
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
  switch (redemption.uses) {
    case 'nothing':
      return await issueForClient(ctx, client, redemption.scopes);
    case 'code':
      return await startFamily(ctx, client, redemption);
    case 'refresh_token':
      return await continueFamily(ctx, client, redemption);
    case 'successor':
      return await repeatAnswer(ctx, client, redemption.successor, redemption.family);
  }
}

interface Minted {
  readonly accessToken: string;
  readonly jti: string | null;
  readonly issue: Issue;
}

function mint(ctx: Context, clientId: string, scopes: readonly string[], grant: GrantFacts | null, familyId: Digest | null): Minted {
  const { random, lifetimes } = ctx.settings;
  const accessToken = newHandle('accessToken', random);
  const now = ctx.now();
  const token: AccessToken = {
    digest: sha256(accessToken),
    familyId,
    authorizationId: grant?.authorizationId ?? null,
    clientId,
    sub: grant?.sub ?? null,
    sid: grant?.sid ?? null,
    scopes,
    issuedAt: now,
    expiresAt: now + lifetimes.accessToken,
  };
  // OIDC Core §3.1.2.1: without openid the request is plain OAuth 2.0 and has no ID token.
  if (grant === null || !scopes.includes('openid')) return { accessToken, jti: null, issue: { accessToken: token, idToken: null } };
  const idToken: IdTokenRecord = {
    jti: base64url(random(16)),
    sub: grant.sub,
    clientId,
    scopes,
    sid: grant.sid,
    accessTokenDigest: token.digest,
    issuedAt: now,
    expiresAt: now + lifetimes.idToken,
  };
  return { accessToken, jti: idToken.jti, issue: { accessToken: token, idToken } };
}

async function issueForClient(ctx: Context, client: Client, scopes: readonly string[]): Promise<Issued> {
  const { accessToken, issue } = mint(ctx, client.clientId, scopes, null, null);
  await ctx.store.tokens.insert(issue);
  return { outcome: 'issued', response: respond(ctx, accessToken, issue.accessToken, null, null) };
}

async function startFamily(ctx: Context, client: Client, redemption: Extract<Redemption, { uses: 'code' }>): Promise<Issued> {
  const { grant } = redemption;
  const { lifetimes, random } = ctx.settings;
  const now = ctx.now();
  const part = newFamilyPart(random);
  const refreshToken = client.grantTypes.includes('refresh_token') ? newRefreshToken(part, random) : null;
  const expiresAt = now + lifetimes.refreshTokenAbsolute;
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
  const minted = mint(ctx, client.clientId, grant.scopes, grant, family.id);
  const signer = await signerFor(ctx, client, minted);
  const [outcome, idToken] = await Promise.all([
    ctx.store.tokens.redeem(redemption.code, family, minted.issue, now),
    sign(signer, grant, minted, redemption.nonce),
  ]);
  if (outcome === 'spent') return { outcome };
  return { outcome: 'issued', response: respond(ctx, minted.accessToken, minted.issue.accessToken, refreshToken, idToken) };
}

async function continueFamily(ctx: Context, client: Client, redemption: Extract<Redemption, { uses: 'refresh_token' }>): Promise<Issued> {
  const { family, scopes } = redemption;
  const { random, refreshRotation } = ctx.settings;
  const now = ctx.now();
  const minted = mint(ctx, client.clientId, scopes, family, family.id);
  const signer = await signerFor(ctx, client, minted);
  const presented = sha256(redemption.refreshToken);
  const refreshExpiresAt = idleEnd(ctx, family.expiresAt);
  let refreshToken = redemption.refreshToken;
  let storing: Promise<'fresh' | 'spent'>;
  if (refreshRotation) {
    refreshToken = nextRefreshToken(redemption.refreshToken, random);
    const successor: Successor = {
      accessToken: minted.accessToken,
      refreshToken,
      scopes,
      issuedAt: now,
      expiresAt: minted.issue.accessToken.expiresAt,
      idTokenJti: minted.jti,
    };
    const sealedSuccessor = sealSuccessor(redemption.refreshToken, successor, random);
    storing = ctx.store.tokens.rotate(
      { familyId: family.id, presented, refreshDigest: sha256(refreshToken), refreshExpiresAt, sealedSuccessor },
      minted.issue,
      now,
    );
  } else {
    storing = ctx.store.tokens.extend(family.id, presented, refreshExpiresAt, minted.issue, now);
  }
  // OIDC Core §12.2: a refreshed ID token has no nonce of its own and the auth_time of the original sign-in.
  const [outcome, idToken] = await Promise.all([storing, sign(signer, family, minted, null)]);
  if (outcome === 'spent') return { outcome };
  return { outcome: 'issued', response: respond(ctx, minted.accessToken, minted.issue.accessToken, refreshToken, idToken) };
}

async function repeatAnswer(ctx: Context, client: Client, successor: Successor, family: Family): Promise<Issued> {
  const { issuedAt, accessToken, idTokenJti: jti } = successor;
  const expiresAt = issuedAt + ctx.settings.lifetimes.idToken;
  const signer = jti === null ? null : await idTokenSigner(ctx, client);
  const idToken =
    jti === null || signer === null ? null : await signer({ jti, grant: family, issuedAt, expiresAt, nonce: null, accessToken });
  return { outcome: 'issued', response: respond(ctx, accessToken, successor, successor.refreshToken, idToken) };
}

async function signerFor(ctx: Context, client: Client, minted: Minted): Promise<IdTokenSigner | null> {
  return minted.issue.idToken === null ? null : await idTokenSigner(ctx, client);
}

async function sign(signer: IdTokenSigner | null, grant: GrantFacts, minted: Minted, nonce: string | null): Promise<string | null> {
  const record = minted.issue.idToken;
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

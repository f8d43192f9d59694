/**
 * THE mint. Grants prove what may be issued; here it is issued: access token, refresh token, ID token and their records, in one
 * conditional transaction of the store. Signing and storing run side by side.
 */
import { sha256 } from '../crypto/bytes.ts';
import type { JwtClaims } from '../crypto/jwt.ts';
import { base64url, newFamilyPart, newRefreshToken, nextRefreshToken } from '../crypto/secrets.ts';
import { formatScope } from '../protocol/scope.ts';
import type { Client, Digest, Entitlement, Family, IdTokenRecord } from '../store/records.ts';
import { type AccessTokenFacts, type MadeAccessToken, makeAccessToken } from './access-tokens.ts';
import type { Context } from './context.ts';
import { type IdTokenSigner, idTokenSigner } from './id-tokens.ts';
import { type Successor, sealSuccessor } from './refresh-tokens.ts';

/** What a grant proved: who the tokens are for, and what is used up by issuing them. */
export interface Redemption {
  /** The subject and the circumstances; null for tokens that act for the client itself. */
  readonly entitlement: Entitlement | null;
  /** Scopes of this access token; never more than those of the entitlement. */
  readonly scopes: readonly string[];
  /** Goes into the ID token. */
  readonly nonce: string | null;
  /** A family that begins may have a refresh token; it gets one if the client is registered for that grant type as well. */
  readonly refreshable: boolean;
  /** What issuing uses up. */
  readonly uses: Consumption;
}

/** A redemption that the token endpoint held to its bounds. */
export interface CheckedRedemption extends Redemption {
  /** What the host adds to an ID token. */
  readonly claims: JwtClaims;
}

/** What issuing uses up. */
export type Consumption =
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
  readonly token_type: 'Bearer';
  /** Seconds. */
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
}

/** What issuing ended in. A code or refresh token that somebody else used first is for the grant to judge. */
export type Issued =
  | { readonly outcome: 'issued'; readonly response: TokenResponse }
  | { readonly outcome: 'consumed' };

/** Issues what a redemption entitles to. */
export async function issueTokens(
  ctx: Context,
  client: Client,
  redemption: CheckedRedemption,
): Promise<Issued> {
  const { entitlement, uses } = redemption;
  if (uses.kind === 'successor') return await repeatAnswer(ctx, client, redemption, uses.successor);
  if (uses.kind === 'refresh_token') return await continueFamily(ctx, client, redemption, uses);
  if (entitlement === null) return await issueForClient(ctx, client, redemption.scopes);
  return await startFamily(
    ctx,
    client,
    redemption,
    entitlement,
    uses.kind === 'code' ? uses.code : null,
  );
}

interface Minted {
  readonly access: MadeAccessToken;
  readonly idToken: IdTokenRecord | null;
}

function mint(ctx: Context, facts: AccessTokenFacts): Minted {
  const { clientId, scopes, entitlement } = facts;
  const access = makeAccessToken(ctx, facts);
  // OIDC Core §3.1.2.1: without openid the request is plain OAuth 2.0 and has no ID token.
  if (entitlement === null || !scopes.includes('openid')) return { access, idToken: null };
  const now = ctx.now();
  const idToken: IdTokenRecord = {
    jti: base64url(ctx.settings.random(16)),
    sub: entitlement.sub,
    clientId,
    scopes,
    sid: entitlement.sid,
    accessTokenDigest: access.record.digest,
    issuedAt: now,
    expiresAt: now + ctx.settings.lifetimes.idToken,
  };
  return { access, idToken };
}

async function issueForClient(
  ctx: Context,
  client: Client,
  scopes: readonly string[],
): Promise<Issued> {
  const { access } = mint(ctx, {
    clientId: client.clientId,
    scopes,
    entitlement: null,
    family: null,
  });
  await ctx.store.tokens.insert({ accessToken: access.record, idToken: null }, null);
  return { outcome: 'issued', response: respond(ctx, access.text, access.record, null, null) };
}

async function startFamily(
  ctx: Context,
  client: Client,
  redemption: CheckedRedemption,
  entitlement: Entitlement,
  code: Digest | null,
): Promise<Issued> {
  const { lifetimes, random } = ctx.settings;
  const now = ctx.now();
  const part = newFamilyPart(random);
  const refreshToken =
    redemption.refreshable && client.grantTypes.includes('refresh_token')
      ? newRefreshToken(part, random)
      : null;
  // Without a refresh token the family ends with its access token, and its row may go.
  const expiresAt =
    now + (refreshToken === null ? lifetimes.accessToken : lifetimes.refreshTokenAbsolute);
  const family: Family = {
    ...entitlementOf(entitlement),
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
  const { clientId } = client;
  const minted = mint(ctx, {
    clientId,
    scopes: redemption.scopes,
    entitlement,
    family: { id: family.id, end: expiresAt },
  });
  const issue = { accessToken: minted.access.record, idToken: minted.idToken };
  const signer = await signerFor(ctx, client, minted);
  const storing =
    code === null
      ? ctx.store.tokens.insert(issue, family).then(() => 'fresh' as const)
      : ctx.store.tokens.redeem(code, family, issue, now);
  const [outcome, idToken] = await Promise.all([
    storing,
    sign(signer, redemption, minted.idToken, minted.access.text),
  ]);
  if (outcome === 'consumed') return { outcome };
  return {
    outcome: 'issued',
    response: respond(ctx, minted.access.text, minted.access.record, refreshToken, idToken),
  };
}

async function continueFamily(
  ctx: Context,
  client: Client,
  redemption: CheckedRedemption,
  uses: Extract<Consumption, { kind: 'refresh_token' }>,
): Promise<Issued> {
  const { family } = uses;
  const { random, refreshRotation } = ctx.settings;
  // RFC 9700 §2.2.2: refresh tokens of public clients are rotated; the setting is about those that prove themselves.
  const rotates = refreshRotation || client.clientType === 'public';
  const now = ctx.now();
  const { clientId } = client;
  const minted = mint(ctx, {
    clientId,
    scopes: redemption.scopes,
    entitlement: family,
    family: { id: family.id, end: family.expiresAt },
  });
  const issue = { accessToken: minted.access.record, idToken: minted.idToken };
  const signer = await signerFor(ctx, client, minted);
  const presented = sha256(uses.refreshToken);
  const refreshExpiresAt = idleEnd(ctx, family.expiresAt);
  let refreshToken = uses.refreshToken;
  let storing: Promise<'fresh' | 'consumed'>;
  if (rotates) {
    refreshToken = nextRefreshToken(uses.refreshToken, random);
    const successor: Successor = {
      accessToken: minted.access.text,
      refreshToken,
      scopes: redemption.scopes,
      issuedAt: now,
      expiresAt: minted.access.record.expiresAt,
      idTokenJti: minted.idToken?.jti ?? null,
    };
    const sealedSuccessor = sealSuccessor(uses.refreshToken, successor, random);
    const rotation = {
      familyId: family.id,
      presented,
      refreshDigest: sha256(refreshToken),
      refreshExpiresAt,
      sealedSuccessor,
    };
    storing = ctx.store.tokens.rotate(rotation, issue, now);
  } else {
    storing = ctx.store.tokens.extend(family.id, presented, refreshExpiresAt, issue, now);
  }
  const [outcome, idToken] = await Promise.all([
    storing,
    sign(signer, redemption, minted.idToken, minted.access.text),
  ]);
  if (outcome === 'consumed') return { outcome };
  return {
    outcome: 'issued',
    response: respond(ctx, minted.access.text, minted.access.record, refreshToken, idToken),
  };
}

async function repeatAnswer(
  ctx: Context,
  client: Client,
  redemption: CheckedRedemption,
  successor: Successor,
): Promise<Issued> {
  const { issuedAt, accessToken, idTokenJti: jti } = successor;
  const record =
    jti === null ? null : { jti, issuedAt, expiresAt: issuedAt + ctx.settings.lifetimes.idToken };
  const signer = record === null ? null : await idTokenSigner(ctx, client);
  const idToken = await sign(signer, redemption, record, accessToken);
  return {
    outcome: 'issued',
    response: respond(ctx, accessToken, successor, successor.refreshToken, idToken),
  };
}

async function signerFor(
  ctx: Context,
  client: Client,
  minted: Minted,
): Promise<IdTokenSigner | null> {
  return minted.idToken === null ? null : await idTokenSigner(ctx, client);
}

async function sign(
  signer: IdTokenSigner | null,
  { entitlement, nonce, claims }: CheckedRedemption,
  record: Pick<IdTokenRecord, 'jti' | 'issuedAt' | 'expiresAt'> | null,
  accessToken: string,
): Promise<string | null> {
  if (signer === null || record === null || entitlement === null) return null;
  const { jti, issuedAt, expiresAt } = record;
  return await signer({ jti, issuedAt, expiresAt, entitlement, nonce, claims, accessToken });
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

function entitlementOf(facts: Entitlement): Entitlement {
  const { clientId, sub, authorizationId, sid, scopes, authTime, amr, acr } = facts;
  return { clientId, sub, authorizationId, sid, scopes, authTime, amr, acr };
}

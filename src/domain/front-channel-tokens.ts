/**
 * Tokens that an authorization response carries itself (OIDC Core §3.2, §3.3). Each is issued for a
 * code that is made and consumed here and that nobody learns, so that everything that ends a code
 * (the end of the session, a withdrawn authorization, a changed client) keeps them from being
 * issued as well. They follow from the text of that code, so the second of two clicks gets the
 * answer of the first.
 */
import { formatHandle, newFamilyPart } from '../crypto/handles.ts';
import type { JwtClaims } from '../crypto/jwt.ts';
import { formatScope } from '../protocol/scope.ts';
import type { Issue, IssueOutcome } from '../store/issue.ts';
import type { Client, Code } from '../store/records.ts';
import { type AccessTokenBounds, makeAccessToken } from './access-tokens.ts';
import { lifetimesOf } from './client-lifetimes.ts';
import type { Context } from './context.ts';
import { newFamily } from './families.ts';
import { type Beside, idTokenSigner } from './id-tokens.ts';

/** What tokens are made from. */
export interface FrontChannelFacts {
  /** The client, as it was when the request was judged. */
  readonly client: Client;
  /** Text of the code. */
  readonly text: string;
  /** Its record. */
  readonly code: Code;
}

/** Tokens that were made, and what is stored of them. */
export interface FrontChannelTokens {
  /** Parameters of the response. */
  readonly parameters: Readonly<Record<string, string>>;
  /** What is stored. */
  readonly records: Pick<Issue, 'family' | 'accessToken' | 'idToken'>;
}

/** An access token (RFC 6749 §4.2.2). No refresh token goes with it. */
export function frontChannelAccessToken(
  ctx: Context,
  { client, text, code }: FrontChannelFacts,
  { scopes, lifetime }: AccessTokenBounds,
): FrontChannelTokens {
  const { createdAt: issuedAt } = code;
  const usual = lifetimesOf(ctx, client).accessToken;
  const family = newFamily(ctx, client, code, newFamilyPart(ctx.settings.random), null);
  const made = makeAccessToken(ctx, {
    clientId: client.clientId,
    lifetime: Math.min(usual, lifetime ?? usual),
    scopes,
    entitlement: code,
    details: {},
    confirmation: {},
    family,
    text: formatHandle('accessToken', ctx.vault.mac('front-channel access token', text)),
    issuedAt,
  });
  const expiresIn = Math.max(1, made.record.expiresAt - ctx.now());
  return {
    parameters: {
      access_token: made.text,
      token_type: 'Bearer',
      expires_in: String(expiresIn),
      // RFC 6749 §3.3: a scope has at least one value.
      ...(scopes.length === 0 ? {} : { scope: formatScope(scopes) }),
    },
    records: { family, accessToken: made.record, idToken: null },
  };
}

/** An ID token (OIDC Core §3.2.2.10, §3.3.2.11). */
export async function frontChannelIdToken(
  ctx: Context,
  { client, text, code }: FrontChannelFacts,
  claims: JwtClaims,
  beside: Beside & { readonly accessTokenDigest: string | null },
): Promise<FrontChannelTokens> {
  const { sub, sid, scopes, nonce, createdAt: issuedAt } = code;
  const record = {
    jti: ctx.vault.mac('front-channel ID token', text).slice(0, 22),
    sub,
    clientId: client.clientId,
    scopes,
    sid,
    accessTokenDigest: beside.accessTokenDigest,
    issuedAt,
    expiresAt: issuedAt + lifetimesOf(ctx, client).idToken,
  };
  const sign = await idTokenSigner(ctx, client);
  const { jti, expiresAt } = record;
  const idToken = await sign({
    jti,
    entitlement: code,
    issuedAt,
    expiresAt,
    nonce,
    claims,
    beside,
  });
  return {
    parameters: { id_token: idToken },
    records: { family: null, accessToken: null, idToken: record },
  };
}

/** Stores what was made, and consumes its code: `consumed` when another request was faster. */
export async function issueInFrontChannel(
  ctx: Context,
  { client, code }: FrontChannelFacts,
  { records }: FrontChannelTokens,
): Promise<IssueOutcome> {
  const { clientId, version: clientVersion } = client;
  const consumption = { kind: 'code', digest: code.digest } as const;
  const issue = { ...records, clientId, clientVersion, consumption, subject: null };
  const outcome = await ctx.store.tokens.issue(issue, ctx.now());
  if (outcome === 'fresh') ctx.clients.used(client, null);
  return outcome;
}

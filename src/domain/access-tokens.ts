/**
 * Access tokens: making one, judging one that is presented, ending one. `issuance.ts` stores a new
 * one together with everything issued beside it.
 */
import { sha256 } from '../crypto/bytes.ts';
import { newHandle, parseHandle } from '../crypto/handles.ts';
import type {
  AccessToken,
  AuditEvent,
  Client,
  Details,
  Entitlement,
  Seconds,
} from '../store/records.ts';
import { type Confirmation, withConfirmation } from './confirmations.ts';
import type { Context } from './context.ts';
import { issuedToThis } from './former-clients.ts';

/** A new token: the text for the client, and the record we keep. */
export interface MadeAccessToken {
  readonly text: string;
  readonly record: AccessToken;
}

/** What a new access token is for. */
export interface AccessTokenFacts {
  readonly clientId: string;
  /** Seconds that it lives, at most. */
  readonly lifetime: Seconds;
  readonly scopes: readonly string[];
  /** Null when the client acts for itself. */
  readonly entitlement: Entitlement | null;
  /** What takes the place of details of the entitlement. */
  readonly details: Details;
  /** What it is bound to; empty: nothing. */
  readonly confirmation: Confirmation;
  /** Its family and the end of that family, which no token outlives. */
  readonly family: { readonly id: string; readonly expiresAt: number } | null;
  /** Its text. @default a random one */
  readonly text?: string;
  /** When it is issued. @default now */
  readonly issuedAt?: Seconds;
}

export function makeAccessToken(ctx: Context, facts: AccessTokenFacts): MadeAccessToken {
  const { clientId, lifetime, scopes, entitlement, details, confirmation, family } = facts;
  const text = facts.text ?? newHandle('accessToken', ctx.settings.random);
  const now = facts.issuedAt ?? ctx.now();
  const record: AccessToken = {
    digest: sha256(text),
    familyId: family?.id ?? null,
    authorizationId: entitlement?.authorizationId ?? null,
    clientId,
    sub: entitlement?.sub ?? null,
    sid: entitlement?.sid ?? null,
    scopes,
    details: withConfirmation({ ...entitlement?.details, ...details }, confirmation),
    issuedAt: now,
    expiresAt: Math.min(now + lifetime, family?.expiresAt ?? Number.POSITIVE_INFINITY),
  };
  return { text, record };
}

/**
 * The token's record and client if it is live at this moment; null for anything else. One trip to
 * the store.
 */
export async function findLiveAccessToken(
  ctx: Context,
  text: string,
): Promise<{ readonly token: AccessToken; readonly client: Client } | null> {
  if (parseHandle('accessToken', text) === null) return null;
  const found = await ctx.store.tokens.findAccessToken(sha256(text));
  if (found === null || !found.live || found.token.expiresAt <= ctx.now()) return null;
  const client = await ctx.clients.findEnabled(found.token.clientId);
  return client === null || !issuedToThis(client, found.token.issuedAt)
    ? null
    : { token: found.token, client };
}

/**
 * Ends a token of this client, with the family it belongs to. False when there is nothing to end.
 */
export async function endAccessToken(
  ctx: Context,
  client: Client,
  text: string,
  audit: AuditEvent,
): Promise<boolean> {
  if (parseHandle('accessToken', text) === null) return false;
  // RFC 7009 §2.1: the token was issued to the client that asks.
  const { clientId } = client;
  return await ctx.store.tokens.revokeAccessToken(sha256(text), clientId, ctx.now(), audit);
}

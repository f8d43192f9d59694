/** Authorization codes: making one, and what became of it. How one is proven is the grant's business, its single use the store's. */
import { sha256 } from '../crypto/bytes.ts';
import { formatHandle, newHandle } from '../crypto/secrets.ts';
import type { AuthorizationRequest } from '../protocol/authorization-request.ts';
import type { Authorization, Session } from '../store/records.ts';
import type { Context } from './context.ts';

/**
 * The text of the code that answers an interaction: always the same one, so that a double click or a reload makes one code, not two.
 * Without an interaction: a new one.
 */
export function codeText(ctx: Context, interactionId: string | null): string {
  return interactionId === null ? newHandle('code', ctx.settings.random) : formatHandle('code', ctx.vault.mac('code', interactionId));
}

/** What became of a code: never made (or forgotten), waiting to be used, or used up. */
export async function stateOfCode(ctx: Context, text: string): Promise<'none' | 'waiting' | 'over'> {
  const found = await ctx.store.codes.find(sha256(text));
  if (found === null) return 'none';
  return found.code.redeemedAt === null && found.code.expiresAt > ctx.now() ? 'waiting' : 'over';
}

/** Stores a code bound to everything it was asked with. False when it is there already. */
export async function storeCode(
  ctx: Context,
  text: string,
  request: AuthorizationRequest,
  session: Session,
  authorization: Authorization,
): Promise<boolean> {
  const now = ctx.now();
  return await ctx.store.codes.insert({
    digest: sha256(text),
    clientId: request.clientId,
    sub: session.sub,
    authorizationId: authorization.id,
    sid: session.sid,
    scopes: request.scopes,
    authTime: session.authTime,
    amr: session.amr,
    acr: session.acr,
    redirectUri: request.sentRedirectUri,
    codeChallenge: request.codeChallenge,
    nonce: request.nonce,
    createdAt: now,
    expiresAt: now + ctx.settings.lifetimes.code,
    failedAttempts: 0,
    redeemedAt: null,
    familyId: null,
  });
}

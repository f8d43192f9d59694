/** Authorization codes: making one, and what became of it. How one is proven is the grant's business, its single use the store's. */
import { sha256 } from '../crypto/bytes.ts';
import { formatHandle, newHandle } from '../crypto/secrets.ts';
import type { AuthorizationRequest } from '../protocol/authorization-request.ts';
import type { Authorization, Code, Session } from '../store/records.ts';
import type { CodeOutcome } from '../store/store.ts';
import type { Context } from './context.ts';
import type { Interaction } from './interactions.ts';

/**
 * The text of the code that answers an interaction: the same one for the same person in the same browser and session, so that a double click
 * or a reload makes one code, not two; and nobody else who holds the interaction gets theirs. Without an interaction: a new one.
 */
export function codeText(ctx: Context, interaction: Interaction | null, session: Session): string {
  if (interaction === null) return newHandle('code', ctx.settings.random);
  if (interaction.browser === null)
    throw new Error('An interaction that is bound to no browser is answered with no code.');
  return formatHandle(
    'code',
    ctx.vault.mac(
      'code',
      [interaction.id, interaction.browser, session.sid, session.sub].join('\n'),
    ),
  );
}

/** What became of a code: never made (or forgotten), waiting to be used, or used up. */
export async function stateOfCode(
  ctx: Context,
  text: string,
): Promise<'none' | 'waiting' | 'over'> {
  const found = await ctx.store.codes.find(sha256(text));
  if (found === null) return 'none';
  return found.code.redeemedAt === null && found.code.expiresAt > ctx.now() ? 'waiting' : 'over';
}

/** Stores a code bound to everything it was asked with, unless it is there already or the session has ended. */
export async function storeCode(
  ctx: Context,
  text: string,
  request: AuthorizationRequest,
  session: Session,
  authorization: Authorization,
): Promise<CodeOutcome> {
  const now = ctx.now();
  const code: Code = {
    digest: sha256(text),
    clientId: request.clientId,
    sub: session.sub,
    authorizationId: authorization.id,
    sid: session.sid,
    scopes: request.scopes,
    authTime: session.authTime,
    amr: session.amr,
    acr: session.acr,
    details: {},
    redirectUri: request.sentRedirectUri,
    codeChallenge: request.codeChallenge,
    nonce: request.nonce,
    createdAt: now,
    expiresAt: now + ctx.settings.lifetimes.code,
    failedAttempts: 0,
    redeemedAt: null,
    familyId: null,
  };
  return await ctx.store.codes.insert(code, session.handle, null);
}

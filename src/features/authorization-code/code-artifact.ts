/** The code in an authorization response (RFC 6749 §4.1.2). One interaction leads to one code. */
import { codeText, newCode, stateOfCode, storeCode } from '../../domain/codes.ts';
import { type Artifact, interactionFinished } from '../../engine/contracts/response-type.ts';
import { nonce } from '../../engine/parameters.ts';
import type { RequestContext } from '../../web/request.ts';
import { codeChallenge } from './pkce.ts';

export const codeArtifact: Artifact = {
  name: 'code',
  consumesRequest: true,

  async earlier(ctx, authorized) {
    const { interaction, session } = authorized;
    if (interaction === null) return null;
    const code = codeText(ctx, interaction, session);
    return (await isWaiting(ctx, code, authorized)) ? { code } : null;
  },

  async make(
    ctx,
    { client, interaction, session, request, sentRedirectUri, authorization, details, consumes },
  ) {
    const code = codeText(ctx, interaction, session);
    const facts = {
      client,
      request,
      session,
      authorization,
      sentRedirectUri,
      codeChallenge: codeChallenge(request),
      nonce: nonce(request),
      details,
      consumes,
    };
    const stored = await storeCode(ctx, newCode(ctx, code, facts), facts);
    if (stored === 'session_ended' || stored === 'consumed' || stored === 'client_changed')
      return { outcome: stored };
    // The other one of two clicks was faster.
    const repeated = stored === 'exists' && (await isWaiting(ctx, code, { request, details }));
    return { outcome: repeated ? 'repeated' : 'made', parameters: { code } };
  },
};

/**
 * True when this code was made before and nobody used it yet.
 * @throws OAuthError for a page when it is used or expired, or made for something else
 */
async function isWaiting(
  ctx: RequestContext,
  code: string,
  allowed: Parameters<typeof stateOfCode>[2],
): Promise<boolean> {
  const state = await stateOfCode(ctx, code, allowed);
  if (state !== 'over') return state === 'waiting';
  throw interactionFinished();
}

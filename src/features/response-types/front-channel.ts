/**
 * What the artifacts that are issued with the authorization response have in common: each has a
 * code of its own, by which the answer to an interaction is made once.
 */

import { sha256 } from '../../crypto/bytes.ts';
import { codeText, isFor, newCode, storeCode } from '../../domain/codes.ts';
import { tokensIssued } from '../../domain/event-definitions.ts';
import {
  type FrontChannelFacts,
  type FrontChannelTokens,
  issueInFrontChannel,
} from '../../domain/front-channel-tokens.ts';
import {
  type Artifact,
  type ArtifactOutcome,
  type AuthorizedRequest,
  interactionFinished,
  type ResponseParameters,
} from '../../engine/contracts/response-type.ts';
import { nonce } from '../../engine/parameters.ts';
import type { Authorization } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

/** What makes an artifact of this kind. */
export interface FrontChannelDefinition extends Pick<Artifact, 'name' | 'check' | 'ready'> {
  /**
   * Makes the tokens; null where the response gets none.
   * @param made the parameters of the artifacts before it
   */
  tokens(
    ctx: RequestContext,
    authorized: AuthorizedRequest,
    facts: FrontChannelFacts,
    made: ResponseParameters,
  ): Promise<FrontChannelTokens | null>;
}

/** An artifact that is issued with the response. */
export function frontChannelArtifact(definition: FrontChannelDefinition): Artifact {
  const { name, check, ready, tokens } = definition;
  const textOf = (ctx: RequestContext, { interaction, session }: AuthorizedRequest): string =>
    codeText(ctx, interaction, session, `front-channel ${name}`);
  return {
    name,
    ...(check === undefined ? {} : { check }),
    ...(ready === undefined ? {} : { ready }),

    async earlier(ctx, authorized, made) {
      if (authorized.interaction === null) return null;
      const text = textOf(ctx, authorized);
      const found = await ctx.store.codes.find(sha256(text));
      if (found === null) return null;
      // What was allowed then is not allowed any more.
      if (!found.authorized) throw interactionFinished();
      const { code } = found;
      const isOver = code.expiresAt <= ctx.now();
      if (isOver || !isFor(code, authorized)) throw interactionFinished();
      // The other one of two clicks stored it just now, and may not have come further.
      if (code.consumedAt === null) return null;
      const { client } = authorized;
      return (await tokens(ctx, authorized, { client, text, code }, made))?.parameters ?? {};
    },

    make: async (ctx, authorized, made) =>
      await make(ctx, definition, textOf(ctx, authorized), authorized, made),
  };
}

async function make(
  ctx: RequestContext,
  { tokens }: FrontChannelDefinition,
  text: string,
  authorized: AuthorizedRequest & { readonly authorization: Authorization },
  made: ResponseParameters,
): Promise<ArtifactOutcome> {
  const { client, request, session } = authorized;
  const facts = {
    ...authorized,
    codeChallenge: null,
    nonce: nonce(request),
    // Nobody sends this code, so no redirect URI comes back with it.
    sentRedirectUri: null,
  };
  const code = newCode(ctx, text, facts);
  const stored = await storeCode(ctx, code, { client, session, consumes: null });
  if (stored === 'session_ended' || stored === 'consumed' || stored === 'client_changed')
    return { outcome: stored };
  const issued = { client, text, code };
  const answer = await tokens(ctx, authorized, issued, made);
  const parameters = answer?.parameters ?? {};
  if (answer === null) return { outcome: stored === 'exists' ? 'repeated' : 'made', parameters };
  const outcome = await issueInFrontChannel(ctx, issued, answer);
  if (outcome === 'client_changed') return { outcome };
  // The session, or the authorization, ended after the code was stored: judge that again.
  if (outcome !== 'fresh' && stored === 'stored') return { outcome: 'session_ended' };
  const { sub } = session;
  const detail = { grant_type: 'implicit', scope: parameters['scope'] ?? null };
  if (outcome === 'fresh')
    ctx.events.record(tokensIssued, { sub, clientId: client.clientId, detail });
  return { outcome: outcome === 'fresh' ? 'made' : 'repeated', parameters };
}

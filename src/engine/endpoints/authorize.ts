/**
 * The authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2): takes requests and continues
 * interactions. The checks are `authorization-request.ts`, what comes next is the driver's.
 */
import { type Interaction, newInteraction, whenShown } from '../../domain/interactions.ts';
import { OAuthError } from '../../protocol/errors.ts';
import type { Params } from '../../protocol/params.ts';
import { knownBrowser } from '../../web/cookies.ts';
import { authorizeFlow, openRequest } from '../authorize-flow.ts';
import { redirectUnbound, resume } from '../continuation.ts';
import type { EngineContext } from '../contracts/context.ts';
import type { Endpoint } from '../contracts/endpoint.ts';
import { advance, refusing } from '../driver.ts';
import { knownNames, requestParameters } from '../request-parameters.ts';

export const authorize: Endpoint = {
  name: 'authorize',
  path: 'authorize/',
  methods: ['GET', 'POST'],
  errors: 'page',
  metadataName: 'authorization_endpoint',

  async handle(ctx) {
    if (ctx.request.method === 'POST') return await takePost(ctx);
    const query = ctx.request.query();
    return query.has('interaction')
      ? await goOn(ctx, await resume(ctx, query.get('interaction'), authorizeFlow.name))
      : await takeGet(ctx, query);
  },
};

async function takeGet(ctx: EngineContext, sent: Params): Promise<Response> {
  const parameters = await requestParameters(ctx, sent, null);
  const opened = await openRequest(ctx, parameters, sent);
  const interaction = newInteraction(
    ctx,
    authorizeFlow.name,
    parameters.carried,
    knownBrowser(ctx),
  );
  return await advance(ctx, opened, interaction, false);
}

async function goOn(ctx: EngineContext, resumed: Interaction): Promise<Response> {
  const { current } = whenShown(ctx, resumed);
  return await advance(ctx, await authorizeFlow.open(ctx, current), current, true);
}

/**
 * A POST may come from another site and then without our cookies. It is checked, and goes on as a
 * GET that has them; the request travels sealed, not in the address (OIDC Core §3.1.2.1 requires
 * POST).
 */
async function takePost(ctx: EngineContext): Promise<Response> {
  const form = await ctx.request.form();
  const query = ctx.request.query();
  // RFC 6749 §3.1: parameters come in the query or in the body, never split over both.
  if (knownNames(ctx.engine).some((name) => query.has(name))) {
    throw new OAuthError(
      'invalid_request',
      'query_and_body',
      'The request mixes query and body parameters.',
    );
  }
  const parameters = await requestParameters(ctx, form, null);
  const opened = await openRequest(ctx, parameters, form);
  return await refusing(ctx, opened, async () => {
    await opened.request();
    const interaction = newInteraction(ctx, authorizeFlow.name, parameters.carried, null);
    return await redirectUnbound(ctx, authorizeFlow.endpoint, interaction);
  });
}

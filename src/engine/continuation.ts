/**
 * An interaction between two requests: opening the one that a URL or form names, holding it to its
 * browser, and sending the browser on with it. A posted form carries a decision and nothing of the
 * request.
 */
import {
  type Interaction,
  openInteraction,
  restarted,
  sealInteraction,
} from '../domain/interactions.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { Client } from '../store/records.ts';
import { StoreUnavailable } from '../store/store.ts';
import { bindBrowser, knownBrowser } from '../web/cookies.ts';
import type { RequestContext } from '../web/request.ts';
import { redirect } from '../web/respond.ts';
import type { Flow, Flows } from './contracts/flow.ts';

/**
 * Opens the interaction a URL or form names and holds it to this browser.
 * @param flow the flow it must be of; absent: any
 * @throws OAuthError for a page: missing, unknown, of another flow, or begun in another browser
 */
export async function resume(
  ctx: RequestContext,
  text: string | undefined,
  flow?: string,
): Promise<Interaction> {
  if (text === undefined) {
    throw new OAuthError(
      'invalid_request',
      'interaction_missing',
      'This page belongs to a sign-in. Start again from the application you want to use.',
    );
  }
  const interaction = await openInteraction(ctx, text);
  if (interaction === null || (flow !== undefined && interaction.flow !== flow))
    throw unknownInteraction();
  // RFC 9700 §4.7: only the browser that began an interaction continues it.
  if (interaction.browser !== null && interaction.browser !== knownBrowser(ctx)) {
    throw new OAuthError(
      'invalid_request',
      'interaction_other_browser',
      'This sign-in was begun in another browser, or cookies are blocked. Start again from the application you want to use.',
    );
  }
  return interaction;
}

/** The flow of an interaction. @throws OAuthError for a page */
export function flowOf(flows: Flows, { flow }: Interaction): Flow {
  const found = flows.get(flow);
  if (found === undefined) throw unknownInteraction();
  return found;
}

/** The refusal of an interaction that leads nowhere. */
export function unknownInteraction(): OAuthError {
  return new OAuthError(
    'invalid_request',
    'interaction_unknown',
    'This sign-in is not known. Start again from the application you want to use.',
  );
}

/**
 * Sends the browser on with an interaction that is bound to it. An unbound link may have been
 * shared, so it starts over with a new identity, bound to this browser.
 * @param to name of an endpoint, or the URL of a page of the host
 */
export async function redirectWithInteraction(
  ctx: RequestContext,
  to: string | URL,
  interaction: Interaction,
  cookies: readonly string[] = [],
): Promise<Response> {
  if (interaction.browser !== null)
    return redirect(await addressWith(ctx, to, interaction), cookies);
  const { digest, setCookie } = bindBrowser(ctx);
  const { sentToHost } = interaction;
  const bound = { ...restarted(ctx, interaction), browser: digest, sentToHost };
  const all = setCookie === null ? cookies : [...cookies, setCookie];
  return redirect(await addressWith(ctx, to, bound), all);
}

/**
 * Begins anew what was judged by a client that another node has changed. Nobody was asked for the
 * client as it is now, so answers are not kept.
 * @param endpoint where the flow goes on
 * @throws StoreUnavailable when the client has not changed, which would go round for ever
 */
export async function judgeAnew(
  ctx: RequestContext,
  { clientId, version }: Client,
  endpoint: string,
  interaction: Interaction,
): Promise<Response> {
  ctx.clients.forget(clientId);
  if ((await ctx.clients.findEnabled(clientId))?.version === version)
    throw new StoreUnavailable('The record of the client contradicts itself.');
  return await redirectWithInteraction(ctx, endpoint, { ...interaction, answers: {} });
}

/**
 * Sends the browser on without binding: a cross-site POST arrives without the cookies that say
 * which browser it is.
 */
export async function redirectUnbound(
  ctx: RequestContext,
  to: string,
  interaction: Interaction,
): Promise<Response> {
  return redirect(await addressWith(ctx, to, interaction));
}

async function addressWith(
  ctx: RequestContext,
  to: string | URL,
  interaction: Interaction,
): Promise<string> {
  const url = to instanceof URL ? new URL(to) : new URL(ctx.url(to));
  url.searchParams.set('interaction', await sealInteraction(ctx, interaction));
  return url.href;
}

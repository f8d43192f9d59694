/**
 * One authorization on its way, for the two endpoints that move it: who is here, what comes next, where an interaction goes on.
 * Both work from the sealed interaction; a posted form carries a decision and nothing of the request.
 */

import { type Account, findEnabledAccount } from '../domain/accounts.ts';
import { findAuthorization } from '../domain/authorizations.ts';
import type { Context } from '../domain/context.ts';
import {
  type Interaction,
  newInteraction,
  openInteraction,
  sealInteraction,
} from '../domain/interactions.ts';
import { findSession } from '../domain/sessions.ts';
import { nextStep, type Step } from '../domain/steps.ts';
import { type EndpointName, endpointUrl } from '../domain/urls.ts';
import type { AuthorizationRequest } from '../protocol/authorization-request.ts';
import { OAuthError } from '../protocol/errors.ts';
import { paramsOf } from '../protocol/params.ts';
import type { Authorization, Session } from '../store/records.ts';
import { bindBrowser, knownBrowser, sessionHandle } from '../web/browser.ts';
import type { Call } from '../web/call.ts';
import { redirect } from '../web/respond.ts';
import {
  type ProvenDestination,
  proveDestination,
  readAuthorizationRequest,
} from './authorize-request.ts';
import { refuse } from './authorize-response.ts';

/** Everything that decides what happens next. */
export interface Flow {
  readonly interaction: Interaction;
  readonly proven: ProvenDestination;
  readonly request: AuthorizationRequest;
  readonly session: Session | null;
  readonly account: Account | null;
  readonly authorization: Authorization | null;
  readonly step: Step;
}

/** Second half of the checks, the facts, and the decision. @throws OAuthError to be sent to the proven destination */
export async function evaluate(
  ctx: Context,
  call: Call,
  interaction: Interaction,
  proven: ProvenDestination,
): Promise<Flow> {
  const { client } = proven;
  const request = await readAuthorizationRequest(ctx, paramsOf(interaction.params), proven);
  const { session, account } = await currentSession(ctx, call);
  const authorization = session === null ? null : await findAuthorization(ctx, session.sub, client);
  const step = nextStep({ request, client, session, authorization, interaction, now: ctx.now() });
  return { interaction, proven, request, session, account, authorization, step };
}

/** The browser's session, if its account still exists and is enabled. */
export async function currentSession(
  ctx: Context,
  call: Call,
): Promise<{ readonly session: Session | null; readonly account: Account | null }> {
  const session = await findSession(ctx, sessionHandle(ctx, call));
  const account =
    session === null ? null : await findEnabledAccount(ctx.settings.accounts, session.sub);
  return account === null ? { session: null, account } : { session, account };
}

/** The human name of an account, for pages. */
export function accountName(account: Account | null): string {
  for (const name of ['name', 'preferred_username', 'email']) {
    const value = account?.claims[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return account?.sub ?? '';
}

/**
 * Opens the interaction a URL or form names and holds it to this browser.
 * @throws OAuthError for a page: unknown, of another purpose, or begun in another browser
 */
export async function resume(
  ctx: Context,
  call: Call,
  text: string | undefined,
  purpose: Interaction['purpose'],
): Promise<Interaction> {
  if (text === undefined) {
    throw new OAuthError(
      'invalid_request',
      'interaction_missing',
      'This page belongs to a sign-in. Start again from the application you want to use.',
    );
  }
  const interaction = await openInteraction(ctx, text);
  if (interaction === null || interaction.purpose !== purpose) {
    throw new OAuthError(
      'invalid_request',
      'interaction_unknown',
      'This sign-in is not known. Start again from the application you want to use.',
    );
  }
  // RFC 9700 §4.7: what one browser began, no other browser ends.
  if (interaction.browser !== null && interaction.browser !== knownBrowser(ctx, call)) {
    throw new OAuthError(
      'invalid_request',
      'interaction_other_browser',
      'This sign-in was begun in another browser, or cookies are blocked. Start again from the application you want to use.',
    );
  }
  return interaction;
}

/** Proves the destination of an interaction again: the client may have changed while the page was open. */
export async function destinationOf(
  ctx: Context,
  interaction: Interaction,
): Promise<ProvenDestination> {
  return await proveDestination(ctx, paramsOf(interaction.params));
}

/** Sends refusals to the client; what must stay with us, and what is not a refusal, is thrown on. */
export async function answering(
  ctx: Context,
  call: Call,
  proven: ProvenDestination,
  work: () => Promise<Response>,
): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OAuthError) || !error.redirectable) throw error;
    ctx.events.notify('request.refused', {
      clientId: proven.client.clientId,
      ip: call.ip,
      reason: error.reason,
    });
    return refuse(ctx, proven.destination, error);
  }
}

/**
 * Sends the browser on with an interaction, bound to it from here on. One that was bound to none begins anew under an identity of its own:
 * the unbound one may have been handed to several browsers.
 */
export async function redirectWithInteraction(
  ctx: Context,
  call: Call,
  to: EndpointName | URL,
  interaction: Interaction,
  cookies: readonly string[] = [],
): Promise<Response> {
  const browser =
    interaction.browser === null
      ? bindBrowser(ctx, call)
      : { digest: interaction.browser, setCookie: null };
  const bound =
    interaction.browser === null
      ? newInteraction(ctx, interaction.purpose, interaction.params, browser.digest)
      : interaction;
  const sealed = await sealInteraction(ctx, bound, call.ip);
  const url = to instanceof URL ? to : new URL(endpointUrl(ctx.settings, to));
  url.searchParams.set('interaction', sealed);
  return redirect(url.href, browser.setCookie === null ? cookies : [...cookies, browser.setCookie]);
}

/** Sends the browser on without binding: a cross-site POST arrives without the cookies that say which browser it is. */
export async function redirectUnbound(
  ctx: Context,
  call: Call,
  interaction: Interaction,
): Promise<Response> {
  const url = new URL(endpointUrl(ctx.settings, interaction.purpose));
  url.searchParams.set('interaction', await sealInteraction(ctx, interaction, call.ip));
  return redirect(url.href);
}

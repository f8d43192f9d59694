/**
 * The one driver of all flows: it collects the facts, asks which step is due, and turns the
 * outcomes of steps into responses. Pages never lead to one another; every answer comes back here.
 */

import { findEnabledAccount } from '../domain/accounts.ts';
import { isVouchedFor } from '../domain/client-rules.ts';
import {
  authorizationDenied,
  loginSucceeded,
  requestRefused,
} from '../domain/event-definitions.ts';
import { type Interaction, loginMark, withDecision } from '../domain/interactions.ts';
import { endSession, type Login, startSession } from '../domain/sessions.ts';
import type { AuthorizationRequest } from '../protocol/authorization-request.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { Authorization, Session } from '../store/records.ts';
import { sessionCookie } from '../web/cookies.ts';
import { errorPage } from '../web/page.ts';
import { redirectWithInteraction } from './continuation.ts';
import type { EngineContext } from './contracts/context.ts';
import type { OpenedFlow } from './contracts/flow.ts';
import type { Notice, PostedAnswer, Situation, Step, StepOutcome } from './contracts/step.ts';
import { currentSession, currentSessionFor, isHosted } from './current-session.ts';
import { nextStep } from './next-step.ts';
import { prompts } from './parameters.ts';
import { logRefusal } from './refusals.ts';
import { drawnFor, drawStep, hostPageOf } from './step-page.ts';
import { refusedScopes } from './steps/consent.ts';

/** How often the facts may change while an answer is made. */
const MOST_ATTEMPTS = 3;

/** The facts as they are now. @throws OAuthError to be given to `opened.refuse` */
export async function situationOf(
  ctx: EngineContext,
  opened: OpenedFlow,
  interaction: Interaction,
): Promise<Situation> {
  const request = await opened.request();
  // As they were found when the request was read.
  const { client, redirectUri, flow } = opened;
  const { current, authorization } = await currentSessionFor(ctx, client);
  const { session, account } = current;
  const facts = {
    flow: flow.name,
    client,
    redirectUri,
    subject: session === null ? null : ctx.subjectOf(client, session.sub),
    session,
    hosted: isHosted(ctx),
    account,
    ...stillAllowed(ctx, authorization),
    interaction,
    now: ctx.now(),
  };
  return { ...facts, request: withoutScopes(request, refusedScopes(request, facts)) };
}

/** The request without scopes that the user left out. */
function withoutScopes(
  request: AuthorizationRequest,
  refused: readonly string[],
): AuthorizationRequest {
  if (refused.length === 0) return request;
  const kept = (scope: string): boolean => !refused.includes(scope);
  return {
    ...request,
    scopes: request.scopes.filter(kept),
    consentScopes: request.consentScopes.filter(kept),
    refusedScopes: refused,
  };
}

/** Of what was allowed too long ago nothing counts, until the subject allows it again. */
function stillAllowed(
  { settings, now }: EngineContext,
  authorization: Authorization | null,
): Pick<Situation, 'authorization' | 'expiredScopes'> {
  const { consent } = settings.lifetimes;
  if (authorization === null || consent === null) return { authorization };
  if (authorization.updatedAt + consent > now()) return { authorization };
  return { authorization: { ...authorization, scopes: [] }, expiredScopes: authorization.scopes };
}

/**
 * Goes on: to the page that is due, or to the end.
 * @param continued false for a request that arrived just now: its interaction exists in memory
 * alone
 */
export async function advance(
  ctx: EngineContext,
  opened: OpenedFlow,
  interaction: Interaction,
  continued: boolean,
): Promise<Response> {
  return await refusing(ctx, opened, async () => {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const response = await attemptToEnd(ctx, opened, interaction, continued);
      // Signed out meanwhile, in another tab or by an administrator: what comes next is decided
      // again.
      if (response !== null) return response;
    }
    throw new Error('The facts kept changing while an authorization was given.');
  });
}

async function attemptToEnd(
  ctx: EngineContext,
  opened: OpenedFlow,
  interaction: Interaction,
  continued: boolean,
): Promise<Response | null> {
  const situation = await situationOf(ctx, opened, interaction);
  const next = nextStep(ctx.engine.steps, situation);
  if (next.next === 'refuse') throw next.error;
  if (next.next === 'step') {
    // OIDC Core §3.1.2.1: prompt=none never shows a page.
    if (prompts(situation.request).includes('none')) throw silentError(next.step);
    return await sendToPage(ctx, situation, next.step);
  }
  // RFC 9700 §4.7: an unbound link may have been shared, so bind it to this browser first.
  if (continued && interaction.browser === null)
    return await redirectWithInteraction(ctx, opened.flow.endpoint, interaction);
  const { session } = next;
  const { account } = situation;
  if (account === null) throw new Error('No step asked for a login.');
  return await opened.complete(ctx, { ...situation, session, account, continued });
}

function silentError(step: Step): OAuthError {
  return new OAuthError(step.silentError, 'prompt_none', 'A page would have to be shown.');
}

async function sendToPage(ctx: EngineContext, situation: Situation, step: Step): Promise<Response> {
  const { interaction } = situation;
  const page = hostPageOf(ctx, step);
  if (page === null) return await redirectWithInteraction(ctx, 'interaction', interaction);
  // The answer of a page of the host is held to what was asked, and of whom, as a form of ours is.
  if (step.anySession !== true)
    return await redirectWithInteraction(ctx, page, drawnFor(situation, step));
  // Stop here: a page that sends people back without a login would be asked forever.
  if (interaction.sentToHost) throw loginMissing();
  return await redirectWithInteraction(ctx, page, { ...interaction, sentToHost: true });
}

function loginMissing(): OAuthError {
  return new OAuthError(
    'login_required',
    'login_missing',
    'The sign-in page sent you back without signing you in.',
    { redirectable: false },
  );
}

/** Shows the page that is due; when none is, the flow goes on. */
export async function showPage(
  ctx: EngineContext,
  opened: OpenedFlow,
  interaction: Interaction,
  notice: Notice | null,
): Promise<Response> {
  return await refusing(ctx, opened, async () => {
    const situation = await situationOf(ctx, opened, interaction);
    const next = nextStep(ctx.engine.steps, situation);
    if (next.next !== 'step')
      return await redirectWithInteraction(ctx, opened.flow.endpoint, interaction);
    // A page is drawn for the browser it is bound to, so that its form comes from there.
    if (interaction.browser === null || hostPageOf(ctx, next.step) !== null)
      return await sendToPage(ctx, situation, next.step);
    return await drawStep(ctx, situation, next.step, next.due, notice);
  });
}

/** Has a step judge an answer, given by a form or by a host's own page. */
export async function answerStep(
  ctx: EngineContext,
  opened: OpenedFlow,
  step: Step,
  session: Session | null,
  {
    decision,
    params,
    interaction: current,
  }: Pick<PostedAnswer, 'decision' | 'params' | 'interaction'>,
): Promise<Response> {
  return await refusing(ctx, opened, async () => {
    const situation = async () => await situationOf(ctx, opened, current);
    const posted = { decision, params, interaction: current, session, situation };
    return await settle(ctx, opened, current, session, step, await step.answer(ctx, posted));
  });
}

/**
 * Turns the outcome of a step into a response.
 * @param session the one with which it was answered
 */
export async function settle(
  ctx: EngineContext,
  opened: OpenedFlow,
  interaction: Interaction,
  session: Session | null,
  step: Step,
  outcome: StepOutcome,
): Promise<Response> {
  const goOn = async (
    what: Parameters<typeof withDecision>[2],
    cookies: readonly string[] = [],
  ): Promise<Response> =>
    await redirectWithInteraction(
      ctx,
      opened.flow.endpoint,
      { ...withDecision(ctx, interaction, what), sentToHost: false },
      cookies,
    );
  switch (outcome.outcome) {
    case 'answered':
      return await goOn({ answers: { ...interaction.answers, [step.name]: outcome.state } });
    case 'account_chosen':
      return await goOn({ chosen: session?.sub ?? null });
    case 'switch_account':
      return await goOn({
        switching: loginMark(session),
        loginSession: null,
        chosen: null,
        answers: {},
      });
    case 'signed_in': {
      const { session: started, cookie } = await signIn(ctx, session, outcome.login);
      return await goOn(signedInAs(started), [cookie, ...(outcome.cookies ?? [])]);
    }
    case 'again': {
      const situation = await situationOf(ctx, opened, interaction);
      const due = step.due(situation) ?? { because: 'answered_again' };
      return await drawStep(ctx, situation, step, due, outcome.notice);
    }
    case 'declined':
      return await decline(ctx, opened, session, outcome.error);
  }
}

/** What an interaction remembers of somebody who signed in during it. */
export function signedInAs({ handle, sub }: Session): Parameters<typeof withDecision>[2] {
  return { loginSession: handle, chosen: sub, switching: null, answers: {} };
}

/** Starts the session of somebody who proved who they are. */
async function signIn(
  ctx: EngineContext,
  before: Session | null,
  login: Login,
): Promise<{ readonly session: Session; readonly cookie: string }> {
  if ((await findEnabledAccount(ctx.settings.accounts, login.sub)) === null)
    throw notSignedIn('login_account', 'The account is not available.');
  // Another person takes over this browser, so end the earlier session, as a logout does.
  const same = before?.sub === login.sub;
  if (before !== null && !same) await endSession(ctx, before);
  const started = await startSession(ctx, login, same ? before : null);
  if (started === null) {
    throw notSignedIn(
      'login_revoked',
      'All sessions of this account were ended while you signed in. Sign in again.',
    );
  }
  const { sub, sid } = started.session;
  ctx.events.record(loginSucceeded, { sub, detail: { sid } });
  return { session: started.session, cookie: sessionCookie(ctx, started.handle) };
}

function notSignedIn(reason: string, description: string): OAuthError {
  const options = { status: 403, redirectable: false };
  return new OAuthError('access_denied', reason, description, options);
}

async function decline(
  ctx: EngineContext,
  opened: OpenedFlow,
  session: Session | null,
  error: OAuthError,
): Promise<Response> {
  const clientId = askerOf(opened);
  const facts = { sub: session?.sub ?? null, clientId, reason: error.reason };
  // Anybody can begin and leave any number of sign-ins, so write no row.
  if (session === null) ctx.events.notify(authorizationDenied, facts);
  else ctx.events.record(authorizationDenied, facts);
  return await opened.refuse(ctx, error);
}

/** Who asks; null for the page of an account, for which nobody else asks. */
function askerOf({ client: { clientId } }: Pick<OpenedFlow, 'client'>): string | null {
  return clientId === '' ? null : clientId;
}

/**
 * Sends redirectable refusals to the client. Other errors are thrown on.
 */
export async function refusing(
  ctx: EngineContext,
  opened: Pick<OpenedFlow, 'client' | 'refuse'>,
  work: () => Promise<Response>,
): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OAuthError) || !error.redirectable) throw error;
    const { clientId } = opened.client;
    ctx.clientId = clientId;
    logRefusal(ctx, 'authorize', error);
    ctx.events.notify(requestRefused, { clientId: askerOf(opened), reason: error.reason });
    const answer = await opened.refuse(ctx, error);
    // RFC 9700 §4.11.2: no browser is sent on to an address for which nobody vouches, before its
    // user did anything here.
    if (ctx.settings.allowUnvouchedRedirects) return answer;
    if (isVouchedFor(opened.client) || (await isSignedIn(ctx))) return answer;
    return errorPage(ctx, error.notRedirected(), answer.headers.get('location'));
  }
}

async function isSignedIn(ctx: EngineContext): Promise<boolean> {
  return (await currentSession(ctx)).session !== null;
}

/**
 * `provider.interactions`: how a host's own pages learn what is asked and give the answer. The
 * rules are those of the built-in pages.
 */
import { accountName } from './domain/accounts.ts';
import {
  type Interaction,
  isStale,
  loginMark,
  restarted,
  sessionMark,
  whenAnswered,
  withDecision,
} from './domain/interactions.ts';
import type { ClientView, ScopeView } from './domain/pages.ts';
import { type Login, newSession } from './domain/sessions.ts';
import { flowOf, redirectWithInteraction, resume } from './engine/continuation.ts';
import type { EngineContext } from './engine/contracts/context.ts';
import { named } from './engine/contracts/engine.ts';
import type { Flows, OpenedFlow } from './engine/contracts/flow.ts';
import { declined, type Situation, type Step } from './engine/contracts/step.ts';
import { currentSession, endCurrentSession, isHosted } from './engine/current-session.ts';
import { answerStep, settle, signedInAs, situationOf } from './engine/driver.ts';
import { type Next, nextStep } from './engine/next-step.ts';
import { acrValues, loginHint, uiLocales } from './engine/parameters.ts';
import { scopeViews, textsOf } from './engine/steps/consent.ts';
import { OAuthError } from './protocol/errors.ts';
import { paramsOf } from './protocol/params.ts';
import { formatScope } from './protocol/scope.ts';
import { clientView } from './web/page.ts';
import type { RequestInfo } from './web/request.ts';

/** What a host's page may want to know. */
export interface InteractionDetails {
  /**
   * The step that is due: `login`, `account`, `consent`, or one of a feature, such as
   * `user-registration`; `done` when none is;
   * `refuse` when the request can only be refused.
   */
  readonly step: string;
  /**
   * Why it is due, e.g. `no_session`, `prompt_login`, `max_age`, `missing_scopes`; null when none
   * is.
   */
  readonly because: string | null;
  /**
   * Somebody is signed in, but has to prove again who they are (or somebody else has to): the login
   * page must ask for credentials even where it knows who is there.
   */
  readonly reauthenticate: boolean;
  /** Who asks. */
  readonly client: ClientView;
  /** What is asked for, in plain words. */
  readonly scopes: readonly ScopeView[];
  /** What is asked for beside scopes (RFC 9396), in plain words. */
  readonly details: readonly string[];
  /** What to put into a username field (`login_hint`). */
  readonly loginHint: string | null;
  /** Wanted languages, best first. */
  readonly uiLocales: readonly string[];
  /**
   * Authentication contexts the client would like (`acr_values`), best first; say which was reached
   * in `Login.acr`.
   */
  readonly acrValues: readonly string[];
  /** Who is signed in here, if anybody is. */
  readonly sub: string | null;
  /** Their human name; empty when nobody is signed in. */
  readonly accountName: string;
  /**
   * What the built-in page of the step would show besides, such as the code of a device and where
   * it asks from. Empty when no step is due.
   */
  readonly view: Readonly<Record<string, unknown>>;
}

/**
 * Every method reads the `interaction` parameter from the request's URL and holds it to the browser
 * that began it. Protect your own forms against cross-site requests as you do elsewhere. Each
 * answer resolves to the response to send. `info` tells logs and rate limits who the peer is.
 */
export interface Interactions {
  /** What is asked. @throws OAuthError when the request names no interaction of this browser */
  details(request: Request, info?: RequestInfo): Promise<InteractionDetails>;
  /**
   * The user is who you say: starts a session here and goes on.
   * @throws OAuthError also when the account does not exist or is disabled, and `login_too_old`
   * when the request asks for a new login and yours was made before it; see
   * `InteractionDetails.reauthenticate`
   */
  login(request: Request, login: Login, info?: RequestInfo): Promise<Response>;
  /**
   * For hosts with `accounts.current`: the user signed in on your page, so go on.
   * @throws OAuthError `login_missing` when `accounts.current` still names nobody, `login_too_old`
   * when the request asks for a new login
   */
  continue(request: Request, info?: RequestInfo): Promise<Response>;
  /**
   * The user allows what is asked. `scopes` are those your page showed and the user allowed; when
   * they are not all that is asked for, the client gets `access_denied`, or those alone where it
   * copes with less (`partialConsent`). Without `scopes` all that was asked for when the browser
   * was sent to your page is allowed.
   * @throws OAuthError as `details`
   */
  consent(request: Request, scopes?: readonly string[], info?: RequestInfo): Promise<Response>;
  /** The user declines: the client gets `access_denied`. @throws OAuthError as `details` */
  deny(request: Request, info?: RequestInfo): Promise<Response>;
  /**
   * Gives the answer to the page of any step, as its form does. When somebody else signed in since
   * the browser was sent to your page, they are asked instead.
   * @param decision value of `decision` in the form of the built-in page
   * @param fields its other fields
   * @throws OAuthError as `details`, and for a decision that the step does not know
   */
  answer(
    request: Request,
    step: string,
    decision: string,
    fields?: Readonly<Record<string, string>>,
    info?: RequestInfo,
  ): Promise<Response>;
  /**
   * The user signs out of the host: ends the session here. Add the headers (Set-Cookie) to your
   * response. Reads no interaction. Hosts with `accounts.current` call
   * `provider.sessions.end(sessionId)` instead.
   */
  logout(request: Request, info?: RequestInfo): Promise<Headers>;
}

/** @param contextFor makes the context of a request */
export function createInteractions(
  flows: Flows,
  contextFor: (request: Request, info: RequestInfo) => EngineContext,
): Interactions {
  const open = async (request: Request, info: RequestInfo = {}): Promise<Opened> =>
    await openFor(flows, contextFor(request, info));
  return {
    details: async (request, info) => await details(await open(request, info)),
    login: async (request, login, info) => await logIn(await open(request, info), login),
    continue: async (request, info) => await goOn(await open(request, info)),
    async consent(request, scopes, info) {
      const fields = scopes === undefined ? {} : { scopes: formatScope(scopes) };
      return await answer(await open(request, info), 'consent', 'allow', fields);
    },
    deny: async (request, info) => await deny(await open(request, info)),
    answer: async (request, step, decision, fields = {}, info = {}) =>
      await answer(await open(request, info), step, decision, fields),
    async logout(request, info = {}) {
      const ctx = contextFor(request, info);
      return await endCurrentSession(ctx, await currentSession(ctx));
    },
  };
}

interface Opened {
  readonly ctx: EngineContext;
  readonly interaction: Interaction;
  readonly opened: OpenedFlow;
  /** The page was left open for too long: what was asked is asked again. */
  readonly isRestarted: boolean;
}

async function openFor(flows: Flows, ctx: EngineContext): Promise<Opened> {
  const resumed = await resume(ctx, ctx.request.query().get('interaction'));
  const isRestarted = isStale(ctx, resumed);
  const interaction = whenAnswered(ctx, resumed);
  const opened = await flowOf(flows, interaction).open(ctx, interaction);
  return { ctx, interaction, opened, isRestarted };
}

async function details({ ctx, interaction, opened }: Opened): Promise<InteractionDetails> {
  const situation = await situationOf(ctx, opened, interaction);
  const next = nextStep(ctx.engine.steps, situation);
  const { client, request, redirectUri, session, account } = situation;
  return {
    step: next.next === 'step' ? next.step.name : next.next,
    because: becauseOf(next),
    reauthenticate: session !== null && isLogin(next),
    client: clientView(ctx, client, redirectUri),
    scopes: scopeViews(ctx.settings, request.consentScopes),
    details: textsOf(request),
    loginHint: loginHint(request),
    uiLocales: uiLocales(request),
    acrValues: acrValues(request),
    sub: session?.sub ?? null,
    accountName: accountName(account),
    view: next.next === 'step' ? { ...next.step.view(ctx, situation, next.due, null) } : {},
  };
}

function becauseOf(next: Next): string | null {
  if (next.next === 'step') return next.due.because;
  return next.next === 'refuse' ? next.because : null;
}

function isLogin(next: Next): next is Extract<Next, { readonly next: 'step' }> {
  return next.next === 'step' && next.step.anySession === true;
}

function stepNamed({ engine }: EngineContext, name: string): Step {
  const step = named(engine.steps, name);
  if (step === null) throw new Error(`There is no step ${name}.`);
  return step;
}

async function logIn(
  { ctx, interaction, opened, isRestarted }: Opened,
  login: Login,
): Promise<Response> {
  if (isHosted(ctx))
    throw new Error('accounts.current says who is signed in: call interactions.continue().');
  if (!isRestarted) {
    // Judged before the session begins, so that a refused login changes nothing.
    const session = newSession(ctx, login, '', '');
    const next = withDecision(ctx, interaction, signedInAs(session));
    const situation = await situationOf(ctx, opened, interaction);
    requireLoggedIn(ctx, { ...situation, session, interaction: next });
  }
  const { session } = await currentSession(ctx);
  const outcome = { outcome: 'signed_in', login } as const;
  return await settle(ctx, opened, interaction, session, stepNamed(ctx, 'login'), outcome);
}

async function goOn({ ctx, interaction, opened, isRestarted }: Opened): Promise<Response> {
  if (!isHosted(ctx))
    throw new Error('Without accounts.current, call interactions.login() and say who signed in.');
  const situation = await situationOf(ctx, opened, interaction);
  const { session } = situation;
  const { switching, startedAt } = interaction;
  const isNew =
    session !== null &&
    (switching === null ? session.authTime >= startedAt : switching !== loginMark(session));
  const decided = withDecision(ctx, interaction, isNew ? signedInAs(session) : {});
  const next = { ...decided, sentToHost: false };
  if (!isRestarted) requireLoggedIn(ctx, { ...situation, interaction: next });
  return await redirectWithInteraction(ctx, opened.flow.endpoint, next);
}

/**
 * @throws OAuthError when the login step would still be due: the browser would come back at once
 */
function requireLoggedIn(ctx: EngineContext, situation: Situation): void {
  const next = nextStep(ctx.engine.steps, situation);
  if (!isLogin(next)) return;
  const { because } = next.due;
  if (because === 'no_session' || situation.session === null)
    throw notLoggedIn('login_missing', 'Nobody is signed in at this site.');
  if (because === 'other_subject')
    throw notLoggedIn('login_other_subject', 'The application asks for somebody else to sign in.');
  throw notLoggedIn(
    'login_too_old',
    'The application asks for a new sign-in; this one was made before it asked.',
  );
}

function notLoggedIn(reason: string, description: string): OAuthError {
  return new OAuthError('login_required', reason, description, { redirectable: false });
}

async function answer(
  { ctx, interaction, opened }: Opened,
  step: string,
  decision: string,
  fields: Readonly<Record<string, string>>,
): Promise<Response> {
  const { session } = await currentSession(ctx);
  const answered = stepNamed(ctx, step);
  if (answered.anySession !== true && interaction.shownTo !== sessionMark(session))
    return await askAgain(ctx, opened, interaction);
  const posted = { decision, params: paramsOf(fields), interaction };
  return await answerStep(ctx, opened, answered, session, posted);
}

/** Somebody else is signed in than the page was shown to, so they are asked instead. */
async function askAgain(
  ctx: EngineContext,
  { flow }: OpenedFlow,
  interaction: Interaction,
): Promise<Response> {
  return await redirectWithInteraction(ctx, flow.endpoint, restarted(ctx, interaction));
}

async function deny({ ctx, interaction, opened }: Opened): Promise<Response> {
  const { session } = await currentSession(ctx);
  const { shownTo } = interaction;
  // A login page is shown to nobody in particular, and anybody may leave it.
  if (shownTo !== null && shownTo !== sessionMark(session))
    return await askAgain(ctx, opened, interaction);
  return await settle(ctx, opened, interaction, session, stepNamed(ctx, 'consent'), declined());
}

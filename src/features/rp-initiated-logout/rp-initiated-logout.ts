/**
 * Logout started by a relying party (OIDC RP-Initiated Logout 1.0): check the request, ask the user
 * unless the hint proves the session and the options trust it, end the session, and return to a
 * registered address or show a page.
 */
import { accountName } from '../../domain/accounts.ts';
import { isVouchedFor } from '../../domain/client-rules.ts';
import { type Interaction, newInteraction, sessionMark } from '../../domain/interactions.ts';
import { redirectUnbound, redirectWithInteraction, resume } from '../../engine/continuation.ts';
import type { EngineContext } from '../../engine/contracts/context.ts';
import type { Endpoint } from '../../engine/contracts/endpoint.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import {
  type CurrentSession,
  currentSession,
  endCurrentSession,
} from '../../engine/current-session.ts';
import {
  askAgainAfterSwitch,
  formFields,
  requireOwnForm,
  requireOwnSite,
} from '../../engine/forms.ts';
import { logRefusal } from '../../engine/refusals.ts';
import { framesFor } from '../../engine/session-listeners.ts';
import { OAuthError } from '../../protocol/errors.ts';
import { type Params, paramsOf } from '../../protocol/params.ts';
import type { Session } from '../../store/records.ts';
import { knownBrowser } from '../../web/cookies.ts';
import { addressView, clientView, drawPage, pageView } from '../../web/page.ts';
import type { RequestContext } from '../../web/request.ts';
import { redirect } from '../../web/respond.ts';
import { type LogoutRequest, logoutParams, readLogoutRequest } from './logout-request.ts';
import { logoutPage, signedOutPage } from './pages.ts';

/** Options of logout started by relying parties. */
export interface LogoutOptions {
  /**
   * When to ask the user: `always`, or only when no `id_token_hint` proves the session that is
   * signed in (`when-unproven`).
   * @default 'always'
   */
  readonly confirmation: 'always' | 'when-unproven';
  /**
   * An ID token that has expired is good as `id_token_hint`: it names whom to sign out, and proves
   * nothing else. @default true
   */
  readonly acceptExpiredHints: boolean;
}

const NAME = 'rp-initiated-logout';

function endpoint({ confirmation, acceptExpiredHints }: LogoutOptions): Endpoint {
  const rules = { confirmation, acceptExpiredHints };
  return {
    name: NAME,
    path: 'logout/',
    methods: ['GET', 'POST'],
    errors: 'page',
    metadataName: 'end_session_endpoint',

    async handle(ctx) {
      if (ctx.request.method === 'POST') {
        const form = await ctx.request.form();
        return form.has('decision')
          ? await takeDecision(ctx, form, rules)
          : await takePost(ctx, form, rules);
      }
      const query = ctx.request.query();
      const text = query.get('interaction');
      if (text !== undefined) return await goOn(ctx, await resume(ctx, text, NAME), rules);
      await logProblems(ctx, query, rules);
      const interaction = newInteraction(ctx, NAME, logoutParams(query), knownBrowser(ctx));
      return await goOn(ctx, interaction, rules);
    },
  };
}

// A relying party's POST comes from another site, without our cookies; it goes on as a GET that has
// them.
async function takePost(ctx: EngineContext, form: Params, rules: LogoutOptions): Promise<Response> {
  await logProblems(ctx, form, rules);
  return await redirectUnbound(ctx, NAME, newInteraction(ctx, NAME, logoutParams(form), null));
}

/** Once, when the request arrives. @throws OAuthError */
async function logProblems(
  ctx: EngineContext,
  params: Params,
  rules: LogoutOptions,
): Promise<void> {
  const { problems } = await readLogoutRequest(ctx, params, rules);
  for (const problem of problems) logRefusal(ctx, NAME, problem);
}

async function goOn(
  ctx: EngineContext,
  interaction: Interaction,
  rules: LogoutOptions,
): Promise<Response> {
  const { confirmation } = rules;
  const request = await readLogoutRequest(ctx, paramsOf(interaction.params), rules);
  const current = await currentSession(ctx);
  // Nobody is signed in (any longer): the second relying party of one logout still gets its answer.
  if (current.session === null) return await signedOutBefore(ctx, request, current);
  if (confirmation === 'when-unproven' && isProven(ctx, request, current.session))
    return await signOut(ctx, request, current);
  if (interaction.browser === null) return await redirectWithInteraction(ctx, NAME, interaction);
  return await ask(ctx, interaction, request, current);
}

// RP-Initiated Logout §2: without a hint that names the current session, the user is asked.
function isProven(
  { subjectOf }: EngineContext,
  { hint, problems }: LogoutRequest,
  { sub, sid }: Session,
): boolean {
  if (problems.length > 0 || hint === null) return false;
  return hint.sub === subjectOf(hint.client, sub) && hint.sid === sid;
}

async function ask(
  ctx: RequestContext,
  interaction: Interaction,
  { client, uiLocales, returnTo }: LogoutRequest,
  { account, session }: CurrentSession,
): Promise<Response> {
  const drawn = { ...interaction, shownTo: sessionMark(session) };
  const fields = await formFields(ctx, NAME, drawn);
  const view = {
    ...pageView(ctx, uiLocales),
    client: client === null ? null : clientView(ctx, client, null),
    accountName: accountName(account),
    form: { action: ctx.url(NAME), fields },
  };
  return drawPage(
    ctx,
    logoutPage,
    view,
    returnTo === null ? { form: true } : { formGoesTo: returnTo },
  );
}

async function takeDecision(
  ctx: EngineContext,
  form: Params,
  rules: LogoutOptions,
): Promise<Response> {
  const interaction = await resume(ctx, form.get('interaction'), NAME);
  const request = await readLogoutRequest(ctx, paramsOf(interaction.params), rules);
  // Another site can send a form without our cookies, and with an interaction that is bound to no
  // browser.
  requireOwnSite(ctx.request);
  const current = await currentSession(ctx);
  if (current.session === null) return await signedOutBefore(ctx, request, current);
  requireOwnForm(ctx, NAME, form, interaction);
  const again = await askAgainAfterSwitch(ctx, NAME, interaction, current.session);
  if (again !== null) return again;
  const decision = form.need('decision');
  if (decision === 'logout') return await signOut(ctx, request, current);
  if (decision === 'stay') return resultPage(ctx, request, false);
  throw new OAuthError(
    'invalid_request',
    'decision',
    'The form carries no decision that is known here.',
  );
}

/**
 * Nobody was signed in, so nobody did anything here. RFC 9700 §4.11.2: the browser is not sent on
 * to an address for which nobody vouches; the page has a link.
 */
async function signedOutBefore(
  ctx: EngineContext,
  request: LogoutRequest,
  current: CurrentSession,
): Promise<Response> {
  const { allowUnvouchedRedirects: isAllowed } = ctx.settings;
  const isTrusted = isAllowed || request.client === null || isVouchedFor(request.client);
  if (isTrusted || request.returnTo === null) return await signOut(ctx, request, current);
  return await signOut(ctx, { ...request, returnTo: null }, current, request.returnTo);
}

async function signOut(
  ctx: EngineContext,
  request: LogoutRequest,
  current: CurrentSession,
  link: string | null = null,
): Promise<Response> {
  const { session } = current;
  const frames = session === null ? [] : await framesFor(ctx, ctx.engine, session);
  const headers = await endCurrentSession(ctx, current);
  const { returnTo } = request;
  const response =
    returnTo === null || frames.length > 0
      ? resultPage(ctx, request, true, { link: link ?? returnTo, frames, goesOnTo: returnTo })
      : redirect(returnTo);
  for (const cookie of headers.getSetCookie()) response.headers.append('Set-Cookie', cookie);
  return response;
}

/** Seconds in which applications are told by frames before the browser goes on. */
const FRAMES_TIME = 2;

/** Where somebody goes on from the page. */
interface WayOn {
  /** Offered as a link. */
  readonly link: string | null;
  /** Loaded in frames. */
  readonly frames: readonly string[];
  /** Gone to after the frames had their time. */
  readonly goesOnTo: string | null;
}

function resultPage(
  ctx: RequestContext,
  { client, uiLocales }: LogoutRequest,
  signedOut: boolean,
  { link, frames, goesOnTo }: WayOn = { link: null, frames: [], goesOnTo: null },
): Response {
  const shown = client === null ? null : clientView(ctx, client, null);
  const homeUrl = new URL('/', ctx.settings.issuer).href;
  const view = {
    ...pageView(ctx, uiLocales),
    client: shown,
    signedOut,
    homeUrl,
    returnTo: addressView(link),
    frames,
  };
  // Front-Channel Logout §3: the frames get their time; without scripts as well.
  const headers = goesOnTo === null ? {} : { Refresh: `${FRAMES_TIME}; url=${goesOnTo}` };
  return drawPage(ctx, signedOutPage, view, frames.length === 0 ? {} : { frames, headers });
}

/** RP-Initiated Logout (OpenID Connect RP-Initiated Logout 1.0). */
export const rpInitiatedLogout: FeatureFactory<LogoutOptions> = defineFeature<LogoutOptions>({
  name: NAME,
  description: 'Logout started by relying parties (OIDC RP-Initiated Logout)',
  options: {
    confirmation: {
      kind: 'text',
      description: 'When logout asks first: always, or when no ID token proves the session',
      choices: ['always', 'when-unproven'],
      default: 'always',
    },
    acceptExpiredHints: {
      kind: 'flag',
      description: 'An expired ID token still names whom to sign out',
      default: true,
    },
  },
  create: (options) => ({ endpoints: [endpoint(options)], pages: [logoutPage, signedOutPage] }),
});

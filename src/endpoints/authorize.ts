/**
 * The authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2): a dispatcher. It checks the request, looks who is here, asks what comes next,
 * and either sends the browser to a page or answers the client. Pages come back here; nobody else decides.
 */
import { rememberAuthorization } from '../domain/authorizations.ts';
import { codeText, stateOfCode, storeCode } from '../domain/codes.ts';
import type { Context } from '../domain/context.ts';
import {
  type Interaction,
  isDecisionExpired,
  isStale,
  newInteraction,
  restarted,
} from '../domain/interactions.ts';
import { SILENT_ERROR } from '../domain/steps.ts';
import { OAuthError } from '../protocol/errors.ts';
import { PROMPTS, RESPONSE_MODES } from '../protocol/names.ts';
import type { Params } from '../protocol/params.ts';
import { formatScope } from '../protocol/scope.ts';
import type { Session } from '../store/records.ts';
import { knownBrowser } from '../web/browser.ts';
import type { Call } from '../web/call.ts';
import {
  answering,
  destinationOf,
  evaluate,
  type Flow,
  redirectUnbound,
  redirectWithInteraction,
  resume,
} from './authorization-flow.ts';
import {
  AUTHORIZE_PARAMS,
  CARRIED_PARAMS,
  checkAsSent,
  proveDestination,
  readAuthorizationRequest,
} from './authorize-request.ts';
import { answer } from './authorize-response.ts';
import type { Endpoint } from './endpoint.ts';

export const authorize: Endpoint = {
  name: 'authorize',
  methods: ['GET', 'POST'],
  refuses: 'page',

  metadata: (ctx) => ({
    scopes_supported: [...ctx.settings.scopes.keys()],
    response_types_supported: ['code'],
    response_modes_supported: RESPONSE_MODES,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ctx.settings.idTokenAlgs,
    code_challenge_methods_supported: ['S256'],
    prompt_values_supported: PROMPTS,
    authorization_response_iss_parameter_supported: true,
    claims_parameter_supported: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
  }),

  async handle(ctx, call) {
    if (call.method === 'POST') return await takePost(ctx, call);
    const continued = call.query().has('interaction');
    const interaction = continued
      ? await resume(ctx, call, call.query().get('interaction'), 'authorize')
      : newInteraction(ctx, 'authorize', pick(call.query()), knownBrowser(ctx, call));
    // A page left open for too long starts over: what was decided then no longer counts.
    return await dispatch(
      ctx,
      call,
      isStale(ctx, interaction) || isDecisionExpired(ctx, interaction)
        ? restarted(ctx, interaction)
        : interaction,
      continued,
    );
  },
};

/**
 * A POST may come from another site and then without our cookies. It is checked, and goes on as a GET that has them; the request travels
 * sealed, not in the address (OIDC Core §3.1.2.1 requires POST).
 */
async function takePost(ctx: Context, call: Call): Promise<Response> {
  const params = await call.form();
  // RFC 6749 §3.1: parameters come in the query or in the body, never split over both.
  if (AUTHORIZE_PARAMS.some((name) => call.query().has(name))) {
    throw new OAuthError(
      'invalid_request',
      'query_and_body',
      'The request mixes query and body parameters.',
    );
  }
  const proven = await proveDestination(ctx, params);
  return await answering(ctx, call, proven, async () => {
    checkAsSent(params);
    await readAuthorizationRequest(ctx, params, proven);
    return await redirectUnbound(ctx, call, newInteraction(ctx, 'authorize', pick(params), null));
  });
}

async function dispatch(
  ctx: Context,
  call: Call,
  interaction: Interaction,
  continued: boolean,
): Promise<Response> {
  // Repetitions are looked for in what was sent, not in what was picked from it.
  const proven = continued
    ? await destinationOf(ctx, interaction)
    : await proveDestination(ctx, call.query());
  return await answering(ctx, call, proven, async () => {
    if (!continued) checkAsSent(call.query());
    const flow = await evaluate(ctx, call, interaction, proven);
    const { step, request } = flow;
    if (step.step === 'done') return await sendCode(ctx, call, flow, step.session, continued);
    if (step.step === 'refuse')
      throw new OAuthError(
        step.code,
        'subject_other_than_hinted',
        'Somebody else is signed in than was asked for.',
      );
    // OIDC Core §3.1.2.1: prompt=none never shows a page.
    if (request.prompts.includes('none')) {
      throw new OAuthError(
        SILENT_ERROR[step.step],
        'prompt_none',
        'A page would have to be shown.',
      );
    }
    const pageOrUrl = ctx.settings.pages[step.step];
    const to =
      typeof pageOrUrl === 'string' ? new URL(pageOrUrl, ctx.settings.issuer) : 'interaction';
    return await redirectWithInteraction(ctx, call, to, interaction);
  });
}

async function sendCode(
  ctx: Context,
  call: Call,
  flow: Flow,
  session: Session,
  continued: boolean,
): Promise<Response> {
  const { request, interaction, proven, authorization: before } = flow;
  const { clientId, scopes } = request;
  // RFC 9700 §4.7: what nobody's browser is bound to may lie in anybody's hands.
  if (continued && interaction.browser === null)
    return await redirectWithInteraction(ctx, call, interaction.purpose, interaction);
  const code = codeText(ctx, continued ? interaction : null, session);
  // Before anything is remembered: an interaction that was used up remembers nothing.
  if (continued && (await isAnswered(ctx, code))) return answer(ctx, proven.destination, { code });
  const allowed = { sub: session.sub, clientId, scopes, asked: interaction.consent !== null };
  const authorization = await rememberAuthorization(ctx, allowed, before);
  const stored = await storeCode(ctx, code, request, session, authorization);
  // Signed out meanwhile, in another tab or by an administrator: what comes next is decided again.
  if (stored === 'session_ended') return await dispatch(ctx, call, interaction, continued);
  // The other one of two clicks was faster, and told it.
  if (stored === 'exists' && (await isAnswered(ctx, code)))
    return answer(ctx, proven.destination, { code });
  ctx.events.record('authorization.granted', {
    sub: session.sub,
    clientId,
    ip: call.ip,
    detail: { scope: formatScope(scopes) },
  });
  return answer(ctx, proven.destination, { code });
}

/** True when this interaction led to a code that nobody used yet. @throws OAuthError for a page when the code is used up */
async function isAnswered(ctx: Context, code: string): Promise<boolean> {
  const state = await stateOfCode(ctx, code);
  if (state !== 'over') return state === 'waiting';
  throw new OAuthError(
    'invalid_request',
    'interaction_finished',
    'This sign-in is finished. Go on in the application, or start again from there.',
    { redirectable: false },
  );
}

/** The parameters that are read later, once each: repetitions are refused before they are used. */
function pick(params: Params): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of CARRIED_PARAMS) {
    let value: string | undefined;
    try {
      value = params.get(name);
    } catch {
      continue;
    }
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}

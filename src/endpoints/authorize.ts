/**
 * The authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2): a dispatcher. It checks the request, looks who is here, asks what comes next,
 * and either sends the browser to a page or answers the client. Pages come back here; nobody else decides.
 */
import { sha256 } from '../crypto/bytes.ts';
import { base64url, formatHandle, newHandle } from '../crypto/secrets.ts';
import type { Context } from '../domain/context.ts';
import { type Interaction, isHistory, isStale, newInteraction, restarted } from '../domain/interactions.ts';
import { SILENT_ERROR } from '../domain/steps.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { Params } from '../protocol/params.ts';
import { covers, formatScope } from '../protocol/scope.ts';
import type { Authorization, Code, Session } from '../store/records.ts';
import { knownBrowser } from '../web/browser.ts';
import type { Call } from '../web/call.ts';
import { answering, destinationOf, type Flow, goOn, goOnUnbound, resume, survey } from './authorization-flow.ts';
import { AUTHORIZE_PARAMS, proveDestination, readAuthorizationRequest } from './authorize-request.ts';
import { answer } from './authorize-response.ts';
import type { Endpoint } from './endpoint.ts';

export const authorize: Endpoint = {
  name: 'authorize',
  methods: ['GET', 'POST'],
  refuses: 'page',

  metadata: (ctx) => ({
    scopes_supported: [...ctx.settings.scopes.keys()],
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ctx.settings.idTokenAlgs,
    code_challenge_methods_supported: ['S256'],
    prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
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
      isStale(ctx, interaction) || isHistory(ctx, interaction) ? restarted(ctx, interaction) : interaction,
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
    throw new OAuthError('invalid_request', 'query_and_body', 'The request mixes query and body parameters.');
  }
  const proven = await proveDestination(ctx, params);
  return await answering(ctx, call, proven, async () => {
    await readAuthorizationRequest(ctx, params, proven);
    return await goOnUnbound(ctx, 'authorize', newInteraction(ctx, 'authorize', pick(params), null));
  });
}

async function dispatch(ctx: Context, call: Call, interaction: Interaction, continued: boolean): Promise<Response> {
  // Repetitions are looked for in what was sent, not in what was picked from it.
  const proven = continued ? await destinationOf(ctx, interaction) : await proveDestination(ctx, call.query());
  return await answering(ctx, call, proven, async () => {
    if (!continued) call.query().refuseRepeated(AUTHORIZE_PARAMS);
    const flow = await survey(ctx, call, interaction, proven);
    const { step, request } = flow;
    if (step.step === 'done') return await grantCode(ctx, call, flow, step.session, continued);
    if (step.step === 'refuse')
      throw new OAuthError(step.code, 'subject_other_than_hinted', 'Somebody else is signed in than was asked for.');
    // OIDC Core §3.1.2.1: prompt=none never shows a page.
    if (request.prompts.includes('none')) {
      throw new OAuthError(SILENT_ERROR[step.step], 'prompt_none', `A page would have to be shown (${step.because}).`);
    }
    const pageOrUrl = ctx.settings.pages[step.step];
    const to = typeof pageOrUrl === 'string' ? new URL(pageOrUrl, ctx.settings.issuer) : 'interaction';
    return await goOn(ctx, call, to, interaction);
  });
}

async function grantCode(ctx: Context, call: Call, flow: Flow, session: Session, continued: boolean): Promise<Response> {
  const { request, interaction, proven } = flow;
  // The same interaction yields the same code, so that a double click or a reload makes one code, not two.
  const text = continued ? formatHandle('code', ctx.vault.mac('code', interaction.id)) : newHandle('code', ctx.settings.random);
  // Before anything is remembered: an interaction that was used up remembers nothing.
  if (continued && (await isAnswered(ctx, sha256(text)))) return answer(ctx, proven.destination, { code: text });
  const authorization = await remembered(ctx, flow, session);
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
    redirectUri: request.sentRedirectUri,
    codeChallenge: request.codeChallenge,
    nonce: request.nonce,
    createdAt: now,
    expiresAt: now + ctx.settings.lifetimes.code,
    failedAttempts: 0,
    redeemedAt: null,
    familyId: null,
  };
  if (!(await ctx.store.codes.insert(code))) await isAnswered(ctx, code.digest);
  await ctx.events.tell('authorization.granted', {
    sub: session.sub,
    clientId: request.clientId,
    ip: call.ip,
    detail: { scope: formatScope(request.scopes) },
  });
  return answer(ctx, proven.destination, { code: text });
}

/** True when this interaction led to a code that nobody used yet. @throws OAuthError for a page when the code is used up */
async function isAnswered(ctx: Context, digest: string): Promise<boolean> {
  const found = await ctx.store.codes.find(digest);
  if (found === null) return false;
  if (found.code.redeemedAt === null && found.code.expiresAt > ctx.now()) return true;
  throw new OAuthError(
    'invalid_request',
    'interaction_finished',
    'This sign-in is finished. Go on in the application, or start again from there.',
    {
      stays: true,
    },
  );
}

async function remembered(ctx: Context, flow: Flow, session: Session): Promise<Authorization> {
  const { request, authorization, interaction } = flow;
  if (authorization !== null && covers(authorization.scopes, request.scopes)) return authorization;
  // The operator's own application asked nobody: what is remembered is that it was used, not that the subject allowed anything.
  const allowed = interaction.consent === null ? [] : request.scopes;
  if (authorization !== null && allowed.length === 0) return authorization;
  const now = ctx.now();
  return await ctx.store.authorizations.remember({
    id: base64url(ctx.settings.random(16)),
    sub: session.sub,
    clientId: request.clientId,
    scopes: allowed,
    createdAt: now,
    updatedAt: now,
  });
}

/** The parameters this endpoint knows, once each: repetitions are refused before they are used. */
function pick(params: Params): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of AUTHORIZE_PARAMS) {
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

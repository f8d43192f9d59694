/**
 * Logout started by a relying party (OIDC RP-Initiated Logout 1.0 §2): check, ask the user unless the hint proves the session and the
 * configuration trusts it, end the session, return to a registered address or show a page.
 */
import { JwtError } from '../crypto/jwt.ts';
import type { Context } from '../domain/context.ts';
import { type Hint, verifyHint } from '../domain/id-tokens.ts';
import {
  formToken,
  type Interaction,
  newInteraction,
  sealInteraction,
} from '../domain/interactions.ts';
import { endSession as end } from '../domain/sessions.ts';
import { endpointUrl } from '../domain/urls.ts';
import { OAuthError } from '../protocol/errors.ts';
import { type Params, paramsOf } from '../protocol/params.ts';
import type { Client, Session } from '../store/records.ts';
import { endSessionCookie, knownBrowser, sessionHandle } from '../web/browser.ts';
import type { Call } from '../web/call.ts';
import { requireOwnForm, requireOwnSite } from '../web/forms.ts';
import { clientView, page, pageView } from '../web/page.ts';
import { localesOf } from '../web/requests.ts';
import { redirect } from '../web/respond.ts';
import {
  accountName,
  currentSession,
  redirectUnbound,
  redirectWithInteraction,
  resume,
} from './authorization-flow.ts';
import type { Endpoint } from './endpoint.ts';

/** What is read later; `logout_hint` tells us nothing that the session does not. */
const CARRIED_PARAMS = [
  'id_token_hint',
  'client_id',
  'post_logout_redirect_uri',
  'state',
  'ui_locales',
] as const;
const LOGOUT_PARAMS = [...CARRIED_PARAMS, 'logout_hint'];
const LONGEST_STATE = 2048;

export const endSession: Endpoint = {
  name: 'rp-initiated-logout',
  methods: ['GET', 'POST'],
  refuses: 'page',

  async handle(ctx, call) {
    if (call.method === 'POST') {
      const form = await call.form();
      return form.has('decision')
        ? await takeDecision(ctx, call, form)
        : await takePost(ctx, call, form);
    }
    const text = call.query().get('interaction');
    const interaction =
      text === undefined
        ? newInteraction(ctx, 'rp-initiated-logout', pick(call.query()), knownBrowser(ctx, call))
        : await resume(ctx, call, text, 'rp-initiated-logout');
    return await dispatch(ctx, call, interaction);
  },
};

/** A logout request that passed its checks. */
interface LogoutRequest {
  readonly client: Client | null;
  readonly hint: Hint | null;
  /** Where to go afterwards, `state` included. */
  readonly returnTo: string | null;
  readonly uiLocales: readonly string[];
}

// A relying party's POST comes from another site, without our cookies; it goes on as a GET that has them.
async function takePost(ctx: Context, call: Call, form: Params): Promise<Response> {
  await readLogoutRequest(ctx, form);
  return await redirectUnbound(
    ctx,
    call,
    newInteraction(ctx, 'rp-initiated-logout', pick(form), null),
  );
}

async function dispatch(ctx: Context, call: Call, interaction: Interaction): Promise<Response> {
  const request = await readLogoutRequest(ctx, paramsOf(interaction.params));
  const { session, account } = await currentSession(ctx, call);
  // Nobody is signed in (any longer): the second relying party of one logout still gets its answer.
  if (session === null) return finish(ctx, call, request);
  if (!mustAsk(ctx, request, session)) {
    await end(ctx, session, call.ip);
    return finish(ctx, call, request);
  }
  if (interaction.browser === null)
    return await redirectWithInteraction(ctx, call, interaction.purpose, interaction);
  const view = {
    ...pageView(ctx, call, request.uiLocales),
    client: request.client === null ? null : clientView(request.client, null),
    accountName: accountName(account),
    form: {
      action: endpointUrl(ctx.settings, 'rp-initiated-logout'),
      fields: {
        interaction: await sealInteraction(ctx, interaction, call.ip),
        token: formToken(ctx, { form: 'logout', interaction, session: session.handle }),
      },
    },
  };
  return page(
    ctx,
    ctx.settings.pages.logout(view),
    request.returnTo === null ? { form: true } : { formGoesTo: request.returnTo },
  );
}

// RP-Initiated Logout §2: without a hint that names the current session, the user is asked.
function mustAsk(ctx: Context, request: LogoutRequest, session: Session): boolean {
  if (ctx.settings.logoutConfirmation === 'always' || request.hint === null) return true;
  return request.hint.sub !== session.sub || request.hint.sid !== session.sid;
}

async function takeDecision(ctx: Context, call: Call, form: Params): Promise<Response> {
  const interaction = await resume(ctx, call, form.get('interaction'), 'rp-initiated-logout');
  const request = await readLogoutRequest(ctx, paramsOf(interaction.params));
  // Another site can send a form without our cookies, and with an interaction that is bound to no browser.
  requireOwnSite(call);
  const { session } = await currentSession(ctx, call);
  if (session === null) return finish(ctx, call, request);
  requireOwnForm(ctx, call, form.get('token'), {
    form: 'logout',
    interaction,
    session: session.handle,
  });
  switch (form.need('decision')) {
    case 'logout':
      await end(ctx, session, call.ip);
      return finish(ctx, call, request);
    case 'stay':
      return signedOutPage(ctx, call, request, false);
    default:
      throw new OAuthError(
        'invalid_request',
        'decision',
        'The form carries no decision that is known here.',
      );
  }
}

function finish(ctx: Context, call: Call, request: LogoutRequest): Response {
  if (request.returnTo !== null) return redirect(request.returnTo, endingCookies(ctx, call));
  return signedOutPage(ctx, call, request, true);
}

/** Takes the cookie away that came with the request; without one there may be a session all the same, and its cookie is not ours to take. */
function endingCookies(ctx: Context, call: Call): readonly string[] {
  return sessionHandle(ctx, call) === null ? [] : [endSessionCookie(ctx)];
}

function signedOutPage(
  ctx: Context,
  call: Call,
  request: LogoutRequest,
  signedOut: boolean,
): Response {
  const view = {
    ...pageView(ctx, call, request.uiLocales),
    client: request.client === null ? null : clientView(request.client, null),
    signedOut,
  };
  return page(
    ctx,
    ctx.settings.pages.signedOut(view),
    signedOut ? { cookies: endingCookies(ctx, call) } : {},
  );
}

/** @throws OAuthError `invalid_request` */
async function readLogoutRequest(ctx: Context, params: Params): Promise<LogoutRequest> {
  params.refuseRepeated(LOGOUT_PARAMS);
  const hint = await readHint(ctx, params.get('id_token_hint'));
  const clientId = params.get('client_id');
  // RP-Initiated Logout §2: client_id and the hint name the same client.
  if (hint !== null && clientId !== undefined && clientId !== hint.client.clientId) {
    throw new OAuthError(
      'invalid_request',
      'logout_client_mismatch',
      'The client_id is not that of the id_token_hint.',
    );
  }
  const client = hint?.client ?? (clientId === undefined ? null : await ctx.clients.find(clientId));
  if (clientId !== undefined && client === null) {
    throw new OAuthError(
      'invalid_request',
      'logout_client_unknown',
      'The application is not registered here.',
    );
  }
  if ((params.get('state') ?? '').length > LONGEST_STATE)
    throw new OAuthError('invalid_request', 'state_too_long', 'The state is too long.');
  // A client that is switched off gets nobody sent to it; the user is signed out all the same.
  const returnTo =
    client !== null && client.disabledAt !== null ? null : returnAddress(client, params);
  return { client, hint, returnTo, uiLocales: localesOf(params) };
}

async function readHint(ctx: Context, jwt: string | undefined): Promise<Hint | null> {
  if (jwt === undefined) return null;
  try {
    return await verifyHint(ctx, jwt);
  } catch (cause) {
    if (!(cause instanceof JwtError)) throw cause;
    throw new OAuthError(
      'invalid_request',
      'logout_hint_invalid',
      'Missing or invalid id_token_hint.',
      { cause },
    );
  }
}

// RP-Initiated Logout §3: the address is one that the client registered, exactly, and the client is known.
function returnAddress(client: Client | null, params: Params): string | null {
  const uri = params.get('post_logout_redirect_uri');
  if (uri === undefined) return null;
  if (client === null) {
    throw new OAuthError(
      'invalid_request',
      'logout_client_missing',
      'A post_logout_redirect_uri needs an id_token_hint or a client_id.',
    );
  }
  if (!client.postLogoutRedirectUris.includes(uri)) {
    throw new OAuthError(
      'invalid_request',
      'logout_redirect_uri_mismatch',
      'The post_logout_redirect_uri is not registered for this application.',
    );
  }
  const state = params.get('state');
  if (state === undefined) return uri;
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams({ state })}`;
}

function pick(params: Params): Record<string, string> {
  params.refuseRepeated(LOGOUT_PARAMS);
  const picked: Record<string, string> = {};
  for (const name of CARRIED_PARAMS) {
    const value = params.get(name);
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}

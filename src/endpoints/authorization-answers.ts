/**
 * What people answer while an authorization waits for them: somebody signed in, allowed, or declined. The pages of this provider and of hosts
 * (`provider.interactions`) end in these; where the browser goes next is decided by the endpoint the interaction belongs to.
 */
import { findEnabledAccount } from '../domain/accounts.ts';
import type { Context } from '../domain/context.ts';
import { type Interaction, withDecision } from '../domain/interactions.ts';
import { endSession, type Login, startSession } from '../domain/sessions.ts';
import { OAuthError } from '../protocol/errors.ts';
import { covers } from '../protocol/scope.ts';
import type { Session } from '../store/records.ts';
import { sessionCookie } from '../web/browser.ts';
import type { Call } from '../web/call.ts';
import {
  answering,
  currentSession,
  destinationOf,
  evaluate,
  type Flow,
  redirectWithInteraction,
} from './authorization-flow.ts';
import { refuse } from './authorize-response.ts';

/** Starts the session of somebody who proved who they are and goes on. */
export async function completeLogin(
  ctx: Context,
  call: Call,
  current: Interaction,
  login: Login,
  cookies: readonly string[] = [],
): Promise<Response> {
  if ((await findEnabledAccount(ctx.settings.accounts, login.sub)) === null)
    throw new OAuthError('access_denied', 'login_account', 'The account is not available.', {
      status: 403,
      redirectable: false,
    });
  const { session: before } = await currentSession(ctx, call);
  // Somebody else takes over this browser: what was issued in the session before ends with it, as in a logout.
  const same = before !== null && before.sub === login.sub;
  if (before !== null && !same) await endSession(ctx, before, call.ip);
  const started = await startSession(ctx, login, same ? before : null);
  if (started === null) {
    throw new OAuthError(
      'access_denied',
      'login_revoked',
      'All sessions of this account were ended while you signed in. Sign in again.',
      {
        status: 403,
        redirectable: false,
      },
    );
  }
  const { session, handle } = started;
  ctx.events.record('login.succeeded', { sub: session.sub, ip: call.ip });
  const next = withDecision(ctx, current, {
    loginSession: session.handle,
    chosen: session.sub,
    switching: false,
    consent: null,
  });
  return await redirectWithInteraction(ctx, call, current.purpose, next, [
    sessionCookie(ctx, handle),
    ...cookies,
  ]);
}

/**
 * Records what the user allowed and goes on. Only what the request asks for can be allowed, whatever is passed.
 * @param scopes a part of the requested scopes, or null for all
 */
export async function allow(
  ctx: Context,
  call: Call,
  current: Interaction,
  scopes: readonly string[] | null,
): Promise<Response> {
  const proven = await destinationOf(ctx, current);
  return await answering(ctx, call, proven, async () => {
    const flow = await evaluate(ctx, call, current, proven);
    const session = requireSession(flow);
    if (scopes !== null && !covers(scopes, flow.request.scopes)) {
      throw new OAuthError(
        'access_denied',
        'consent_partial',
        'The user did not allow all that was asked for.',
      );
    }
    // Never more than was shown: what the client may ask for can have grown while the page was open.
    const allowed = (current.shown ?? flow.request.scopes).filter((scope) =>
      flow.request.scopes.includes(scope),
    );
    return await redirectWithInteraction(
      ctx,
      call,
      current.purpose,
      withDecision(ctx, current, { consent: { sub: session.sub, scopes: allowed } }),
    );
  });
}

function requireSession(flow: Flow): Session {
  if (flow.session === null)
    throw new OAuthError(
      'login_required',
      'session_ended',
      'The user is not signed in any longer.',
    );
  return flow.session;
}

/** Tells the client that the user declined (RFC 6749 §4.1.2.1). */
export async function deny(ctx: Context, call: Call, current: Interaction): Promise<Response> {
  const proven = await destinationOf(ctx, current);
  const { session } = await currentSession(ctx, call);
  const facts = {
    sub: session?.sub ?? null,
    clientId: proven.client.clientId,
    ip: call.ip,
    reason: 'user_declined',
  };
  // Anybody can begin a sign-in and leave it, in any number.
  if (session === null) ctx.events.notify('authorization.denied', facts);
  else ctx.events.record('authorization.denied', facts);
  return refuse(
    ctx,
    proven.destination,
    new OAuthError('access_denied', 'user_declined', 'The user declined.'),
  );
}

/**
 * Who is signed in in this browser: by a session of our own, kept by a cookie, or by the session
 * that the host keeps (`accounts.current`). Also how that session ends.
 */
import { type Account, findEnabledAccount, type HostSession } from '../domain/accounts.ts';
import { endHostSession, hostSession } from '../domain/host-sessions.ts';
import { endSession, findSession } from '../domain/sessions.ts';
import type { Session } from '../store/records.ts';
import { endSessionCookie, sessionHandle } from '../web/cookies.ts';
import type { RequestContext } from '../web/request.ts';

/** A session with its account, or neither. */
export type CurrentSession =
  | {
      readonly session: Session;
      readonly account: Account;
      /** The host's own session behind it; null for a session of ours. */
      readonly host: HostSession | null;
    }
  | { readonly session: null; readonly account: null; readonly host: null };

const NOBODY: CurrentSession = { session: null, account: null, host: null };

/** True when the host keeps the sessions. */
export function isHosted({ settings }: Pick<RequestContext, 'settings'>): boolean {
  return settings.accounts.current !== undefined;
}

/** The browser's session, if its account still exists and is enabled. */
export async function currentSession(ctx: RequestContext): Promise<CurrentSession> {
  const { accounts } = ctx.settings;
  const host = (await accounts.current?.(ctx.request.raw, ctx.request.native)) ?? null;
  const session = isHosted(ctx)
    ? host && (await hostSession(ctx, host))
    : await findSession(ctx, sessionHandle(ctx));
  const account = session === null ? null : await findEnabledAccount(accounts, session.sub);
  return session === null || account === null ? NOBODY : { session, account, host };
}

/**
 * Ends the browser's session, if there is one, by a logout.
 * @returns headers for the browser: they take the cookie of the session away
 */
export async function endCurrentSession(
  ctx: RequestContext,
  { session, host }: CurrentSession,
): Promise<Headers> {
  if (host === null || session === null) {
    if (session !== null) await endSession(ctx, session);
    return endingHeaders(ctx);
  }
  // End ours first: when the host fails to end its session, this login is still over here.
  await endHostSession(ctx, session, host.authTime);
  const { raw, native } = ctx.request;
  return (await ctx.settings.accounts.signOut?.(host, raw, native)) ?? new Headers();
}

/**
 * Takes away the cookie that came with the request. A cross-site request comes without the cookie
 * of a session that still stands, so take nothing then.
 */
function endingHeaders(ctx: RequestContext): Headers {
  const headers = new Headers();
  if (!isHosted(ctx) && sessionHandle(ctx) !== null)
    headers.append('Set-Cookie', endSessionCookie(ctx));
  return headers;
}

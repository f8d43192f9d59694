/**
 * Who is signed in in this browser: by a session of our own, kept by a cookie, or by the session
 * that the host keeps (`accounts.current`). Also how that session ends.
 */
import { type Account, findEnabledAccount, type HostSession } from '../domain/accounts.ts';
import { findAuthorization, ofThisClient } from '../domain/authorizations.ts';
import { endHostSession, hostSession } from '../domain/host-sessions.ts';
import { endSession, findSession } from '../domain/sessions.ts';
import type { Authorization, Client, Session } from '../store/records.ts';
import { endSessionCookie, sessionHandle } from '../web/cookies.ts';
import type { RequestContext } from '../web/request.ts';
import type { EngineContext } from './contracts/context.ts';

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
  return (await find(ctx, null)).current;
}

/** The same, with what its subject allowed this client. */
export async function currentSessionFor(
  ctx: RequestContext,
  client: Client,
): Promise<{ readonly current: CurrentSession; readonly authorization: Authorization | null }> {
  const { current, authorization } = await find(ctx, client);
  if (current.session === null) return { current, authorization: null };
  return {
    current,
    authorization: isHosted(ctx)
      ? await findAuthorization(ctx, current.session.sub, client)
      : await ofThisClient(ctx, client, authorization),
  };
}

async function find(
  ctx: RequestContext,
  client: Client | null,
): Promise<{ readonly current: CurrentSession; readonly authorization: Authorization | null }> {
  const { accounts } = ctx.settings;
  const host = (await accounts.current?.(ctx.request.raw, ctx.request.native)) ?? null;
  const found = isHosted(ctx)
    ? { session: host && (await hostSession(ctx, host)), authorization: null }
    : await findSession(ctx, sessionHandle(ctx), client);
  const { session = null, authorization = null } = found ?? {};
  const account = session === null ? null : await findEnabledAccount(accounts, session.sub);
  const isNobody = session === null || account === null;
  return { current: isNobody ? NOBODY : { session, account, host }, authorization };
}

/**
 * Ends the browser's session, if there is one, by a logout.
 * @returns headers for the browser: they take the cookie of the session away
 */
export async function endCurrentSession(
  ctx: EngineContext,
  current: CurrentSession,
): Promise<Headers> {
  const headers = await endIt(ctx, current);
  for (const cookie of ctx.engine.sessionListeners.flatMap((one) => one.cookies?.(ctx) ?? []))
    headers.append('Set-Cookie', cookie);
  return headers;
}

async function endIt(ctx: RequestContext, { session, host }: CurrentSession): Promise<Headers> {
  if (host === null || session === null) {
    if (session !== null) await endSession(ctx, session);
    return endingHeaders(ctx);
  }
  // End ours first: when the host fails to end its session, this login is still over here.
  await endHostSession(ctx, session, host.authTime);
  const { raw, native } = ctx.request;
  return new Headers((await ctx.settings.accounts.signOut?.(host, raw, native)) ?? undefined);
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

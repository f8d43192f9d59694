/** A browser's login at this provider: starting, finding, ending. How the handle travels (a cookie) is the web floor's business. */
import { sha256 } from '../crypto/bytes.ts';
import { base64url, newHandle, parseHandle } from '../crypto/secrets.ts';
import type { Session } from '../store/records.ts';
import type { Context } from './context.ts';

/** A session just started, with the handle that only the browser keeps. */
export interface StartedSession {
  readonly session: Session;
  readonly handle: string;
}

/** How somebody proved who they are. */
export interface Login {
  /** Who. */
  readonly sub: string;
  /** Authentication methods (RFC 8176). */
  readonly amr: readonly string[];
  /** Authentication context that was reached (OIDC Core §2). */
  readonly acr?: string | null;
  /** When they did, in seconds; default now. A host passes the time of its own login. */
  readonly authTime?: number;
  /** When the proof began, in seconds; default now. What ends a subject's sessions after that ends this one as well. */
  readonly began?: number;
}

/** The living session of a handle, or null. Moves the idle limit at most sixteen times within it, so that most requests write nothing. */
export async function findSession(ctx: Context, handle: string | null): Promise<Session | null> {
  if (handle === null || parseHandle('session', handle) === null) return null;
  const session = await ctx.store.sessions.find(sha256(handle));
  if (session === null) return null;
  const now = ctx.now();
  const { sessionIdle } = ctx.settings.lifetimes;
  if (session.expiresAt <= now || session.seenAt + sessionIdle <= now) return null;
  if (session.seenAt + sessionIdle / 16 <= now) await ctx.store.sessions.touch(session.handle, now);
  return session;
}

/**
 * Starts a session under a new handle; the one it takes the place of is gone with it. The same person signing in again keeps the
 * `sid`, so that relying parties recognise the session they know. Null when everything of the subject was revoked while they signed in.
 */
export async function startSession(
  ctx: Context,
  login: Login,
  replaces: Session | null,
): Promise<StartedSession | null> {
  const now = ctx.now();
  const handle = newHandle('session', ctx.settings.random);
  const session: Session = {
    handle: sha256(handle),
    sid:
      replaces !== null && replaces.sub === login.sub
        ? replaces.sid
        : base64url(ctx.settings.random(16)),
    sub: login.sub,
    authTime: Math.min(login.authTime ?? now, now),
    amr: login.amr,
    acr: login.acr ?? null,
    createdAt: now,
    seenAt: now,
    expiresAt: now + ctx.settings.lifetimes.sessionAbsolute,
  };
  const outcome = await ctx.store.sessions.start(
    session,
    replaces?.handle ?? null,
    login.began ?? now,
  );
  if (outcome === 'exists') throw new Error('A random session handle came twice.');
  return outcome === 'started' ? { session, handle } : null;
}

/** Ends a session and, by setting, the tokens issued in it. */
export async function endSession(ctx: Context, session: Session, ip: string | null): Promise<void> {
  const { logoutRevokesTokens } = ctx.settings;
  const { sub, sid } = session;
  await ctx.events.act(
    'logout',
    { sub, ip, detail: { sid } },
    async (row) => await ctx.store.sessions.end(session, ctx.now(), logoutRevokesTokens, row),
  );
}

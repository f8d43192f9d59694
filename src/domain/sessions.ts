/**
 * A browser's login at this provider: starting, finding, ending. `web/cookies.ts` carries the
 * handle in a cookie; sessions that a host keeps are in `host-sessions.ts`.
 */

import { sha256 } from '../crypto/bytes.ts';
import { base64url, newHandle, parseHandle } from '../crypto/handles.ts';
import type { ProvenAt } from '../store/issue.ts';
import type { Client, Digest, Seconds, Session } from '../store/records.ts';
import type { FoundSession } from '../store/store.ts';
import type { Context } from './context.ts';
import { loggedOut } from './event-definitions.ts';

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
  /** Authentication context that was reached (OIDC Core §2). @default null */
  readonly acr?: string | null;
  /** When they did, in seconds. A host passes the time of its own login. @default now */
  readonly authTime?: number;
  /**
   * When the proof began (`provenNow`): what revokes the subject later ends this login as well.
   * @default `authTime` where that is given; else when the session starts
   */
  readonly proof?: ProvenAt;
}

/**
 * The living session of a handle; null when there is none. Moves the idle limit at most sixteen
 * times within it, so that most requests write nothing.
 * @param client whose authorization is read with it; null: none is
 */
export async function findSession(
  ctx: Context,
  handle: string | null,
  client: Client | null,
): Promise<FoundSession | null> {
  if (handle === null || parseHandle('session', handle) === null) return null;
  const found = await find(ctx, sha256(handle), client);
  if (found === null) return null;
  const { session } = found;
  const now = ctx.now();
  const { sessionIdle } = ctx.settings.lifetimes;
  if (session.expiresAt <= now || session.seenAt + sessionIdle <= now) return null;
  await keepAlive(ctx, session);
  return found;
}

async function find(
  ctx: Context,
  handle: Digest,
  client: Client | null,
): Promise<FoundSession | null> {
  if (client !== null) return await ctx.store.sessions.findFor(handle, client.clientId);
  const session = await ctx.store.sessions.find(handle);
  return session === null ? null : { session, authorization: null };
}

/** Moves the idle limit of a session that is in use, where a sixteenth of it has passed. */
export async function keepAlive(ctx: Context, session: Session): Promise<void> {
  const now = ctx.now();
  if (session.seenAt + ctx.settings.lifetimes.sessionIdle / 16 <= now)
    await ctx.store.sessions.touch(session.handle, now);
}

/** The sessions of a subject that have not ended, in all browsers. */
export async function liveSessions(ctx: Context, sub: string): Promise<readonly Session[]> {
  // A host judges by itself whether one of its sessions is idle.
  const isHosted = ctx.settings.accounts.current !== undefined;
  const sessionIdle = isHosted ? Number.POSITIVE_INFINITY : ctx.settings.lifetimes.sessionIdle;
  const now = ctx.now();
  return (await ctx.store.sessions.listBySubject(sub)).filter(
    ({ expiresAt, seenAt }) => expiresAt > now && seenAt + sessionIdle > now,
  );
}

/** Ask this before somebody proves who they are. */
export async function provenNow(ctx: Context): Promise<ProvenAt> {
  const time = ctx.now();
  return { time, revocations: await ctx.store.tokens.revocations() };
}

/** The record of a login that begins now. @param sid what relying parties know the session by */
export function newSession(ctx: Context, login: Login, handle: string, sid: string): Session {
  const now = ctx.now();
  return {
    handle,
    sid,
    sub: login.sub,
    authTime: authTimeOf(ctx, login.authTime ?? now),
    amr: login.amr,
    acr: login.acr ?? null,
    createdAt: now,
    seenAt: now,
    expiresAt: now + ctx.settings.lifetimes.sessionAbsolute,
  };
}

/** Seconds that the clock of a host may run ahead. */
export const SKEW = 60;

/**
 * The time of a proof as it is kept: never later than now, so that a clock that runs ahead makes no
 * proof newer than it is.
 * @throws Error when it is no time in seconds: milliseconds, mostly
 */
export function authTimeOf(ctx: Context, given: number): Seconds {
  if (!Number.isFinite(given) || given > ctx.now() + SKEW)
    throw new Error('authTime must be a time in seconds since 1970, and not in the future.');
  return Math.min(Math.floor(given), ctx.now());
}

/** A new name that relying parties know a session by. */
export function newSid(ctx: Context): string {
  return base64url(ctx.settings.random(16));
}

/**
 * Starts a session under a new handle; the one it replaces is gone with it. The same person signing
 * in again keeps the `sid`, so that relying parties recognise the session they know. Null when
 * everything of the subject was revoked while they signed in.
 */
export async function startSession(
  ctx: Context,
  login: Login,
  replaces: Session | null,
): Promise<StartedSession | null> {
  const handle = newHandle('session', ctx.settings.random);
  const sid = replaces?.sub === login.sub ? replaces.sid : newSid(ctx);
  const session = newSession(ctx, login, sha256(handle), sid);
  const { proof = login.authTime === undefined ? await provenNow(ctx) : null } = login;
  const outcome = await ctx.store.sessions.start(
    session,
    replaces?.handle ?? null,
    proof ?? {
      revocations: null,
      time: session.authTime,
    },
  );
  if (outcome === 'exists') throw new Error('A random session handle came twice.');
  return outcome === 'started' ? { session, handle } : null;
}

/** Ends a session and, by setting, the tokens issued in it. False when it had ended already. */
export async function endSession(ctx: Context, session: Session): Promise<boolean> {
  const { revokeTokens } = ctx.settings.logout;
  const { sub, sid } = session;
  const isEnded = await ctx.events.act(
    loggedOut,
    { sub, detail: { sid } },
    async (row) => await ctx.store.sessions.end(session, ctx.now(), revokeTokens, row),
  );
  if (isEnded) ctx.deliveries.wake();
  return isEnded;
}

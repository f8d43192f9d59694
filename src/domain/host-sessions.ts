/**
 * Sessions that a host keeps (`accounts.current`). The host says who is signed in; we keep a record
 * under a digest of its session id, so that codes, `sid`, forms and tokens hang on it as on a
 * session of ours. A login that ended here stays ended, even while the host still names it, until
 * the person proves again who they are.
 */
import { sha256 } from '../crypto/bytes.ts';
import type { Session } from '../store/records.ts';
import type { HostSession } from './accounts.ts';
import type { Context } from './context.ts';
import { isUsable, newOneTimeRecord } from './one-time-records.ts';
import { endSession, keepAlive, newSession, newSid } from './sessions.ts';

/** Kind of the one-time records that remember which sessions ended here. */
const ENDED = 'ended-host-session';
/** Seconds for which an ended session is remembered: longer than hosts keep theirs. */
const ENDED_KEPT = 90 * 24 * 3600;

function handleOf(sessionId: string): string {
  return sha256(`host session\n${sessionId}`);
}

/** Seconds that the clock of a host may run ahead. */
const SKEW = 60;

/**
 * The record of the session that the host names; null when it ended here, or its subject was
 * revoked.
 * @throws Error when the host names a time that cannot be: milliseconds, mostly
 */
export async function hostSession(ctx: Context, host: HostSession): Promise<Session | null> {
  if (!Number.isFinite(host.authTime) || host.authTime > ctx.now() + SKEW)
    throw new Error(
      'accounts.current() must resolve to an authTime in seconds, not in the future.',
    );
  const handle = handleOf(host.sessionId);
  const found = await ctx.store.sessions.find(handle);
  if (found !== null && found.sub !== host.sub) {
    // Somebody else signed in under the same id: what was issued to the one before ends, as in a
    // logout.
    await endSession(ctx, found);
    return await begin(ctx, host, handle, null);
  }
  if (found !== null && found.expiresAt > ctx.now() && isSameLogin(found, host)) {
    await keepAlive(ctx, found);
    return found;
  }
  return await begin(ctx, host, handle, found);
}

function isSameLogin(session: Session, { authTime, acr, amr = [] }: HostSession): boolean {
  return (
    session.authTime === Math.floor(authTime) &&
    session.acr === (acr ?? null) &&
    session.amr.join(' ') === amr.join(' ')
  );
}

async function begin(
  ctx: Context,
  host: HostSession,
  handle: string,
  replaces: Session | null,
): Promise<Session | null> {
  const { sub, acr, amr = [] } = host;
  const authTime = Math.floor(host.authTime);
  const sid = replaces?.sid ?? newSid(ctx);
  const session = newSession(ctx, { sub, authTime, acr: acr ?? null, amr }, handle, sid);
  const outcome = await ctx.store.sessions.start(session, replaces?.handle ?? null, authTime);
  if (outcome === 'subject_revoked') return null;
  // Another request of the same browser was faster.
  if (outcome === 'exists') return await ctx.store.sessions.find(handle);
  // Look after the start: an end that runs at the same time first remembers itself, then deletes.
  if (!(await isEnded(ctx, handle, authTime))) return session;
  await ctx.store.sessions.end(session, ctx.now(), false, null);
  return null;
}

/** One login of one session: a new proof in the same session is another one. */
function endedKey(
  handle: string,
  authTime: number,
): { readonly kind: string; readonly digest: string } {
  return { kind: ENDED, digest: sha256(`${handle}\n${authTime}`) };
}

async function isEnded(ctx: Context, handle: string, authTime: number): Promise<boolean> {
  return isUsable(await ctx.store.oneTime.find(endedKey(handle, authTime)), ctx.now());
}

/** Ends the record of a host's session, and remembers that this login ended. */
export async function endHostSession(ctx: Context, session: Session): Promise<boolean> {
  const key = endedKey(session.handle, session.authTime);
  await ctx.store.oneTime.put(newOneTimeRecord({ ...key, expiresAt: ctx.now() + ENDED_KEPT }));
  return await endSession(ctx, session);
}

/** Ends the session that the host names, as its own logout does. False when none is known here. */
export async function endSessionOfHost(ctx: Context, sessionId: string): Promise<boolean> {
  const session = await ctx.store.sessions.find(handleOf(sessionId));
  return session !== null && (await endHostSession(ctx, session));
}

/**
 * Sessions that a host keeps (`accounts.current`). The host says who is signed in; we keep a record
 * under a digest of its session id, so that codes, `sid`, forms and tokens hang on it as on a
 * session of ours. A login that ended here stays ended, even while the host still names it, until
 * the person proves again who they are.
 */

import { sha256 } from '../crypto/bytes.ts';
import type { Seconds, Session } from '../store/records.ts';
import type { HostSession } from './accounts.ts';
import type { Context } from './context.ts';
import { sessionStarted } from './event-definitions.ts';
import { isUsable, newOneTimeRecord } from './one-time-records.ts';
import { authTimeOf, endSession, keepAlive, newSession, newSid, SKEW } from './sessions.ts';

/** Kind of the one-time records that remember which sessions ended here. */
const ENDED = 'ended-host-session';
/** Seconds for which an ended session is remembered: longer than hosts keep theirs. */
const ENDED_KEPT = 90 * 24 * 3600;

function handleOf(sessionId: string): string {
  return sha256(`host session\n${sessionId}`);
}

/** How often the facts may change while a session is looked up. */
const MOST_ATTEMPTS = 5;

/**
 * The record of the session that the host names; null when it ended here, or its subject was
 * revoked.
 * @throws Error when the host names no subject, no session, or a time that cannot be
 */
export async function hostSession(ctx: Context, host: HostSession): Promise<Session | null> {
  for (const name of ['sub', 'sessionId'] as const)
    if (typeof host[name] !== 'string' || host[name] === '')
      throw new Error(`accounts.current() must resolve to a ${name} that is a non-empty text.`);
  const handle = handleOf(host.sessionId);
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const [found, ended] = await Promise.all([
      ctx.store.sessions.find(handle),
      isEnded(ctx, handle, host.authTime),
    ]);
    if (found !== null && found.sub !== host.sub) {
      // Somebody else signed in under the same id: what was issued to the one before ends, as in a
      // logout.
      await endSession(ctx, found);
    } else if (ended) {
      return null;
    } else if (found !== null && found.expiresAt > ctx.now() && isSameLogin(ctx, found, host)) {
      await keepAlive(ctx, found);
      return found;
    } else {
      const begun = await begin(ctx, host, handle, found);
      // Another request began one in the meantime, perhaps for somebody else: look again.
      if (begun !== 'exists') return begun;
    }
  }
  throw new Error('accounts.current() kept naming different people for one session.');
}

function isSameLogin(
  ctx: Context,
  session: Session,
  { authTime, acr, amr = [] }: HostSession,
): boolean {
  return (
    session.authTime === Math.min(authTimeOf(ctx, authTime), session.createdAt) &&
    session.acr === (acr ?? null) &&
    session.amr.join(' ') === amr.join(' ')
  );
}

async function begin(
  ctx: Context,
  host: HostSession,
  handle: string,
  replaces: Session | null,
): Promise<Session | null | 'exists'> {
  const { sub, acr, amr = [], authTime } = host;
  const sid = replaces?.sid ?? newSid(ctx);
  const session = newSession(ctx, { sub, authTime, acr: acr ?? null, amr }, handle, sid);
  const outcome = await ctx.store.sessions.start(session, replaces?.handle ?? null, {
    revocations: null,
    time: session.authTime,
  });
  if (outcome === 'subject_revoked') return null;
  if (outcome === 'exists') return 'exists';
  // Look after the start as well: an end that runs at the same time first remembers itself, then
  // deletes. What other requests made in this session meanwhile ends with it.
  if (!(await isEnded(ctx, handle, authTime))) {
    ctx.events.record(sessionStarted, { sub, detail: { sid } });
    return session;
  }
  await ctx.store.sessions.end(session, ctx.now(), true, null);
  return null;
}

/** A login that was proven at or before the time that the record names has ended. */
async function isEnded(ctx: Context, handle: string, authTime: number): Promise<boolean> {
  const record = await ctx.store.oneTime.find({ kind: ENDED, digest: handle });
  return isUsable(record, ctx.now()) && authTime <= Number(record.payload);
}

/** Remembers that the logins of this session up to a time ended. */
async function rememberEnd(ctx: Context, handle: string, upTo: Seconds): Promise<void> {
  const key = { kind: ENDED, digest: handle };
  const expiresAt = ctx.now() + ENDED_KEPT;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const before = await ctx.store.oneTime.find(key);
    const payload = String(Math.max(upTo, Number(before?.payload ?? 0)));
    const done =
      before === null
        ? await ctx.store.oneTime.put(newOneTimeRecord({ ...key, payload, expiresAt }))
        : await ctx.store.oneTime.swap({
            ...before,
            payload,
            expiresAt,
            version: before.version + 1,
          });
    if (done) return;
  }
  throw new Error('The end of a session could not be remembered.');
}

/** Ends the record of a host's session, and remembers that this login ended. */
export async function endHostSession(
  ctx: Context,
  session: Session,
  authTime: Seconds,
): Promise<boolean> {
  await rememberEnd(ctx, session.handle, authTime);
  return await endSession(ctx, session);
}

/**
 * Ends a session of another browser than the one that asks. Its host may still name it, and be
 * served from another process than this one.
 */
export async function endSessionElsewhere(ctx: Context, session: Session): Promise<boolean> {
  return await endHostSession(ctx, session, latestOf(session));
}

/**
 * After everything of a subject was revoked: the host may still name a session that ended with it.
 * One that is as old as it looks is refused by the time of the revocation; one of the last minute
 * may be of the same second, or its host's clock may be ahead, so that its end is remembered.
 */
export async function rememberEnds(ctx: Context, ended: readonly Session[]): Promise<void> {
  for (const session of ended) {
    if (session.authTime < ctx.now() - SKEW) continue;
    await rememberEnd(ctx, session.handle, latestOf(session));
    // What began under the same handle in between.
    await ctx.store.sessions.end(session, ctx.now(), true, null);
  }
}

/** The host may have named a later time than is kept, because its clock is ahead. */
export function latestOf({ authTime, createdAt }: Session): Seconds {
  return authTime === createdAt ? authTime + SKEW : authTime;
}

/**
 * Ends the session that the host names, as its own logout does. False when none is known here; that
 * it ended is remembered all the same, for a request that is under way.
 */
export async function endSessionOfHost(ctx: Context, sessionId: string): Promise<boolean> {
  const handle = handleOf(sessionId);
  const session = await ctx.store.sessions.find(handle);
  await rememberEnd(ctx, handle, session === null ? ctx.now() : latestOf(session));
  return session !== null && (await endSession(ctx, session));
}

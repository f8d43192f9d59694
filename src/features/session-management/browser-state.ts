/**
 * What the browser remembers for applications that watch its session: a cookie that scripts of the
 * frame of `check_session_iframe` read. It proves nothing, and names no session.
 */
import type { Session } from '../../store/records.ts';
import { stateCookie, storedState } from '../../web/cookies.ts';
import type { RequestContext } from '../../web/request.ts';

/** An application in this browser: the origin of its pages, its client_id, its `session_state`. */
export type Watcher = readonly [origin: string, clientId: string, state: string];

interface BrowserState {
  /** Another one for each login. */
  readonly login: string;
  /** The newest first. */
  readonly watchers: readonly Watcher[];
}

/** Applications that are remembered, and characters of the cookie. */
const [MOST_WATCHERS, LONGEST] = [12, 2500];
const NOBODY: BrowserState = { login: '', watchers: [] };
const ORIGIN = /^https?:\/\/[A-Za-z0-9.:[\]-]+$/;

/** The state that the browser sent; an empty one for any other text. */
export function browserState(ctx: RequestContext): BrowserState {
  try {
    const [login, watchers] = JSON.parse(storedState(ctx) ?? '') as [unknown, unknown];
    if (typeof login !== 'string' || !Array.isArray(watchers)) return NOBODY;
    const isWatcher = (one: unknown): one is Watcher =>
      Array.isArray(one) && one.length === 3 && one.every((part) => typeof part === 'string');
    return { login, watchers: watchers.filter(isWatcher).slice(0, MOST_WATCHERS) };
  } catch {
    // Without a readable cookie every application of this browser hears that something changed.
    return NOBODY;
  }
}

/** Origins that may frame the page that watches. */
export function watchingOrigins(ctx: RequestContext): readonly string[] {
  const origins = browserState(ctx).watchers.map(([origin]) => origin);
  return [...new Set(origins)].filter((origin) => ORIGIN.test(origin));
}

/** The `session_state` of an application, and the cookie by which its frame recognises it. */
export function watching(
  ctx: RequestContext,
  session: Session,
  origin: string,
  clientId: string,
): { readonly state: string; readonly cookie: string } {
  const mac = (purpose: string, ...parts: readonly string[]): string =>
    ctx.vault.mac(purpose, [session.handle, ...parts].join('\n')).slice(0, 22);
  const login = mac('browser state');
  const state = mac('session state', origin, clientId);
  const before = browserState(ctx);
  const others = before.watchers
    .filter(([one, client]) => one !== origin || client !== clientId)
    // What was issued for another login is over.
    .map(([one, client, old]): Watcher => [one, client, before.login === login ? old : '']);
  return {
    state,
    cookie: cookieFor(ctx, { login, watchers: [[origin, clientId, state], ...others] }),
  };
}

/** The cookie after a logout: every application sees that something changed. */
export function nobodyWatched(ctx: RequestContext): readonly string[] {
  const { watchers } = browserState(ctx);
  if (watchers.length === 0) return [];
  const ended = watchers.map(([origin, clientId]): Watcher => [origin, clientId, '']);
  return [cookieFor(ctx, { login: '', watchers: ended })];
}

function cookieFor(ctx: RequestContext, { login, watchers }: BrowserState): string {
  let kept = watchers.slice(0, MOST_WATCHERS);
  const text = (): string => JSON.stringify([login, kept]);
  while (encodeURIComponent(text()).length > LONGEST) kept = kept.slice(0, -1);
  return stateCookie(ctx, text());
}

/**
 * What a browser keeps for us: the session handle, a binding value that ties interactions and forms
 * to this browser, and proofs of which accounts it knows (`known-devices.ts`). Cookies carry no
 * request and no token.
 * Their names hold a piece of the issuer's digest, so that two issuers on one host do not overwrite
 * each other.
 */
import { stringifySetCookie } from 'cookie';
import { sha256 } from '../crypto/bytes.ts';
import { newHandle, parseHandle } from '../crypto/handles.ts';
import type { Settings } from '../domain/settings.ts';
import type { RequestContext } from './request.ts';

export const YEAR: number = 365 * 24 * 3600;

export function cookieName(
  settings: Settings,
  kind: 'session' | 'browser' | 'device' | 'state',
): string {
  const name = `vk_${kind}_${sha256(settings.issuer).slice(0, 6)}`;
  return isSecure(settings) ? `__Host-${name}` : name;
}

/** http is for loopback only, where browsers treat Secure cookies differently. */
function isSecure(settings: Settings): boolean {
  return settings.issuer.startsWith('https:');
}

export function cookie(
  settings: Settings,
  kind: 'session' | 'browser' | 'device',
  value: string,
  maxAge: number | undefined,
): string {
  return stringifySetCookie({
    name: cookieName(settings, kind),
    value,
    path: '/',
    httpOnly: true,
    secure: isSecure(settings),
    sameSite: kind === 'session' && settings.allowCrossSiteSession ? crossSite(settings) : 'lax',
    ...(maxAge === undefined ? {} : { maxAge }),
  });
}

/** Browsers send a cookie to frames of other sites over https alone. */
function crossSite(settings: Settings): 'none' | 'lax' {
  return isSecure(settings) ? 'none' : 'lax';
}

/** What scripts of a frame in the pages of applications read; it is no credential. */
export function stateCookie({ settings }: RequestContext, value: string): string {
  return stringifySetCookie({
    name: cookieName(settings, 'state'),
    value,
    path: '/',
    secure: isSecure(settings),
    sameSite: crossSite(settings),
    maxAge: settings.lifetimes.sessionAbsolute,
  });
}

/** What `stateCookie` set before; null without it. */
export function storedState(ctx: RequestContext): string | null {
  return ctx.request.cookie(cookieName(ctx.settings, 'state'));
}

/** The session handle the browser sent, or null. */
export function sessionHandle(ctx: RequestContext): string | null {
  return ctx.request.cookie(cookieName(ctx.settings, 'session'));
}

/**
 * Set-Cookie for a new session. The browser keeps it for the absolute lifetime; we judge the idle
 * limit.
 */
export function sessionCookie(ctx: RequestContext, handle: string): string {
  return cookie(ctx.settings, 'session', handle, ctx.settings.lifetimes.sessionAbsolute);
}

export function endSessionCookie(ctx: RequestContext): string {
  return cookie(ctx.settings, 'session', '', 0);
}

/** This browser, as interactions remember it; `setCookie` is there when it was new. */
export interface Browser {
  readonly digest: string;
  readonly setCookie: string | null;
}

/** The binding this browser already has, or null. */
export function knownBrowser(ctx: RequestContext): string | null {
  const value = ctx.request.cookie(cookieName(ctx.settings, 'browser'));
  return value !== null && parseHandle('browser', value) !== null ? sha256(value) : null;
}

/** The binding of this browser, made if it has none. */
export function bindBrowser(ctx: RequestContext): Browser {
  const digest = knownBrowser(ctx);
  if (digest !== null) return { digest, setCookie: null };
  const value = newHandle('browser', ctx.settings.random);
  return { digest: sha256(value), setCookie: cookie(ctx.settings, 'browser', value, YEAR) };
}

/**
 * Known devices: a cookie proves in which accounts somebody signed in with this browser before.
 * Such a browser has attempts of its own, so that an attacker elsewhere locks nobody out.
 */
import { cookie, cookieName, YEAR } from './cookies.ts';
import type { RequestContext } from './request.ts';

/** Accounts a browser is remembered as a known device of; the oldest gives way. */
const MOST_KNOWN_DEVICES = 5;

/**
 * Proofs of the accounts that somebody signed in to in this browser; each holds for this browser
 * only.
 */
function knownDeviceProofs(ctx: RequestContext): readonly string[] {
  return (ctx.request.cookie(cookieName(ctx.settings, 'device')) ?? '')
    .split('.')
    .slice(0, MOST_KNOWN_DEVICES);
}

/** True when somebody signed in to the account in this very browser before. */
export function isKnownDevice(ctx: RequestContext, browser: string, account: string): boolean {
  return knownDeviceProofs(ctx).some((proof) =>
    ctx.vault.matches('device', `${browser}\n${account}`, proof),
  );
}

/** Set-Cookie that makes this browser a known device of an account. */
export function knownDeviceCookie(ctx: RequestContext, browser: string, account: string): string {
  const proofs = [
    ctx.vault.mac('device', `${browser}\n${account}`),
    ...knownDeviceProofs(ctx),
  ].filter((proof) => proof !== '');
  return cookie(ctx.settings, 'device', proofs.slice(0, MOST_KNOWN_DEVICES).join('.'), YEAR);
}

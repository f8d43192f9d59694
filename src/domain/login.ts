/**
 * Proving a person with username and password, within rate limits. A success forgives the wrong
 * attempts on the account; for the network that it comes from, it counts as none. A browser in
 * which somebody signed in to the account before has a limit of its own: an attacker who locks the
 * account from elsewhere does not lock its owner out.
 */

import type { ProvenAt } from '../store/issue.ts';
import type { Authenticated } from './accounts.ts';
import { networkOf } from './addresses.ts';
import type { Context } from './context.ts';
import { loginFailed, loginLimited } from './event-definitions.ts';
import { type LimitedKey, type RateLimitKey, TooManyAttempts } from './rate-limiter.ts';
import { provenNow } from './sessions.ts';

/** One attempt. */
export interface LoginAttempt {
  readonly username: string;
  readonly password: string;
  /** What the account is counted under. */
  readonly account: string;
  /** Digest of a browser that is a known device of this account; null for any other. */
  readonly knownDevice: string | null;
}

/** A proven person, and when the proof began. */
export interface ProvenLogin extends Authenticated {
  readonly proof: ProvenAt;
}

/** One spelling per name, before anything is looked up or counted. */
export function canonicalUsername(typed: string): string {
  return typed.normalize('NFKC').trim().slice(0, 255);
}

/**
 * What attempts of the peer are counted under; null where its address is not known, and there is
 * nothing to count by it.
 */
function networkKeyOf(ctx: Context): RateLimitKey | null {
  const address = ctx.request?.address ?? null;
  return address === null ? null : ['login from', networkOf(address)];
}

/**
 * Before an account is looked up: a network that has reached its limit costs no query.
 * @throws TooManyAttempts
 */
export function refuseLockedNetwork(ctx: Context): void {
  const key = networkKeyOf(ctx);
  if (key !== null) ctx.rateLimiter.refuseKnown(key);
}

/** What attempts on an account are counted under, however the name was typed. */
export async function accountKeyOf(
  { settings: { accounts } }: Context,
  username: string,
): Promise<string> {
  return (await accounts.canonical?.(username)) ?? username.toLowerCase();
}

/**
 * Resolves to null when the credentials prove nothing, or the account is disabled.
 * @throws TooManyAttempts when a limit is reached
 */
export async function proveLogin(ctx: Context, attempt: LoginAttempt): Promise<ProvenLogin | null> {
  const { accounts, rateLimits } = ctx.settings;
  const { username, password, account, knownDevice } = attempt;
  const from = networkKeyOf(ctx);
  const network: readonly LimitedKey[] = from === null ? [] : [[from, rateLimits.loginByAddress]];
  let proof: ProvenAt = { revocations: 0, time: 0 };
  let disabled: string | null = null;
  const empty = username === '' || password === '';
  const prove = async (): Promise<Authenticated | null> => {
    if (empty) return null;
    proof = await provenNow(ctx);
    const found = (await accounts.authenticate?.({ username, password })) ?? null;
    if (found?.account.enabled === false) disabled = found.account.sub;
    return found?.account.enabled === true ? found : null;
  };
  const under = async (key: RateLimitKey): Promise<Authenticated | null> =>
    await ctx.rateLimiter.attempt([...network, [key, rateLimits.login]], prove, key);
  // Where the host tells no address, only the rows are limited in all.
  const isWritten = async (): Promise<boolean> =>
    from !== null ||
    (await ctx.rateLimiter.isWithin([['login from', networkOf(null)], rateLimits.loginByAddress]));
  const proven = await underOwn(under, knownDevice, account).catch(async (error: unknown) => {
    if (error instanceof TooManyAttempts && (await isWritten())) await noteLimit(ctx, error);
    throw error;
  });
  if (proven === null) {
    const requestId = ctx.request?.requestId ?? null;
    // Who signs in learns no difference; the operator does.
    const facts =
      disabled === null
        ? { reason: 'credentials' }
        : { reason: 'account_disabled', sub: disabled as string };
    ctx.settings.logger.info({ requestId, ...facts }, 'sign-in refused');
    if (await isWritten()) ctx.events.record(loginFailed, facts);
    else ctx.events.notify(loginFailed, facts);
    return null;
  }
  return { ...proven, proof };
}

/**
 * Tells operators that sign-ins are refused unevaluated, once for a limit and its window. Names
 * that people type are not written: a password is typed there now and then.
 */
async function noteLimit(ctx: Context, { retryAfter, counter }: TooManyAttempts): Promise<void> {
  const { logger, rateLimits } = ctx.settings;
  if (counter === null) return;
  try {
    const once = { ...rateLimits.login, limit: 1 };
    if (!(await ctx.rateLimiter.isWithin([['limit noted', counter], once]))) return;
  } catch (error) {
    // The refusal stands without it.
    logger.warn({ error }, 'a limit could not be noted');
    return;
  }
  ctx.events.record(loginLimited, { reason: 'rate_limited', detail: { seconds: retryAfter } });
  logger.info(
    {
      requestId: ctx.request?.requestId ?? null,
      reason: 'rate_limited',
      expected: 'fewer wrong passwords for one account, or from one network',
      remedy: `it ends in ${retryAfter} seconds, or for one account with: npx valetkey user unlock --username NAME`,
    },
    'sign-in refused',
  );
}

/**
 * A browser that is known has a limit of its own. Once that is reached, the limit of the account
 * counts there too: it is the one that an operator can unlock.
 */
async function underOwn(
  under: (key: RateLimitKey) => Promise<Authenticated | null>,
  knownDevice: string | null,
  account: string,
): Promise<Authenticated | null> {
  if (knownDevice === null) return await under(['login', account]);
  try {
    return await under(['login in', knownDevice, account]);
  } catch (error) {
    if (!(error instanceof TooManyAttempts)) throw error;
    return await under(['login', account]);
  }
}

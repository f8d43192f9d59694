/**
 * Proving a person with username and password, within rate limits. A success forgives the wrong
 * attempts on the account; for the network that it comes from, it counts as none. A browser in
 * which somebody signed in to the account before has a limit of its own: an attacker who locks the
 * account from elsewhere does not lock its owner out.
 */
import type { Authenticated } from './accounts.ts';
import { networkOf } from './addresses.ts';
import type { Context } from './context.ts';
import { type LimitedKey, type RateLimitKey, TooManyAttempts } from './rate-limiter.ts';

/** One attempt. */
export interface LoginAttempt {
  readonly username: string;
  readonly password: string;
  /** What the account is counted under. */
  readonly account: string;
  /** Digest of a browser that is a known device of this account; null for any other. */
  readonly knownDevice: string | null;
}

/** A proven person, and how many revocations of subjects there were before the proof. */
export interface ProvenLogin extends Authenticated {
  readonly revocations: number;
}

/** One spelling per name, before anything is looked up or counted. */
export function canonicalUsername(typed: string): string {
  return typed.normalize('NFKC').trim().slice(0, 255);
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
  // Where the peer's address is not known there is nothing to count by it.
  const address = ctx.request?.address ?? null;
  const network: readonly LimitedKey[] =
    address === null ? [] : [[['login from', networkOf(address)], rateLimits.loginByAddress]];
  let revocations = 0;
  const empty = username === '' || password === '';
  const prove = async (): Promise<Authenticated | null> => {
    if (empty) return null;
    revocations = await ctx.store.tokens.revocations();
    const found = (await accounts.authenticate?.({ username, password })) ?? null;
    return found?.account.enabled === true ? found : null;
  };
  const under = async (key: RateLimitKey): Promise<Authenticated | null> =>
    await ctx.rateLimiter.attempt([...network, [key, rateLimits.login]], prove, key);
  const proven = await underOwn(under, knownDevice, account);
  if (proven === null) {
    // Where the host tells no address, only the rows are limited in all.
    const inAll = [['login from', networkOf(null)], rateLimits.loginByAddress] as const;
    const isWritten = address !== null || (await ctx.rateLimiter.isWithin(inAll));
    const requestId = ctx.request?.requestId ?? null;
    ctx.settings.logger.info({ requestId, reason: 'credentials' }, 'sign-in refused');
    if (isWritten) ctx.events.record('login.failed', { reason: 'credentials' });
    else ctx.events.notify('login.failed', { reason: 'credentials' });
    return null;
  }
  return { ...proven, revocations };
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

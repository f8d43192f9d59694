/**
 * Rate limits. Counting is the store's (atomic over all nodes). A key known to be exhausted is
 * refused from memory, so that an attack costs no query.
 */
import { LRUCache } from 'lru-cache';
import { sha256 } from '../crypto/bytes.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { CounterStore } from '../store/store.ts';
import type { RateLimit } from './settings.ts';

/**
 * What is counted. The kind comes first, so that names which people choose cannot collide with
 * another kind.
 */
export type RateLimitKey = readonly [kind: string, ...of: string[]];

/** A counter, and how much it may count. */
export type LimitedKey = readonly [key: RateLimitKey, limit: RateLimit];

/** Counts attempts and refuses those above a limit. */
export interface RateLimiter {
  /**
   * Counts one attempt before it is evaluated: under each of these keys, or under none.
   * @throws TooManyAttempts when the limit of one of them is reached
   */
  take(...limited: readonly LimitedKey[]): Promise<void>;
  /** Counts one attempt as `take` does; false when the limit of one of the keys is reached. */
  isWithin(...limited: readonly LimitedKey[]): Promise<boolean>;
  /** Forgets every attempt after a success. */
  reset(key: RateLimitKey): Promise<void>;
  /** Gives one attempt back under each of these keys. */
  giveBack(...keys: readonly RateLimitKey[]): Promise<void>;
}

/** The refusal of an attempt above a limit (RFC 6585 §4). */
export class TooManyAttempts extends OAuthError {
  /** Seconds until another attempt is evaluated. */
  readonly retryAfter: number;

  /** @param retryAfter seconds until another attempt is evaluated */
  constructor(retryAfter: number) {
    super('invalid_request', 'rate_limited', 'Too many failed attempts. Try again later.', {
      status: 429,
      // Shown as a page: the application that sent the browser here did nothing wrong.
      redirectable: false,
      headers: { 'Retry-After': String(retryAfter) },
    });
    this.retryAfter = retryAfter;
  }
}

export function createRateLimiter(counters: CounterStore, now: () => number): RateLimiter {
  const exhausted = new LRUCache<string, number>({ max: 10_000 });
  const refuse = (resetAt: number): never => {
    throw new TooManyAttempts(Math.max(1, resetAt - now()));
  };
  const check = (name: string): void => {
    const resetAt = exhausted.get(name);
    if (resetAt === undefined) return;
    if (resetAt > now()) refuse(resetAt);
    exhausted.delete(name);
  };
  // A digest: the key names people and addresses, and may be long.
  const nameOf = (key: RateLimitKey): string => sha256(JSON.stringify(key));
  const hit = async ([key, { limit, seconds }]: LimitedKey): Promise<void> => {
    const name = nameOf(key);
    check(name);
    const { count, resetAt } = await counters.hit(name, seconds, now());
    if (count >= limit) exhausted.set(name, resetAt);
    if (count > limit) refuse(resetAt);
  };
  const giveBack = async (...keys: readonly RateLimitKey[]): Promise<void> => {
    for (const name of keys.map(nameOf)) {
      exhausted.delete(name);
      await counters.giveBack(name);
    }
  };
  const take = async (...limited: readonly LimitedKey[]): Promise<void> => {
    for (const [index, one] of limited.entries()) {
      try {
        await hit(one);
      } catch (error) {
        // Nothing is evaluated, so the attempt does not count elsewhere either.
        await giveBack(...limited.slice(0, index).map(([key]) => key));
        throw error;
      }
    }
  };
  return {
    take,
    giveBack,
    async isWithin(...limited) {
      try {
        await take(...limited);
        return true;
      } catch (error) {
        if (error instanceof TooManyAttempts) return false;
        throw error;
      }
    },
    async reset(key) {
      const name = nameOf(key);
      exhausted.delete(name);
      await counters.reset(name);
    },
  };
}

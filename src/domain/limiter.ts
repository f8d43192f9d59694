/**
 * Budgets for failures. Counting is the store's (atomic over all nodes); a key known to be exhausted is refused from memory, so that
 * an attack costs no query and a success costs none either.
 */
import { LRUCache } from 'lru-cache';
import { sha256 } from '../crypto/bytes.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { CounterStore } from '../store/store.ts';
import type { Budget } from './settings.ts';

export interface Limiter {
  /** Throws 429 when this node knows the key's budget to be used up. No I/O. */
  check(key: string): void;
  /** Counts one attempt before it is evaluated; throws 429 when the budget is used up. */
  spend(key: string, budget: Budget): Promise<void>;
  /** Gives the budget back after a success. */
  restore(key: string): Promise<void>;
}

export function createLimiter(counters: CounterStore, now: () => number): Limiter {
  const exhausted = new LRUCache<string, number>({ max: 10_000 });
  const refuse = (resetAt: number): never => {
    const wait = Math.max(1, resetAt - now());
    throw new OAuthError('invalid_request', 'rate_limited', 'Too many failed attempts. Try again later.', {
      status: 429,
      headers: { 'Retry-After': String(wait) },
    });
  };
  const check = (key: string): void => {
    const resetAt = exhausted.get(key);
    if (resetAt === undefined) return;
    if (resetAt > now()) refuse(resetAt);
    exhausted.delete(key);
  };
  return {
    check,
    async spend(key, budget) {
      check(key);
      // A digest: the key names people and addresses, and may be long.
      const { count, resetAt } = await counters.hit(sha256(key), budget.seconds, now());
      if (count >= budget.limit) exhausted.set(key, resetAt);
      if (count > budget.limit) refuse(resetAt);
    },
    async restore(key) {
      exhausted.delete(key);
      await counters.reset(sha256(key));
    },
  };
}

/**
 * Rate limits. Counting is the store's (atomic over all nodes). A key known to be exhausted is
 * refused from memory, so that an attack costs no query.
 */
import ipaddr from 'ipaddr.js';
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

/** Counts attempts and refuses those above a limit. */
export interface RateLimiter {
  /** Counts one attempt before it is evaluated; throws 429 when the limit is reached. */
  take(key: RateLimitKey, limit: RateLimit): Promise<void>;
  /** Forgets every attempt after a success. */
  reset(key: RateLimitKey): Promise<void>;
  /** Gives one attempt back. */
  giveBack(key: RateLimitKey): Promise<void>;
}

export function createRateLimiter(counters: CounterStore, now: () => number): RateLimiter {
  const exhausted = new LRUCache<string, number>({ max: 10_000 });
  const refuse = (resetAt: number): never => {
    const wait = Math.max(1, resetAt - now());
    throw new OAuthError(
      'invalid_request',
      'rate_limited',
      'Too many failed attempts. Try again later.',
      {
        status: 429,
        // Shown as a page: the application that sent the browser here did nothing wrong.
        redirectable: false,
        headers: { 'Retry-After': String(wait) },
      },
    );
  };
  const check = (name: string): void => {
    const resetAt = exhausted.get(name);
    if (resetAt === undefined) return;
    if (resetAt > now()) refuse(resetAt);
    exhausted.delete(name);
  };
  // A digest: the key names people and addresses, and may be long.
  const nameOf = (key: RateLimitKey): string => sha256(JSON.stringify(key));
  return {
    async take(key, rateLimit) {
      const name = nameOf(key);
      check(name);
      const { count, resetAt } = await counters.hit(name, rateLimit.seconds, now());
      if (count >= rateLimit.limit) exhausted.set(name, resetAt);
      if (count > rateLimit.limit) refuse(resetAt);
    },
    async reset(key) {
      const name = nameOf(key);
      exhausted.delete(name);
      await counters.reset(name);
    },
    async giveBack(key) {
      const name = nameOf(key);
      exhausted.delete(name);
      await counters.giveBack(name);
    },
  };
}

/** The network of a peer: one IPv4 address, or the 64 bits of IPv6 that one customer has. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  // IPv4 and IPv6 loopback are the same machine.
  if (parsed.range() === 'loopback') return '127.0.0.1';
  return ipaddr.IPv6.networkAddressFromCIDR(
    `${parsed.toNormalizedString().replace(/%.*$/, '')}/64`,
  ).toString();
}

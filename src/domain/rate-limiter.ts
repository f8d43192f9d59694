/**
 * Rate limits. Counting is the store's (atomic over all nodes). Only what was evaluated and wrong
 * counts against a proof. A key known to be exhausted is refused from memory, so that an attack
 * costs no query.
 */
import { LRUCache } from 'lru-cache';
import { sha256 } from '../crypto/bytes.ts';
import { OAuthError, type RefusalHint } from '../protocol/errors.ts';
import type { AttemptOutcome, CounterStore } from '../store/counters.ts';
import type { Seconds } from '../store/records.ts';
import type { Ages, Moment } from './freshness.ts';
import type { RateLimit } from './settings.ts';
import { createWaitingLines } from './waiting-lines.ts';

/**
 * What is counted. The kind comes first, so that names which people choose cannot collide with
 * another kind.
 */
export type RateLimitKey = readonly [kind: string, ...of: string[]];

/** A counter, and how much it may count. */
export type LimitedKey = readonly [key: RateLimitKey, limit: RateLimit];

/** Counts calls and attempts, and refuses those above a limit. */
export interface RateLimiter {
  /**
   * Evaluates a proof under each of these keys. Null, that is a wrong proof, counts under all of
   * them; every other outcome under none, and a right one forgives the wrong ones under `forgives`.
   * An attempt has a place under each key while it is evaluated, so that parallel guesses cannot
   * exceed the limit. While others have all places it waits for one, at most two seconds.
   * @throws TooManyAttempts when the limit of one of them is reached; then nothing is evaluated
   */
  attempt<T>(
    limited: readonly LimitedKey[],
    prove: () => Promise<T | null>,
    forgives?: RateLimitKey,
  ): Promise<T | null>;
  /**
   * Before an attempt is prepared: refuses what is known to be above its limit, without a query.
   * @throws TooManyAttempts when it is
   */
  refuseKnown(key: RateLimitKey): void;
  /** Forgets the wrong attempts under a key, here at once and in other processes within seconds. */
  forgive(key: RateLimitKey): Promise<void>;
  /** When the lock of a key ends that has too many wrong attempts; null when it has none. */
  lockedUntil(limited: LimitedKey): Promise<Seconds | null>;
  /**
   * Counts one call.
   * @throws TooManyAttempts when the limit is reached
   */
  take(limited: LimitedKey): Promise<void>;
  /**
   * Counts one call in the memory of this process, which costs no query.
   * @throws TooManyAttempts when the limit is reached
   */
  takeHere(limited: LimitedKey): void;
  /** Counts one call as `take` does; false when the limit is reached. */
  isWithin(limited: LimitedKey): Promise<boolean>;
}

/** A limit that is reached. */
export interface ReachedLimit {
  /** For the log of the operator. */
  readonly hint: RefusalHint;
  /** Digest of the key; null while others have all places. */
  readonly counter: string | null;
  /** What it allows; null where it is not about one limit. */
  readonly limit: RateLimit | null;
}

/** The fields of draft-ietf-httpapi-ratelimit-headers: what is allowed, and when it is again. */
function limitHeaders(seconds: number, limit: RateLimit | null): Record<string, string> {
  if (limit === null) return {};
  return {
    RateLimit: `"attempts";r=0;t=${seconds}`,
    'RateLimit-Policy': `"attempts";q=${limit.limit};w=${limit.seconds}`,
  };
}

/** The refusal of an attempt above a limit (RFC 6585 §4). */
export class TooManyAttempts extends OAuthError {
  /** Seconds until another attempt is evaluated. */
  readonly retryAfter: number;
  /** Digest of the key whose limit is reached; null while others have all places. */
  readonly counter: string | null;

  /**
   * @param retryAfter seconds until another attempt is evaluated
   * @param limited digest of the key whose limit is reached, and the limit
   */
  constructor(
    retryAfter: number,
    { hint = {}, counter = null, limit = null }: Partial<ReachedLimit> = {},
  ) {
    super('invalid_request', 'rate_limited', 'Too many attempts. Try again later.', {
      status: 429,
      // Shown as a page: the application that sent the browser here did nothing wrong.
      redirectable: false,
      headers: { 'Retry-After': String(retryAfter), ...limitHeaders(retryAfter, limit) },
      hint,
    });
    this.retryAfter = retryAfter;
    this.counter = counter;
  }
}

/** Milliseconds that an attempt waits for a place. */
const PATIENCE = 2000;
/** Milliseconds after which it looks whether another process gave one back. */
const LOOK_AGAIN = 100;
/** Seconds after which somebody who got no place may try again. */
const SOON = 2;
/** Seconds after which the places of a process that ended are free. */
const PLACE_LIFE = 120;
/** How many attempts wait for a place under one key, in one process. */
const LONGEST_LINE = 1000;
/** Seconds for which a key is refused from memory: another process may forgive it. */
const SURE = 5;

/** A key that is known to be exhausted. */
interface Lock {
  readonly since: Moment;
  /** Seconds until its window ends. */
  readonly seconds: number;
  readonly limit: RateLimit;
}

/**
 * @param report is told what went wrong while an attempt ended that was evaluated already
 */
export function createRateLimiter(
  counters: CounterStore,
  ages: Ages,
  report: (error: unknown) => void,
): RateLimiter {
  const exhausted = new LRUCache<string, Lock>({ max: 10_000 });
  /** What is counted in this process alone. */
  const here = new LRUCache<string, { count: number; readonly since: Moment }>({ max: 10_000 });
  const lines = createWaitingLines(LONGEST_LINE);
  const nowIn = (): number => ages.now().at;
  /** A key above its limit is refused, from then on from memory. */
  const refuse = (name: string, seconds: number, limit: RateLimit): never => {
    exhausted.set(name, { since: ages.now(), seconds, limit });
    throw new TooManyAttempts(seconds, { counter: name, limit });
  };
  const refuseIfKnown = (name: string): void => {
    const lock = exhausted.get(name);
    if (lock === undefined) return;
    if (ages.isWithin(lock.since, Math.min(lock.seconds, SURE)))
      throw new TooManyAttempts(lock.since.at + lock.seconds - nowIn(), {
        counter: name,
        limit: lock.limit,
      });
    exhausted.delete(name);
  };
  /** Until a window ends: at least a second, at most its length, whatever clock began it. */
  const secondsUntil = (resetAt: number, { seconds }: RateLimit): number =>
    Math.min(Math.max(1, resetAt - nowIn()), seconds);

  const takePlace = async (name: string, limit: RateLimit, end: number): Promise<void> => {
    let isHead = false;
    const stand = async (): Promise<void> => {
      isHead = await lines.join(name, end - ages.elapsed());
      if (!isHead) throw new TooManyAttempts(SOON);
    };
    try {
      // Those who wait already come first.
      if (lines.isOccupied(name)) await stand();
      for (;;) {
        refuseIfKnown(name);
        const full = await counters.place(name, { ...limit, life: PLACE_LIFE }, nowIn());
        if (full === null) return;
        if (full.wrong >= limit.limit) refuse(name, secondsUntil(full.resetAt, limit), limit);
        const left = end - ages.elapsed();
        if (left <= 0) throw new TooManyAttempts(SOON);
        if (isHead) await lines.pause(name, Math.min(left, LOOK_AGAIN));
        else await stand();
      }
    } finally {
      if (isHead) lines.leave(name);
    }
  };
  /** Never throws: the attempt was evaluated, and its answer stands. */
  const settle = async (name: string, outcome: AttemptOutcome): Promise<void> => {
    try {
      await counters.settle(name, outcome);
    } catch (error) {
      report(error);
    }
    lines.wake(name);
  };
  const take = async ([key, limit]: LimitedKey): Promise<void> => {
    const name = nameOf(key);
    refuseIfKnown(name);
    const { count, resetAt } = await counters.hit(name, limit.seconds, nowIn());
    if (count > limit.limit) refuse(name, secondsUntil(resetAt, limit), limit);
  };
  return {
    async attempt(limited, prove, forgives) {
      const all = limited.map(([key, limit]) => ({ name: nameOf(key), limit }));
      for (const { name } of all) refuseIfKnown(name);
      const end = ages.elapsed() + PATIENCE;
      const placed: string[] = [];
      const forgiven = forgives === undefined ? null : nameOf(forgives);
      let outcome: AttemptOutcome = 'uncounted';
      try {
        for (const { name, limit } of all) {
          await takePlace(name, limit, end);
          placed.push(name);
        }
        const proven = await prove();
        outcome = proven === null ? 'wrong' : 'right';
        return proven;
      } finally {
        const own = (name: string): AttemptOutcome =>
          outcome === 'right' && name !== forgiven ? 'uncounted' : outcome;
        await Promise.all(placed.map(async (name) => await settle(name, own(name))));
      }
    },
    refuseKnown: (key) => refuseIfKnown(nameOf(key)),
    async forgive(key) {
      const name = nameOf(key);
      exhausted.delete(name);
      await counters.forgive(name);
      lines.wake(name);
    },
    async lockedUntil([key, { limit }]) {
      const found = await counters.find(nameOf(key));
      return found !== null && found.wrong >= limit && found.resetAt > nowIn()
        ? found.resetAt
        : null;
    },
    take,
    takeHere([key, limit]) {
      const name = nameOf(key);
      refuseIfKnown(name);
      const known = here.get(name);
      const isOpen = known !== undefined && ages.isWithin(known.since, limit.seconds);
      const window = isOpen ? known : { count: 0, since: ages.now() };
      window.count += 1;
      if (!isOpen) here.set(name, window);
      if (window.count > limit.limit)
        refuse(name, secondsUntil(window.since.at + limit.seconds, limit), limit);
    },
    async isWithin(limited) {
      try {
        await take(limited);
        return true;
      } catch (error) {
        if (error instanceof TooManyAttempts) return false;
        throw error;
      }
    },
  };
}

/** A digest: the key names people and addresses, and may be long. */
function nameOf(key: RateLimitKey): string {
  return sha256(JSON.stringify(key));
}

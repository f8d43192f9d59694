/** Limits of calls and of attempts: what counts, what waits, what is refused. */
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryDatabase } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { createAges } from '../../src/domain/freshness.ts';
import {
  createRateLimiter,
  type RateLimiter,
  TooManyAttempts,
} from '../../src/domain/rate-limiter.ts';
import type { CounterStore } from '../../src/store/counters.ts';

let now: number;
let asked: number;
let counters: CounterStore;
let reported: unknown[];
let limiter: RateLimiter;
const onNode = (): RateLimiter =>
  createRateLimiter(
    counters,
    createAges(
      () => now,
      () => performance.now(),
    ),
    (error) => reported.push(error),
  );
beforeEach(() => {
  [now, asked, reported] = [1000, 0, []];
  const { counters: real } = memoryDatabase().forIssuer('https://op.example');
  counters = {
    ...real,
    async place(...args) {
      asked += 1;
      await sleep(1);
      return await real.place(...args);
    },
    async hit(...args) {
      asked += 1;
      return await real.hit(...args);
    },
  };
  limiter = onNode();
});

const wide = [['wide'], { limit: 3, seconds: 60 }] as const;
const narrow = [['narrow'], { limit: 1, seconds: 60 }] as const;

/** Evaluates proofs that take a while, and says how many were evaluated and how many at once. */
function proving(right: boolean, milliseconds = 10) {
  const seen = { evaluated: 0, atOnce: 0, most: 0 };
  const prove = async (): Promise<string | null> => {
    seen.evaluated += 1;
    seen.atOnce += 1;
    seen.most = Math.max(seen.most, seen.atOnce);
    await sleep(milliseconds);
    seen.atOnce -= 1;
    return right ? 'proven' : null;
  };
  return { seen, prove };
}

const outcome = async (attempt: Promise<unknown> | undefined): Promise<unknown> =>
  await attempt?.catch((error: unknown) =>
    error instanceof TooManyAttempts ? `retry after ${error.retryAfter}` : String(error),
  );
const many = async (
  count: number,
  one: (index: number) => Promise<unknown> | undefined,
): Promise<readonly unknown[]> =>
  await Promise.all(Array.from({ length: count }, async (_, index) => await outcome(one(index))));
const of = (outcomes: readonly unknown[], wanted: unknown): number =>
  outcomes.filter((one) => one === wanted).length;

describe('a call', () => {
  it('above the limit is told how long to wait, and is refused from memory from then on', async () => {
    await limiter.take(narrow);
    await expect(limiter.take(narrow)).rejects.toMatchObject({ status: 429, retryAfter: 60 });
    now += 4;
    expect([await outcome(limiter.take(narrow)), asked]).toEqual(['retry after 56', 2]);
    // Another process may have forgiven it, so the store is asked every five seconds.
    now += 1;
    expect([await outcome(limiter.take(narrow)), asked]).toEqual(['retry after 55', 3]);
    now += 55;
    await limiter.take(narrow);
  });
  it.each([-7200, -20])(
    'is never told to wait longer than the window, when the clock is set %i s',
    async (step) => {
      await limiter.take(narrow);
      await outcome(limiter.take(narrow));
      now += step;
      const answer = await outcome(limiter.take(narrow));
      expect(step === -20 ? answer : (answer ?? 'counted')).toBe(
        step === -20 ? 'retry after 60' : 'counted',
      );
    },
  );
});

describe('a proof', () => {
  it('that is wrong counts under all its keys, and at most the limit is evaluated', async () => {
    const { seen, prove } = proving(false);
    const outcomes = await many(20, () => limiter.attempt([narrow, wide], prove));
    expect(seen.evaluated).toBe(1);
    expect([of(outcomes, null), of(outcomes, 'retry after 60')]).toEqual([1, 19]);
    // The others counted nowhere.
    const rest = await many(20, () => limiter.attempt([wide], prove));
    expect([seen.evaluated, of(rest, null)]).toEqual([3, 2]);
  });
  it('S-3 is wrong: of 60 at once on three nodes at most the limit is evaluated', async () => {
    const { seen, prove } = proving(false);
    const nodes = [limiter, onNode(), onNode()];
    await many(60, (index) => nodes[index % 3]?.attempt([wide], prove));
    expect(seen.evaluated).toBe(3);
  });
  it('that is right counts nowhere: 30 at once all pass, as many at a time as the limit', async () => {
    const { seen, prove } = proving(true, 1);
    const outcomes = await many(30, () => limiter.attempt([wide], prove));
    expect(of(outcomes, 'proven')).toBe(30);
    expect([seen.evaluated, seen.most]).toEqual([30, 3]);
  });
  it('waits for a place that another node gives back', async () => {
    const first = onNode().attempt([narrow], proving(true, 100).prove);
    await sleep(20);
    expect(await limiter.attempt([narrow], proving(true).prove)).toBe('proven');
    await first;
  });
  it('that gets no place within two seconds may try again soon, and nobody is locked', async () => {
    const { prove } = proving(true, 2500);
    const outcomes = await many(500, () => limiter.attempt([narrow], prove));
    expect([of(outcomes, 'proven'), of(outcomes, 'retry after 2')]).toEqual([1, 499]);
    expect(await limiter.attempt([narrow], proving(true).prove)).toBe('proven');
  });
  it('that waits costs the store nothing: of 500 one asks, ten times a second', async () => {
    await many(500, () => limiter.attempt([narrow], proving(true, 2500).prove));
    // The first look of each was under way when the first place was taken.
    expect(asked).toBeLessThan(500 + 2 * 25);
    asked = 0;
    const first = limiter.attempt([narrow], proving(true, 600).prove);
    const wait = async (): Promise<unknown> =>
      await limiter.attempt([narrow], proving(true, 5000).prove);
    // One more look finds no place, and makes the line.
    const second = wait();
    while (asked < 2) await sleep(1);
    await sleep(10);
    const others = many(500, wait);
    await first;
    expect(asked).toBeLessThan(50);
    await Promise.allSettled([second, others]);
  }, 15_000);
  it('beyond a thousand that wait is told at once to try again', async () => {
    const first = limiter.attempt([narrow], proving(true, 300).prove);
    await sleep(20);
    const head = limiter.attempt([narrow], proving(true, 0).prove);
    await sleep(20);
    const outcomes = await many(1100, () => limiter.attempt([narrow], proving(true, 0).prove));
    expect(of(outcomes, 'retry after 2')).toBeGreaterThanOrEqual(100);
    expect(of(outcomes, 'proven') + of(outcomes, 'retry after 2')).toBe(1100);
    expect([await first, await head]).toEqual(['proven', 'proven']);
  });
  it('that could not be evaluated counts nowhere', async () => {
    for (let attempt = 0; attempt < 5; attempt += 1)
      await expect(
        limiter.attempt([narrow, wide], async () => await Promise.reject(new Error('slow'))),
      ).rejects.toThrow('slow');
    expect(await limiter.attempt([narrow, wide], proving(true).prove)).toBe('proven');
  });
  it('that is right forgives the wrong ones under one key, and none that is under way', async () => {
    const { prove: wrong } = proving(false, 200);
    const other = [['other'], { limit: 2, seconds: 60 }] as const;
    const right = async (): Promise<unknown> =>
      await outcome(limiter.attempt([wide, other], proving(true).prove, wide[0]));
    for (let attempt = 0; attempt < 2; attempt += 1)
      await limiter.attempt([wide], proving(false).prove);
    await limiter.attempt([other], proving(false).prove);
    // The third place under `wide` is the last one, and this one is right.
    expect(await right()).toBe('proven');
    const underWay = many(2, () => limiter.attempt([wide], wrong));
    await sleep(50);
    expect(await right()).toBe('proven');
    expect(await underWay).toEqual([null, null]);
    // Those that were under way count: one is left. Under `other` nothing was forgiven.
    const rest = await many(2, () => limiter.attempt([wide], proving(false).prove));
    expect([of(rest, null), of(rest, 'retry after 60')]).toEqual([1, 1]);
    await limiter.attempt([other], proving(false).prove);
    expect(await outcome(limiter.attempt([other], wrong))).toBe('retry after 60');
  });
  it('that are wrong can be forgiven by another process, and here by the next look', async () => {
    for (let attempt = 0; attempt < 3; attempt += 1)
      await limiter.attempt([wide], proving(false).prove);
    expect(await outcome(limiter.attempt([wide], proving(true).prove))).toBe('retry after 60');
    await onNode().forgive(wide[0]);
    expect(await outcome(limiter.attempt([wide], proving(true).prove))).toBe('retry after 60');
    now += 5;
    expect(await outcome(limiter.attempt([wide], proving(true).prove))).toBe('proven');
  });
  it('stands, whatever becomes of its place, which is free when its life has ended', async () => {
    const { settle } = counters;
    counters.settle = async () => await Promise.reject(new Error('gone'));
    expect(await limiter.attempt([narrow], proving(true).prove)).toBe('proven');
    expect(reported.map(String)).toEqual(['Error: gone']);
    counters.settle = settle;
    const long = [['narrow'], { limit: 1, seconds: 900 }] as const;
    expect(await outcome(limiter.attempt([long], proving(true).prove))).toBe('retry after 2');
    now += 120;
    expect(await outcome(limiter.attempt([long], proving(true).prove))).toBe('proven');
  });
  it('is refused from memory while its key is locked, before anything is counted', async () => {
    const { prove } = proving(false);
    await limiter.attempt([narrow], prove);
    await outcome(limiter.attempt([narrow], prove));
    asked = 0;
    expect(await outcome(limiter.attempt([wide, narrow], prove))).toBe('retry after 60');
    expect(asked).toBe(0);
    now += 60;
    expect(await limiter.attempt([narrow], proving(true).prove)).toBe('proven');
  });
});

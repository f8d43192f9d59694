/** Attempts that are counted under several keys: under all of them, or under none. */
import { memoryDatabase } from 'valetkey';
import { describe, expect, it } from 'vitest';
import { createRateLimiter, TooManyAttempts } from '../../src/domain/rate-limiter.ts';

describe('an attempt under several keys', () => {
  const make = (): ReturnType<typeof createRateLimiter> =>
    createRateLimiter(memoryDatabase().forIssuer('https://op.example').counters, () => 1000);
  const wide = [['wide'], { limit: 3, seconds: 60 }] as const;
  const narrow = [['narrow'], { limit: 1, seconds: 60 }] as const;

  it('counts nowhere when one of them is exhausted', async () => {
    const limiter = make();
    await limiter.take(wide, narrow);
    for (let attempt = 0; attempt < 5; attempt += 1)
      await expect(limiter.take(wide, narrow)).rejects.toBeInstanceOf(TooManyAttempts);
    // One attempt of three is used.
    expect([await limiter.isWithin(wide), await limiter.isWithin(wide)]).toEqual([true, true]);
    expect(await limiter.isWithin(wide)).toBe(false);
  });
  it('tells how long to wait, and can be given back', async () => {
    const limiter = make();
    await limiter.take(narrow);
    await expect(limiter.take(narrow)).rejects.toMatchObject({ status: 429, retryAfter: 60 });
    await limiter.giveBack(narrow[0]);
    expect(await limiter.isWithin(wide)).toBe(true);
  });
});

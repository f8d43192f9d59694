/** How many password hashes may run at once, and how slow the slowest one was. */
import { describe, expect, it } from 'vitest';
import { createSlowest, mostAtOnce } from '../../src/accounts/password-hasher.ts';

describe('password hashes at once', () => {
  it.each([
    [1, undefined, 1],
    [2, undefined, 1],
    [3, undefined, 2],
    [4, undefined, 3],
    [64, undefined, 3],
    [64, '16', 15],
    [8, '16', 7],
    [64, '1', 1],
    [64, 'many', 3],
  ])('on %s cores with UV_THREADPOOL_SIZE=%s are %s', (cores, threads, most) => {
    expect(mostAtOnce(cores, threads)).toBe(most);
  });
});

describe('the slowest check', () => {
  it('is forgotten after some minutes, so failed sign-ins are as fast again as before a burst', () => {
    let now = 0;
    const slowest = createSlowest(() => now);
    slowest.note(900);
    slowest.note(40);
    expect(slowest.read()).toBe(900);
    now = 59_000;
    expect(slowest.read()).toBe(900);
    now = 70_000;
    slowest.note(50);
    expect(slowest.read()).toBe(900);
    now = 131_000;
    slowest.note(45);
    expect(slowest.read()).toBe(50);
    now = 1_000_000;
    expect(slowest.read()).toBe(0);
  });
});

/** How many password hashes may run at once. */
import { describe, expect, it } from 'vitest';
import { mostAtOnce } from '../../src/accounts/password-hasher.ts';

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

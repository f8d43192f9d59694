/** Clients in memory while the clock of the machine is set. */
import { beforeEach, expect, it } from 'vitest';
import { createClientCache } from '../../src/domain/client-cache.ts';
import { createAges } from '../../src/domain/freshness.ts';
import type { Client } from '../../src/store/records.ts';

let now: number;
let elapsed: number;
let loads: number;
let cache: ReturnType<typeof createClientCache>;
beforeEach(() => {
  now = 1_800_000_000;
  elapsed = 0;
  loads = 0;
  cache = createClientCache({
    load: async () => {
      loads += 1;
      return { clientId: 'web' } as Client;
    },
    seconds: 30,
    ages: createAges(
      () => now,
      () => elapsed,
    ),
    isGone: () => false,
  });
});

it.each([
  ['in the same second', 0, 1],
  ['29 seconds later', 29, 1],
  ['30 seconds later', 30, 2],
  ['after the clock was set back by two hours', -7200, 2],
  ['after the clock was set back by a second', -1, 2],
  ['after the clock was set forward by two hours', 7200, 2],
])('a client is loaded or served from memory %s', async (_, step, expected) => {
  await cache.find('web');
  now += step;
  await cache.find('web');
  expect(loads).toBe(expected);
});

it('a clock that was set back in steps keeps no client for longer than its time', async () => {
  await cache.find('web');
  elapsed += 29_999;
  await cache.find('web');
  expect(loads).toBe(1);
  elapsed += 1;
  await cache.find('web');
  expect(loads).toBe(2);
});

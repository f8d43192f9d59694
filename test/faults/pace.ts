/** Calls at a steady pace, and how long they took. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Calls at a steady pace, whether or not earlier ones were answered. */
export async function atPace(
  perSecond: number,
  seconds: number,
  call: () => Promise<void>,
): Promise<void> {
  const begun = performance.now();
  const under: Promise<void>[] = [];
  for (let count = 0; count < perSecond * seconds; count += 1) {
    under.push(call());
    await sleep(Math.max(0, begun + ((count + 1) * 1000) / perSecond - performance.now()));
  }
  await Promise.all(under);
}

/** The time that this share of them does not exceed, in whole units. */
export const quantile = (times: readonly number[], share: number): number =>
  Math.ceil([...times].sort((a, b) => a - b)[Math.ceil(times.length * share) - 1] ?? 0);

/**
 * One window: so many people repeat an operation for so many milliseconds, each on a connection of
 * their own and without a pause. The window ends when the last answer is there.
 */
import type { Load, Person } from './load.ts';
import type { Scenario } from './scenarios.ts';

export interface Window {
  readonly operations: number;
  readonly operationsPerSecond: number;
  /** Latency in milliseconds that half of the operations do not exceed. */
  readonly p50: number;
  /** Latency in milliseconds that 99 of 100 operations do not exceed. */
  readonly p99: number;
  readonly failures: number;
}

/** After so many failures the window ends. */
const MOST_FAILURES = 20;

export async function runWindow(
  scenario: Scenario,
  load: Load,
  connections: number,
  milliseconds: number,
): Promise<Window> {
  const latencies: number[] = [];
  const failures: unknown[] = [];
  const started = performance.now();
  const end = started + milliseconds;
  const repeat = async (person: Person): Promise<void> => {
    for (let before = started; before < end && failures.length < MOST_FAILURES; ) {
      before = performance.now();
      try {
        if (!(await scenario.operate(load, person))) return;
        latencies.push(performance.now() - before);
      } catch (failure) {
        failures.push(failure);
      }
    }
  };
  await Promise.all(load.people.slice(0, connections).map(repeat));
  const elapsed = performance.now() - started;
  if (failures.length > 0) console.error(`${scenario.title}:`, failures[0]);
  latencies.sort((a, b) => a - b);
  return {
    operations: latencies.length,
    operationsPerSecond: (latencies.length / elapsed) * 1000,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    failures: failures.length,
  };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/**
 * The figures of a run, as the rounds make them and the page shows them. They are of one window
 * each; the page takes the medians.
 */
import type { Machine } from './machine.ts';
import type { Options } from './options.ts';
import type { Scenario } from './scenarios.ts';
import type { Target } from './targets.ts';
import type { Window } from './window.ts';

/** Numbers of connections that are measured, the fewest first. */
export const CONNECTIONS = [16, 64] as const;

/** One window of one target. */
export interface Sample {
  readonly target: Target;
  readonly scenario: Scenario;
  readonly connections: number;
  readonly window: Window;
  /** Milliseconds of CPU time of the server per operation. */
  readonly cpu: number;
  /** The same for the database server; null when there is none. */
  readonly databaseCpu: number | null;
  /** Calls of the storage per operation. */
  readonly calls: number;
  /** Resident memory of the server after the window, in megabytes. */
  readonly memory: number;
}

export interface Results {
  readonly options: Options;
  readonly samples: readonly Sample[];
  /** The machine, and its load before the run. */
  readonly machine: Machine;
  /** `Node 20.20.2`. */
  readonly versions: readonly string[];
  /** What was asked for and is not installed. */
  readonly missing: readonly string[];
  /** `2026-01-31`. */
  readonly date: string;
}

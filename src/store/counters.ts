/** The port of counters: what limits calls and attempts. */
import type { Seconds } from './records.ts';

/** What a counter says after a hit. */
export interface Hit {
  /** Hits in this window, this one included. */
  readonly count: number;
  /** When the window ends. */
  readonly resetAt: Seconds;
}

/** How much may be counted under a key, and how long a place of an attempt lasts at most. */
export interface PlaceLimit {
  /** Wrong attempts and places together. */
  readonly limit: number;
  /** Length of the window, in seconds. */
  readonly seconds: number;
  /**
   * Seconds after the last place was taken until places that were not given back are free: their
   * process has ended. A key that is in use all the time keeps them until its window ends.
   */
  readonly life: number;
}

/** What is counted of attempts: all that a counter without a place left says. */
export interface FullCounter {
  /** Wrong attempts of this window. The others are places. */
  readonly wrong: number;
  /** When the window ends. */
  readonly resetAt: Seconds;
}

/**
 * How an attempt ended: its proof was `wrong`; it was `right`, which forgives the wrong ones before
 * it; or it counts as none of both.
 */
export type AttemptOutcome = 'wrong' | 'right' | 'uncounted';

/**
 * Counters of calls and of attempts, in fixed windows. A key is a digest, and either of calls or of
 * attempts. A window that began more than its own length in the future is over: the clock was set.
 */
export interface CounterStore {
  /**
   * Counts one more call in the window, in one statement, and resolves to the new count and the
   * window's end. Of 100 concurrent hits each sees another count.
   */
  hit(key: string, windowSeconds: number, now: Seconds): Promise<Hit>;
  /**
   * Takes a place for an attempt while the wrong ones of this window and the places are fewer than
   * the limit, and resolves to null. Of any number of concurrent calls exactly as many are placed.
   * For all others nothing changes.
   */
  place(key: string, limit: PlaceLimit, now: Seconds): Promise<FullCounter | null>;
  /** Ends an attempt that was placed: gives its place back, and counts or forgives. */
  settle(key: string, outcome: AttemptOutcome): Promise<void>;
  /** Forgets the wrong attempts under a key. Places of attempts under way stay. */
  forgive(key: string): Promise<void>;
  /** The wrong attempts under a key, in a window that may be over; null when there are none. */
  find(key: string): Promise<FullCounter | null>;
}

/**
 * Ages of what is kept in memory. A clock that is set back would make them young for hours, so they
 * also go by a clock that is never set; what seems to lie in the future is stale.
 */
import type { Seconds } from '../store/records.ts';

/** A moment, on both clocks. */
export interface Moment {
  /** On the clock of the provider. */
  readonly at: Seconds;
  /** On the clock that is never set. */
  readonly elapsed: number;
}

/** Tells ages. */
export interface Ages {
  /** This moment. */
  now(): Moment;
  /** True for less than `seconds` after a moment, by both clocks. */
  isWithin(since: Moment, seconds: number): boolean;
  /** Milliseconds on a clock that is never set. */
  elapsed(): number;
}

/**
 * @param now the clock of the provider
 * @param elapsed milliseconds on a clock that is never set
 */
export function createAges(now: () => Seconds, elapsed: () => number): Ages {
  return {
    now: () => ({ at: now(), elapsed: elapsed() }),
    isWithin(since, seconds) {
      const age = now() - since.at;
      return age >= 0 && age < seconds && elapsed() - since.elapsed < seconds * 1000;
    },
    elapsed,
  };
}

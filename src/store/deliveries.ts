/**
 * Deliveries: what applications have to be told, and have not been told yet. A delivery is stored
 * by the act that it tells of, so that none is lost, and kept until it succeeded or was given up.
 */
import type { Seconds } from './records.ts';

/** Names a delivery. */
export interface DeliveryKey {
  /** What it tells: `session_ended`. */
  readonly kind: string;
  /** What it is about: the `sid` of the session. */
  readonly about: string;
  /** The client that is told. */
  readonly clientId: string;
}

/** A delivery. It keeps facts alone: what is sent is made anew at each attempt. */
export interface Delivery extends DeliveryKey {
  /** The subject that it is about. */
  readonly sub: string;
  /** When the act happened. */
  readonly createdAt: Seconds;
  /** When it is attempted next; while it is attempted, when another process takes it over. */
  readonly dueAt: Seconds;
  /** Attempts so far, the one under way included. */
  readonly attempts: number;
}

/** Deliveries that wait. `sessions.end` and `tokens.revokeSubject` make them. */
export interface DeliveryStore {
  /**
   * Takes at most `limit` deliveries that are due at `now`, the oldest first: each has one more
   * attempt, and is due again at `leaseUntil`, for the case that the process ends meanwhile. One
   * atomic act for each: of any number of concurrent callers exactly one takes a delivery.
   */
  claim(now: Seconds, limit: number, leaseUntil: Seconds): Promise<readonly Delivery[]>;
  /**
   * Deletes a delivery, if nobody took it over since (`attempts`). False when somebody did.
   */
  finish(delivery: Delivery): Promise<boolean>;
  /**
   * Has a delivery attempted again at a time, if nobody took it over since. False if somebody did.
   */
  postpone(delivery: Delivery, dueAt: Seconds): Promise<boolean>;
  /** When the next delivery is due; null when none waits. */
  nextDue(): Promise<Seconds | null>;
}

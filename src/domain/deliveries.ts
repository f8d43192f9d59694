/**
 * Sends what waits to be told (`store/deliveries.ts`): at once, and where that fails, again after
 * the pauses below; then it is reported and given up. It works beside requests, which wait for
 * nothing, in every process of a provider: a delivery is taken by one of them.
 */

import type { Delivery, DeliveryStore } from '../store/deliveries.ts';
import type { Seconds } from '../store/records.ts';
import { deliveryFailed } from './event-definitions.ts';
import type { Events } from './events.ts';
import { OutboundError } from './outbound.ts';
import type { Logger } from './settings.ts';

/** Seconds until the next attempt, after each one that failed. */
export const PAUSES: readonly Seconds[] = [10, 60, 300, 1800];
/** Deliveries under way at once, in one process: those who do not answer hold up nobody else. */
const MOST_AT_ONCE = 1000;
/** Deliveries that are taken in one call of the store: the first are sent before all are taken. */
const TAKEN_AT_ONCE = 50;
/** Milliseconds until what was stored is sent. */
const SOON = 20;
/** Seconds after which a delivery of a process that ended is taken again. */
const LEASE = 30;

/** What sending needs. */
export interface DeliveryParts {
  readonly store: DeliveryStore;
  readonly now: () => Seconds;
  readonly events: Events;
  readonly logger: Logger;
  /** Tells a client. @throws when the client was not told */
  readonly send: (delivery: Delivery) => Promise<void>;
}

/** The sender of a provider. */
export interface Deliveries {
  /** Sends what is due, without waiting for it. Never throws. */
  wake(): void;
  /** Sends what is due, and waits for the answers. */
  run(): Promise<void>;
  /** Sends what was stored just now, waits for what is under way, and begins nothing more. */
  close(): Promise<void>;
}

export function createDeliveries(parts: DeliveryParts): Deliveries {
  const { store, now, logger } = parts;
  const underWay = new Set<Promise<void>>();
  let sending: Promise<void> | null = null;
  let isAsked = false;
  let isClosing = false;
  let isClosed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let soon: ReturnType<typeof setTimeout> | undefined;

  const begin = (delivery: Delivery): void => {
    const attempted = attempt(parts, delivery)
      .catch((error: unknown) => logger.error({ error }, 'a delivery could not be noted'))
      .finally(() => underWay.delete(attempted));
    underWay.add(attempted);
  };
  const takeAll = async (): Promise<void> => {
    while (!isClosed) {
      const free = MOST_AT_ONCE - underWay.size;
      if (free === 0) {
        await Promise.race(underWay);
        continue;
      }
      isAsked = false;
      const taken = await store.claim(now(), Math.min(free, TAKEN_AT_ONCE), now() + LEASE);
      for (const delivery of taken) begin(delivery);
      // Requests have their turn between two pieces.
      await new Promise<void>((resolve) => setImmediate(resolve));
      // What was stored since it was asked for is taken as well. A backlog is left to others.
      if (isClosing || (taken.length === 0 && !isAsked)) return;
    }
  };
  const setTimer = async (): Promise<void> => {
    const due = await store.nextDue();
    clearTimeout(timer);
    if (due === null || isClosed) return;
    const seconds = Math.min(Math.max(due - now(), 1), 3600);
    timer = setTimeout(sendNow, seconds * 1000).unref();
  };
  const send = async (): Promise<void> => {
    isAsked = true;
    sending ??= takeAll().finally(() => {
      sending = null;
    });
    await sending;
  };
  const sendNow = (): void => {
    clearTimeout(soon);
    soon = undefined;
    send()
      .then(setTimer)
      .catch((error: unknown) =>
        logger.warn({ error }, 'deliveries wait: the store does not answer'),
      );
  };
  // The answer to whoever ended the session leaves first.
  const wake = (): void => {
    if (!isClosed) soon ??= setTimeout(sendNow, SOON);
  };
  return {
    wake,
    async run() {
      await send();
      await Promise.all(underWay);
      await setTimer();
    },
    async close() {
      isClosing = true;
      if (soon !== undefined) await send().catch(() => undefined);
      clearTimeout(soon);
      isClosed = true;
      clearTimeout(timer);
      await sending?.catch(() => undefined);
      await Promise.all(underWay);
    },
  };
}

async function attempt(parts: DeliveryParts, delivery: Delivery): Promise<void> {
  const { store, now, events, logger } = parts;
  const { kind, about, clientId, sub, attempts } = delivery;
  try {
    await parts.send(delivery);
  } catch (error) {
    if (!(error instanceof OutboundError)) logger.error({ error, clientId }, 'a delivery failed');
    const pause = PAUSES[attempts - 1];
    if (pause !== undefined) {
      await store.postpone(delivery, now() + pause);
      return;
    }
    if (!(await store.finish(delivery))) return;
    const reason = error instanceof OutboundError ? error.problem : 'unexpected';
    const detail = { kind, about, attempts };
    events.record(deliveryFailed, { clientId, sub, reason, detail });
    logger.warn({ clientId, kind, reason, attempts }, 'an application could not be told');
    return;
  }
  await store.finish(delivery);
}

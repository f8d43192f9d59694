/**
 * What happened, for hosts, logs and the audit table. Ordinary events are written in batches off
 * the hot path; the row of a revocation or an administrative act is written by the act itself.
 * Events carry no secrets.
 */

import type { Random } from '../crypto/handles.ts';
import { base64url } from '../crypto/handles.ts';
import type { AuditEvent } from '../store/records.ts';
import type { AuditStore } from '../store/store.ts';
import type { RequestFacts } from './request-facts.ts';
import type { EventListener, Logger } from './settings.ts';

/** Events of the core. Features add names of their own (`Contributions.events`). */
export const CORE_EVENTS: readonly string[] = [
  'login.succeeded',
  'login.failed',
  'logout',
  'authorization.granted',
  'authorization.denied',
  'authorization.revoked',
  'tokens.issued',
  'client_authentication.failed',
  'request.refused',
  'client.created',
  'client.updated',
  'client.deleted',
  'subject.revoked',
  'keys.rotated',
];

/** An event as its sender describes it. Address and id of the request are added by themselves. */
export interface EventFacts {
  readonly sub?: string | null;
  readonly clientId?: string | null;
  readonly reason?: string | null;
  /** Small, free of secrets. */
  readonly detail?: AuditEvent['detail'];
}

const BATCH = 200;
const MOST_WAITING = 10_000;
const FLUSH_MILLISECONDS = 1000;

/** Events of one request, or of no request. */
export interface Events {
  /** Records an event; its row is written with others, off the hot path. Never throws. */
  record(type: string, facts: EventFacts): void;
  /**
   * Performs an act whose row the store writes in the act's own transaction. The listener hears of
   * it if it happened: when the result is not false, null or 0, unless `happened` says otherwise.
   */
  act<T>(
    type: string,
    facts: EventFacts,
    perform: (row: AuditEvent) => Promise<T>,
    happened?: (result: T) => boolean,
  ): Promise<T>;
  /**
   * Tells the listener alone: what anybody can cause, in any number, leaves no row. Never throws.
   */
  notify(type: string, facts: EventFacts): void;
}

/** The events of a provider. */
export interface EventLog {
  /** Events that carry the address and the id of a request. */
  forRequest(request: Pick<RequestFacts, 'address' | 'requestId'> | null): Events;
  /** Writes what waits. */
  flush(): Promise<void>;
}

export function createEvents(parts: {
  readonly audit: AuditStore;
  readonly clock: () => number;
  readonly random: Random;
  readonly logger: Logger;
  readonly listener: EventListener | null;
  /** Every name that may be reported. */
  readonly names: readonly string[];
}): EventLog {
  let waiting: AuditEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | null = null;

  /** The one writer of what waits: while the store is slow, lines wait where they are counted. */
  let writing: Promise<void> | null = null;
  let dropped = 0;

  const write = async (events: readonly AuditEvent[]): Promise<void> => {
    try {
      await parts.audit.append(events);
    } catch (error) {
      // An audit log that cannot be written must not end the request; operators learn it here.
      parts.logger.error({ error, lost: events.length }, 'audit events could not be written');
    }
  };
  /** Writes so many lines, and full batches as long as there are any. */
  const drain = async (lines: number): Promise<void> => {
    let left = lines;
    while (waiting.length > 0 && (left > 0 || waiting.length >= BATCH)) {
      const batch = waiting.slice(0, BATCH);
      waiting = waiting.slice(BATCH);
      left -= batch.length;
      await write(batch);
    }
    writing = null;
    if (dropped > 0) parts.logger.error({ lost: dropped }, 'audit events gave way to newer ones');
    dropped = 0;
    if (waiting.length > 0) wait();
  };
  const wait = (): void => {
    timer ??= setTimeout(() => void flush(), FLUSH_MILLISECONDS);
    timer.unref?.();
  };
  const flush = async (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    while (writing !== null) await writing;
    if (waiting.length === 0) return;
    writing = drain(waiting.length);
    await writing;
  };

  const names = new Set(parts.names);
  const describe = (
    request: Parameters<EventLog['forRequest']>[0],
    type: string,
    facts: EventFacts,
  ): AuditEvent => {
    // A misspelt name would be missed by everyone who filters for the right one.
    if (!names.has(type)) throw new Error(`No feature declares the event ${type}.`);
    return {
      id: base64url(parts.random(12)),
      at: parts.clock(),
      type,
      sub: facts.sub ?? null,
      clientId: facts.clientId ?? null,
      ip: request?.address ?? null,
      requestId: request?.requestId ?? null,
      reason: facts.reason ?? null,
      detail: facts.detail ?? {},
    };
  };
  const tell = (event: AuditEvent): void => {
    try {
      parts.listener?.(event);
    } catch (error) {
      parts.logger.error({ error }, 'the event listener failed');
    }
  };
  /**
   * Keeps the row until a batch is written. Under a flood of refusals the oldest rows are dropped.
   */
  const keep = (event: AuditEvent): void => {
    if (waiting.length >= MOST_WAITING) {
      waiting.shift();
      dropped += 1;
    }
    waiting.push(event);
    if (writing !== null) return;
    if (waiting.length >= BATCH) writing = drain(BATCH);
    else wait();
  };

  const forRequest = (request: Parameters<EventLog['forRequest']>[0]): Events => ({
    record(type, facts) {
      const event = describe(request, type, facts);
      tell(event);
      keep(event);
    },
    async act(type, facts, perform, happened = Boolean) {
      const event = describe(request, type, facts);
      const result = await perform(event);
      if (happened(result)) tell(event);
      return result;
    },
    notify(type, facts) {
      tell(describe(request, type, facts));
    },
  });
  return { forRequest, flush };
}

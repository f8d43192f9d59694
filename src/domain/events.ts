/**
 * What happened, for hosts, logs and the audit table. Ordinary events are written in batches, off
 * the hot path (`audit-writer.ts`); the row of a revocation or of an administrative act is written
 * by the act itself. Events carry no secrets.
 */

import type { Random } from '../crypto/handles.ts';
import { base64url } from '../crypto/handles.ts';
import type { AuditEvent } from '../store/records.ts';
import type { AuditStore } from '../store/store.ts';
import { createAuditWriter } from './audit-writer.ts';
import type { RequestFacts } from './request-facts.ts';
import type { EventListener, Logger } from './settings.ts';

/** Events of the core. Features add names of their own (`Contributions.events`). */
export const CORE_EVENTS: readonly string[] = [
  'login.succeeded',
  'login.failed',
  'login.limited',
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
  'initial_access_token.created',
  'initial_access_token.deleted',
  'subject.revoked',
  'subject.disabled',
  'subject.enabled',
  'subject.unlocked',
  'token.revoked',
  'keys.rotated',
  'delivery.failed',
];

/** An event as its sender describes it. `Events` adds address and id of the request. */
export interface EventFacts {
  /** The subject it concerns. @default null */
  readonly sub?: string | null;
  /** The client it concerns. @default null */
  readonly clientId?: string | null;
  /** Why it happened: the reason of a refusal. @default null */
  readonly reason?: string | null;
  /** Small, free of secrets. */
  readonly detail?: AuditEvent['detail'];
}

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
   * Tells the listener only. Use it for events that anybody can cause in any number. Never throws.
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

/** What the events of a provider are made of. */
export interface EventParts {
  readonly audit: AuditStore;
  readonly clock: () => number;
  readonly random: Random;
  readonly logger: Logger;
  readonly listener: EventListener | null;
  /** Every name that may be reported. */
  readonly names: readonly string[];
}

type Origin = Parameters<EventLog['forRequest']>[0];

export function createEvents(parts: EventParts): EventLog {
  const writer = createAuditWriter(parts.audit, parts.logger);
  const names = new Set(parts.names);
  const describe = (origin: Origin, type: string, facts: EventFacts): AuditEvent => {
    // A misspelt name would be missed by everyone who filters for the right one.
    if (!names.has(type)) throw new Error(`No feature declares the event ${type}.`);
    return eventOf(parts, origin, type, facts);
  };
  const forRequest = (origin: Origin): Events => ({
    record(type, facts) {
      const event = describe(origin, type, facts);
      tell(parts, event);
      writer.keep(event);
    },
    async act(type, facts, perform, happened = Boolean) {
      const event = describe(origin, type, facts);
      const result = await perform(event);
      if (happened(result)) tell(parts, event);
      return result;
    },
    notify(type, facts) {
      tell(parts, describe(origin, type, facts));
    },
  });
  return { forRequest, flush: async () => await writer.flush() };
}

function eventOf(
  { random, clock }: EventParts,
  origin: Origin,
  type: string,
  { sub = null, clientId = null, reason = null, detail = {} }: EventFacts,
): AuditEvent {
  return {
    id: base64url(random(12)),
    at: clock(),
    type,
    sub,
    clientId,
    ip: origin?.address ?? null,
    requestId: origin?.requestId ?? null,
    reason,
    detail,
  };
}

function tell({ listener, logger }: EventParts, event: AuditEvent): void {
  try {
    listener?.(event);
  } catch (error) {
    logger.error({ error }, 'the event listener failed');
  }
}

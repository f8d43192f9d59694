/**
 * What happened, for hosts, logs and the audit table. Ordinary events are written in batches, off
 * the hot path (`audit-writer.ts`); the row of a revocation or of an administrative act is written
 * by the act itself. Events carry no secrets; what each of them tells is in `event-definitions.ts`.
 */

import type { Random } from '../crypto/handles.ts';
import { base64url } from '../crypto/handles.ts';
import type { AuditEvent } from '../store/records.ts';
import type { AuditStore } from '../store/store.ts';
import { createAuditWriter } from './audit-writer.ts';
import type { AnyEventFacts, EventDefinition, EventFacts } from './event-definition.ts';
import type { RequestFacts } from './request-facts.ts';
import type { AuditListener, Logger } from './settings.ts';

/** Events of one request, or of no request. */
export interface Events {
  /** Records an event; its row is written with others, off the hot path. Never throws. */
  record<Event extends EventDefinition>(event: Event, facts: EventFacts<Event>): void;
  /**
   * Performs an act whose row the store writes in the act's own transaction. The listener hears of
   * it if it happened: when the result is not false, null or 0, unless `happened` says otherwise.
   */
  act<T, Event extends EventDefinition>(
    event: Event,
    facts: EventFacts<Event>,
    perform: (row: AuditEvent) => Promise<T>,
    happened?: (result: T) => boolean,
  ): Promise<T>;
  /**
   * Tells the listener only. Use it for events that anybody can cause in any number. Never throws.
   */
  notify<Event extends EventDefinition>(event: Event, facts: EventFacts<Event>): void;
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
  readonly listener: AuditListener | null;
  /** Every name that may be reported. */
  readonly names: readonly string[];
}

type Origin = Parameters<EventLog['forRequest']>[0];

export function createEvents(parts: EventParts): EventLog {
  const writer = createAuditWriter(parts.audit, parts.logger);
  const names = new Set(parts.names);
  const describe = (
    origin: Origin,
    { name }: EventDefinition,
    facts: AnyEventFacts,
  ): AuditEvent => {
    // What nobody declares is in no documentation, and no listener knows its type.
    if (!names.has(name)) throw new Error(`No feature declares the event ${name}.`);
    return eventOf(parts, origin, name, facts);
  };
  const forRequest = (origin: Origin): Events => ({
    record(definition, facts) {
      const event = describe(origin, definition, facts);
      tell(parts, event);
      writer.keep(event);
    },
    async act(definition, facts, perform, happened = Boolean) {
      const event = describe(origin, definition, facts);
      const result = await perform(event);
      if (happened(result)) tell(parts, event);
      return result;
    },
    notify(definition, facts) {
      tell(parts, describe(origin, definition, facts));
    },
  });
  return { forRequest, flush: async () => await writer.flush() };
}

function eventOf(
  { random, clock }: EventParts,
  origin: Origin,
  type: string,
  { sub = null, clientId = null, reason = null, detail = {} }: AnyEventFacts,
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

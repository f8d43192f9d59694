/**
 * The events that a host hears, as one union: `event.type` tells them apart. The events of the core
 * are in `domain/event-definitions.ts`, those of features in their folders.
 */
import type { ReportedEvent } from './domain/event-definition.ts';
import type * as core from './domain/event-definitions.ts';
import type { FeatureEvent } from './features.ts';
import type { AuditEvent } from './store/records.ts';

/** An event that this package reports. */
export type BuiltInEvent = CoreEvent | FeatureEvent;

/** An event of the core. */
export type CoreEvent = {
  [Name in Exclude<keyof typeof core, 'CORE_EVENTS'>]: ReportedEvent<(typeof core)[Name]>;
}[Exclude<keyof typeof core, 'CORE_EVENTS'>];

/** An event of a feature of your own. `isEvent(event, definition)` tells which, with its types. */
export interface OwnEvent extends Omit<AuditEvent, 'type'> {
  /**
   * Its name, which no built-in event has. A pattern and not a plain text: with that, comparing
   * `type` would tell nothing about `detail`.
   */
  readonly type: `${string}.${string}` & { readonly builtIn: false };
}

/** What `Config.onEvent` hears. */
export type ProviderEvent = BuiltInEvent | OwnEvent;

/** Hears every event, in the process that caused it. */
export type EventListener = (event: ProviderEvent) => void;

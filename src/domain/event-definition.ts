/**
 * What an event is: its name, when it happens, whom it concerns and what it tells besides. A
 * definition is plain data, and the types of what is reported and heard follow from it.
 */
import type { AuditEvent } from '../store/records.ts';

/** One event that can happen. Types follow from the literal: write it through `defineEvent`. */
export interface EventDefinition {
  /** What it is about, a dot, and what happened: `tokens.issued`. At most 64 characters. */
  readonly name: string;
  /** One sentence that says when it happens. */
  readonly description: string;
  /** Whether it tells the subject that it concerns. @default never */
  readonly sub?: 'always' | 'sometimes';
  /** Whether it tells the client that it concerns. @default never */
  readonly client?: 'always' | 'sometimes';
  /** Whether it tells why it happened. @default never */
  readonly reason?: 'always' | 'sometimes';
  /** The members of its `detail`. Every one is always there. @default none */
  readonly detail?: Readonly<Record<string, EventField>>;
  /**
   * `sometimes`: the listener hears of each, and the audit log has a row of some.
   * @default always
   */
  readonly stored?: 'sometimes';
}

/** One member of the detail of an event. */
export interface EventField {
  /** The type of its values. */
  readonly kind: 'text' | 'number' | 'flag';
  /** What it says. */
  readonly description: string;
  /** The texts that it can be. @default any */
  readonly choices?: readonly string[];
  /** True where it can be null. @default false */
  readonly nullable?: true;
}

/**
 * Makes the definition of an event of your own, to be listed in `Contributions.events`.
 * @returns what it takes, with the type of its literal
 */
export function defineEvent<const Event extends EventDefinition>(definition: Event): Event {
  return definition;
}

/** The value of one member of a detail. */
export type EventFieldValue<Field> =
  | (Field extends { readonly choices: readonly (infer Choice)[] }
      ? Choice
      : Field extends { readonly kind: 'number' }
        ? number
        : Field extends { readonly kind: 'flag' }
          ? boolean
          : string)
  | (Field extends { readonly nullable: true } ? null : never);

/** The detail of an event. */
export type EventDetail<Event extends EventDefinition> = Event extends {
  readonly detail: infer Fields;
}
  ? { readonly [Name in keyof Fields]: EventFieldValue<Fields[Name]> }
  : string extends Event['name']
    ? AuditEvent['detail']
    : Readonly<Record<string, never>>;

/** What an event tells of its subject, its client or its reason: a text, perhaps, or nothing. */
export type EventConcern<
  Event extends EventDefinition,
  Member extends 'sub' | 'client' | 'reason',
> = Event extends { readonly [Name in Member]: 'always' }
  ? string
  : Event extends { readonly [Name in Member]: 'sometimes' }
    ? string | null
    : string extends Event['name']
      ? string | null
      : null;

/** An event as listeners hear it. */
export interface ReportedEvent<Event extends EventDefinition>
  extends Omit<AuditEvent, 'type' | 'sub' | 'clientId' | 'reason' | 'detail'> {
  /** Its name. */
  readonly type: Event['name'];
  /** The subject that it concerns. */
  readonly sub: EventConcern<Event, 'sub'>;
  /** The client that it concerns. */
  readonly clientId: EventConcern<Event, 'client'>;
  /** Why it happened: the reason of a refusal. */
  readonly reason: EventConcern<Event, 'reason'>;
  /** What else it tells. No secrets. */
  readonly detail: EventDetail<Event>;
}

/** Facts of any event. */
export interface AnyEventFacts {
  /** The subject it concerns. @default null */
  readonly sub?: string | null;
  /** The client it concerns. @default null */
  readonly clientId?: string | null;
  /** Why it happened: the reason of a refusal. @default null */
  readonly reason?: string | null;
  /** Small, free of secrets. @default empty */
  readonly detail?: AuditEvent['detail'];
}

/**
 * An event as its sender describes it. What its definition always tells must be given; what it
 * never tells cannot be.
 */
export type EventFacts<Event extends EventDefinition = EventDefinition> = AnyEventFacts &
  (string extends Event['name'] ? unknown : RequiredFacts<ReportedEvent<Event>>);

/** The facts of an event: those that can be null or empty may be left out. */
export type RequiredFacts<Reported extends AuditEvent> = {
  readonly [Fact in keyof AnyEventFacts as null extends Reported[Fact]
    ? never
    : Record<string, never> extends Reported[Fact]
      ? never
      : Fact]-?: Reported[Fact];
} & { readonly [Fact in keyof AnyEventFacts]?: Reported[Fact] };

/**
 * True for an event of this definition. It is how a listener knows the events of its own features:
 * `if (isEvent(event, carTaken)) event.detail.car`.
 */
export function isEvent<Heard extends { readonly type: string }, Event extends EventDefinition>(
  event: Heard,
  definition: Event,
): event is Heard & ReportedEvent<Event> {
  return event.type === definition.name;
}

/**
 * What a field of a client looks like: one entry serves registration, command line, forms and
 * documentation. Features bring fields of their own with the same shape (`clientField`).
 */

/** What a value looks like; a list names the only values. */
export type FieldKind = 'text' | 'texts' | 'flag' | readonly string[];

/** One field of client metadata. */
export interface FieldDefinition {
  /** Its name in registrations (RFC 7591 §2). */
  readonly wireName: string;
  readonly kind: FieldKind;
  /** Says on the command line and in forms what it is. */
  readonly description: string;
  /** Its option on the command line, without dashes. */
  readonly flag: string;
  /** Null is a value as well: nothing is known, or nothing is restricted. @default false */
  readonly nullable?: boolean;
  /** Who may set it: operators alone, or clients too when they register themselves. */
  readonly setBy: 'operator' | 'client';
}

/** A field that a feature adds to every client. */
export interface FeatureField<T = unknown> extends FieldDefinition {
  /** What holds for clients that say nothing. */
  readonly default: T;
  /**
   * What is wrong with a value of the right kind, continuing the name of the field; null: nothing.
   */
  check?(value: T): string | null;
}

const WORDS = {
  text: 'must be a text',
  texts: 'must be a list of texts',
  flag: 'must be true or false',
} as const;

/** What is wrong with the kind of a value, continuing the name of the field; null: nothing. */
export function kindProblem(
  value: unknown,
  { kind, nullable = false }: FieldDefinition,
): string | null {
  if (value === null && nullable) return null;
  if (typeof kind !== 'string')
    return typeof value === 'string' && kind.includes(value)
      ? null
      : `must be ${kind.join(' or ')}`;
  return isOfKind(value, kind) ? null : WORDS[kind];
}

function isOfKind(value: unknown, kind: keyof typeof WORDS): boolean {
  if (kind === 'text') return typeof value === 'string';
  if (kind === 'flag') return typeof value === 'boolean';
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

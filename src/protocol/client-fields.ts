/**
 * The definition of a field of a client. One definition serves registration, command line, forms
 * and documentation. The fields of the core are in `client-metadata.ts`; features add fields in the
 * same form (`clientField`).
 */

/**
 * The type of a value: a string, a list of strings, a boolean, a whole number of seconds, a JSON
 * object, or one of the listed strings.
 */
export type FieldKind = 'text' | 'texts' | 'flag' | 'seconds' | 'json' | readonly string[];

/** The definition of one field of client metadata. */
export interface FieldDefinition {
  /** Its name in registrations (RFC 7591 §2). */
  readonly wireName: string;
  /** The type of its values. */
  readonly kind: FieldKind;
  /** A short phrase that explains it on the command line and in forms. */
  readonly description: string;
  /** Its option on the command line, without dashes in front. */
  readonly flag: string;
  /**
   * True allows null, which means that no value is known or that nothing is restricted.
   * @default false
   */
  readonly nullable?: boolean;
  /** `operator`: only operators set it. `client`: also a client that registers itself. */
  readonly setBy: 'operator' | 'client';
  /**
   * True for a field that protects the client: it stays as it is when the client changes its
   * registration and leaves it out.
   * @default false
   */
  readonly protects?: boolean;
  /**
   * True for addresses that this provider calls. A client that registers itself names none at the
   * origins that the operator named for others (`allowOutbound`).
   * @default false
   */
  readonly isCalled?: boolean;
}

/** The definition of a field that a feature adds to every client. */
export interface FeatureField<T = unknown> extends FieldDefinition {
  /** The value of clients that were registered without this field. */
  readonly default: T;
  /**
   * Checks a value that has the right type. It returns the problem as a phrase that continues the
   * name of the field ("must be …"), or null if there is none.
   */
  check?(value: T): string | null;
}

const WORDS = {
  text: 'must be a string',
  texts: 'must be a list of strings',
  flag: 'must be true or false',
  seconds: 'must be a whole number of seconds',
  json: 'must be a JSON object',
} as const;

/**
 * The problem if a value has the wrong type, as a phrase that continues the name of the field; else
 * null.
 */
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
  if (kind === 'seconds') return Number.isSafeInteger(value) && Number(value) >= 0;
  if (kind === 'json') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

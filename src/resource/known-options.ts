/**
 * The check of options that a host writes: one that is misspelt would leave an API less protected
 * than its host believes.
 */
import {
  type Check,
  ConfigError,
  checkFunction,
  checkOptions,
  hasMethods,
  type OptionRule,
  problemList,
} from 'valetkey';

/** What holds for one option. */
export interface Kind extends OptionRule {
  /** It has to be there: what to do where it is not. */
  readonly required?: string;
}

/** What holds for each option: every member of `T`, and no other. */
export type Kinds<T> = { readonly [Name in keyof T]-?: Kind };

/** A text that is not empty. */
export const TEXT: Kind = { kind: 'text' };
/** True or false. */
export const FLAG: Kind = { kind: 'flag' };
/** A list of texts. */
export const LIST: Kind = { kind: 'list' };
/** An object in JSON. */
export const MAP: Kind = { kind: 'map' };
/** A function. */
export const FUNCTION: Kind = { kind: 'code', check: checkFunction };

/** An object with a method. @param remedy how to get one */
export function withMethod(name: string, remedy: string): Kind {
  const check: Check = (value, option, refuse) => {
    if (!hasMethods(value, name)) refuse(option, `has no method ${name}.`, remedy);
  };
  return { kind: 'code', check };
}

/**
 * Holds options to their table.
 * @param more what else has to hold, of options that are right in themselves
 * @throws ConfigError that lists every option that is misspelt, missing or of another kind
 */
export function requireKnown<T extends object>(
  kinds: Kinds<T>,
  given: T,
  more: Check = () => undefined,
): void {
  const { problems, refuse } = problemList();
  const isObject = typeof given === 'object' && given !== null;
  if (!isObject)
    refuse('options', 'must be an object.', `It has ${Object.keys(kinds).join(', ')}.`);
  else checkOptions(kinds as Readonly<Record<string, Kind>>, given, '', refuse);
  for (const [name, { required }] of Object.entries<Kind>(isObject ? kinds : {}))
    if (required !== undefined && given[name as keyof T] === undefined)
      refuse(name, 'is missing.', required);
  if (problems.length === 0) more(given, '', refuse);
  if (problems.length > 0) throw new ConfigError(problems);
}

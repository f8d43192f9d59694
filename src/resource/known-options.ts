/**
 * The check of options that a host writes: one that is misspelt would leave an API less protected
 * than its host believes.
 */
import { ConfigError, type ConfigProblem, checkOptions, type Option } from 'valetkey';

/** What each option looks like: every member of `T`, and no other. */
export type Kinds<T> = { readonly [Name in keyof T]-?: Omit<Option, 'description'> };

export const TEXT = { kind: 'text' } as const;
export const FLAG = { kind: 'flag' } as const;
export const LIST = { kind: 'list' } as const;
export const MAP = { kind: 'map' } as const;
export const CODE = { kind: 'code' } as const;

/**
 * Holds options to their table.
 * @throws ConfigError that lists every option that is misspelt or of another kind
 */
export function requireKnown<T extends object>(
  kinds: Kinds<T>,
  given: T,
  more: readonly ConfigProblem[] = [],
): void {
  const problems: ConfigProblem[] = [];
  const table = Object.fromEntries(
    Object.entries<Omit<Option, 'description'>>(kinds).map(([name, option]) => [
      name,
      // They stand in the documentation of the type.
      { ...option, description: name },
    ]),
  );
  checkOptions(table, given, '', (option, problem, remedy) => {
    problems.push({ option, problem, remedy });
  });
  const all = [...problems, ...more];
  if (all.length > 0) throw new ConfigError(all);
}

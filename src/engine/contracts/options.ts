/**
 * Options as data: one entry per option serves the check of a configuration, its default, the
 * settings file, the environment and `docs/settings.md`. The core's table is `config-options.ts`;
 * the table of a feature stands on the feature.
 */
import { closest, distance } from 'fastest-levenshtein';
import type { ConfigProblem } from '../../protocol/errors.ts';

/** Tells a problem of an option and its remedy. */
export type Refuse = (option: string, problem: string, remedy: string) => void;
/** Looks at a value. */
export type Check = (value: unknown, option: string, refuse: Refuse) => void;

/**
 * What a value looks like. `seconds` and `count` are whole numbers, `list` is a list of texts,
 * `entries` one of texts and objects, `map` an object, `rate-limit` is `{ limit, seconds }`; `code`
 * can be given in code alone.
 */
export type OptionKind =
  | 'text'
  | 'flag'
  | 'seconds'
  | 'count'
  | 'list'
  | 'entries'
  | 'map'
  | 'rate-limit'
  | 'code';

/** What holds for the value of one option. */
export interface OptionRule {
  /** What a value looks like. */
  readonly kind: OptionKind;
  /** What holds when it is absent. */
  readonly default?: unknown;
  /** The default in words, where the value says too little. */
  readonly defaultText?: string;
  /** The only values there are. */
  readonly choices?: readonly string[];
  /** Smallest number. @default 1 for seconds, 0 for count */
  readonly least?: number;
  /** Largest number. @default not limited */
  readonly most?: number;
  /** The empty text is a value as well. @default false */
  readonly emptyToo?: boolean;
  /** Null is a value as well. @default false */
  readonly nullable?: boolean;
  /** A list of one may be given as a text. @default false */
  readonly textToo?: boolean;
  /** Looks at a value of the right kind. */
  readonly check?: Check;
}

/** One option. */
export interface Option extends OptionRule {
  /** One line that says what it does; the default is added to it. */
  readonly description: string;
}

/** Rules by the names of options; a table inside is a group. */
export interface RuleTable {
  readonly [name: string]: OptionRule | RuleTable;
}

/** Options by name; a table inside is a group. */
export interface OptionTable {
  readonly [name: string]: Option | OptionTable;
}

/** Makes sure that a table has an entry for every member of a type, and no other. */
export type OptionsOf<T> = {
  readonly [Name in keyof T]-?: Option | OptionTable;
};

/** The name that somebody may have meant; null when none is near. */
export function nearest(written: string, names: readonly string[]): string | null {
  const name = names.length === 0 ? null : closest(written, names);
  const most = Math.max(2, Math.floor(written.length / 3));
  return name !== null && distance(written, name) <= most ? name : null;
}

function isOption<Rule extends OptionRule>(entry: Rule | RuleTable): entry is Rule {
  return typeof entry['kind'] === 'string';
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for an object with these methods. */
export function hasMethods(value: unknown, ...methods: readonly string[]): boolean {
  return isObject(value) && methods.every((name) => typeof value[name] === 'function');
}

/** Tells when an option is no function. */
export function checkFunction(value: unknown, option: string, refuse: Refuse): void {
  if (typeof value !== 'function') refuse(option, 'must be a function.', 'Pass a function.');
}

/** Tells when an option is no address that documents are read from. */
export function checkDocumentUrl(value: unknown, option: string, refuse: Refuse): void {
  const isUrl = URL.canParse(String(value)) && /^https?:$/.test(new URL(String(value)).protocol);
  if (!isUrl) refuse(option, 'must be an absolute https address.', 'Write it like https://….');
}

export function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
}

/**
 * Tells every problem of values under a table: unknown names, wrong kinds, and what checks find. A
 * value that is undefined counts as absent.
 * @param prefix what stands before each name where it is told, such as `lifetimes.`
 */
export function checkOptions(
  table: RuleTable,
  values: object,
  prefix: string,
  refuse: Refuse,
): void {
  const names = Object.keys(table);
  for (const [name, value] of Object.entries(values)) {
    const entry = Object.hasOwn(table, name) ? table[name] : undefined;
    const path = prefix + name;
    if (entry === undefined) {
      const known = nearest(name, names);
      const remedy = known === null ? 'Leave it out.' : `Did you mean ${prefix}${known}?`;
      refuse(path, 'is not an option.', remedy);
    } else if (value !== undefined) checkEntry(entry, value, path, refuse);
  }
}

function checkEntry(
  entry: OptionRule | RuleTable,
  value: unknown,
  path: string,
  refuse: Refuse,
): void {
  if (isOption(entry)) checkValue(entry, value, path, refuse);
  else if (isObject(value)) checkOptions(entry, value, `${path}.`, refuse);
  else refuse(path, 'must be an object.', `It may hold ${Object.keys(entry).join(', ')}.`);
}

function checkValue(option: OptionRule, given: unknown, path: string, refuse: Refuse): void {
  if (given === null && option.nullable === true) return;
  const value = option.textToo === true && typeof given === 'string' ? [given] : given;
  const problem = kindProblem(option, value);
  const items = problem === null && option.kind === 'list' ? (value as readonly unknown[]) : [];
  const wrong = wrongItem(items);
  if (problem !== null) refuse(path, ...problem);
  else if (wrong >= 0) refuse(`${path}[${wrong}]`, 'must be a non-empty string.', 'Write a text.');
  else option.check?.(value, path, refuse);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function wrongItem(list: readonly unknown[]): number {
  return list.findIndex((item) => !isText(item));
}

type Problem = readonly [problem: string, remedy: string];

function kindProblem(option: OptionRule, value: unknown): Problem | null {
  switch (option.kind) {
    case 'text':
      return textProblem(option, value);
    case 'flag':
      if (typeof value === 'boolean') return null;
      return ['must be true or false.', 'Write true or false, not a text.'];
    case 'seconds':
    case 'count':
      return numberProblem(option, value);
    case 'list':
      return listProblem(option, value);
    case 'entries':
      return Array.isArray(value) && value.every((one) => isObject(one) || isText(one))
        ? null
        : ['must be a list of texts and objects.', 'Write a list.'];
    case 'map':
      return isObject(value) ? null : ['must be an object.', 'Write { name: value }.'];
    case 'rate-limit':
      return isRateLimit(value)
        ? null
        : ['must be a positive limit in positive seconds.', 'Write { limit: 5, seconds: 900 }.'];
    case 'code':
      return null;
  }
}

function textProblem({ choices, emptyToo = false }: OptionRule, value: unknown): Problem | null {
  if (choices !== undefined && !choices.includes(String(value)))
    return [`must be ${choices.join(' or ')}.`, `Choose among ${choices.join(', ')}.`];
  if (typeof value === 'string' && (emptyToo || value !== '')) return null;
  return ['must be a non-empty string.', 'Write a text, or leave it out.'];
}

function numberProblem({ kind, least, most }: OptionRule, value: unknown): Problem | null {
  const smallest = least ?? (kind === 'seconds' ? 1 : 0);
  const largest = most ?? Number.MAX_SAFE_INTEGER;
  if (isWhole(value, smallest, largest)) return null;
  const unit = kind === 'seconds' ? ' of seconds' : '';
  const range = most === undefined ? `from ${smallest}` : `from ${smallest} to ${most}`;
  const remedy =
    typeof value === 'number' ? 'Choose a number in that range.' : 'Write a number, not a text.';
  return [`must be a whole number${unit} ${range}.`, remedy];
}

function listProblem(option: OptionRule, value: unknown): Problem | null {
  const { choices, default: usual } = option;
  if (!Array.isArray(value)) return ['must be a list.', 'Write a list of texts.'];
  if (choices === undefined) return null;
  // What is empty by default may be written so.
  const mayBeEmpty = Array.isArray(usual) && usual.length === 0;
  const isGiven = value.length > 0 || mayBeEmpty;
  if (isGiven && value.every((item) => choices.includes(String(item)))) return null;
  return ['holds a value that is not offered.', `Choose among ${choices.join(', ')}.`];
}

function isRateLimit(value: unknown): boolean {
  return (
    isObject(value) &&
    Object.keys(value).sort().join() === 'limit,seconds' &&
    Object.values(value).every((number) => isWhole(number, 1, 1e9))
  );
}

/** Values with the defaults of their table; what is there but undefined counts as absent. */
export function withDefaults(
  table: OptionTable,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const resolved: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(table)) {
    const value = values[name];
    if (!isOption(entry)) resolved[name] = withDefaults(entry, isObject(value) ? value : {});
    else resolved[name] = value === undefined ? entry.default : value;
  }
  return resolved;
}

/** An option with the path at which it stands. */
export interface ListedOption {
  /** Dots for groups. */
  readonly path: string;
  /** The option. */
  readonly option: Option;
}

/** Every option of a table that can be written down, in a file or the environment. */
export function writtenOptions(table: OptionTable, prefix = ''): readonly ListedOption[] {
  return Object.entries(table).flatMap(([name, entry]): readonly ListedOption[] => {
    if (!isOption(entry)) return writtenOptions(entry, `${prefix}${name}.`);
    return entry.kind === 'code' ? [] : [{ path: prefix + name, option: entry }];
  });
}

/** Collects problems. */
export function problemList(): { readonly problems: ConfigProblem[]; readonly refuse: Refuse } {
  const problems: ConfigProblem[] = [];
  const refuse: Refuse = (option, problem, remedy) =>
    void problems.push({ option, problem, remedy });
  return { problems, refuse };
}

/** The options of `valetkey resource create` and `update`, by the table of the fields of APIs. */
import { type Command, Option } from 'commander';
import {
  RESOURCE_FIELDS,
  type RegisteredResource,
  type ResourceChanges,
  type ResourceDefinition,
  type ResourceField,
} from 'valetkey';
import { collect, json, wholeNumber } from './options.ts';

/** Values as the command line read them, by the name of their option. */
export type GivenFields = Readonly<Record<string, unknown>>;

/** A field, and its place in a definition. */
interface PlacedField {
  readonly place: readonly [member: string, inside?: string];
  readonly field: ResourceField;
}

type Entry = ResourceField | Readonly<Record<string, ResourceField>>;

const MEMBERS: readonly (readonly [string, Entry])[] = Object.entries(RESOURCE_FIELDS);
const FIELDS: readonly PlacedField[] = MEMBERS.flatMap(([member, entry]): PlacedField[] =>
  isField(entry)
    ? [{ place: [member], field: entry }]
    : Object.entries(entry).map(([inside, field]) => ({ place: [member, inside], field })),
);
/** What `--unset` takes away, by its name there. */
const UNSET: ReadonlyMap<string, string> = new Map(
  MEMBERS.map(([member, entry]) => [isField(entry) ? entry.flag : inKebabCase(member), member]),
);

function isField(entry: Entry): entry is ResourceField {
  return typeof entry['kind'] === 'string';
}

function inKebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Adds an option for each field. */
export function withFields(command: Command): Command {
  return FIELDS.reduce((all, { field }) => all.addOption(optionFor(field)), command);
}

/** Adds the option that takes fields away. */
export function withUnset(command: Command): Command {
  return command.option('--unset <field>', `take a field away: ${unsetNames()}`, collect);
}

function unsetNames(): string {
  return [...UNSET.keys()].join(', ');
}

function optionFor({ kind, flag, description, choices }: ResourceField): Option {
  const placeholder = flag.split('-').at(-1);
  switch (kind) {
    case 'list':
      return new Option(`--${flag} <${placeholder}>`, `${description}; may be repeated`).argParser(
        collect,
      );
    case 'seconds':
      return new Option(`--${flag} <seconds>`, description).argParser(wholeNumber(1));
    case 'map':
      return new Option(`--${flag} <json>`, description).argParser(json);
    default: {
      const option = new Option(`--${flag} <${placeholder}>`, description);
      return choices === undefined ? option : option.choices(choices);
    }
  }
}

/** What the options say of an API. */
export function fieldsIn(given: GivenFields): Omit<ResourceDefinition, 'resource'> {
  const definition: Record<string, unknown> = {};
  for (const { place, field } of FIELDS) {
    const value = given[optionFor(field).attributeName()];
    const [member, inside] = place;
    if (value === undefined) continue;
    definition[member] =
      inside === undefined ? value : { ...(definition[member] as object), [inside]: value };
  }
  return definition;
}

/**
 * The fields that are taken away.
 * @throws Error for a name that is none
 */
export function unsetIn(names: readonly string[]): ResourceChanges {
  const members = names.map((name) => {
    const member = UNSET.get(name);
    if (member !== undefined) return [member, null] as const;
    throw new Error(`--unset ${name} is not known. It takes ${unsetNames()}.`);
  });
  return Object.fromEntries(members);
}

/** An API as rows of a table. */
export function rowsOf(one: RegisteredResource): readonly (readonly string[])[] {
  const rows = FIELDS.flatMap(({ place: [member, inside], field }) => {
    const found = (one as unknown as Readonly<Record<string, unknown>>)[member];
    const value = inside === undefined ? found : (found as GivenFields | undefined)?.[inside];
    const text = value === undefined ? field.absent : shown(field, value);
    return text === undefined ? [] : [[field.label, text]];
  });
  return [['API', one.resource], ...rows];
}

function shown({ kind }: ResourceField, value: unknown): string {
  switch (kind) {
    case 'list':
      return (value as readonly string[]).join(' ');
    case 'seconds':
      return `${String(value)} s`;
    case 'map':
      return JSON.stringify(value);
    default:
      return String(value);
  }
}

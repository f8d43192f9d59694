/**
 * The options that describe an application, for `application create` and `application update`: one
 * for each field of a client, including fields of features, and the option names of Django OAuth
 * Toolkit. The core checks the values.
 */
import { type Command, Option } from 'commander';
import { CLIENT_FIELDS, type ClientMetadata, type FieldDefinition } from 'valetkey';
import { collect, json, wholeNumber } from './options.ts';

/** The given options, by the key that commander derives from a flag. */
export type MetadataOptions = Readonly<Record<string, unknown>>;

type Member = keyof typeof CLIENT_FIELDS;

/** The fields that become options here. The commands themselves define `--name`. */
const FIELDS = Object.entries(CLIENT_FIELDS).filter(([member]) => member !== 'name') as [
  Member,
  FieldDefinition,
][];

const DEFAULT = Symbol('default');

/** Aliases, each with the option that it stands for. */
const ALIASES: readonly (readonly [flag: string, of: string])[] = [
  ['redirect-uris', 'redirect-uri'],
  ['post-logout-redirect-uris', 'post-logout-redirect-uri'],
  ['skip-authorization', 'skip-consent'],
  ['user', 'owner'],
];

/**
 * Adds the options to a command.
 * @param fields the fields that features add to clients
 */
export function metadataOptions(command: Command, fields: readonly FieldDefinition[]): Command {
  for (const field of [...FIELDS.map(([, one]) => one), ...fields]) addOption(command, field);
  for (const [flag, of] of ALIASES) {
    const field = FIELDS.find(([, one]) => one.flag === of)?.[1];
    if (field !== undefined)
      addOption(command, { ...field, flag, description: `the same as --${of}` });
  }
  return command.option(
    '--no-hash-client-secret',
    'store the secret sealed instead of hashed; --algorithm HS256 always does this',
  );
}

function addOption(command: Command, field: FieldDefinition): void {
  const { flag, kind, description, wireName } = field;
  const placeholder = flag.split('-').at(-1);
  if (kind === 'flag') {
    command.option(`--${flag}`, description);
    command.addOption(new Option(`--no-${flag}`).hideHelp());
  } else if (kind === 'texts') {
    // A response type can contain spaces, so its value is not split.
    const read = wireName === 'response_types' ? one : collect;
    command.option(`--${flag} <${placeholder}>`, `${description}; may be repeated`, read);
  } else if (kind === 'json') {
    command.option(`--${flag} <json>`, description, json);
  } else if (kind === 'seconds') {
    command.option(`--${flag} <seconds>`, description, field.nullable ? orDefault : wholeNumber(0));
  } else {
    const option = new Option(`--${flag} <${placeholder}>`, description);
    command.addOption(typeof kind === 'string' ? option : option.choices(kind));
  }
}

/** `default` takes a value away that was set. Commander does not keep a null. */
function orDefault(value: string): number | typeof DEFAULT {
  return value === 'default' ? DEFAULT : wholeNumber(1)(value);
}

function one(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/**
 * The metadata that the options contain. An option that is absent adds nothing.
 * @throws Error when `--no-hash-client-secret` is given without `--algorithm HS256`
 */
export function metadataOf(
  options: MetadataOptions,
  fields: readonly FieldDefinition[],
): Partial<ClientMetadata> {
  const { algorithm } = options;
  if (options['hashClientSecret'] === false && algorithm !== 'HS256') {
    throw new Error(
      'Only applications with --algorithm HS256 store their secret sealed instead of hashed. Remove --no-hash-client-secret, or add --algorithm HS256.',
    );
  }
  const values: Record<string, unknown> = {};
  if (options['name'] !== undefined) values['name'] = options['name'];
  for (const [member, { flag }] of FIELDS) {
    const value = given(options, flag);
    if (value !== undefined) values[member] = value;
  }
  if (values['grantTypes'] !== undefined)
    values['grantTypes'] = (values['grantTypes'] as readonly string[]).flatMap(grantTypesOf);
  const added = fields.flatMap(({ wireName, flag }) => {
    const value = given(options, flag);
    return value === undefined ? [] : [[wireName, value] as const];
  });
  if (added.length > 0) values['fields'] = Object.fromEntries(added);
  return values;
}

/** The value of an option or of its aliases. The lists of several names are joined. */
function given(options: MetadataOptions, flag: string): unknown {
  const flags = [flag, ...ALIASES.filter(([, of]) => of === flag).map(([alias]) => alias)];
  const values = flags.map((name) => options[keyOf(name)]).filter((value) => value !== undefined);
  if (values[0] === DEFAULT) return null;
  return Array.isArray(values[0]) ? values.flat() : values[0];
}

/** `redirect-uri` → `redirectUri`. */
function keyOf(flag: string): string {
  return flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * In Django OAuth Toolkit `authorization-code` includes refresh tokens. `authorization_code`, with
 * an underscore, is the grant type alone.
 */
function grantTypesOf(type: string): readonly string[] {
  if (type === 'authorization-code') return ['authorization_code', 'refresh_token'];
  if (type === 'openid-hybrid') return [type];
  return [type.includes(':') ? type : type.replaceAll('-', '_')];
}

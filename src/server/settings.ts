/**
 * Reads and checks the settings. The command line wins over the environment, and that over the
 * file. All problems are reported together, each under the name that the operator wrote.
 * `settings-table.ts` lists the settings; `provider-config.ts` maps them to the configuration of
 * the provider.
 */
import { readFileSync } from 'node:fs';
import { ConfigError, type ConfigProblem, nearest } from 'valetkey';
import { refusedBy } from './provider-config.ts';
import {
  featuresOf,
  isFeatureFactory,
  isMap,
  readSettingsFile,
  type SettingSources,
} from './settings-file.ts';
import { type GivenSettings, type SettingDefinition, settingsTable } from './settings-table.ts';

/** Settings that only a file can contain. */
const CODE_SETTINGS: readonly string[] = ['features', 'templates', 'clients'];

const WANTED: Readonly<Record<SettingDefinition['kind'], string>> = {
  text: 'a non-empty string',
  count: 'a whole number',
  port: 'a port number',
  seconds: 'a whole number of seconds',
  flag: 'true or false',
  list: 'a list of strings',
  entries: 'a list of strings and objects',
  map: 'a JSON object',
  'rate-limit': 'a limit and a number of seconds, such as 5/900',
};

/**
 * Reads all settings and checks them, without opening the database.
 * @throws ConfigError that lists every problem
 */
export async function readSettings(sources: SettingSources): Promise<GivenSettings> {
  const problems: ConfigProblem[] = [];
  const file = await readSettingsFile(sources);
  if (file.problem !== null) {
    const remedy = 'Write JSON, or a module whose default export is an object.';
    problems.push({ option: file.path ?? '', problem: file.problem, remedy });
  }
  const { features: own, templates, clients, ...content } = file.content;
  const table = settingsTable(featuresOf(file));
  const fromFile = flatten(table, content);
  problems.push(...unknownNames(table, fromFile, sources.env), ...codeProblems(own, templates));
  const { given, written } = collect(table, fromFile, sources, problems);
  if (Array.isArray(own)) given['features'] = own.filter(isFeatureFactory);
  if (isMap(templates)) given['templates'] = templates;
  if (clients !== undefined) given['clients'] = clients;
  const nameOf = (option: string): string => nameIn(table, option, written);
  if (given['port'] === 0 && given['issuer'] === undefined)
    problems.push({
      option: nameOf('port'),
      problem: 'is 0 (any free port), so the issuer cannot be derived from it.',
      remedy: 'Set VALETKEY_ISSUER.',
    });
  problems.push(
    ...refusedBy(given).map(({ option, problem, remedy }) => ({
      option: nameOf(option),
      problem,
      // A remedy may name another setting.
      remedy: remedy.replaceAll(/\b[a-z][A-Za-z]*\.[A-Za-z.]+\b/g, nameOf),
    })),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return given;
}

interface Collected {
  readonly given: Record<string, unknown>;
  /** The name under which each setting was written, by path. */
  readonly written: ReadonlyMap<string, string>;
}

function collect(
  table: readonly SettingDefinition[],
  fromFile: Readonly<Record<string, unknown>>,
  { env, overrides }: SettingSources,
  problems: ConfigProblem[],
): Collected {
  const given: Record<string, unknown> = {};
  const written = new Map<string, string>();
  for (const setting of table) {
    const candidates: [name: string, value: unknown][] = [
      [flagOf(setting.path), overrides?.[setting.path]],
      fromEnvironment(setting, env, problems),
      [setting.path, fromFile[setting.path]],
    ];
    const found = candidates.find(([, value]) => value !== undefined);
    if (found === undefined) continue;
    const [name, value] = found;
    const accepted = accept(setting, value);
    if (accepted === undefined)
      problems.push({
        option: name,
        problem: `must be ${wanted(setting)}.`,
        remedy: setting.about,
      });
    else given[setting.path] = accepted;
    written.set(setting.path, name);
  }
  return { given, written };
}

/** Problems of what only a module can contain: features, and templates of their pages. */
function codeProblems(own: unknown, templates: unknown): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (own !== undefined && !(Array.isArray(own) && own.every(isFeatureFactory)))
    problems.push({
      option: 'features',
      problem: 'must be a list of feature factories, as defineFeature returns them.',
      remedy: 'Write it in a module: export default { features: [myFeature] }.',
    });
  const drawn =
    isMap(templates) && Object.values(templates).every((one) => typeof one === 'function');
  if (templates !== undefined && !drawn)
    problems.push({
      option: 'templates',
      problem: 'must be an object of functions.',
      remedy: 'Write it in a module: export default { templates: { myPage } }.',
    });
  return problems;
}

/** The name under which the operator wrote an option; otherwise its environment variable. */
function nameIn(
  table: readonly SettingDefinition[],
  option: string,
  written: ReadonlyMap<string, string>,
): string {
  const setting = table.find((one) => one.path === option);
  return setting === undefined ? option : (written.get(setting.path) ?? setting.env);
}

function flagOf(path: string): string {
  return `--${path.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function unknownNames(
  table: readonly SettingDefinition[],
  fromFile: Readonly<Record<string, unknown>>,
  env: SettingSources['env'],
): ConfigProblem[] {
  const paths = table.map(({ path }) => path);
  const names = [...table.flatMap((one) => [one.env, `${one.env}_FILE`]), 'VALETKEY_CONFIG'];
  const complain = (option: string, known: readonly string[]): ConfigProblem => {
    const near = nearest(option, known);
    const remedy =
      near === null ? '`valetkey doctor --settings` lists all of them.' : `Did you mean ${near}?`;
    return { option, problem: 'is not a setting.', remedy };
  };
  return [
    ...Object.keys(fromFile)
      .filter((path) => !paths.includes(path))
      .map((path) => complain(path, [...paths, ...CODE_SETTINGS])),
    ...Object.keys(env)
      .filter((name) => name.startsWith('VALETKEY_') && !names.includes(name))
      .filter((name) => !isOfKubernetes(name, env[name] ?? ''))
      .map((name) => complain(name, names)),
  ];
}

/** Kubernetes describes a service named valetkey to every container that starts beside it. */
function isOfKubernetes(name: string, value: string): boolean {
  return (
    /^VALETKEY_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/.test(
      name,
    ) ||
    (name === 'VALETKEY_PORT' && /^(tcp|udp|sctp):\/\//.test(value))
  );
}

/** Turns nested groups into dotted paths. A value that is itself a map (`scopes`) stays a map. */
function flatten(
  table: readonly SettingDefinition[],
  value: Readonly<Record<string, unknown>>,
  prefix = '',
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
      const path = prefix + name;
      const group = table.some((setting) => setting.path.startsWith(`${path}.`));
      return group && isMap(inner)
        ? Object.entries(flatten(table, inner, `${path}.`))
        : [[path, inner]];
    }),
  );
}

/** The value of a variable, or of the file that its `_FILE` variable names, with that name. */
function fromEnvironment(
  { env: name }: SettingDefinition,
  env: SettingSources['env'],
  problems: ConfigProblem[],
): [name: string, value: unknown] {
  const fileName = `${name}_FILE`;
  const value = env[name] || undefined;
  const file = env[fileName] || undefined;
  if (file === undefined) return [name, value];
  const refuse = (problem: string, remedy: string): [string, undefined] => {
    problems.push({ option: fileName, problem, remedy });
    return [fileName, undefined];
  };
  if (value !== undefined) return refuse(`is set together with ${name}.`, 'Remove one of them.');
  try {
    const content = readFileSync(file, 'utf8').trim();
    return content === ''
      ? refuse(`names an empty file: ${file}.`, 'Write the value into the file.')
      : [fileName, content];
  } catch {
    return refuse(
      `names a file that cannot be read: ${file}.`,
      'Check the path and its permissions.',
    );
  }
}

/**
 * The value, converted to the kind of its setting; undefined when it does not fit. The environment
 * contains only strings, but a file can use the types of JSON.
 */
function accept(setting: SettingDefinition, value: unknown): unknown {
  const accepted = convert(setting, value);
  const fits =
    setting.choices === undefined ||
    [accepted].flat().every((one) => setting.choices?.includes(String(one)));
  return fits ? accepted : undefined;
}

function convert({ kind, nullable = false }: SettingDefinition, value: unknown): unknown {
  if (nullable && (value === null || value === 'none')) return null;
  switch (kind) {
    case 'text':
      return typeof value === 'string' && value !== '' ? value : undefined;
    case 'count':
    case 'seconds':
    case 'port': {
      const number =
        typeof value === 'string' && /^[0-9]{1,15}$/.test(value) ? Number(value) : value;
      return Number.isSafeInteger(number) &&
        Number(number) >= 0 &&
        (kind !== 'port' || Number(number) <= 65_535)
        ? number
        : undefined;
    }
    case 'flag':
      if (typeof value !== 'string') return typeof value === 'boolean' ? value : undefined;
      return /^(true|1|yes|on)$/i.test(value)
        ? true
        : /^(false|0|no|off)$/i.test(value)
          ? false
          : undefined;
    case 'entries':
      if (typeof value === 'string')
        return value.startsWith('[') ? parsedList(value) : items(value);
      return Array.isArray(value) ? value : undefined;
    case 'list':
      if (value === false) return [];
      if (typeof value === 'string' || typeof value === 'number') return items(String(value));
      return Array.isArray(value) && value.every((item) => typeof item === 'string')
        ? value
        : undefined;
    case 'rate-limit':
      return typeof value === 'string' ? parsedRateLimit(value) : isMap(value) ? value : undefined;
    case 'map':
      return isMap(value) ? value : typeof value === 'string' ? parsedMap(value) : undefined;
  }
}

function parsedRateLimit(text: string): unknown {
  const [, limit, seconds] = /^([0-9]{1,9})\/([0-9]{1,9})$/.exec(text) ?? [];
  return limit === undefined ? undefined : { limit: Number(limit), seconds: Number(seconds) };
}

function items(text: string): readonly string[] {
  return text.split(/[,\s]+/).filter((item) => item !== '');
}

function parsedMap(text: string): unknown {
  const value = parsedJson(text);
  return isMap(value) ? value : undefined;
}

function parsedList(text: string): unknown {
  const value = parsedJson(text);
  return Array.isArray(value) ? value : undefined;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function wanted(setting: SettingDefinition): string {
  return setting.choices === undefined
    ? WANTED[setting.kind]
    : setting.choices.join(', ').replace(/, ([^,]*)$/, ' or $1');
}

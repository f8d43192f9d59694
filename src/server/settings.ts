/**
 * Reads the settings: command line over environment over file. Every mistake is told at once, under the name it was written with.
 * Which settings there are is in `settings-table.ts`; what they mean to the provider in `provider-config.ts`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { closest } from 'fastest-levenshtein';
import { ConfigError, type ConfigProblem } from 'valetkey';
import { refusedBy } from './provider-config.ts';
import { type GivenSettings, SETTINGS, type SettingDefinition } from './settings-table.ts';

/** Where settings come from. */
export interface SettingSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of the file; default: `valetkey.config.json` or `.mjs` in the working folder, if there. */
  readonly configFile?: string;
  /** From the command line; wins. */
  readonly overrides?: GivenSettings;
}

const FILES: readonly string[] = ['valetkey.config.json', 'valetkey.config.mjs'];
const WANTED: Readonly<Record<SettingDefinition['kind'], string>> = {
  text: 'text',
  number: 'a whole number',
  port: 'a port number',
  seconds: 'a whole number of seconds',
  boolean: 'true or false',
  list: 'a list',
  map: 'a JSON object',
  rateLimit: 'like 5/900',
};

/**
 * Collects all settings.
 * @throws ConfigError that lists every problem
 */
export async function readSettings(sources: SettingSources): Promise<GivenSettings> {
  const problems: ConfigProblem[] = [];
  const fromFile = flatten(
    await readFile(sources.configFile ?? sources.env['VALETKEY_CONFIG'], problems),
  );
  problems.push(...unknownNames(fromFile, sources.env));
  const given: Record<string, unknown> = {};
  const written = new Map<string, string>();
  for (const setting of SETTINGS) {
    const candidates: [name: string, value: unknown][] = [
      [flagOf(setting.path), sources.overrides?.[setting.path]],
      fromEnvironment(setting, sources.env, problems),
      [setting.path, fromFile[setting.path]],
    ];
    const found = candidates.find(([, value]) => value !== undefined);
    if (found === undefined) continue;
    const [name, value] = found;
    const accepted = accept(setting, value);
    if (accepted === undefined)
      problems.push({ option: name, problem: `is not ${wanted(setting)}.`, remedy: setting.about });
    else given[setting.path] = accepted;
    written.set(setting.path, name);
  }
  if (given['port'] === 0 && given['issuer'] === undefined)
    problems.push({
      option: nameOf('port', written),
      problem: 'is 0, any free port.',
      remedy: 'Then the issuer has to be given: VALETKEY_ISSUER.',
    });
  problems.push(
    ...refusedBy(given).map((problem) => ({ ...problem, option: nameOf(problem.option, written) })),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return given;
}

/** A name of the provider's configuration as the operator wrote it, or would write it. */
function nameOf(option: string, written: ReadonlyMap<string, string>): string {
  const setting = SETTINGS.find((one) => one.path === option);
  return setting === undefined ? option : (written.get(setting.path) ?? setting.env);
}

function flagOf(path: string): string {
  return `--${path.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function unknownNames(
  fromFile: Readonly<Record<string, unknown>>,
  env: SettingSources['env'],
): ConfigProblem[] {
  const paths = SETTINGS.map(({ path }) => path);
  const names = [...SETTINGS.flatMap((one) => [one.env, `${one.env}_FILE`]), 'VALETKEY_CONFIG'];
  const complain = (option: string, known: readonly string[]): ConfigProblem => ({
    option,
    problem: 'is not a setting.',
    remedy: `Did you mean ${closest(option, known)}?`,
  });
  return [
    ...Object.keys(fromFile)
      .filter((path) => !paths.includes(path))
      .map((path) => complain(path, paths)),
    ...Object.keys(env)
      .filter((name) => name.startsWith('VALETKEY_') && !names.includes(name))
      .map((name) => complain(name, names)),
  ];
}

async function readFile(
  path: string | undefined,
  problems: ConfigProblem[],
): Promise<Readonly<Record<string, unknown>>> {
  const found = path ?? FILES.find((name) => existsSync(name));
  if (found === undefined) return {};
  const refuse = (problem: string): Record<string, never> => {
    problems.push({
      option: found,
      problem,
      remedy: 'Write JSON, or a module whose default export is an object.',
    });
    return {};
  };
  try {
    const content: unknown = found.endsWith('.json')
      ? JSON.parse(readFileSync(found, 'utf8'))
      : ((await import(pathToFileURL(resolve(found)).href)) as { default?: unknown }).default;
    return isMap(content) ? content : refuse('does not hold an object.');
  } catch (error) {
    return refuse(`cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

/** Groups become dotted paths; a value that is a map of its own (`scopes`) stays one. */
function flatten(
  value: Readonly<Record<string, unknown>>,
  prefix = '',
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
      const path = prefix + name;
      const group = SETTINGS.some((setting) => setting.path.startsWith(`${path}.`));
      return group && isMap(inner) ? Object.entries(flatten(inner, `${path}.`)) : [[path, inner]];
    }),
  );
}

/** The value of a variable, or of the file it names, under the name it was written with. */
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
  if (value !== undefined) return refuse(`is set, and ${name} as well.`, 'Keep one of them.');
  try {
    const content = readFileSync(file, 'utf8').trim();
    return content === ''
      ? refuse(`names an empty file: ${file}.`, 'Write the value into it.')
      : [fileName, content];
  } catch {
    return refuse(
      `names a file that cannot be read: ${file}.`,
      'Check the path and its permissions.',
    );
  }
}

/** The value in the kind of its setting, or undefined. The environment knows only texts; a file may use JSON's own kinds. */
function accept(setting: SettingDefinition, value: unknown): unknown {
  const accepted = convert(setting, value);
  const fits =
    setting.choices === undefined ||
    [accepted].flat().every((one) => setting.choices?.includes(String(one)));
  return fits ? accepted : undefined;
}

function convert({ kind }: SettingDefinition, value: unknown): unknown {
  switch (kind) {
    case 'text':
      return typeof value === 'string' && value !== '' ? value : undefined;
    case 'number':
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
    case 'boolean':
      if (typeof value !== 'string') return typeof value === 'boolean' ? value : undefined;
      return /^(true|1|yes|on)$/i.test(value)
        ? true
        : /^(false|0|no|off)$/i.test(value)
          ? false
          : undefined;
    case 'list':
      if (value === false) return [];
      if (typeof value === 'string' || typeof value === 'number')
        return String(value)
          .split(/[,\s]+/)
          .filter((item) => item !== '');
      return Array.isArray(value) && value.every((item) => typeof item === 'string')
        ? value
        : undefined;
    case 'rateLimit':
      return typeof value === 'string' ? parsedRateLimit(value) : isMap(value) ? value : undefined;
    case 'map':
      return isMap(value) ? value : typeof value === 'string' ? parsedMap(value) : undefined;
  }
}

function parsedRateLimit(text: string): unknown {
  const [, limit, seconds] = /^([0-9]{1,9})\/([0-9]{1,9})$/.exec(text) ?? [];
  return limit === undefined ? undefined : { limit: Number(limit), seconds: Number(seconds) };
}

function parsedMap(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isMap(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wanted(setting: SettingDefinition): string {
  return setting.choices === undefined
    ? WANTED[setting.kind]
    : setting.choices.join(', ').replace(/, ([^,]*)$/, ' or $1');
}

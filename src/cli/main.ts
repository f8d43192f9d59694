#!/usr/bin/env node
/**
 * `valetkey`: the command line. Each command has its own file, which is loaded when the command is
 * called. `output.ts` prints results and errors.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import type { AnyFeature } from 'valetkey/server';
import { fail } from './output.ts';

/** Adds a command to the program. Features can add options to it. */
type AddCommand = (program: Command, features: readonly AnyFeature[]) => void;

const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  init: async () => (await import('./init.ts')).init,
  serve: async () => (await import('./serve.ts')).serve,
  migrate: async () => (await import('./migrate.ts')).migrate,
  user: async () => (await import('./user.ts')).user,
  application: async () => (await import('./application.ts')).application,
  'initial-access-token': async () =>
    (await import('./initial-access-token.ts')).initialAccessToken,
  resource: async () => (await import('./resource.ts')).resource,
  keys: async () => (await import('./keys.ts')).keys,
  session: async () => (await import('./access.ts')).session,
  consent: async () => (await import('./access.ts')).consent,
  token: async () => (await import('./access.ts')).token,
  audit: async () => (await import('./audit.ts')).audit,
  explain: async () => (await import('./audit.ts')).explain,
  'clear-expired': async () => (await import('./clear-expired.ts')).clearExpired,
  doctor: async () => (await import('./doctor.ts')).doctor,
};

/** Other words for commands, as other software has them. */
const ALIASES: Readonly<Record<string, string>> = {
  app: 'application',
  apps: 'application',
  applications: 'application',
  client: 'application',
  clients: 'application',
  'initial-access-tokens': 'initial-access-token',
  users: 'user',
  resources: 'resource',
  sessions: 'session',
  consents: 'consent',
  tokens: 'token',
  start: 'serve',
};

/** Options of the program whose next word is their value, and no command. */
const VALUED: readonly string[] = ['--config', '--data-dir'];

const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string };
const program = new Command('valetkey')
  .description('OAuth 2 authorization server and OpenID Provider')
  .version(version)
  .option(
    '--config <file>',
    'settings file (default: valetkey.config.json or .mjs in the working folder)',
  )
  .option('--data-dir <folder>', 'folder of the database and the secret')
  .option('--json', 'print one JSON object and nothing else', false)
  .configureHelp({ showGlobalOptions: true })
  // Commander throws its errors, and `fail` prints them like the errors of every command.
  .configureOutput({ outputError: () => undefined })
  .exitOverride();

// Load only the command that is called. The help of the program lists all commands.
const words = commandWords(process.argv.slice(2));
const called = words.find(
  (word, index) => Object.hasOwn(COMMANDS, word) && !VALUED.includes(words[index - 1] ?? ''),
);
const wanted =
  called === undefined || words.includes('help') ? Object.values(COMMANDS) : [COMMANDS[called]];

/** The words with an alias of a command replaced: only the first word can be one. */
function commandWords(given: readonly string[]): string[] {
  const index = given.findIndex(
    (word, at) => !word.startsWith('-') && !VALUED.includes(given[at - 1] ?? ''),
  );
  const word = given[index] ?? '';
  const alias = Object.hasOwn(ALIASES, word) ? ALIASES[word] : undefined;
  return given.map((one, at) => (at === index ? (alias ?? one) : one));
}

/**
 * The features in force, including those of the settings file. A problem of the file is ignored
 * here, because the command reports it.
 */
async function features(): Promise<readonly AnyFeature[]> {
  const { featuresOf, readSettingsFile } = await import('valetkey/server');
  const index = words.findIndex((word) => word === '--config' || word.startsWith('--config='));
  const [, inline] = /^--config=(.*)$/.exec(words[index] ?? '') ?? [];
  const given = index < 0 ? undefined : (inline ?? words[index + 1]);
  return featuresOf(
    await readSettingsFile({
      env: process.env,
      ...(given === undefined ? {} : { configFile: given }),
    }),
  );
}

try {
  const inForce = await features();
  for (const load of wanted) (await load?.())?.(program, inForce);
  await program.parseAsync(words, { from: 'user' });
} catch (error) {
  // Commander also throws after it printed the help or the version, which is no failure.
  if (!(error instanceof CommanderError && error.exitCode === 0))
    fail(error, words.includes('--json'));
}

#!/usr/bin/env node
/** `valetkey`: the command line. One file per command, loaded when it is called. */
import { Command } from 'commander';
import { fail } from './output.ts';

const program = new Command('valetkey')
  .description('OAuth 2 authorization server and OpenID Provider')
  .option('--config <file>', 'settings file (default: valetkey.config.json or .mjs here)')
  .option('--data-dir <folder>', 'folder of the database and the secret')
  .option('--json', 'print one JSON object and nothing else', false)
  .showHelpAfterError()
  .enablePositionalOptions(false);

const commands = [
  async () => (await import('./init.ts')).init,
  async () => (await import('./serve.ts')).serve,
  async () => (await import('./migrate.ts')).migrate,
  async () => (await import('./user.ts')).user,
  async () => (await import('./application.ts')).application,
  async () => (await import('./keys.ts')).keys,
  async () => (await import('./clear-expired.ts')).clearExpired,
  async () => (await import('./doctor.ts')).doctor,
] as const;
const NAMES = ['init', 'serve', 'migrate', 'user', 'application', 'keys', 'clear-expired', 'doctor'];

// Help needs every command; a call needs one.
const called = process.argv.slice(2).find((word) => NAMES.includes(word));
const wanted = called === undefined ? -1 : NAMES.indexOf(called);
for (const load of wanted < 0 ? commands : commands.slice(wanted, wanted + 1)) (await load())(program);

try {
  await program.parseAsync();
} catch (error) {
  fail(error, program.opts<{ json: boolean }>().json);
}

/**
 * `valetkey initial-access-token …`: tokens by which clients register themselves (RFC 7591 §3), for
 * the feature `dynamicRegistration`.
 */
import type { Command } from 'commander';
import type { InitialAccessToken } from 'valetkey';
import type { Assembly } from 'valetkey/server';
import { globals, withAssembly } from './command-context.ts';
import { wholeNumber } from './options.ts';
import { say, table, time } from './output.ts';

const DAY = 86_400;

/** Adds the command. */
export function initialAccessToken(program: Command): void {
  const group = program
    .command('initial-access-token')
    .description('tokens by which applications register themselves');
  create(group);
  list(group);
  group
    .command('delete')
    .description('delete a token; applications that registered with it stay')
    .requiredOption('--id <text>', 'id of the token (required)')
    .action(async ({ id }: { readonly id: string }, command: Command) => {
      await withAssembly(command, async ({ provider }) => {
        if (!(await provider.initialAccessTokens.delete(id)))
          throw new Error(`There is no token ${id}. See: valetkey initial-access-token list`);
        say(globals(command).json, { deleted: id }, `Deleted ${id}.`);
      });
    });
}

function create(group: Command): void {
  group
    .command('create')
    .description('make a token; prints it only this once')
    .requiredOption('--name <text>', 'what you know it by (required)')
    .option('--uses <number>', 'how many applications can register', wholeNumber(1, 1_000_000), 1)
    .option('--days <number>', 'days until it ends', wholeNumber(1, 3650), 7)
    .action(
      async (
        { name, uses, days }: Readonly<Record<'uses' | 'days', number> & { name: string }>,
        command: Command,
      ) => {
        await withAssembly(command, async (assembly) => {
          const endpoint = registrationEndpoint(assembly);
          const wanted = { name, uses, lifetime: days * DAY };
          const { token, record } = await assembly.provider.initialAccessTokens.create(wanted);
          const rows = [
            ['Token', token],
            ['Id', record.id],
            ['Uses', String(record.usesLeft)],
            ['Ends', time(record.expiresAt)],
            ['Endpoint', endpoint],
          ];
          const data = { initial_access_token: token, registration_endpoint: endpoint };
          say(globals(command).json, { ...data, ...described(record) }, table(rows));
        });
      },
    );
}

/** @throws Error where applications cannot register themselves: the token would be of no use */
function registrationEndpoint({ provider }: Assembly): string {
  try {
    return provider.url('registration');
  } catch {
    throw new Error(
      'Applications cannot register themselves here. To switch it on, set dynamicRegistration.enabled to true in the settings file, or VALETKEY_DYNAMIC_REGISTRATION_ENABLED=true for this command and for the server.',
    );
  }
}

function list(group: Command): void {
  group
    .command('list')
    .description('list tokens')
    .option('--after <id>', 'start after this token')
    .option('--limit <number>', 'maximum number of tokens', wholeNumber(1, 10_000), 100)
    .action(
      async (options: { readonly after?: string; readonly limit: number }, command: Command) => {
        await withAssembly(command, async ({ provider }) => {
          const found = await provider.initialAccessTokens.list(options);
          const rows = found.map((one) => [
            one.id,
            one.name,
            String(one.usesLeft),
            time(one.createdAt),
            time(one.expiresAt),
          ]);
          const more =
            found.length === options.limit
              ? `\n\nThere may be more. Continue with --after ${found.at(-1)?.id}`
              : '';
          const text = table([['ID', 'NAME', 'USES LEFT', 'MADE', 'ENDS'], ...rows]) + more;
          const none = rows.length === 0 ? 'No tokens.' : text;
          say(globals(command).json, { initial_access_tokens: found.map(described) }, none);
        });
      },
    );
}

/** A token without anything that it could be known by to others. */
function described({ id, name, usesLeft, createdAt, expiresAt }: InitialAccessToken): object {
  return { id, name, uses_left: usesLeft, created: createdAt, ends: expiresAt };
}

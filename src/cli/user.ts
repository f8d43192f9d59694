/**
 * `valetkey user …`: manages accounts of people. `valetkey/accounts` decides what an account may
 * contain. A command that ends the access of a person revokes sessions and tokens at once.
 */
import type { Command } from 'commander';
import { type AccountInfo, STANDARD_CLAIMS } from 'valetkey/accounts';
import type { Assembly } from 'valetkey/server';
import { accountsOf, globals, withAssembly } from './command-context.ts';
import { collect, json, type PasswordOptions, passwordFrom, wholeNumber } from './options.ts';
import { say, table, time } from './output.ts';

const FLAG_CLAIMS: readonly string[] = ['email_verified', 'phone_number_verified'];
/** The claim without an option, because it is the username. */
const NOT_ASKED = 'preferred_username';

interface CreateOptions extends PasswordOptions {
  readonly username: string;
  readonly sub?: string;
}

export function user(program: Command): void {
  const group = program.command('user').description('manage accounts of people');
  create(group);
  list(group);
  const setPassword = withPassword(
    change(group, 'set-password', 'set a new password and end all sessions and tokens').alias(
      'passwd',
    ),
  );
  setPassword.action(
    async (options: PasswordOptions & { readonly username: string }, command: Command) => {
      await withAssembly(command, async (assembly) => {
        const { sub, username } = await find(assembly, options.username);
        const { password, made } = await passwordFrom(options);
        await accountsOf(assembly).setPassword(sub, password);
        await assembly.provider.subjects.revoke(sub, 'password_changed');
        const shown = made ? { password } : {};
        const text = `The password of ${username} is set; all sessions and tokens have ended.`;
        say(
          globals(command).json,
          { username, sub, ...shown },
          made ? `${text}\nPassword  ${password}` : text,
        );
      });
    },
  );
  show(group);
  update(group);
  switchTo(group, 'disable', 'disable an account and end all its sessions and tokens', false);
  change(group, 'unlock', 'forget the wrong passwords that were counted for an account').action(
    async (options: { readonly username: string }, command: Command) => {
      await withAssembly(command, async (assembly) => {
        const { sub, username } = await find(assembly, options.username);
        await assembly.provider.subjects.unlock(username);
        const text = `${username} can sign in again within five seconds.`;
        say(globals(command).json, { username, sub, unlocked: true }, text);
      });
    },
  );
  switchTo(group, 'enable', 'enable an account', true);
  change(group, 'delete', 'delete an account and end all its sessions, tokens and consents').action(
    async (options: { readonly username: string }, command: Command) => {
      await withAssembly(command, async (assembly) => {
        const { sub, username } = await find(assembly, options.username);
        await accountsOf(assembly).delete(sub);
        await assembly.provider.subjects.delete(sub);
        say(
          globals(command).json,
          { deleted: username, sub },
          `${username} is deleted; all sessions, tokens and consents have ended.`,
        );
      });
    },
  );
}

function create(group: Command): void {
  const command = withPassword(
    group
      .command('create')
      .description('create an account; without a password option it prints a random password once')
      .requiredOption('--username <name>', 'username to sign in with (required)'),
  ).option('--sub <text>', 'subject identifier (default: random)');
  command.addHelpText(
    'after',
    '\nExamples:\n  npx valetkey user create --username alice --name "Alice Example" --email alice@example.com --email-verified\n  npx valetkey user create --username alice --password-stdin < password.txt',
  );
  claimOptions(command).action(async (options: CreateOptions, self: Command) => {
    const { username, sub } = options;
    await withAssembly(self, async (assembly) => {
      const { provider } = assembly;
      const accounts = accountsOf(assembly);
      // RFC 9700 §4.15: a token of a client must not be taken for one of a person.
      if (sub !== undefined && (await provider.clients.find(sub)) !== null)
        throw new Error(`The subject ${sub} is the client_id of an application; choose another.`);
      const { password, made } = await passwordFrom(options);
      const claims = claimsOf({ ...options });
      const account = await accounts.create({
        username,
        password,
        claims,
        ...(sub === undefined ? {} : { sub }),
      });
      await provider.subjects.create(account.sub);
      const rows = [
        ['Username', account.username],
        ['Subject', account.sub],
        ...(made ? [['Password', password]] : []),
      ];
      say(
        globals(self).json,
        { sub: account.sub, username: account.username, ...(made ? { password } : {}) },
        table(rows),
      );
    });
  });
}

function claimOptions(command: Command): Command {
  for (const claim of STANDARD_CLAIMS.filter((name) => name !== NOT_ASKED)) {
    const flag = `--${claim.replaceAll('_', '-')}`;
    if (FLAG_CLAIMS.includes(claim)) command.option(flag, `set the claim ${claim} to true`);
    else if (claim === 'address')
      command.option(`${flag} <json>`, 'claim address, such as {"country": "NL"}', json);
    else command.option(`${flag} <text>`, `claim ${claim}`);
  }
  return command;
}

function show(group: Command): void {
  change(group, 'show', 'show an account with its claims').action(
    async (options: { readonly username: string }, command: Command) => {
      await withAssembly(command, async (assembly) => {
        const { username, sub, enabled, claims } = await find(assembly, options.username);
        const until = await assembly.provider.subjects.lockedUntil(username);
        const lock =
          until === null
            ? ''
            : `, locked until ${time(until)} after wrong passwords (valetkey user unlock)`;
        const rows = [
          ['Username', username],
          ['Subject', sub],
          ['State', `${enabled ? 'enabled' : 'disabled'}${lock}`],
        ];
        const shown = Object.entries(claims).map(([name, value]) => [
          name,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]);
        const data = { username, sub, enabled, locked_until: until, claims };
        say(globals(command).json, data, table([...rows, ...shown]));
      });
    },
  );
}

function update(group: Command): void {
  const command = change(
    group,
    'update',
    'change claims of an account; claims that are not given stay unchanged',
  ).option('--remove <claim>', 'remove a claim; may be repeated', collect);
  claimOptions(command).action(
    async (
      options: { readonly username: string; readonly remove?: readonly string[] },
      self: Command,
    ) => {
      const changes = claimsOf({ ...options });
      const removed = options.remove ?? [];
      if (Object.keys(changes).length + removed.length === 0)
        throw new Error('No change was given. See --help.');
      await withAssembly(self, async (assembly) => {
        const { sub, username, claims: before } = await find(assembly, options.username);
        const { preferred_username: _, updated_at: __, ...kept } = { ...before, ...changes };
        const claims = Object.fromEntries(
          Object.entries(kept).filter(([name]) => !removed.includes(name)),
        );
        await accountsOf(assembly).updateClaims(sub, claims);
        const names = [...new Set([...Object.keys(changes), ...removed])];
        await assembly.provider.subjects.update(sub, names);
        say(globals(self).json, { username, sub, claims }, `${username} is changed.`);
      });
    },
  );
}

function list(group: Command): void {
  group
    .command('list')
    .description('list accounts')
    .option('--after <name>', 'start after this username')
    .option('--limit <number>', 'maximum number of accounts', wholeNumber(1, 10_000), 100)
    .action(
      async (options: { readonly after?: string; readonly limit: number }, command: Command) => {
        await withAssembly(command, async (assembly) => {
          const accounts = accountsOf(assembly);
          const found = await accounts.list(options);
          const users = found.map(({ username, sub, enabled, claims, createdAt }) => ({
            username,
            sub,
            enabled,
            name: String(claims['name'] ?? ''),
            createdAt,
          }));
          const rows = users.map((one) => [
            one.username,
            one.sub,
            one.name,
            one.enabled ? 'enabled' : 'disabled',
            time(one.createdAt),
          ]);
          const more =
            found.length === options.limit
              ? `\n\nThere may be more. Continue with --after ${found.at(-1)?.username}`
              : '';
          say(
            globals(command).json,
            { users },
            table([['USERNAME', 'SUBJECT', 'NAME', 'STATE', 'CREATED'], ...rows]) + more,
          );
        });
      },
    );
}

function switchTo(group: Command, name: string, about: string, enabled: boolean): void {
  const command = change(group, name, about);
  if (!enabled) command.option('--reason <text>', 'why; it stands in the audit log');
  command.action(
    async (options: { readonly username: string; readonly reason?: string }, self: Command) => {
      await withAssembly(self, async (assembly) => {
        const { sub, username } = await find(assembly, options.username);
        await accountsOf(assembly).setEnabled(sub, enabled);
        const { subjects } = assembly.provider;
        if (enabled) await subjects.enable(sub);
        else await subjects.disable(sub, options.reason);
        const text = enabled
          ? `${username} is enabled.`
          : `${username} is disabled; all sessions and tokens have ended.`;
        say(globals(self).json, { username, sub, enabled }, text);
      });
    },
  );
}

function change(group: Command, name: string, about: string): Command {
  return group
    .command(name)
    .description(about)
    .requiredOption('--username <name>', 'username of the account (required)');
}

function withPassword(command: Command): Command {
  return command
    .option(
      '--password <text>',
      'at least 8 characters; visible to everyone who lists the processes of this machine',
    )
    .option('--password-stdin', 'read the password from standard input', false);
}

async function find(assembly: Assembly, username: string): Promise<AccountInfo> {
  const account = await accountsOf(assembly).findByUsername(username);
  if (account === null) throw new Error(`There is no user ${username}. See: valetkey user list`);
  return account;
}

function claimsOf(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = STANDARD_CLAIMS.map((claim) => [
    claim,
    options[claim.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())],
  ]);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as Record<
    string,
    unknown
  >;
}

/** `valetkey user …`: accounts of people. */
import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { STANDARD_CLAIMS } from 'valetkey/accounts';
import { say, table, time } from './output.ts';
import { globals, withAssembly } from './workshop.ts';

const BOOLEAN_CLAIMS: readonly string[] = ['email_verified', 'phone_number_verified'];
const flag = (claim: string): string => claim.replaceAll('_', '-');

export function user(program: Command): void {
  const group = program.command('user').description('accounts of people');
  const create = group
    .command('create')
    .description('create an account; without a password one is made and printed once')
    .requiredOption('--username <name>', 'what they sign in with')
    .option('--password <text>', 'at least 8 characters')
    .option('--password-stdin', 'read the password from standard input', false)
    .option('--sub <text>', 'subject identifier (default: random)');
  for (const claim of STANDARD_CLAIMS) {
    if (BOOLEAN_CLAIMS.includes(claim)) create.option(`--${flag(claim)}`, `claim ${claim}`);
    else if (claim !== 'preferred_username') create.option(`--${flag(claim)} <${claim === 'address' ? 'json' : 'text'}>`, `claim ${claim}`);
  }
  create.action(async (options: Record<string, string | boolean | undefined>, command: Command) => {
    await withAssembly(command, async ({ accounts }) => {
      const given =
        options['passwordStdin'] === true ? (await text(process.stdin)).replace(/\r?\n$/, '') : (options['password'] as string | undefined);
      const password = given ?? randomBytes(12).toString('base64url');
      const sub = options['sub'] as string | undefined;
      const account = await accounts.create({
        username: String(options['username']),
        password,
        claims: claimsOf(options),
        ...(sub === undefined ? {} : { sub }),
      });
      const made = given === undefined ? { password } : {};
      say(
        globals(command).json,
        { sub: account.sub, username: account.username, ...made },
        table([['Username', account.username], ['Subject', account.sub], ...(given === undefined ? [['Password', password]] : [])]),
      );
    });
  });
  group
    .command('list')
    .description('list accounts')
    .option('--after <name>', 'begin after this username')
    .option('--limit <number>', 'at most so many', (value) => Number(value), 100)
    .action(async (options: { readonly after?: string; readonly limit: number }, command: Command) => {
      await withAssembly(command, async ({ accounts }) => {
        const list = await accounts.list(options);
        const rows = list.map(({ username, sub, enabled, claims, createdAt }) => ({
          username,
          sub,
          enabled,
          name: String(claims['name'] ?? ''),
          createdAt,
        }));
        say(
          globals(command).json,
          { users: rows },
          table([
            ['USERNAME', 'SUBJECT', 'NAME', 'STATE', 'CREATED'],
            ...rows.map((row) => [row.username, row.sub, row.name, row.enabled ? 'enabled' : 'disabled', time(row.createdAt)]),
          ]),
        );
      });
    });
  change(
    group,
    'set-password',
    'set a new password and end all sessions and tokens',
    async ({ accounts }, sub, password) => await accounts.setPassword(sub, password),
    true,
  );
  change(
    group,
    'disable',
    'disable an account and end all its sessions and tokens',
    async ({ accounts }, sub) => await accounts.setEnabled(sub, false),
    true,
  );
  change(group, 'enable', 'enable an account', async ({ accounts }, sub) => await accounts.setEnabled(sub, true), false);
}

type Change = (assembly: Parameters<Parameters<typeof withAssembly>[1]>[0], sub: string, password: string) => Promise<boolean>;

function change(group: Command, name: string, about: string, work: Change, revokes: boolean): void {
  const command = group.command(name).description(about).requiredOption('--username <name>', 'whose');
  if (name === 'set-password') command.option('--password <text>', 'default: one is made and printed');
  command.action(async (options: { readonly username: string; readonly password?: string }, self: Command) => {
    await withAssembly(self, async (assembly) => {
      const account = await assembly.accounts.findByUsername(options.username);
      if (account === null) throw new Error(`There is no user ${options.username}.`);
      const password = options.password ?? randomBytes(12).toString('base64url');
      await work(assembly, account.sub, password);
      if (revokes) await assembly.provider.subjects.revoke(account.sub);
      const made = name === 'set-password' && options.password === undefined ? { password } : {};
      say(
        globals(self).json,
        { username: account.username, sub: account.sub, done: name, ...made },
        `Done: ${name} ${account.username}${'password' in made ? `, password ${password}` : ''}`,
      );
    });
  });
}

function claimsOf(options: Readonly<Record<string, string | boolean | undefined>>): Record<string, unknown> {
  const claims: Record<string, unknown> = {};
  for (const claim of STANDARD_CLAIMS) {
    const value = options[claim.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())];
    if (value !== undefined) claims[claim] = claim === 'address' ? (JSON.parse(String(value)) as unknown) : value;
  }
  return claims;
}

/**
 * What a command works with: the global options, the settings that they lead to, and the assembly,
 * which is closed when the command ends.
 */
import type { Command } from 'commander';
import type { PasswordAccounts } from 'valetkey/accounts';
import {
  type AssembleOptions,
  type Assembly,
  assemble,
  type GivenSettings,
  readSettings,
} from 'valetkey/server';

interface GlobalOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly json: boolean;
}

/** The options that every command has. */
export function globals(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions & Record<string, never>>();
}

/**
 * The settings of the environment, the settings file and the global options.
 * @throws ConfigError that lists every problem
 */
export async function settingsOf(command: Command): Promise<GivenSettings> {
  const { config, dataDir } = globals(command);
  return await readSettings({
    env: process.env,
    ...(config === undefined ? {} : { configFile: config }),
    overrides: dataDir === undefined ? {} : { dataDir },
  });
}

/**
 * The accounts of an assembly.
 * @throws Error when an application keeps its people itself
 */
export function accountsOf({ accounts, keepsPeople }: Assembly): PasswordAccounts {
  if (!keepsPeople)
    throw new Error(
      'This database holds no accounts: its application keeps the people. Name a person by --sub.',
    );
  return accounts;
}

/** A person, as an option names them. */
export interface Whose {
  readonly username?: string;
  readonly sub?: string;
}

/** Accounts that are gone have a subject all the same. */
export async function subjectOf(assembly: Assembly, { username, sub }: Whose): Promise<string> {
  if ((username === undefined) === (sub === undefined))
    throw new Error('Say who: --username or --sub.');
  if (sub !== undefined) return sub;
  const account = await accountsOf(assembly).findByUsername(username ?? '');
  if (account === null) throw new Error(`There is no user ${username}. See: valetkey user list`);
  return account.sub;
}

/**
 * Builds an assembly, runs `work` with it and closes it. By default nothing is created, so that a
 * mistyped data folder does not become a new server.
 */
export async function withAssembly(
  command: Command,
  work: (assembly: Assembly) => Promise<void>,
  options: AssembleOptions = { create: false },
): Promise<void> {
  const assembly = await assemble(await settingsOf(command), options);
  try {
    await work(assembly);
  } finally {
    await assembly.close();
  }
}

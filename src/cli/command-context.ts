/**
 * What a command works with: the settings of the command line, and the database or assembly they
 * lead to, closed afterwards.
 */
import type { Command } from 'commander';
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

export function globals(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions & Record<string, never>>();
}

/** @throws ConfigError that lists every problem */
export async function settingsOf(command: Command): Promise<GivenSettings> {
  const { config, dataDir } = globals(command);
  return await readSettings({
    env: process.env,
    ...(config === undefined ? {} : { configFile: config }),
    overrides: dataDir === undefined ? {} : { dataDir },
  });
}

/**
 * Runs `work` with what is there, and closes it. Nothing is made on the way, unless `options` say
 * so: a mistyped folder is no new server.
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

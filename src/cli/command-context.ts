/**
 * What a command works with: the global options, the settings that they lead to, and the assembly,
 * which is closed when the command ends.
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

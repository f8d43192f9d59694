/** What a command works with: the settings of the command line, and the assembly they lead to, closed afterwards. */
import type { Command } from 'commander';
import { type Assembly, assemble, type GivenSettings, readSettings } from 'valetkey/server';

interface GlobalOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly json: boolean;
}

export function globals(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions & Record<string, never>>();
}

export async function settingsOf(command: Command, overrides: GivenSettings = {}): Promise<GivenSettings> {
  const { config, dataDir } = globals(command);
  return await readSettings({
    env: process.env,
    ...(config === undefined ? {} : { configFile: config }),
    overrides: { ...(dataDir === undefined ? {} : { dataDir }), ...overrides },
  });
}

/** Runs `work` with an assembly and closes it. */
export async function withAssembly(
  command: Command,
  work: (assembly: Assembly) => Promise<void>,
  options: { readonly migrate?: boolean } = {},
): Promise<void> {
  const assembly = await assemble(await settingsOf(command), options);
  try {
    await work(assembly);
  } finally {
    await assembly.close();
  }
}

/**
 * `valetkey keys …`: signing keys. When they change by themselves is the schedule of the settings.
 */
import type { Command } from 'commander';
import type { KeyInfo } from 'valetkey';
import { globals, withAssembly } from './command-context.ts';
import { say, table, time } from './output.ts';

function tell(json: boolean, keys: readonly KeyInfo[], more: object = {}): void {
  const rows = keys.map(({ kid, alg, state, activeAt, retiredAt, removedAt }) => [
    kid,
    alg,
    state,
    time(activeAt),
    time(retiredAt),
    time(removedAt),
  ]);
  say(
    json,
    { ...more, keys },
    table([['KID', 'ALG', 'STATE', 'ACTIVE', 'RETIRED', 'REMOVED'], ...rows]),
  );
}

export function keys(program: Command): void {
  const group = program.command('keys').description('signing keys');
  group
    .command('list')
    .description('list signing keys and their states')
    .action(async (_options: object, command: Command) => {
      await withAssembly(command, async ({ provider }) =>
        tell(globals(command).json, await provider.keys.list()),
      );
    });
  group
    .command('rotate')
    .description('publish new keys; they take over once every cache has them')
    .option('--emergency', 'take over now and withdraw the old ones at once', false)
    .action(async ({ emergency }: { readonly emergency: boolean }, command: Command) => {
      await withAssembly(command, async ({ provider }) => {
        await provider.maintain();
        const rotated = await provider.keys.rotate({ emergency });
        const { json } = globals(command);
        if (!rotated && !json)
          process.stdout.write(
            'Successors are published and waiting already: nothing was changed.\n\n',
          );
        tell(json, await provider.keys.list(), { rotated });
        if (emergency && !json)
          process.stdout.write(
            '\nRelying parties that keep the key set in memory refuse new tokens until they look again.\n',
          );
      });
    });
}

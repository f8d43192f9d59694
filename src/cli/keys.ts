/**
 * `valetkey keys …`: lists and rotates signing keys. The settings under `keySchedule` define when
 * the server rotates keys by itself.
 */
import type { Command } from 'commander';
import type { KeyInfo } from 'valetkey';
import { globals, withAssembly } from './command-context.ts';
import { say, table, time } from './output.ts';

interface RotateOptions {
  readonly emergency: boolean;
  readonly immediate: boolean;
}

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
  const group = program.command('keys').description('list and rotate signing keys');
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
    .description('publish new keys; they start to sign when all caches have them')
    .option('--emergency', 'sign with the new keys now and withdraw the old ones', false)
    .option('--immediate', 'sign with the new keys now; the old ones stay published', false)
    .action(async ({ emergency, immediate }: RotateOptions, command: Command) => {
      if (emergency && immediate)
        throw new Error('Choose --emergency or --immediate: only one of them keeps the old keys.');
      await withAssembly(command, async ({ provider }) => {
        await provider.maintain();
        const rotated = await provider.keys.rotate({ emergency, immediate });
        const { json } = globals(command);
        if (!rotated && !json)
          process.stdout.write(
            'New keys are already published and waiting. Nothing was changed.\n\n',
          );
        tell(json, await provider.keys.list(), { rotated });
        if ((emergency || immediate) && !json)
          process.stdout.write(
            '\nRelying parties that cache the key set refuse new tokens until they fetch it again.\n',
          );
      });
    });
}

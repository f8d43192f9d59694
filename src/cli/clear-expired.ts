/** `valetkey clear-expired`: deletes what can no longer matter, in batches, until nothing is left. For cron. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import type { ClearedCounts } from 'valetkey';
import { say, table } from './output.ts';
import { globals, withAssembly } from './workshop.ts';

export function clearExpired(program: Command): void {
  program
    .command('clear-expired')
    .description('delete expired rows')
    .option('--batch-size <rows>', 'at most so many rows of a kind at a time', (value) => Number(value), 10_000)
    .option('--pause <seconds>', 'between batches', (value) => Number(value), 0)
    .action(async (options: { readonly batchSize: number; readonly pause: number }, command: Command) => {
      if (!Number.isInteger(options.batchSize) || options.batchSize < 1 || !(options.pause >= 0))
        throw new Error('The batch size is a positive number, the pause a number of seconds.');
      await withAssembly(command, async ({ provider }) => {
        let total: Record<string, number> = {};
        for (;;) {
          const cleared: ClearedCounts = await provider.clear(options.batchSize);
          total = Object.fromEntries(Object.entries(cleared).map(([kind, rows]) => [kind, (total[kind] ?? 0) + rows]));
          if (Object.values(cleared).every((rows) => rows < options.batchSize)) break;
          await pause(options.pause * 1000);
        }
        say(globals(command).json, { cleared: total }, table(Object.entries(total).map(([kind, rows]) => [kind, String(rows)])));
      });
    });
}

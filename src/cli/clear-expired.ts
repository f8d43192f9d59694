/**
 * `valetkey clear-expired`: deletes expired rows in batches until none is left. Intended for cron.
 * The store decides which rows can be deleted.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { globals, withAssembly } from './command-context.ts';
import { seconds, wholeNumber } from './options.ts';
import { say, table } from './output.ts';

export function clearExpired(program: Command): void {
  program
    .command('clear-expired')
    .description('delete expired rows')
    .option(
      '--batch-size <rows>',
      'maximum number of rows of each kind per batch',
      wholeNumber(1, 1_000_000),
      10_000,
    )
    .option(
      '--pause <seconds>',
      'pause between two batches (default: twice as long as the batch took)',
      seconds,
    )
    .action(
      async (
        options: { readonly batchSize: number; readonly pause?: number },
        command: Command,
      ) => {
        await withAssembly(command, async ({ provider }) => {
          const total = new Map<string, number>();
          for (let full = true; full; ) {
            const begun = performance.now();
            const cleared = Object.entries(await provider.clear(options.batchSize));
            for (const [kind, rows] of cleared) total.set(kind, (total.get(kind) ?? 0) + rows);
            full = cleared.some(([, rows]) => rows >= options.batchSize);
            const took = performance.now() - begun;
            // Requests use the database meanwhile.
            if (full) await pause(options.pause === undefined ? 2 * took : options.pause * 1000);
          }
          const rows = [...total].map(([kind, count]) => [
            kind.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
            String(count),
          ]);
          say(globals(command).json, { cleared: Object.fromEntries(total) }, table(rows));
        });
      },
    );
}

/** `valetkey migrate`: brings the schema up to date, or tells what is missing. */
import type { Command } from 'commander';
import { say } from './output.ts';
import { globals, withAssembly } from './workshop.ts';

export function migrate(program: Command): void {
  program
    .command('migrate')
    .description('bring the database schema up to date')
    .option('--dry-run', 'only tell what is pending', false)
    .action(async (options: { readonly dryRun: boolean }, command: Command) => {
      await withAssembly(
        command,
        async ({ database }) => {
          const pending = await database.pendingMigrations();
          const applied = options.dryRun ? [] : await database.migrate();
          const text = options.dryRun
            ? pending.length === 0
              ? 'Nothing is pending.'
              : `Pending: ${pending.join(', ')}`
            : applied.length === 0
              ? 'The schema is up to date.'
              : `Applied: ${applied.join(', ')}`;
          say(globals(command).json, { applied, pending: options.dryRun ? pending : [] }, text);
        },
        { migrate: false },
      );
    });
}

/**
 * `valetkey migrate`: applies pending database migrations, or lists them. It needs only the
 * database: no secret and no keys.
 */
import type { Command } from 'commander';
import { openDatabase } from 'valetkey/server';
import { globals, settingsOf } from './command-context.ts';
import { say } from './output.ts';

export function migrate(program: Command): void {
  program
    .command('migrate')
    .description('apply pending database migrations')
    .option('--dry-run', 'list pending migrations and apply none', false)
    .action(async ({ dryRun }: { readonly dryRun: boolean }, command: Command) => {
      const { database } = openDatabase(await settingsOf(command), { create: !dryRun });
      try {
        const applied = dryRun ? [] : await database.migrate();
        const pending = await database.pendingMigrations();
        const lines = [
          ...(applied.length > 0 ? [`Applied: ${applied.join(', ')}`] : []),
          pending.length > 0 ? `Pending: ${pending.join(', ')}` : 'The schema is up to date.',
        ];
        say(globals(command).json, { applied, pending }, lines.join('\n'));
      } finally {
        await database.close();
      }
    });
}

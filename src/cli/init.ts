/**
 * `valetkey init`: creates everything that a first start creates, without serving.
 * `valetkey/server` decides what that is.
 */
import type { Command } from 'commander';
import { firstStart } from 'valetkey/server';
import { globals, withAssembly } from './command-context.ts';
import { firstStartData, firstStartText } from './first-start-text.ts';
import { say } from './output.ts';

export function init(program: Command): void {
  program
    .command('init')
    .description(
      'create what a first start creates: database, secret, keys, administrator, demo application',
    )
    .action(async (_options: object, command: Command) => {
      await withAssembly(
        command,
        async (assembly) => {
          const found = await firstStart(assembly);
          say(
            globals(command).json,
            firstStartData(assembly, found),
            `${firstStartText(assembly, found)}\n\nStart the server: valetkey serve`,
          );
        },
        { create: true, migrate: true },
      );
    });
}

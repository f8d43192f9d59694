/** `valetkey serve`: runs the standalone server until it is told to stop. */
import type { Command } from 'commander';
import { startServer } from 'valetkey/server';
import { firstStartData, firstStartText } from './first-start-text.ts';
import { fail, say } from './output.ts';
import { globals } from './workshop.ts';

export function serve(program: Command): void {
  program
    .command('serve')
    .description('run the server; creates what is missing')
    .option('--port <number>', 'port to listen on', (text) => Number(text))
    .action(async (options: { readonly port?: number }, command: Command) => {
      const { config, dataDir, json } = globals(command);
      const server = await startServer({
        env: process.env,
        ...(config === undefined ? {} : { configFile: config }),
        overrides: { ...(dataDir === undefined ? {} : { dataDir }), ...(options.port === undefined ? {} : { port: options.port }) },
      });
      say(
        json,
        { ...firstStartData(server.assembly, server.found), listening: server.url },
        `${firstStartText(server.assembly, server.found)}\n\nValetkey is up on ${server.url}. Stop it with Ctrl+C.`,
      );
      let asked = false;
      const stop = (): void => {
        // Whoever asks twice does not want to wait.
        if (asked) process.exit(1);
        asked = true;
        server.stop().then(
          () => process.exit(0),
          (error: unknown) => {
            fail(error, json);
            process.exit(1);
          },
        );
      };
      process.on('SIGTERM', stop);
      process.on('SIGINT', stop);
    });
}

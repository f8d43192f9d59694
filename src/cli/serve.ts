/**
 * `valetkey serve`: runs the standalone server until a signal stops it. `valetkey/server` owns the
 * start and the stop.
 */
import type { Command } from 'commander';
import { type RunningServer, startServer } from 'valetkey/server';
import { globals } from './command-context.ts';
import { firstStartData, firstStartText } from './first-start-text.ts';
import { wholeNumber } from './options.ts';
import { fail, say } from './output.ts';

/** Milliseconds to wait for a stop before the process exits without it. */
const PATIENCE = 10_000;

interface ServeOptions {
  readonly port?: number;
  readonly host?: string;
}

export function serve(program: Command): void {
  program
    .command('serve')
    .description('run the server; creates what is missing')
    .option('--port <number>', 'port to listen on', wholeNumber(0, 65_535))
    .option('--host <address>', 'address to listen on')
    .action(async (options: ServeOptions, command: Command) => {
      const { config, dataDir, json } = globals(command);
      const given = Object.entries({ dataDir, port: options.port, host: options.host }).filter(
        ([, value]) => value !== undefined,
      );
      const server = await startServer({
        env: process.env,
        ...(config === undefined ? {} : { configFile: config }),
        overrides: Object.fromEntries(given),
      });
      stopOnSignal(server, json);
      say(
        json,
        { ...firstStartData(server.assembly, server.found), listening: server.url },
        `${firstStartText(server.assembly, server.found)}\n\nValetkey listens on ${server.url}. Press Ctrl+C to stop it.`,
      );
    });
}

function stopOnSignal(server: RunningServer, json: boolean): void {
  let asked = false;
  const stop = (): void => {
    // A second signal exits without waiting.
    if (asked) process.exit(1);
    asked = true;
    setTimeout(() => process.exit(1), PATIENCE).unref();
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
}

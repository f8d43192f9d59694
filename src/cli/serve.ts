/**
 * `valetkey serve`: runs the standalone server until a signal stops it. `valetkey/server` owns the
 * start and the stop.
 */
import type { Command } from 'commander';
import {
  logOf,
  type RunningServer,
  readSettings,
  type SettingSources,
  startServer,
} from 'valetkey/server';
import { globals } from './command-context.ts';
import { firstStartData, firstStartText } from './first-start-text.ts';
import { wholeNumber } from './options.ts';
import { fail, say } from './output.ts';
import { isFirstWorker, isWorker, sayReady, startWorkers, stopWithOthers } from './workers.ts';

interface ServeOptions {
  readonly port?: number;
  readonly host?: string;
  readonly workers?: number;
}

export function serve(program: Command): void {
  program
    .command('serve')
    .description('run the server; creates what is missing')
    .option('--port <number>', 'port to listen on', wholeNumber(0, 65_535))
    .option('--host <address>', 'address to listen on')
    .option('--workers <number>', 'processes that share the port', wholeNumber(1, 1024))
    .action(async (options: ServeOptions, command: Command) => {
      const { config, dataDir, json } = globals(command);
      const { port, host, workers } = options;
      const given = Object.entries({ dataDir, port, host, workers }).filter(
        ([, value]) => value !== undefined,
      );
      const sources: SettingSources = {
        env: process.env,
        ...(config === undefined ? {} : { configFile: config }),
        overrides: Object.fromEntries(given),
      };
      if (isWorker) return await serveBesideOthers(sources, json);
      const settings = await readSettings(sources);
      const count = (settings['workers'] as number | undefined) ?? 1;
      if (count > 1) {
        await startWorkers(count, logOf(settings));
        // One JSON object was printed already.
        if (!json) say(json, {}, `All ${count} processes are ready.`);
        return;
      }
      // Until it has started there is nothing to stop in order. The first process of a container
      // has no action of its own for signals.
      let stop = (): void => process.exit(0);
      onSignals(() => stop());
      const server = await startServer(sources);
      stop = stopOf(server, json);
      announce(server, json);
    });
}

async function serveBesideOthers(sources: SettingSources, json: boolean): Promise<void> {
  // Until it has started there is nothing to stop in order.
  let stop = (): void => process.exit(0);
  stopWithOthers(() => stop());
  try {
    const server = await startServer(sources, { listenLast: !isFirstWorker() });
    stop = stopOf(server, json);
    if (isFirstWorker()) announce(server, json);
    sayReady();
  } catch (error) {
    // The channel to the first process would keep this one alive.
    fail(error, json);
    process.exit(1);
  }
}

function announce({ assembly, found, url }: RunningServer, json: boolean): void {
  say(
    json,
    { ...firstStartData(assembly, found), listening: url },
    `${firstStartText(assembly, found)}\n\nValetkey listens on ${url}. Press Ctrl+C to stop it.`,
  );
}

/** Stops the server once, and ends the process. */
function stopOf(server: RunningServer, json: boolean): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    setTimeout(() => process.exit(1), server.longestStop).unref();
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        fail(error, json);
        process.exit(1);
      },
    );
  };
}

function onSignals(stop: () => void): void {
  let asked = false;
  const onSignal = (): void => {
    // A second signal exits without waiting.
    if (asked) process.exit(1);
    asked = true;
    stop();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

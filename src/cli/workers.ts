/**
 * `valetkey serve --workers N`: several processes that share the port. This file starts them,
 * replaces one that ends, and passes a stop on. Each worker is a whole server: what they share is
 * in the database.
 */
import cluster, { type Worker } from 'node:cluster';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'valetkey';

/** Milliseconds before a worker that ended is replaced, so that a failing start does not spin. */
const REPLACE_AFTER = 1000;

/** Milliseconds after which workers that still run are told again to stop. */
const TELL_AGAIN_AFTER = 200;

/** What the first process and a worker tell one another. */
type Message = 'ready' | 'stop' | 'exit';

/** True in a process that shares the port with others. */
export const isWorker: boolean = cluster.isWorker;

/** True in the worker that is started alone. */
export function isFirstWorker(): boolean {
  return cluster.worker?.id === 1;
}

/**
 * Starts the workers, the first one alone: it migrates the database and creates what is missing.
 * Resolves when all of them are ready. When the first one cannot start, it has printed why, and
 * this process ends too.
 */
export async function startWorkers(count: number, log: Logger): Promise<void> {
  const living = new Set<Worker>();
  let stopping = false;
  const tell = (message: Message): void => {
    // One that ends meanwhile cannot be told, and need not be.
    for (const worker of living) if (worker.isConnected()) worker.send(message, () => undefined);
  };
  const start = async (): Promise<void> => {
    const worker = cluster.fork();
    living.add(worker);
    let isReady = false;
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (message: Message) => {
        if (message !== 'ready') return;
        isReady = true;
        resolve();
      });
      worker.on('error', (error) => {
        log.error({ error }, 'a worker could not be started or told something');
        if (worker.process.pid !== undefined) return;
        living.delete(worker);
        reject(error);
      });
      worker.once('exit', (code, signal) => {
        living.delete(worker);
        if (stopping && living.size === 0) process.exit();
        if (stopping) resolve();
        else if (!isReady) reject(new Error('A worker ended before it was ready.'));
        else {
          log.error(
            { worker: worker.process.pid, code, signal },
            'a worker ended; starting another',
          );
          void replace();
        }
      });
    });
  };
  const replace = async (): Promise<void> => {
    for (let isUp = false; !isUp && !stopping; ) {
      await pause(REPLACE_AFTER);
      if (stopping) return;
      isUp = await start().then(
        () => true,
        () => false,
      );
    }
  };
  const stop = (): void => {
    // A second signal exits without waiting.
    tell(stopping ? 'exit' : 'stop');
    if (stopping) process.exit(1);
    if (living.size === 0) process.exit();
    stopping = true;
    // A worker that still starts may not listen yet.
    setInterval(() => tell('stop'), TELL_AGAIN_AFTER);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  await start().catch(() => process.exit(1));
  await Promise.all(Array.from({ length: count - 1 }, async () => await start().catch(replace)));
}

/** Tells the first process that this worker answers requests. */
export function sayReady(): void {
  process.send?.('ready' satisfies Message);
}

/**
 * Calls `stop` when the first process says so. Signals are ignored: a terminal and a service
 * manager send them to every process, and the first one passes the stop on. When the first process
 * was killed, Node ends the worker.
 */
export function stopWithOthers(stop: () => void): void {
  const ignore = (): void => undefined;
  process.on('SIGTERM', ignore);
  process.on('SIGINT', ignore);
  process.on('message', (message: Message) => {
    if (message === 'stop') stop();
    if (message === 'exit') process.exit(1);
  });
}

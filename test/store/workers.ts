/**
 * Runs tasks in several real processes on one database, for races that a single event loop cannot
 * have. `worker.ts` is the program of each process.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Order, Outcome, Task } from './worker.ts';

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));
/** Milliseconds in which the orders reach all processes before the work begins. */
const LEAD = 15;

export interface Crowd {
  readonly processes: readonly ChildProcess[];
  /**
   * Makes every process run its task `times` times concurrently, all beginning at the same moment.
   * A list of tasks is assigned to the processes in turn.
   */
  all(tasks: Task | readonly Task[], issuer: string, times?: number): Promise<readonly Outcome[]>;
  stop(): Promise<void>;
}

export function startCrowd(size: number): Crowd {
  const processes = Array.from({ length: size }, startWorker);
  return {
    processes,
    async all(tasks, issuer, times = 1) {
      const list = Array.isArray(tasks) ? (tasks as readonly Task[]) : [tasks as Task];
      const at = Date.now() + LEAD;
      const answers = await Promise.all(
        processes.map(
          async (worker, index) =>
            await ask(worker, { task: list[index % list.length] as Task, issuer, times, at }),
        ),
      );
      return answers.flat();
    },
    async stop() {
      await Promise.all(
        processes.map(async (worker) => {
          if (worker.exitCode !== null || worker.signalCode !== null) return;
          await ask(worker, { task: { do: 'close' }, issuer: '', times: 1, at: 0 });
          worker.disconnect();
          await new Promise((resolve) => worker.once('exit', resolve));
        }),
      );
    },
  };
}

function startWorker(): ChildProcess {
  return fork(WORKER, [], {
    execArgv: ['--import', 'tsx', '--conditions=source'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

async function ask(worker: ChildProcess, order: Order): Promise<readonly Outcome[]> {
  return await new Promise((resolve, reject) => {
    const gone = (code: number | null): void => reject(new Error(`a worker ended with ${code}`));
    const hear = (answer: unknown): void => {
      if (!Array.isArray(answer)) return;
      worker.off('exit', gone);
      worker.off('message', hear);
      resolve(answer as readonly Outcome[]);
    };
    worker.on('message', hear);
    worker.once('exit', gone);
    worker.send(order);
  });
}

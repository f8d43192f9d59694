/**
 * A measured server as a child process, seen from the load generator: starting it, asking for its
 * count of storage calls, ending it. `servers/server.ts` is the other end.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../postgres.ts';
import type { Order, Report } from './servers/server.ts';

export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  /** Calls of the storage since the start. */
  calls(): Promise<number>;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;

/**
 * Starts a server and waits until it listens.
 * @throws Error when it ends, or is not ready within 60 seconds
 */
export async function startServer(
  program: string,
  order: Omit<Order, 'port'>,
): Promise<ServerProcess> {
  const port = await freePort();
  const child = fork(program, {
    env: { ...process.env, NODE_ENV: 'production' },
    // Not those of this process, which loads tsx.
    execArgv: [],
    // oidc-provider prints advice to the standard output.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  child.send({ ...order, port } satisfies Order);
  await reportOf(child, order);
  return {
    pid: child.pid ?? 0,
    port,
    async calls() {
      child.send('calls');
      return Number(await reportOf(child, order));
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The next message of the server. */
function reportOf(child: ChildProcess, { product, store }: Omit<Order, 'port'>): Promise<Report> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      child.off('message', onReport);
      child.off('exit', onExit);
      finish();
    };
    const fail = (what: string): void =>
      settle(() => reject(new Error(`The server of ${product} on ${store} ${what}.`)));
    const onReport = (message: unknown): void => settle(() => resolve(message as Report));
    const onExit = (): void => fail('ended');
    const timer = setTimeout(() => fail('does not answer'), READY_WITHIN_MS);
    child.once('message', onReport);
    child.once('exit', onExit);
  });
}

/**
 * The program of a measured server. It is a child process: its first message says what to serve,
 * and every later message asks for the number of calls of its storage so far. It ends when its
 * parent ends. It runs as plain JavaScript without tsx, whose loader takes 50 MB of memory.
 */
import { createServer, type RequestListener } from 'node:http';

export type StoreName = 'memory' | 'sqlite' | 'postgres' | 'mariadb';
export type Product = 'valetkey' | 'oidc-provider';

/** The first message: what to serve. */
export interface Order {
  readonly product: Product;
  readonly port: number;
  readonly store: StoreName;
  /** Connection string of the database; null for a store in memory. */
  readonly url: string | null;
  /** Begins the names of all tables, so each scenario has empty ones. */
  readonly prefix: string;
}

/** A message to the parent: the server listens, or the number of calls of the storage so far. */
export type Report = 'ready' | number;

/** Longer than any pause between two windows, so that no connection is lost in a pause. */
const KEEP_ALIVE_MS = 3_600_000;

let calls = 0;
const count = (): void => {
  calls += 1;
};

async function listenerFor(order: Order): Promise<RequestListener> {
  if (order.product === 'valetkey') {
    const { valetkeyListener } = await import('./valetkey-server.ts');
    return await valetkeyListener(order, count);
  }
  const { peerListener } = await import('./peer-server.ts');
  return await peerListener(order, count);
}

function report(message: Report): void {
  process.send?.(message);
}

async function serve(order: Order): Promise<void> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, await listenerFor(order));
  server.listen(order.port, '127.0.0.1', () => report('ready'));
}

process.once('message', (order: Order) => {
  process.on('message', () => report(calls));
  serve(order).catch((failure: unknown) => {
    console.error(failure);
    process.exit(1);
  });
});
process.once('disconnect', () => process.exit(0));

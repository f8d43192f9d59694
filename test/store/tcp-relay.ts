/**
 * A TCP relay that can stop relaying: connections stay open, but no data passes, as behind a
 * firewall that lost its state.
 */
import { connect, createServer, type Socket } from 'node:net';

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface Relay {
  readonly port: number;
  /** Stops relaying on old and new connections. */
  silence(): void;
  /** Relays new connections again. The old ones stay silent, as behind a real firewall. */
  restore(): void;
  /** Relays new connections to another server. */
  leadTo(target: Target): void;
  /** Breaks every connection that is open now. */
  cut(): void;
  close(): Promise<void>;
}

/**
 * Starts a relay.
 * @param first where to relay to; null for a relay that never relays
 */
export async function startRelay(first: Target | null): Promise<Relay> {
  let target = first;
  const sockets = new Set<Socket>();
  let silent = target === null;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    keep(near);
    if (silent || target === null) return;
    const far = connect(target);
    keep(far);
    far.once('close', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    silence() {
      silent = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    restore() {
      silent = false;
    },
    leadTo(next) {
      target = next;
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Sockets of the standalone server: the addresses it listens on, the time it waits for a slow peer,
 * and how it stops. The caller decides what to answer.
 */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/** A listening server. */
export interface Listening {
  /** Where it listens, for people and programs on this machine. */
  readonly url: string;
  /**
   * Announces the stop, accepts no more connections after `notice` milliseconds, and waits for
   * running requests. After `milliseconds` more it closes the connections that are left.
   */
  drain(notice: number, milliseconds: number): Promise<void>;
}

/** Bytes and milliseconds. Longer headers are answered with 431, slower peers with 408. */
const LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 5000,
} as const;
/**
 * Connections that may wait to be accepted, as far as the system allows. Beyond them it drops new
 * ones, and their peers try again after a second, and then after three.
 */
const BACKLOG = 4096;
const LOOPBACK: readonly string[] = ['127.0.0.1', '::1'];
/** Error codes of a machine without IPv6. */
const ABSENT: readonly unknown[] = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];

/** True when only this machine can reach the host of the URL. */
export function isLoopback(url: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);
}

/**
 * Listens on a port of one or more addresses.
 * @param port 0 for any free port
 * @param host an address; `loopback` for both loopback addresses; undefined for all addresses
 * @throws Error with a message for operators
 */
export async function listen(
  listener: RequestListener,
  port: number,
  host: string | undefined,
): Promise<Listening> {
  const servers: Server[] = [];
  const farewell = createFarewell();
  let actual = port;
  for (const [index, address] of (host === 'loopback' ? LOOPBACK : [host]).entries()) {
    const server = createServer(LIMITS, farewell.listener(listener));
    try {
      actual = await bind(server, actual, address);
      servers.push(server);
    } catch (error) {
      if (index > 0 && ABSENT.includes((error as { code?: unknown }).code)) continue;
      for (const started of servers) started.close();
      throw readable(error, actual, address);
    }
  }
  const named =
    host === undefined || host === 'loopback'
      ? 'localhost'
      : host.includes(':')
        ? `[${host}]`
        : host;
  return {
    url: `http://${named}:${actual}`,
    drain: async (notice, milliseconds) => await drain(servers, farewell, notice, milliseconds),
  };
}

/** Resolves to the port, which the system chooses when `port` is 0. */
async function bind(server: Server, port: number, host: string | undefined): Promise<number> {
  return await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function readable(cause: unknown, port: number, host: string | undefined): unknown {
  const messages: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} is in use by another program. Choose another port with PORT or --port.`,
    EACCES: `This user may not open port ${port}. Choose a port above 1023 with PORT or --port.`,
    EADDRNOTAVAIL: `${host} is not an address of this machine. Correct HOST or --host.`,
    ENOTFOUND: `${host} does not resolve to an address. Correct HOST or --host.`,
  };
  const message = messages[String((cause as { code?: unknown }).code)];
  return message === undefined ? cause : new Error(message, { cause });
}

/**
 * Adds `Connection: close` to every answer once a stop begins, so that no peer sends a request on a
 * connection that is about to close.
 */
interface Farewell {
  listener(inner: RequestListener): RequestListener;
  begin(): void;
}

function createFarewell(): Farewell {
  const running = new Set<ServerResponse>();
  let ending = false;
  const say = (response: ServerResponse): void => {
    if (!response.headersSent) response.setHeader('Connection', 'close');
  };
  return {
    listener: (inner) => (request, response) => {
      running.add(response);
      response.once('close', () => running.delete(response));
      if (ending) say(response);
      inner(request, response);
    },
    begin() {
      ending = true;
      for (const response of running) say(response);
    },
  };
}

async function drain(
  servers: readonly Server[],
  farewell: Farewell,
  notice: number,
  milliseconds: number,
): Promise<void> {
  farewell.begin();
  // Accept connections for a moment longer: load balancers that probe `/readyz` learn of the stop,
  // and requests that are already on their way get an answer.
  await pause(notice);
  const closed = Promise.all(
    servers.map(async (server) => await new Promise((resolve) => server.close(resolve))),
  );
  // `server.close` closes only connections that are idle now. One that becomes idle later would
  // stay open and wait for its next request.
  const idle = setInterval(() => {
    for (const server of servers) server.closeIdleConnections();
  }, 50);
  const hard = setTimeout(() => {
    for (const server of servers) server.closeAllConnections();
  }, milliseconds);
  await closed;
  clearInterval(idle);
  clearTimeout(hard);
}

/**
 * Sockets of the standalone server: where it listens, how long it waits for a slow peer, and how it
 * stops. What is answered is the caller's.
 */
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/** A listening server. */
export interface Listening {
  readonly url: string;
  /**
   * Says farewell, takes no more connections and lets running requests end, for at most so many
   * milliseconds.
   */
  drain(milliseconds: number): Promise<void>;
}

/** Milliseconds and bytes: headers that are longer get 431, peers that are slower get 408. */
const LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 5000,
} as const;
/** Milliseconds between the word that the server stops and the end of new connections. */
const NOTICE = 500;
const LOOPBACK: readonly string[] = ['127.0.0.1', '::1'];
/** This machine has no IPv6. */
const ABSENT: readonly unknown[] = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];

/** Whether only this machine reaches the address of a URL. */
export function isLoopback(url: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);
}

/**
 * @param host an address, `loopback` for both addresses of this machine alone, or undefined for
 * every address
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
    drain: async (milliseconds) => await drain(servers, farewell, milliseconds),
  };
}

/** The port it listens on. */
async function bind(server: Server, port: number, host: string | undefined): Promise<number> {
  return await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function readable(cause: unknown, port: number, host: string | undefined): unknown {
  const messages: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} is taken by another program. Choose another with PORT or --port.`,
    EACCES: `Port ${port} may not be opened by this user. Choose one above 1023 with PORT or --port.`,
    EADDRNOTAVAIL: `${host} is not an address of this machine. Correct HOST.`,
    ENOTFOUND: `${host} is not known as an address. Correct HOST.`,
  };
  const message = messages[String((cause as { code?: unknown }).code)];
  return message === undefined ? cause : new Error(message, { cause });
}

/**
 * Tells every peer with its next answer that the connection ends, so that it begins no request on
 * one that is about to close.
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
  milliseconds: number,
): Promise<void> {
  farewell.begin();
  // Whoever asks `/readyz` learns it, and peers with a request on its way get their answer, before
  // the doors close.
  await pause(Math.min(NOTICE, milliseconds));
  const closed = Promise.all(
    servers.map(async (server) => await new Promise((resolve) => server.close(resolve))),
  );
  // A connection that was busy falls idle later, and would then wait for its next request.
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

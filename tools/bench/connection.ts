/**
 * One connection that speaks HTTP/1.1, one request at a time. It is small on purpose: on a machine
 * with few cores, a client that costs more would take the time from the server that is measured.
 */
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';

export interface Answer {
  readonly status: number;
  /** The header `Location`; empty when there is none. */
  readonly location: string;
  /** `name=value` of each cookie that is set. */
  readonly cookies: readonly string[];
  readonly body: string;
}

export interface Connection {
  /**
   * @param headers lines that end with CRLF
   * @throws Error when the connection is lost
   */
  send(method: 'GET' | 'POST', path: string, headers: string, body?: string): Promise<Answer>;
  close(): void;
}

interface Waiting {
  resolve(answer: Answer): void;
  reject(failure: Error): void;
}

const LINE = '\r\n';

export async function connect(port: number): Promise<Connection> {
  const socket = connectSocket({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  let received = '';
  let waiting: Waiting | null = null;
  const fail = (failure: Error): void => {
    waiting?.reject(failure);
    waiting = null;
  };
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    const answer = readAnswer(received);
    if (answer === null) return;
    received = '';
    waiting?.resolve(answer);
    waiting = null;
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server closed the connection')));
  return {
    send: (method, path, headers, body = '') =>
      new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(new Error('the connection is closed'));
        waiting = { resolve, reject };
        const length = method === 'POST' ? `content-length: ${Buffer.byteLength(body)}${LINE}` : '';
        const start = `${method} ${path} HTTP/1.1${LINE}host: 127.0.0.1:${port}${LINE}`;
        socket.write(`${start}${headers}${length}${LINE}${body}`);
      }),
    close: () => socket.destroy(),
  };
}

/** Null while the answer is not complete. */
function readAnswer(received: string): Answer | null {
  const end = received.indexOf(LINE + LINE);
  if (end < 0) return null;
  const [first = '', ...lines] = received.slice(0, end).split(LINE);
  const valuesOf = (name: string): string[] =>
    lines
      .filter((line) => line.slice(0, name.length + 1).toLowerCase() === `${name}:`)
      .map((line) => line.slice(name.length + 1).trim());
  const [length] = valuesOf('content-length');
  const start = end + 2 * LINE.length;
  const body =
    length === undefined && valuesOf('transfer-encoding').length > 0
      ? readChunks(received, start)
      : readPlain(received, start, Number(length ?? 0));
  if (body === null) return null;
  return {
    status: Number(first.split(' ')[1]),
    location: valuesOf('location')[0] ?? '',
    cookies: valuesOf('set-cookie').map((cookie) => cookie.split(';', 1)[0] ?? ''),
    body,
  };
}

function readPlain(received: string, start: number, length: number): string | null {
  return received.length < start + length ? null : received.slice(start, start + length);
}

function readChunks(received: string, start: number): string | null {
  let body = '';
  for (let at = start; ; ) {
    const lineEnd = received.indexOf(LINE, at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(received.slice(at, lineEnd), 16);
    const from = lineEnd + LINE.length;
    at = from + size + LINE.length;
    if (received.length < at) return null;
    if (size === 0) return body;
    body += received.slice(from, from + size);
  }
}

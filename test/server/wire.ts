/** HTTP as bytes on a TCP connection, for requests that a well-behaved client would not send. */
import { connect as open, type Socket } from 'node:net';

/** One connection. */
export interface Wire {
  readonly socket: Socket;
  send(text: string): void;
  /** Everything received so far. One character is one byte, as in `send`. */
  received(): string;
  /** Resolves when the connection has ended, for any reason. */
  readonly over: Promise<void>;
}

export interface Answer {
  /** 0 when the connection ended without an answer. */
  readonly status: number;
  /** By lower-case name. When a name is repeated, the last value. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly text: string;
}

export function connect(port: number): Wire {
  const socket = open(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  const over = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    // A reset ends the connection too: 'close' follows the error.
    socket.once('error', () => undefined);
  });
  return { socket, send: (part) => void socket.write(part, 'latin1'), received: () => text, over };
}

export function parse(text: string): Answer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line): [string, string] => [
    line.slice(0, line.indexOf(':')).toLowerCase(),
    line.slice(line.indexOf(':') + 1).trim(),
  ]);
  return {
    status: Number(/^HTTP\/1\.1 ([0-9]{3}) /.exec(first)?.[1] ?? 0),
    headers: Object.fromEntries(headers),
    body: rest.join('\r\n\r\n'),
    text,
  };
}

/**
 * Sends one request and reads until the connection ends. The request must ask to close it.
 * @throws Error when the connection does not end within five seconds
 */
export async function exchange(port: number, request: string): Promise<Answer> {
  const wire = connect(port);
  wire.send(request);
  const late = setTimeout(() => wire.socket.destroy(new Error('late')), 5000);
  await wire.over;
  clearTimeout(late);
  if (wire.socket.errored?.message === 'late')
    throw new Error(`no end after ${JSON.stringify(request.slice(0, 80))}: ${wire.received()}`);
  return parse(wire.received());
}

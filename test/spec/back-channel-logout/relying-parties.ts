/** Relying parties that listen on loopback, and what each of them heard. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a relying party received. */
export interface Call {
  readonly path: string;
  readonly method: string;
  readonly type: string;
  readonly body: string;
}

/** A server of relying parties. */
export interface RelyingParties {
  readonly origin: string;
  readonly calls: Call[];
  /** What it answers; null: nothing, ever. */
  answer: number | null;
  close(): Promise<void>;
}

export async function relyingParties(): Promise<RelyingParties> {
  const calls: Call[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const { url = '', method = '', headers } = request;
      calls.push({ path: url, method, type: headers['content-type'] ?? '', body });
      if (parties.answer !== null) response.writeHead(parties.answer).end('x'.repeat(100));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const parties: RelyingParties = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    answer: 200,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return parties;
}

/** The logout token in a call. */
export function tokenIn(call: Call | undefined): string {
  return new URLSearchParams(call?.body).get('logout_token') ?? '';
}

/**
 * A running server and how it stops: the probes of operators and load balancers, a port that is in
 * use, and a stop that cuts no request. Row G-1.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  it,
  onTestFinished,
  type TestContext,
} from 'vitest';
import { type Program, stop } from '../processes.ts';
import {
  makePlace,
  oneObject,
  type Place,
  problemsIn,
  run,
  startServing,
  told,
  untilTold,
} from './command-line.ts';
import { connect, exchange, parse, type Wire } from './wire.ts';

const FORM = 'grant_type=client_credentials&scope=read';

interface Served {
  readonly place: Place;
  readonly server: Program;
  readonly authorization: string;
}

/** A server for one test, which also removes it. */
async function serve({ onTestFinished }: Pick<TestContext, 'onTestFinished'>): Promise<Served> {
  const place = await makePlace();
  const server = await startServing(place, ['--json']);
  onTestFinished(async () => {
    await stop(server, 'SIGKILL');
    await place.remove();
  });
  const { clientSecret } = (await untilTold(server))['demo'] as { clientSecret: string };
  return {
    place,
    server,
    authorization: `Basic ${Buffer.from(`demo:${clientSecret}`).toString('base64')}`,
  };
}

/** Sends the first half of a token request. */
function begin({ place, authorization }: Served): Wire {
  const wire = connect(place.port);
  const head = [
    'POST /o/token/ HTTP/1.1',
    `Host: localhost:${place.port}`,
    `Authorization: ${authorization}`,
  ];
  const type = 'Content-Type: application/x-www-form-urlencoded';
  wire.send(
    `${[...head, type, `Content-Length: ${FORM.length}`].join('\r\n')}\r\n\r\n${FORM.slice(0, 10)}`,
  );
  return wire;
}

const get = (port: number, path: string, method = 'GET'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`;

/** What a load balancer sees: the status on a new connection, 0 when the server does not listen. */
const readiness = async ({ place }: Served): Promise<number> =>
  (await exchange(place.port, get(place.port, '/readyz'))).status;

/** Sends SIGTERM and waits until the server is no longer ready. Resolves to the time before. */
async function signal(served: Served): Promise<number> {
  const at = Date.now();
  served.server.child.kill('SIGTERM');
  while ((await readiness(served)) === 200) await sleep(5);
  return at;
}

describe('a running server', () => {
  let place: Place;
  let server: Program;
  beforeAll(async () => {
    place = await makePlace();
    server = await startServing(place);
  });
  afterAll(async () => {
    await stop(server);
    await place.remove();
  });

  it.each(['/healthz', '/readyz', '/healthz?verbose'])(
    '%s answers, and forbids caching',
    async (path) => {
      const [full, head] = await Promise.all(
        ['GET', 'HEAD'].map(
          async (method) => await exchange(place.port, get(place.port, path, method)),
        ),
      );
      expect([full?.status, head?.status, head?.body, full?.headers['cache-control']]).toEqual([
        200,
        200,
        '',
        'no-store',
      ]);
      expect(full?.body).not.toBe('');
    },
  );

  it('/ is a page that links to the discovery document and may run no scripts', async () => {
    const { status, headers, body } = await exchange(place.port, get(place.port, '/'));
    expect([status, headers['content-type'], headers['x-content-type-options']]).toEqual([
      200,
      'text/html; charset=utf-8',
      'nosniff',
    ]);
    expect(headers['content-security-policy']).toMatch(
      /default-src 'none'.*frame-ancestors 'none'/,
    );
    expect(body).toContain(`href="${place.issuer}/.well-known/openid-configuration"`);
    const style = /<link rel="stylesheet" href="([^"]+)">/.exec(body)?.[1] ?? '';
    expect((await exchange(place.port, get(place.port, style))).headers['content-type']).toMatch(
      /^text\/css/,
    );
  });

  it('serve reports a port that is in use in one line', async () => {
    const other = await makePlace({ PORT: String(place.port) });
    onTestFinished(other.remove);
    const [text, json] = [
      await run(['serve'], other.env),
      await run(['serve', '--json'], other.env),
    ];
    const problems = problemsIn(text);
    expect(problems).toEqual([expect.stringContaining(String(place.port))]);
    expect([json.code, json.stderr, oneObject(json.stdout)]).toEqual([1, '', { error: problems }]);
  });

  it('a start that fails because of its port creates no password, which would be lost', async () => {
    const other = await makePlace({ PORT: String(place.port) });
    onTestFinished(other.remove);
    await run(['serve', '--json'], other.env);
    const found = await told(['init'], other.env);
    expect(found['administrator']).toEqual({ username: 'admin', password: expect.any(String) });
    expect(found['demo']).toMatchObject({ clientSecret: expect.any(String) });
  });
});

describe.concurrent('a stop', () => {
  it('G-1 waits for running requests, and the server is not ready meanwhile', async (test) => {
    const served = await serve(test);
    const wires = Array.from({ length: 20 }, () => begin(served));
    await sleep(200);
    const at = await signal(served);
    const seen = [await readiness(served), await readiness(served), await readiness(served)];
    expect(seen.filter((status) => status !== 0 && status !== 503)).toEqual([]);
    for (const wire of wires) wire.send(FORM.slice(10));
    await Promise.all(wires.map(async ({ over }) => await over));
    const answers = wires.map(({ received }) => parse(received()));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    for (const { body } of answers)
      expect(JSON.parse(body)).toMatchObject({ token_type: 'Bearer' });
    expect(await served.server.ended).toBe(0);
    expect(Date.now() - at).toBeLessThan(10_000);
  });

  it('G-1 cuts no request under load, because answers announce the end of a connection', async (test) => {
    const served = await serve(test);
    const outcomes: string[] = [];
    const clients = Array.from({ length: 20 }, async () => await untilClosed(served, outcomes));
    while (outcomes.length <= 20) await sleep(20);
    served.server.child.kill('SIGTERM');
    await Promise.all(clients);
    expect(outcomes.filter((outcome) => outcome !== '200')).toEqual([]);
    expect(await served.server.ended).toBe(0);
  });

  it('G-1 abandons a request that stays incomplete, and ends within ten seconds', async (test) => {
    const served = await serve(test);
    const wire = begin(served);
    await sleep(200);
    const at = await signal(served);
    expect(await served.server.ended).toBe(0);
    expect(Date.now() - at).toBeLessThan(10_000);
    wire.socket.destroy();
  });

  it('G-1 happens at once after a second signal', async (test) => {
    const served = await serve(test);
    const wire = begin(served);
    await sleep(200);
    await signal(served);
    const at = Date.now();
    served.server.child.kill('SIGTERM');
    expect(await served.server.ended).toBe(1);
    expect(Date.now() - at).toBeLessThan(2000);
    wire.socket.destroy();
  });

  it('happens for Ctrl+C as well', async (test) => {
    const served = await serve(test);
    expect(await stop(served.server, 'SIGINT')).toBe(0);
  });
});

/**
 * A client that sends request after request on one connection, until an answer announces the end of
 * the connection or the server no longer listens.
 */
async function untilClosed({ place, authorization }: Served, outcomes: string[]): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
  const once = async (): Promise<{ readonly outcome: string; readonly last: boolean }> =>
    await new Promise((resolve) => {
      const sent = request(
        { agent, host: '127.0.0.1', port: place.port, path: '/o/token/', method: 'POST', headers },
        (response) => {
          response.on('error', ({ message }) => resolve({ outcome: message, last: true }));
          response.on('end', () =>
            resolve({
              outcome: String(response.statusCode),
              last: response.headers.connection === 'close',
            }),
          );
          response.resume();
        },
      );
      sent.on('error', ({ message }) => resolve({ outcome: message, last: true }));
      sent.end(FORM);
    });
  for (let last = false; !last; ) {
    const result = await once();
    last = result.last;
    // A refused connection is no outcome: no request was begun, so none was cut.
    if (!result.outcome.includes('ECONNREFUSED')) outcomes.push(result.outcome);
  }
  agent.destroy();
}

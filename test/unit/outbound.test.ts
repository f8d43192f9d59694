/** What the provider fetches, and what it never connects to. Rules OB. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createAges } from '../../src/domain/freshness.ts';
import type { DocumentRules, Outbound } from '../../src/domain/outbound.ts';
import { createOutbound, type Resolve } from '../../src/web/outbound.ts';

const START = 1_800_000_000;
const GIF = Buffer.from('R0lGODlhAQABAAAAACw=', 'base64');

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

describe('the client', () => {
  let now: number;
  let handle: Handler;
  let requests: string[];
  let server: Server;
  let origin: string;
  let outbound: Outbound;

  beforeEach(async () => {
    now = START;
    requests = [];
    handle = (_request, response) => response.end('{"keys":[]}');
    server = createServer((request, response) => {
      requests.push(request.url ?? '');
      handle(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    outbound = createOutbound({
      allowed: [origin],
      ages: createAges(
        () => now,
        () => (now - START) * 1000,
      ),
    });
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await outbound.close();
  });
  const problem = async (path = '/', rules?: DocumentRules): Promise<string> =>
    await outbound.json(`${origin}${path}`, rules).then(
      ({ value }) => `fetched ${JSON.stringify(value)}`,
      ({ problem: word }: { problem: string }) => word,
    );

  it('asks once for all that wait, and then from memory as the headers say', async () => {
    handle = (_request, response) => {
      response.setHeader('cache-control', 'max-age=120');
      setTimeout(() => response.end('{"a":1}'), 50);
    };
    const many = await Promise.all(Array.from({ length: 100 }, async () => await problem()));
    expect([new Set(many), requests.length]).toEqual([new Set(['fetched {"a":1}']), 1]);
    now += 119;
    expect([(await outbound.json(`${origin}/`)).isNew, requests.length]).toEqual([false, 1]);
    now += 1;
    expect([(await outbound.json(`${origin}/`)).isNew, requests.length]).toEqual([true, 2]);
  });
  it('CL-11 asks again at most once a minute', async () => {
    await problem();
    for (let turn = 0; turn < 1000; turn += 1) await outbound.again(`${origin}/`);
    expect(requests).toHaveLength(1);
    now += 60;
    for (let turn = 0; turn < 10; turn += 1) await outbound.again(`${origin}/`);
    expect(requests).toHaveLength(2);
  });
  it.each<[string, Handler, string, DocumentRules?]>([
    [
      'a redirect',
      (_, response) => response.writeHead(302, { location: '/other' }).end(),
      'status',
    ],
    ['404', (_, response) => response.writeHead(404).end('{}'), 'status'],
    ['no content', (_, response) => response.writeHead(204).end(), 'status'],
    ['HTML', (_, response) => response.end('<html>'), 'json'],
    ['an empty body', (_, response) => response.end(), 'json'],
    [
      'bytes that are no UTF-8',
      (_, response) => response.end(Buffer.from([0x22, 0xff, 0x22])),
      'json',
    ],
    [
      'another media type',
      (_, response) => response.setHeader('content-type', 'text/plain').end('{}'),
      'type',
      { types: ['application/json'] },
    ],
    [
      'a gzip bomb',
      (_, response) =>
        response.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(50_000_000))),
      'type',
    ],
    ['a long body', (_, response) => response.end(`"${'x'.repeat(65_536)}"`), 'size'],
    [
      'a body that has no end',
      (_, response) => {
        const timer = setInterval(() => response.write('x'.repeat(65_536)), 1);
        response.on('close', () => clearInterval(timer));
      },
      'size',
    ],
    [
      'long headers',
      (_, response) => response.setHeader('x', 'x'.repeat(40_000)).end('{}'),
      'unreachable',
    ],
    ['a connection that breaks', (request) => request.socket.destroy(), 'unreachable'],
  ])('OB-02 refuses %s', async (_what, answer, expected, rules) => {
    handle = answer;
    expect(await problem('/', rules)).toBe(expected);
    expect(requests).toEqual(['/']);
  });
  it('takes a media type with parameters', async () => {
    handle = (_, response) =>
      response.setHeader('content-type', 'Application/JSON; charset=utf-8').end('{}');
    expect(await problem('/', { types: ['application/json'] })).toBe('fetched {}');
  });
  it.each<[string, Handler]>([
    ['says nothing', () => undefined],
    [
      'drips',
      (_, response) => {
        response.write('"');
        const timer = setInterval(() => response.write('x'), 200);
        response.on('close', () => clearInterval(timer));
      },
    ],
  ])(
    'OB-02 gives up on a host that %s, after five seconds in all',
    async (_what, answer) => {
      handle = answer;
      const began = performance.now();
      expect(await problem()).toBe('timeout');
      // Twice the deadline, for a busy machine.
      expect(performance.now() - began).toBeLessThan(10_000);
    },
    20_000,
  );
  it('OB-05 asks for what breaks off once a minute, then more rarely, and has it again', async () => {
    handle = (request) => request.socket.destroy();
    for (let turn = 0; turn < 1000; turn += 1) expect(await problem()).toBe('unreachable');
    expect(requests).toHaveLength(1);
    now += 60;
    for (let turn = 0; turn < 10; turn += 1) await problem();
    expect(requests).toHaveLength(2);
    now += 60;
    await problem();
    expect(requests).toHaveLength(2);
    now += 60;
    handle = (_request, response) => response.end('1');
    expect(await problem()).toBe('fetched 1');
    handle = (request) => request.socket.destroy();
    expect(await problem('/new')).toBe('unreachable');
    now += 60;
    expect(await problem('/new')).toBe('unreachable');
    expect(requests).toHaveLength(5);
  });
  it('OB-05 lets one address of a host not pause the others', async () => {
    handle = (request) => request.socket.destroy();
    expect(await problem('/broken')).toBe('unreachable');
    handle = (_request, response) => response.end('1');
    expect(await problem('/other')).toBe('fetched 1');
  });
  it('OB-05 uses a document for an hour beyond its time while its host does not answer', async () => {
    handle = (_request, response) => response.end('1');
    expect(await problem()).toBe('fetched 1');
    handle = (request) => request.socket.destroy();
    now += 600 + 3599;
    expect(await problem()).toBe('fetched 1');
    // A key that is not in it is not found by guessing.
    await expect(outbound.again(`${origin}/`)).rejects.toMatchObject({ problem: 'unreachable' });
    now += 1;
    expect(await problem()).toBe('unreachable');
  });
  it('OB-02 uses no document of before when the host answers with another', async () => {
    await problem();
    handle = (_request, response) => response.writeHead(404).end();
    now += 600;
    expect(await problem()).toBe('status');
  });
  it('OB-02 reads a picture as a picture, also when it was read as JSON before', async () => {
    const script = { contentType: 'text/javascript', body: 'alert(1)' };
    handle = (_request, response) => response.end(JSON.stringify(script));
    expect(await problem()).toBe(`fetched ${JSON.stringify(script)}`);
    await expect(outbound.picture(`${origin}/`)).rejects.toMatchObject({ problem: 'type' });
    handle = (_request, response) => response.end(GIF);
    now += 600;
    const { contentType } = await outbound.picture(`${origin}/`);
    expect([contentType, await problem()]).toEqual(['image/gif', 'json']);
  });
  it('OB-02 reads what was read by other rules again', async () => {
    handle = (_request, response) => response.setHeader('content-type', 'text/plain').end('1');
    expect(await problem()).toBe('fetched 1');
    expect(await problem('/', { types: ['application/json'] })).toBe('type');
  });
  it('OB-05 holds up no keys while pictures are slow to come', async () => {
    const open: ServerResponse[] = [];
    handle = (_, response) => void open.push(response);
    const pictures = Array.from(
      { length: 4 },
      async (_, index) => await outbound.picture(`${origin}/${index}`),
    );
    while (open.length < 4) await sleep(5);
    handle = (_, response) => response.end('1');
    expect(await problem()).toBe('fetched 1');
    for (const response of open) response.end(GIF);
    expect(await Promise.all(pictures)).toHaveLength(4);
  });
  it('CM-01 keeps no bad document, and asks for it once a second at most', async () => {
    handle = (_, response) => response.writeHead(404).end();
    for (let turn = 0; turn < 50; turn += 1) expect(await problem()).toBe('status');
    expect(requests).toHaveLength(1);
    expect(await problem('/other')).toBe('status');
    now += 1;
    handle = (_, response) => response.end('2');
    expect(await problem()).toBe('fetched 2');
  });
  it('OB-05 what strangers name takes no place from the keys of clients', async () => {
    const slow: ServerResponse[] = [];
    handle = (request, response) => {
      if (request.url?.startsWith('/slow')) slow.push(response);
      else response.end('{"keys":[]}');
    };
    const named = Array.from({ length: 4 }, async (_, index) =>
      problem(`/slow-${index}`, { shelf: 'strangers' }),
    );
    await vi.waitFor(() => expect(slow).toHaveLength(4));
    expect(await problem('/more', { shelf: 'strangers' })).toBe('busy');
    expect(await problem('/jwks')).toBe('fetched {"keys":[]}');
    for (const response of slow) response.end('{}');
    await Promise.all(named);
  });
  it('OB-05 request objects of strangers take no place from those of other clients', async () => {
    const slow: ServerResponse[] = [];
    handle = (request, response) => {
      if (request.url?.startsWith('/slow')) slow.push(response);
      else response.end('a request');
    };
    const named = Array.from({ length: 4 }, async (_, index) =>
      outbound.text(`${origin}/slow-${index}`, { shelf: 'strangers' }),
    );
    await vi.waitFor(() => expect(slow).toHaveLength(4));
    const shelf = 'strangers';
    await expect(outbound.text(`${origin}/more`, { shelf })).rejects.toMatchObject({
      problem: 'busy',
    });
    expect(await outbound.text(`${origin}/request`)).toBe('a request');
    for (const response of slow) response.end('x');
    await Promise.all(named);
  });
  it.each([408, 429, 500, 502, 503, 504])(
    'OB-05 a host that answers %d cannot answer now',
    async (status) => {
      handle = (_request, response) => response.writeHead(status).end();
      expect(await problem()).toBe('unavailable');
      expect(requests).toHaveLength(1);
      now += 59;
      expect(await problem()).toBe('unavailable');
      expect(requests).toHaveLength(1);
    },
  );
  it('OB-05 fetches four documents of a host at once, and refuses more', async () => {
    const open: ServerResponse[] = [];
    handle = (_, response) => void open.push(response);
    const all = Array.from({ length: 10 }, async (_, index) => await problem(`/${index}`));
    while (open.length < 4) await sleep(5);
    for (const response of open) response.end('1');
    const outcomes = await Promise.all(all);
    expect(outcomes.filter((one) => one === 'fetched 1')).toHaveLength(4);
    expect(outcomes.filter((one) => one === 'busy')).toHaveLength(6);
    handle = (_, response) => response.end('2');
    expect(await problem('/9')).toBe('fetched 2');
  });
});

describe('a name', () => {
  it('OB-05 of a host that takes no connection is asked for once a minute', async () => {
    const closed = createTcpServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    const { resolve, asked } = resolving(['127.0.0.1']);
    const origin = `http://a.example:${port}`;
    const outbound = createOutbound({ allowed: [origin], ages, resolve });
    onTestFinished(async () => await outbound.close());
    for (let turn = 0; turn < 1000; turn += 1)
      await expect(outbound.json(`${origin}/${turn}`)).rejects.toMatchObject({
        problem: 'unreachable',
      });
    expect(asked()).toBe(1);
  });
  /** Counts connections to an address of this machine. */
  const listening = async (): Promise<{ connections: number; address: string }> => {
    const seen = { connections: 0, address: '127.0.0.77' };
    const trap = createTcpServer((socket) => {
      seen.connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => trap.listen(8443, seen.address, resolve));
    onTestFinished(() => void trap.close());
    return seen;
  };
  const resolving = (
    ...answers: readonly (readonly string[])[]
  ): { resolve: Resolve; asked: () => number } => {
    let asked = 0;
    const resolve = (
      _host: string,
      _options: unknown,
      done: (...args: unknown[]) => void,
    ): void => {
      const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
      asked += 1;
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    };
    return { resolve: resolve as unknown as Resolve, asked: () => asked };
  };
  const ages = createAges(
    () => START,
    () => 0,
  );
  const fetching = async (resolve: Resolve, allowed: readonly string[] = []): Promise<string> => {
    const outbound = createOutbound({ allowed, ages, resolve });
    onTestFinished(async () => await outbound.close());
    return await outbound.json('https://a.example:8443/').then(
      () => 'fetched',
      ({ problem }: { problem: string }) => problem,
    );
  };

  it.each([
    ['an address of this machine', [['127.0.0.77']]],
    ['a public address and one of this machine', [['9.9.9.9', '127.0.0.77']]],
    ['one of this machine and a public address', [['127.0.0.77', '9.9.9.9']]],
    ['a mapped address', [['::ffff:127.0.0.77']]],
    ['no address', [[]]],
  ])('OB-03 that resolves to %s is not connected to', async (_what, answers) => {
    const trap = await listening();
    const { resolve, asked } = resolving(...answers);
    expect(await fetching(resolve)).toBe('address');
    expect([trap.connections, asked()]).toEqual([0, 1]);
  });
  it('OB-03 is resolved once: what it resolves to a moment later is not asked', async () => {
    const trap = await listening();
    // The first answer is no public address either, so that this test leaves the machine alone.
    const { resolve, asked } = resolving(['127.0.0.77'], ['9.9.9.9']);
    expect(await fetching(resolve)).toBe('address');
    expect([trap.connections, asked()]).toEqual([0, 1]);
  });
  it('is connected to at the address that was resolved, where the operator named it', async () => {
    const trap = await listening();
    const { resolve, asked } = resolving(['127.0.0.77'], ['127.0.0.78']);
    expect(await fetching(resolve, ['https://a.example:8443'])).toBe('unreachable');
    expect([trap.connections, asked()]).toEqual([1, 1]);
  });
});

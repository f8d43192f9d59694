/** The provider answers in the same way behind every adapter: Node, Express and Hono. */
import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import { Hono } from 'hono';
import type { Provider } from 'valetkey';
import { expressValetkey } from 'valetkey/express';
import { honoValetkey } from 'valetkey/hono';
import { nodeListener, peerAddress, toRequest } from 'valetkey/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authorizeParams, basic, makeWorld, pkce, type World } from '../spec/setup.ts';

const own = express.Router().get('/mine', (_request, response) => {
  response.send('mine');
});
const MOUNTS: [name: string, mount: (provider: Provider) => Server][] = [
  [
    'node',
    (provider) =>
      createServer((request, response) => void nodeListener(provider)(request, response)),
  ],
  ['express', (provider) => createServer(express().use(expressValetkey(provider)).use(own))],
  [
    'express after body parsers',
    (provider) =>
      createServer(
        express().use(
          express.urlencoded({ extended: true }),
          express.json(),
          expressValetkey(provider),
          own,
        ),
      ),
  ],
  [
    'express under the base path',
    (provider) =>
      createServer(express().use(['/o', '/.well-known'], expressValetkey(provider)).use(own)),
  ],
  [
    'hono',
    (provider) =>
      createServer(
        getRequestListener(
          new Hono().use(honoValetkey(provider)).get('/mine', (context) => context.text('mine'))
            .fetch,
          {
            overrideGlobalObjects: false,
          },
        ),
      ),
  ],
];

describe.each(MOUNTS)('%s', (name, mount) => {
  let world: World;
  let server: Server;
  let base = '';
  const globals = [globalThis.Request, globalThis.Response];
  beforeAll(async () => {
    world = await makeWorld();
    server = mount(world.provider);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    base = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });
  afterAll(() => void server.close());
  const post = async (body: string, headers: Record<string, string> = {}): Promise<Response> =>
    await fetch(`${base}/o/token/`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body,
    });

  it.each([
    '/.well-known/openid-configuration',
    '/o/.well-known/openid-configuration/',
    '/.well-known/oauth-authorization-server',
  ])('serves %s', async (path) => {
    expect(((await (await fetch(base + path)).json()) as Record<string, unknown>)['issuer']).toBe(
      'https://op.example',
    );
  });
  it('[RFC6749 §4.4] answers a token request', async () => {
    const response = await post('grant_type=client_credentials&scope=read+write', {
      authorization: basic(world.web.clientId, world.webSecret),
    });
    expect([
      response.status,
      ((await response.json()) as Record<string, unknown>)['scope'],
    ]).toEqual([200, 'read write']);
  });
  it('[RFC6749 §3.2] refuses a repeated parameter', async () => {
    const response = await post('grant_type=client_credentials&scope=read&scope=write', {
      authorization: basic(world.web.clientId, world.webSecret),
    });
    expect([
      response.status,
      ((await response.json()) as Record<string, unknown>)['error'],
    ]).toEqual([400, 'invalid_request']);
  });
  it('sends a cookie and a redirect', async () => {
    const response = await fetch(
      `${base}/o/authorize/?${authorizeParams(world, pkce().challenge)}`,
      { redirect: 'manual' },
    );
    expect([response.status, response.headers.getSetCookie().length]).toEqual([303, 1]);
  });
  it('passes on requests for other paths', async () => {
    if (name === 'node') expect((await fetch(`${base}/mine`)).status).toBe(404);
    else expect(await (await fetch(`${base}/mine`)).text()).toBe('mine');
  });
  it('does not replace the global Request and Response of the host', () => {
    expect([globalThis.Request, globalThis.Response]).toEqual(globals);
  });
});

describe('the address of the peer behind proxies', () => {
  const request = {
    headers: { 'x-forwarded-for': '198.51.100.1, 10.0.0.7' },
    socket: { remoteAddress: '127.0.0.1' },
    connection: { remoteAddress: '127.0.0.1' },
  } as never;
  it.each<[false | number | string[], string]>([
    [false, '127.0.0.1'],
    [1, '10.0.0.7'],
    [2, '198.51.100.1'],
    [['loopback'], '10.0.0.7'],
    [['loopback', '10.0.0.0/8'], '198.51.100.1'],
    [['192.0.2.0/24'], '127.0.0.1'],
  ])('MD-01 trustProxy %o: the address is %s', (trust, address) =>
    expect(peerAddress(trust)(request)).toBe(address),
  );
  it.each<[forwarded: string, trust: number | string[], address: string]>([
    // Some load balancers add a port, another one for each connection.
    ['203.0.113.6:50001', 1, '203.0.113.6'],
    ['203.0.113.6:50002', ['loopback'], '203.0.113.6'],
    ['203.0.113.6:50001, 10.0.0.7:4711', ['loopback', '10.0.0.0/8'], '203.0.113.6'],
    ['[2001:db8::1]:8080', 1, '2001:db8::1'],
    ['unknown', 1, '127.0.0.1'],
    ['_hidden, 10.0.0.7', ['loopback', '10.0.0.0/8'], '10.0.0.7'],
    ['nonsense, 198.51.100.1', 2, '198.51.100.1'],
  ])(
    'MD-01 X-Forwarded-For %s with trustProxy %o: the address is %s',
    (forwarded, trust, address) => {
      const behind = {
        headers: { 'x-forwarded-for': forwarded },
        socket: { remoteAddress: '127.0.0.1' },
        connection: { remoteAddress: '127.0.0.1' },
      } as never;
      expect(peerAddress(trust)(behind)).toBe(address);
    },
  );
  it('MD-01 a proxy that connects by a Unix socket is trusted as one hop', () => {
    const bySocket = {
      headers: { 'x-forwarded-for': '203.0.113.9' },
      socket: {},
      connection: {},
    } as never;
    expect([peerAddress(1)(bySocket), peerAddress(['loopback'])(bySocket)]).toEqual([
      '203.0.113.9',
      undefined,
    ]);
  });
  it.each([
    '*',
    '0.0.0.0/0',
    '0.0.0.0/128.0.0.0',
    '128.0.0.0/128.0.0.0',
    '::/0',
    '::ffff:0.0.0.0/96',
  ])('MD-01 trustProxy must not cover every address: %s', (network) =>
    expect(() => peerAddress([network])).toThrow(/everybody/),
  );
});

describe('a request that a host with its own pages passes on', () => {
  const addressOf = (url: string): string =>
    toRequest({ method: 'GET', url, headers: {} } as never, 'https://host.example').url;
  it.each([
    ['/login?interaction=a&b=c?d', 'https://host.example/login?interaction=a&b=c?d'],
    ['http://evil.example/login?interaction=a', 'https://host.example/login?interaction=a'],
    ['http://a:99999/login', 'https://host.example/login'],
    ['//evil.example/login', 'https://host.example//evil.example/login'],
    ['/%zz\\evil.example', 'https://host.example/%zz/evil.example'],
    ['*', 'https://host.example/*'],
  ])('MD-01 the target %s becomes a URL of this host', (target, address) =>
    expect(addressOf(target)).toBe(address),
  );
});

/**
 * What docs/guides/mounting.md says about prefixes, body parsers, and proxies that strip a prefix:
 * for each way of mounting, whether a client gets a token.
 */
import 'reflect-metadata';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import express from 'express';
import fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import type { Provider } from 'valetkey';
import { expressValetkey } from 'valetkey/express';
import { honoValetkey } from 'valetkey/hono';
import { nodeListener } from 'valetkey/node';
import { expect, it, onTestFinished } from 'vitest';
import { basic, makeWorld } from '../spec/setup.ts';

const FORM = 'application/x-www-form-urlencoded';
const pathOf = (url = '/'): string => url.split('?')[0] ?? '/';

type Mount = (provider: Provider) => Server | Promise<Server>;

/** Reads a body, as a parser of the host does. */
async function read(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function onHono(app: { fetch(request: Request): Response | Promise<Response> }): Server {
  const listener = getRequestListener(async (request) => await app.fetch(request), {
    overrideGlobalObjects: false,
  });
  return createServer(listener);
}

function onKoa(provider: Provider, before: Koa.Middleware = (_, next) => next()): Server {
  const listener = nodeListener(provider);
  const app = new Koa().use(before).use(async (context, next) => {
    if (!provider.handles(context.path)) return await next();
    context.respond = false;
    await listener(context.req, context.res);
  });
  return createServer(app.callback());
}

type Hook = (app: FastifyInstance, provider: Provider) => void;

const hook =
  (name: 'onRequest' | 'preHandler'): Hook =>
  (app, provider) => {
    const listener = nodeListener(provider);
    app.addHook(name, async (request, reply) => {
      if (!provider.handles(pathOf(request.raw.url))) return;
      reply.hijack();
      await listener(request.raw, reply.raw);
    });
  };

async function onFastify(
  provider: Provider,
  mount: Hook = hook('onRequest'),
  options: FastifyServerOptions = {},
): Promise<Server> {
  const app = fastify(options);
  mount(app, provider);
  await app.ready();
  return app.server;
}

/** What @fastify/formbody does: it reads forms for the routes of the host. */
function withFormParser(mount: Hook): Hook {
  return (app, provider) => {
    app.addContentTypeParser(FORM, { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
    app.all('/auth/*', async () => 'mine');
    mount(app, provider);
  };
}

class AppModule {}
Module({})(AppModule);

async function onNest(mount: (app: NestExpressApplication) => INestApplication): Promise<Server> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule, { logger: false });
  await mount(app).init();
  return createServer(app.getHttpAdapter().getInstance());
}

/** What a client gets at the token endpoint of a provider that is mounted so. */
async function tokenStatus(mount: Mount, path: string, place: object): Promise<number> {
  const world = await makeWorld(place);
  const server = await mount(world.provider);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { authorization: basic(world.web.clientId, world.webSecret) },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'read' }),
  });
  await response.text();
  return response.status;
}

const AUTH = { issuer: 'https://op.example/auth' };

const PREFIXED: [name: string, status: number, mount: Mount][] = [
  ['node:http', 200, (provider) => createServer(nodeListener(provider))],
  [
    'Express, at the root',
    200,
    (provider) => createServer(express().use(expressValetkey(provider))),
  ],
  [
    'Express, app.use(prefix)',
    200,
    (provider) => createServer(express().use('/auth', expressValetkey(provider))),
  ],
  ['Hono, at the root', 200, (provider) => onHono(new Hono().use(honoValetkey(provider)))],
  [
    'Hono, app.use(prefix)',
    200,
    (provider) => onHono(new Hono().use('/auth/*', honoValetkey(provider))),
  ],
  [
    'Hono, app.route(prefix)',
    200,
    (provider) => onHono(new Hono().route('/auth', new Hono().use(honoValetkey(provider)))),
  ],
  [
    'Hono, app.mount(prefix), which strips it',
    404,
    (provider) => onHono(new Hono().mount('/auth', async (request) => provider.fetch(request))),
  ],
  ['Fastify, hook of the root', 200, (provider) => onFastify(provider)],
  [
    'Fastify, hook of a plugin with a prefix and no routes',
    404,
    (provider) =>
      onFastify(provider, (app) => {
        void app.register(async (plugin) => hook('onRequest')(plugin, provider), {
          prefix: '/auth',
        });
      }),
  ],
  ['Koa', 200, (provider) => onKoa(provider)],
  [
    'Koa, below something that strips the prefix',
    404,
    (provider) =>
      onKoa(provider, async (context, next) => {
        context.path = context.path.replace('/auth', '');
        await next();
      }),
  ],
  ['NestJS', 200, (provider) => onNest((app) => app.use(expressValetkey(provider)))],
  [
    'NestJS, with a global prefix',
    200,
    (provider) => onNest((app) => app.setGlobalPrefix('api').use(expressValetkey(provider))),
  ],
];

it.each(PREFIXED)('under a prefix: %s: %i', async (_name, status, mount) => {
  expect(await tokenStatus(mount, '/auth/token/', AUTH)).toBe(status);
});

it('basePath is the whole path, including the prefix of the framework', async () => {
  const mount: Mount = (provider) =>
    createServer(express().use('/auth', expressValetkey(provider)));
  expect(await tokenStatus(mount, '/auth/o/token/', {})).toBe(404);
  expect(await tokenStatus(mount, '/auth/o/token/', { basePath: '/auth/o' })).toBe(200);
});

const PARSED: [name: string, status: number, mount: Mount][] = [
  [
    'Express',
    200,
    (provider) => createServer(express().use(express.urlencoded(), expressValetkey(provider))),
  ],
  [
    'NestJS',
    200,
    (provider) =>
      onNest((app) =>
        app.useBodyParser('urlencoded', { extended: true }).use(expressValetkey(provider)),
      ),
  ],
  [
    'Hono',
    200,
    (provider) =>
      onHono(
        new Hono()
          .use(async (context, next) => {
            await context.req.parseBody();
            await next();
          })
          .use(honoValetkey(provider)),
      ),
  ],
  ['Fastify, onRequest', 200, (provider) => onFastify(provider, withFormParser(hook('onRequest')))],
  [
    'Fastify, preHandler',
    400,
    (provider) => onFastify(provider, withFormParser(hook('preHandler'))),
  ],
  [
    'Koa',
    400,
    (provider) =>
      onKoa(provider, async (context, next) => {
        await read(context.req);
        await next();
      }),
  ],
  [
    'Koa, with the bytes as rawBody of the request of Node',
    200,
    (provider) =>
      onKoa(provider, async (context, next) => {
        Object.assign(context.req, { rawBody: await read(context.req) });
        await next();
      }),
  ],
];

it.each(PARSED)('after a body parser: %s: %i', async (_name, status, mount) => {
  expect(await tokenStatus(mount, '/auth/token/', AUTH)).toBe(status);
});

const STRIPPED: [name: string, status: number, mount: Mount][] = [
  ['nothing is changed', 404, (provider) => createServer(nodeListener(provider))],
  [
    'node:http',
    200,
    (provider) => {
      const listener = nodeListener(provider);
      return createServer((request, response) => {
        request.url = `/auth${request.url}`;
        void listener(request, response);
      });
    },
  ],
  [
    'Express, url in a middleware',
    404,
    (provider) =>
      createServer(
        express().use((request, _response, next) => {
          request.url = `/auth${request.url}`;
          next();
        }, expressValetkey(provider)),
      ),
  ],
  [
    'Express, originalUrl in a middleware',
    200,
    (provider) =>
      createServer(
        express().use((request, _response, next) => {
          request.originalUrl = `/auth${request.originalUrl}`;
          next();
        }, expressValetkey(provider)),
      ),
  ],
  [
    'Fastify, rewriteUrl',
    200,
    (provider) =>
      onFastify(provider, hook('onRequest'), { rewriteUrl: ({ url }) => `/auth${url}` }),
  ],
  [
    'Koa, path in a middleware',
    200,
    (provider) =>
      onKoa(provider, async (context, next) => {
        context.path = `/auth${context.path}`;
        await next();
      }),
  ],
  [
    'fetch, another Request',
    200,
    (provider) =>
      onHono({
        async fetch(request) {
          const url = new URL(request.url);
          url.pathname = `/auth${url.pathname}`;
          return await provider.fetch(new Request(url, request));
        },
      }),
  ],
];

it.each(STRIPPED)('behind a proxy that strips the prefix: %s: %i', async (_name, status, mount) => {
  expect(await tokenStatus(mount, '/token/', AUTH)).toBe(status);
});

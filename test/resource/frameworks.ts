/** The same API in each framework, on a real server. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import fastify, { type FastifyRequest } from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import { peerCertificate } from 'valetkey/node';
import type { Resource, Rule, TokenFacts } from 'valetkey/resource';
import { authOf, expressProtect, findAuth } from 'valetkey/resource/express';
import { authOf as fastifyAuth, fastifyProtect } from 'valetkey/resource/fastify';
import { honoProtect } from 'valetkey/resource/hono';
import { authOf as koaAuth, koaProtect } from 'valetkey/resource/koa';

/** Routes by path; those below /v1/me are for who is signed in as well. */
export type Routes = Readonly<Record<string, Rule>>;

export interface Options {
  /** Proxies that may tell a certificate in `client-cert`. */
  readonly trustProxy?: readonly string[];
}

type Serve = (api: Resource, routes: Routes, options: Options) => Server | Promise<Server>;

/** What a handler answers. */
const told = (auth: TokenFacts | null): object => ({
  sub: auth?.sub ?? 'the session',
  scopes: auth?.scopes ?? [],
});
const isSignedIn = (cookie: string | undefined): boolean => cookie === 'session=1';
const isForSession = (path: string): boolean => path.startsWith('/v1/me');
const certificates = ({ trustProxy }: Options): object =>
  trustProxy === undefined
    ? {}
    : { trustProxy, certificateHeaders: { certificate: 'client-cert' } };
const pathOf = (url: string): string => url.split('?')[0] ?? '/';

export const onFetch: Serve = (api, routes) => {
  const handlers = new Map(
    Object.entries(routes).map(([path, rule]) => [
      path,
      isForSession(path)
        ? api.protect(rule, (_request, auth) => Response.json(told(auth)), {
            preflight: true,
            signedIn: ({ headers }) => isSignedIn(headers.get('cookie') ?? undefined),
          })
        : api.protect(rule, (_request, auth) => Response.json(told(auth))),
    ]),
  );
  const certificateOf = peerCertificate();
  const listener = getRequestListener(
    async (request, env) => {
      const { pathname } = new URL(request.url);
      if (api.handles(pathname)) return api.metadata(request);
      const { incoming } = env as unknown as { incoming: Parameters<typeof certificateOf>[0] };
      const info = { certificate: () => certificateOf(incoming) };
      return (await handlers.get(pathname)?.(request, info)) ?? new Response('', { status: 404 });
    },
    { overrideGlobalObjects: false },
  );
  return createServer(listener);
};

export const onExpress: Serve = (api, routes, options) => {
  const protect = expressProtect(api, certificates(options));
  const app = express().use(protect.metadata, express.urlencoded());
  // Below a router that shortens the URL, and behind middleware for all of it.
  const router = express.Router();
  for (const [path, rule] of Object.entries(routes)) {
    const below = path.replace(/^\/v1/, '');
    if (isForSession(path))
      router.all(
        below,
        protect(rule, {
          preflight: true,
          signedIn: (request: express.Request) => isSignedIn(request.headers.cookie),
        }),
        (request, response) => void response.json(told(findAuth(request))),
      );
    else
      router.all(below, protect(), protect(rule), (request, response) => {
        response.json(told(authOf(request)));
      });
  }
  return createServer(app.use('/v1', router));
};

export const onFastify: Serve = async (api, routes, options) => {
  const protect = fastifyProtect(api, certificates(options));
  const app = fastify();
  app.addHook('onRequest', protect.metadata);
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => {
      const params = new URLSearchParams(String(body));
      const entries = [...params.keys()].map((name) => {
        const all = params.getAll(name);
        return [name, all.length > 1 ? all : all[0]] as const;
      });
      done(null, Object.fromEntries(entries));
    },
  );
  for (const [path, rule] of Object.entries(routes)) {
    const open = {
      preflight: true,
      signedIn: ({ headers }: FastifyRequest) => isSignedIn(headers.cookie),
    };
    const preHandler = isForSession(path) ? [protect(rule, open)] : [protect(), protect(rule)];
    app.route({
      method: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'],
      url: path,
      preHandler,
      handler: async (request) =>
        told(isForSession(path) ? findAuth(request) : fastifyAuth(request)),
    });
  }
  await app.ready();
  return app.server;
};

export const onHono: Serve = (api, routes) => {
  const certificateOf = peerCertificate();
  const protect = honoProtect(api, { certificate: ({ env }) => certificateOf(env.incoming) });
  const app = new Hono().use(protect.metadata);
  for (const [path, rule] of Object.entries(routes)) {
    if (isForSession(path))
      app.all(
        path,
        protect(rule, { preflight: true, signedIn: ({ req }) => isSignedIn(req.header('cookie')) }),
        (context) => context.json(told(context.get('auth'))),
      );
    else
      app.all(path, protect(), protect(rule), (context) => context.json(told(context.get('auth'))));
  }
  return createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
};

export const onKoa: Serve = (api, routes, options) => {
  const protect = koaProtect(api, certificates(options));
  const app = new Koa().use(protect.metadata).use(async ({ req, request }, next) => {
    const type = req.headers['content-type'] ?? '';
    if (!type.startsWith('application/x-www-form-urlencoded')) return await next();
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    const params = new URLSearchParams(Buffer.concat(parts).toString());
    const entries = [...params.keys()].map((name) => {
      const all = params.getAll(name);
      return [name, all.length > 1 ? all : all[0]] as const;
    });
    Object.assign(request, { body: Object.fromEntries(entries) });
    return await next();
  });
  for (const [path, rule] of Object.entries(routes)) {
    const open = {
      preflight: true,
      signedIn: ({ req }: Koa.Context) => isSignedIn(req.headers.cookie),
    };
    const checks = isForSession(path) ? [protect(rule, open)] : [protect(), protect(rule)];
    const answer: Koa.Middleware = async (context) => {
      context.body = told(
        isForSession(path) ? (context.state['auth'] ?? null) : koaAuth(context.req),
      );
    };
    app.use(async (context, next) => {
      if (pathOf(context.url) !== path) return await next();
      const run = async (index: number): Promise<void> => {
        const check = checks[index];
        if (check === undefined) return void (await answer(context, async () => undefined));
        await check(context, async () => await run(index + 1));
      };
      await run(0);
    });
  }
  return createServer(app.callback());
};

export const FRAMEWORKS: Readonly<Record<string, Serve>> = {
  fetch: onFetch,
  express: onExpress,
  fastify: onFastify,
  hono: onHono,
  koa: onKoa,
};

/** Listens, and resolves to the origin. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

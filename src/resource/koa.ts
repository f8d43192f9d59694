/**
 * `valetkey/resource/koa`: protecting routes of Koa. `const protect = koaProtect(api)`,
 * `router.get('/photos', protect({ scope: 'photos.read' }), handler)`; in the handler
 * `context.state.auth` is the token, and `authOf(context.req)` as well.
 */
import type { IncomingMessage } from 'node:http';
import type { PassRules, Resource } from './api-contract.ts';
import {
  apiRequest,
  type CertificateOptions,
  keepAuth,
  nodeReader,
  pathIn,
} from './node-request.ts';
import type { Rule } from './rules.ts';

export { authOf, type CertificateOptions, findAuth } from './node-request.ts';

/** The members of a Koa context that we use. */
export interface KoaApiContext {
  /** The request of Node. */
  readonly req: IncomingMessage;
  /** The URL as it arrived. */
  readonly originalUrl: string;
  /** Koa's request, with what a body parser made of the body. */
  readonly request: object;
  /** Where middleware keeps what others need. */
  readonly state: object;
  /** Status of the response. */
  status: number;
  /** Body of the response. */
  body: unknown;
  /** Sets headers of the response. */
  set(headers: Record<string, string>): void;
}

/** Middleware, as `app.use` and `router.get` take it. */
export type KoaApiMiddleware<Native = KoaApiContext> = (
  context: Native,
  next: () => Promise<unknown>,
) => Promise<void>;

/** Makes middleware that lets good tokens pass. */
export interface KoaProtect {
  /**
   * Middleware for a route, or for all that comes after it.
   * @throws ConfigError when the rule is wrong
   */
  <Native extends KoaApiContext = KoaApiContext>(
    rule?: Rule,
    passing?: PassRules<Native>,
  ): KoaApiMiddleware<Native>;
  /** Serves the document about the API: `app.use(protect.metadata)`, at the root. */
  readonly metadata: KoaApiMiddleware;
}

/**
 * Protects routes of Koa.
 * @param options where client certificates come from, for tokens that are bound to one
 * @throws ConfigError when an option is misspelt or of another kind
 * @throws Error when `trustProxy` trusts everybody, or contains something that is not an address
 */
export function koaProtect(api: Resource, options: CertificateOptions = {}): KoaProtect {
  const infoOf = nodeReader(options);
  const protect = <Native extends KoaApiContext>(
    rule: Rule = {},
    passing: PassRules<Native> = {},
  ): KoaApiMiddleware<Native> => {
    const judge = api.judge(rule, passing);
    return async (context, next) => {
      const { req, originalUrl, request } = context;
      const verdict = await judge(
        apiRequest(req, originalUrl),
        infoOf(req, bodyOf(request)),
        context,
      );
      if (verdict.is === 'refused') {
        const { status, headers, body } = verdict.refused;
        return write(context, status, headers, body);
      }
      if (verdict.is === 'authorized') {
        keepAuth(req, verdict.auth);
        Object.assign(context.state, { auth: verdict.auth });
      }
      await next();
    };
  };
  const metadata: KoaApiMiddleware = async (context, next) => {
    if (!api.handles(pathIn(context.originalUrl))) return void (await next());
    const answer = api.metadata({ method: context.req.method ?? 'GET' });
    const headers = Object.fromEntries(answer.headers);
    write(context, answer.status, headers, await answer.text());
  };
  return Object.assign(protect, { metadata });
}

function bodyOf(request: { readonly body?: unknown }): unknown {
  return request.body;
}

function write(
  context: KoaApiContext,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  context.body = body;
  // After the body, with which Koa chooses a status and a type of its own.
  context.status = status;
  context.set({ ...headers });
}

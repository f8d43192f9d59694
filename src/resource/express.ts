/**
 * `valetkey/resource/express`: protecting routes of Express. `const protect = expressProtect(api)`,
 * `app.get('/photos', protect({ scope: 'photos.read' }), handler)`; in the handler
 * `authOf(request)` is the token, and so is `request.auth`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
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

/** The members of an Express request that we use. */
export interface ExpressApiRequest extends IncomingMessage {
  /** The URL before a mounted router shortened it. */
  originalUrl?: string;
  /** What a body parser made of the body. */
  body?: unknown;
}

/** A middleware function, as `app.use` and `app.get` take it. */
export type ExpressApiMiddleware<Native = ExpressApiRequest> = (
  request: Native,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** Makes middleware that lets good tokens pass. */
export interface ExpressProtect {
  /**
   * Middleware for a route, or for all below it.
   * @throws ConfigError when the rule is wrong
   */
  <Native extends ExpressApiRequest = ExpressApiRequest>(
    rule?: Rule,
    passing?: PassRules<Native>,
  ): ExpressApiMiddleware<Native>;
  /** Serves the document about the API: `app.use(protect.metadata)`, at the root. */
  readonly metadata: ExpressApiMiddleware;
}

/**
 * Protects routes of Express.
 * @param options where client certificates come from, for tokens that are bound to one
 * @throws ConfigError when an option is misspelt or of another kind
 * @throws Error when `trustProxy` trusts everybody, or contains something that is not an address
 */
export function expressProtect(api: Resource, options: CertificateOptions = {}): ExpressProtect {
  const infoOf = nodeReader(options);
  const protect = <Native extends ExpressApiRequest>(
    rule: Rule = {},
    passing: PassRules<Native> = {},
  ): ExpressApiMiddleware<Native> => {
    const judge = api.judge(rule, passing);
    const run = async (request: Native, response: ServerResponse): Promise<boolean> => {
      const asked = apiRequest(request, request.originalUrl);
      const verdict = await judge(asked, infoOf(request, request.body), request);
      if (verdict.is === 'authorized') keepAuth(request, verdict.auth);
      if (verdict.is !== 'refused') return true;
      const { status, headers, body } = verdict.refused;
      write(response, status, headers, body);
      return false;
    };
    return (request, response, next) => {
      run(request, response).then((mayPass) => {
        if (mayPass) next();
      }, next);
    };
  };
  const metadata: ExpressApiMiddleware = (request, response, next) => {
    if (!api.handles(pathIn(request.originalUrl ?? request.url))) return next();
    const answer = api.metadata({ method: request.method ?? 'GET' });
    answer
      .text()
      .then((body) => write(response, answer.status, Object.fromEntries(answer.headers), body))
      .catch(next);
  };
  return Object.assign(protect, { metadata });
}

function write(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  response.statusCode = status;
  // Headers that the host has already set stay: those of CORS.
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(body);
}

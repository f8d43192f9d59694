/**
 * `valetkey/resource/fastify`: protecting routes of Fastify. `const protect = fastifyProtect(api)`,
 * `app.get('/photos', { preHandler: protect({ scope: 'photos.read' }) }, handler)`; in the handler
 * `authOf(request)` is the token, and so is `request.auth`.
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

/** The members of a Fastify request that we use. */
export interface FastifyApiRequest {
  /** The request of Node. */
  readonly raw: IncomingMessage;
  /** The URL as it arrived. */
  readonly originalUrl?: string;
  /** What a content type parser made of the body. */
  readonly body?: unknown;
}

/** The members of a Fastify reply that we use. */
export interface FastifyApiReply {
  /** Sets the status. */
  code(status: number): unknown;
  /** Sets headers. */
  headers(values: Record<string, string>): unknown;
  /** Sends the body. */
  send(body?: string): unknown;
}

/** A hook, for `onRequest` or `preHandler`. */
export type FastifyApiHook<Native = FastifyApiRequest> = (
  request: Native,
  reply: FastifyApiReply,
) => Promise<unknown>;

/** Makes hooks that let good tokens pass. */
export interface FastifyProtect {
  /**
   * A hook for a route or a plugin: `preHandler`, or `onRequest` where no token is in the body.
   * @throws ConfigError when the rule is wrong
   */
  <Native extends FastifyApiRequest = FastifyApiRequest>(
    rule?: Rule,
    passing?: PassRules<Native>,
  ): FastifyApiHook<Native>;
  /** Serves the document: `app.addHook('onRequest', protect.metadata)`, at the root. */
  readonly metadata: FastifyApiHook;
}

/**
 * Protects routes of Fastify.
 * @param options where client certificates come from, for tokens that are bound to one
 * @throws ConfigError when an option is misspelt or of another kind
 * @throws Error when `trustProxy` trusts everybody, or contains something that is not an address
 */
export function fastifyProtect(api: Resource, options: CertificateOptions = {}): FastifyProtect {
  const infoOf = nodeReader(options);
  const protect = <Native extends FastifyApiRequest>(
    rule: Rule = {},
    passing: PassRules<Native> = {},
  ): FastifyApiHook<Native> => {
    const judge = api.judge(rule, passing);
    return async (request, reply) => {
      const { raw, body, originalUrl } = request;
      const verdict = await judge(apiRequest(raw, originalUrl), infoOf(raw, body), request);
      if (verdict.is === 'authorized') keepAuth(request, verdict.auth);
      if (verdict.is !== 'refused') return undefined;
      const { refused } = verdict;
      return send(reply, refused.status, refused.headers, refused.body);
    };
  };
  const metadata: FastifyApiHook = async ({ raw, originalUrl }, reply) => {
    if (!api.handles(pathIn(originalUrl ?? raw.url))) return undefined;
    const answer = api.metadata({ method: raw.method ?? 'GET' });
    const headers = Object.fromEntries(answer.headers);
    return send(reply, answer.status, headers, await answer.text());
  };
  return Object.assign(protect, { metadata });
}

function send(
  reply: FastifyApiReply,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): FastifyApiReply {
  reply.code(status);
  reply.headers({ ...headers });
  reply.send(body);
  // A hook that returns the reply ends the request.
  return reply;
}

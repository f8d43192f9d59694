/**
 * Requests of `node:http` as the check sees them, and what it found, kept beside them: shared by
 * the adapters of frameworks that stand on Node.
 */
import type { IncomingMessage } from 'node:http';
import { type NodeOptions, peerCertificate } from 'valetkey/node';
import type { ApiRequest, ApiRequestInfo } from './api-request.ts';
import type { TokenFacts } from './token-facts.ts';

/** Where client certificates come from: as for `nodeListener` of `valetkey/node`. */
export type CertificateOptions = Pick<NodeOptions, 'trustProxy' | 'certificateHeaders'>;

/** Reads requests of Node. @throws ConfigError and Error as `nodeListener` */
export function nodeReader(
  options: CertificateOptions,
): (request: IncomingMessage, body: unknown) => ApiRequestInfo {
  const certificateOf = peerCertificate(options);
  return (request, body) => ({
    certificate: () => certificateOf(request),
    // What a body parser made of the form; without one the body is not read here.
    form: async () =>
      typeof body === 'object' && body !== null
        ? (body as Readonly<Record<string, unknown>>)
        : null,
  });
}

/** @param url as it arrived, before a router shortened it */
export function apiRequest(request: IncomingMessage, url: string | undefined): ApiRequest {
  const { rawHeaders } = request;
  const get = (name: string): string | null => {
    // Node leaves out the second one of some headers, and then nobody sees that there were two.
    const values = rawHeaders.filter(
      (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
    );
    return values.length === 0 ? null : values.join(', ').trim();
  };
  return { method: request.method ?? 'GET', url: url ?? request.url ?? '/', headers: { get } };
}

/** The path of a URL that may be relative. */
export function pathIn(url: string | undefined): string {
  return (url ?? '/').split('?', 1)[0] ?? '/';
}

const found = new WeakMap<object, TokenFacts>();

/** Keeps what was found of the token of a request. */
export function keepAuth(request: object, auth: TokenFacts): void {
  found.set(request, auth);
  Object.assign(request, { auth });
}

/** The token of a request; null when the request passed without one. */
export function findAuth(request: object): TokenFacts | null {
  return found.get(request) ?? null;
}

/**
 * The token of a request.
 * @throws Error when its route is not protected, or it passed without a token
 */
export function authOf(request: object): TokenFacts {
  const auth = findAuth(request);
  if (auth !== null) return auth;
  throw new Error('The route is not protected, or the request passed without a token.');
}

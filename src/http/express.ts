/** `valetkey/express`: a provider as Express middleware. Mount it at the root: `app.use(expressValetkey(provider))`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'valetkey';
import { type NodeOptions, nodeListener } from './node.ts';

/** Of Express' request what is used here. */
interface ExpressRequest extends IncomingMessage {
  originalUrl?: string;
  body?: unknown;
  rawBody?: unknown;
}

export type ExpressMiddleware = (request: ExpressRequest, response: ServerResponse, next: (error?: unknown) => void) => void;

/**
 * Serves the provider's paths and passes on all others. Works before and after body parsers; before is better, since a parser may lose
 * what it does not understand.
 */
export function expressValetkey(provider: Provider, options: NodeOptions = {}): ExpressMiddleware {
  const listener = nodeListener(provider, options);
  return (request, response, next) => {
    // Express strips the mount path from `url`; the provider routes on the whole path.
    const whole = request.originalUrl ?? request.url ?? '/';
    if (!provider.handles(pathOf(whole))) {
      next();
      return;
    }
    request.url = whole;
    restoreBody(request);
    listener(request, response).catch(next);
  };
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '/';
}

/** A body parser that ran before took the stream; what it parsed is written down again for the provider, repeated parameters included. */
function restoreBody(request: ExpressRequest): void {
  const { body } = request;
  if (request.rawBody !== undefined || !request.readableEnded || typeof body !== 'object' || body === null) return;
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(body as Record<string, unknown>)) {
    for (const one of Array.isArray(value) ? value : [value]) params.append(name, typeof one === 'string' ? one : JSON.stringify(one));
  }
  request.rawBody = Buffer.from(params.toString());
}

/**
 * `valetkey/express`: a provider as Express middleware. Mount it at the root:
 * `app.use(expressValetkey(provider))`. What is not the provider's goes on to the host; how
 * requests are read and answers written is in `node.ts`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'valetkey';
import { type NodeOptions, nodeListener } from './node.ts';

/** Of Express' request what is used here. */
interface ExpressRequest extends IncomingMessage {
  originalUrl?: string;
  body?: unknown;
  rawBody?: unknown;
}

export type ExpressMiddleware = (
  request: ExpressRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Serves the provider's paths and passes on all others. Works before and after body parsers; before
 * is better, since a parser may lose what it does not understand.
 */
export function expressValetkey(
  provider: Pick<Provider, 'fetch' | 'handles'>,
  options: NodeOptions = {},
): ExpressMiddleware {
  const listener = nodeListener(provider, options);
  return (request, response, next) => {
    // Express strips the mount path from `url`; the provider routes on the whole path.
    const whole = request.originalUrl ?? request.url ?? '/';
    if (!provider.handles(pathOf(whole))) return next();
    const body = parsedBody(request);
    if (body === undefined && request.readableDidRead) {
      return next(
        new Error(
          'The request body was read before expressValetkey and not kept. Mount expressValetkey earlier, or keep it as request.rawBody.',
        ),
      );
    }
    if (body !== undefined) request.rawBody = body;
    request.url = whole;
    listener(request, response).catch(next);
  };
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '/';
}

/**
 * What a body parser left that ran before: the bytes themselves, or what it made of them, written
 * down again.
 */
function parsedBody({ rawBody, body, readableDidRead }: ExpressRequest): Buffer | undefined {
  for (const kept of [rawBody, body]) {
    if (Buffer.isBuffer(kept)) return kept;
    if (typeof kept === 'string') return Buffer.from(kept);
  }
  if (!readableDidRead || typeof body !== 'object' || body === null) return undefined;
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    // A parameter sent twice is a list here, and has to arrive twice. A list of one, or an object,
    // was written with brackets: that is a parameter of another name, whatever the parser made of
    // it.
    const twice =
      Array.isArray(value) && value.length > 1 && value.every((one) => typeof one === 'string');
    if (twice) for (const one of value as string[]) params.append(name, one);
    else if (typeof value === 'string') params.append(name, value);
    else params.append(`${name}[]`, JSON.stringify(value));
  }
  return Buffer.from(params.toString());
}

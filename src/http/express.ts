/**
 * `valetkey/express`: a provider as Express middleware. Mount it at the root:
 * `app.use(expressValetkey(provider))`. Requests for other paths are passed on to the host. Reading
 * requests and writing responses is left to `node.ts`. `expressInteractions` is for hosts with
 * pages of their own.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { InteractionDetails, Login, Provider, RequestInfo } from 'valetkey';
import { type NodeOptions, nodeListener, peerAddress, sendResponse, toRequest } from './node.ts';

/** The members of an Express request that we use. */
export interface ExpressRequest extends IncomingMessage {
  /** The URL before a mounted router shortened it. */
  originalUrl?: string;
  /** What a body parser made of the body. */
  body?: unknown;
  /** The bytes of the body, where a body parser keeps them. */
  rawBody?: unknown;
}

/** A middleware function, as `app.use` takes it. */
export type ExpressMiddleware = (
  request: ExpressRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * The middleware. It answers requests for the provider's paths and passes on all others. It works
 * before and after body parsers; put it before them, because a parser may change or lose parts of
 * the body. It passes an Error to `next` if the body was read and cannot be restored.
 * @throws Error when `options.trustProxy` trusts everybody, or contains something that is not an
 * address
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
          'The request body was read before expressValetkey and was not kept. Mount expressValetkey earlier, or keep the body as request.rawBody.',
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
 * The body, if a body parser ran before: the bytes that it kept or, if it kept only the parsed
 * form, that form encoded again. Undefined if there is neither.
 */
function parsedBody({ rawBody, body, readableDidRead }: ExpressRequest): Buffer | undefined {
  for (const kept of [rawBody, body]) {
    if (Buffer.isBuffer(kept)) return kept;
    if (typeof kept === 'string') return Buffer.from(kept);
  }
  if (!readableDidRead || typeof body !== 'object' || body === null) return undefined;
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    // A parameter that was sent twice is a list here, and the provider must see it twice. A list
    // with one entry, or an object, was sent as a name with brackets. That is a different
    // parameter, so it gets a name with brackets again.
    const twice =
      Array.isArray(value) && value.length > 1 && value.every((one) => typeof one === 'string');
    if (twice) for (const one of value as string[]) params.append(name, one);
    else if (typeof value === 'string') params.append(name, value);
    else params.append(`${name}[]`, JSON.stringify(value));
  }
  return Buffer.from(params.toString());
}

/**
 * `provider.interactions` with requests and responses of Express. What answers writes the response,
 * and rejects with the errors of `Interactions`; give them to your error handler.
 */
export interface ExpressInteractions {
  /** What is asked (`Interactions.details`). */
  details(request: ExpressRequest): Promise<InteractionDetails>;
  /** The user is who you say (`Interactions.login`). */
  login(request: ExpressRequest, response: ServerResponse, login: Login): Promise<void>;
  /** The user signed in on your page (`Interactions.continue`). */
  continue(request: ExpressRequest, response: ServerResponse): Promise<void>;
  /** The user allows what is asked (`Interactions.consent`). */
  consent(
    request: ExpressRequest,
    response: ServerResponse,
    scopes?: readonly string[],
  ): Promise<void>;
  /** The user declines (`Interactions.deny`). */
  deny(request: ExpressRequest, response: ServerResponse): Promise<void>;
  /** Gives the answer to the page of any step (`Interactions.answer`). */
  answer(
    request: ExpressRequest,
    response: ServerResponse,
    step: string,
    decision: string,
    fields?: Readonly<Record<string, string>>,
  ): Promise<void>;
  /** The user signs out: adds the cookies to your response (`Interactions.logout`). */
  logout(request: ExpressRequest, response: ServerResponse): Promise<void>;
}

/**
 * The interactions of a provider, for pages of an Express application.
 * @param options as for `expressValetkey`
 * @throws Error when `options.trustProxy` trusts everybody, or contains something that is not an
 * address
 */
export function expressInteractions(
  { issuer, interactions }: Pick<Provider, 'issuer' | 'interactions'>,
  { trustProxy = false }: Pick<NodeOptions, 'trustProxy'> = {},
): ExpressInteractions {
  const addressOf = peerAddress(trustProxy);
  const origin = new URL(issuer).origin;
  const read = (request: ExpressRequest): readonly [Request, RequestInfo] => {
    const ip = addressOf(request);
    const info = { native: request, ...(ip === undefined ? {} : { ip }) };
    return [toRequest(request, origin), info];
  };
  return {
    details: async (request) => await interactions.details(...read(request)),
    async login(request, response, login) {
      const [asked, info] = read(request);
      await sendResponse(await interactions.login(asked, login, info), response);
    },
    async continue(request, response) {
      await sendResponse(await interactions.continue(...read(request)), response);
    },
    async consent(request, response, scopes) {
      const [asked, info] = read(request);
      await sendResponse(await interactions.consent(asked, scopes, info), response);
    },
    async deny(request, response) {
      await sendResponse(await interactions.deny(...read(request)), response);
    },
    async answer(request, response, step, decision, fields = {}) {
      const [asked, info] = read(request);
      await sendResponse(await interactions.answer(asked, step, decision, fields, info), response);
    },
    async logout(request, response) {
      const headers = await interactions.logout(...read(request));
      for (const cookie of headers.getSetCookie()) response.appendHeader('set-cookie', cookie);
    },
  };
}

/**
 * `valetkey/node`: a provider as a listener of `node:http`, and who the peer is. What to answer is
 * the provider's business; a listener answers every path, so a host with routes of its own asks
 * `provider.handles` first.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import proxyAddr from 'proxy-addr';
import type { Provider } from 'valetkey';

/** How a provider is mounted on `node:http`. */
export interface NodeOptions {
  /**
   * Whose `X-Forwarded-For` is believed: nobody (false, the default), so many hops of proxies, or
   * addresses and networks (`loopback`, `10.0.0.0/8`). It only tells the peer's address for logs
   * and failure rateLimits; addresses of the provider come from its issuer.
   */
  readonly trustProxy?: false | number | readonly string[];
  /**
   * For a process that is nothing but this provider: faster Request and Response in place of the
   * global ones. Default false.
   */
  readonly overrideGlobals?: boolean;
}

/** Handles a request of `node:http`. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** @throws Error when trustProxy names everybody */
export function nodeListener(
  provider: Pick<Provider, 'fetch'>,
  options: NodeOptions = {},
): NodeListener {
  const addressOf = peerAddress(options.trustProxy ?? false);
  const listener = getRequestListener(
    async (request, env) => {
      const { incoming } = env as unknown as { incoming: IncomingMessage };
      return await provider.fetch(request, { ip: addressOf(incoming), native: incoming });
    },
    { overrideGlobalObjects: options.overrideGlobals ?? false },
  );
  return async (request, response) => {
    await listener(request, response);
  };
}

/**
 * How the peer's address is found.
 * @throws Error when trustProxy names everybody, or something that is no address
 */
export function peerAddress(
  trustProxy: NonNullable<NodeOptions['trustProxy']>,
): (request: IncomingMessage) => string | undefined {
  if (trustProxy === false || trustProxy === 0) return (request) => request.socket.remoteAddress;
  // Callers without types may pass what others call "all".
  const everybody: readonly unknown[] = [true, '*'];
  if ([trustProxy].flat().some((entry) => everybody.includes(entry) || isTooWide(entry))) {
    throw new Error(
      'trustProxy names everybody: then anybody may claim any address. Name your proxies.',
    );
  }
  const trust =
    typeof trustProxy === 'number'
      ? (_address: string, hop: number): boolean => hop < trustProxy
      : proxyAddr.compile([...trustProxy]);
  return (request) => proxyAddr(request, trust);
}

/**
 * A network that is more than anybody's own: wider than 10.0.0.0/8 or fc00::/7, or all of IPv4 as
 * seen from IPv6.
 */
function isTooWide(entry: unknown): boolean {
  const [address = '', bits] = String(entry).split('/');
  if (bits === undefined) return false;
  // A mask with dots may have holes; nobody needs one.
  if (!/^[0-9]{1,3}$/.test(bits)) return true;
  if (!address.includes(':')) return Number(bits) < 8;
  return Number(bits) < (/^::ffff:/i.test(address) ? 104 : 7);
}

/**
 * The request as the provider reads it, for hosts with pages of their own
 * (`provider.interactions`): address, method and headers, no body.
 * @param origin of the host as its users see it, e.g. `https://id.example`
 */
export function toRequest(
  request: IncomingMessage & { readonly originalUrl?: string },
  origin: string,
): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    for (const one of [value].flat())
      if (one !== undefined && !name.startsWith(':')) headers.append(name, one);
  }
  // What stands in the request line may be a whole address, of any host; only its path and query
  // are the request's own.
  const target = (request.originalUrl ?? request.url ?? '/').replace(
    /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i,
    '',
  );
  const url = new URL(origin);
  const [path = '', ...query] = target.split('?');
  url.pathname = path;
  url.search = query.join('?');
  return new Request(url, { headers });
}

/** Writes an answer of the provider to a response of `node:http`. */
export async function sendResponse(answer: Response, response: ServerResponse): Promise<void> {
  response.statusCode = answer.status;
  for (const [name, value] of answer.headers)
    if (name !== 'set-cookie') response.setHeader(name, value);
  // The host may have set cookies of its own.
  for (const cookie of answer.headers.getSetCookie()) response.appendHeader('set-cookie', cookie);
  response.end(Buffer.from(await answer.arrayBuffer()));
}

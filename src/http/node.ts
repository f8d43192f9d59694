/**
 * `valetkey/node`: a provider as a listener of `node:http`, and the address of the peer. What a
 * request is answered is left to the provider. The listener answers every path, so a host with
 * routes of its own must ask `provider.handles` first.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import proxyAddr from 'proxy-addr';
import {
  addressIn,
  type ClientCertificate,
  ConfigError,
  checkOptions,
  type Provider,
  problemList,
  type RuleTable,
} from 'valetkey';
import { type CertificateHeaders, certificateOf } from './client-certificate.ts';

export type { CertificateHeaders } from './client-certificate.ts';

/** How a provider is mounted on `node:http`. */
export interface NodeOptions {
  /**
   * The proxies whose `X-Forwarded-For` is trusted: none (`false`), a number of hops, or a list of
   * addresses and networks (`loopback`, `10.0.0.0/8`). The address of the peer is used only for
   * logs, the audit log and rate limits. URLs of the provider come from its issuer.
   * @default false
   */
  readonly trustProxy?: false | number | readonly string[];
  /**
   * Headers in which a proxy of `trustProxy` tells the certificate of a client (mutual TLS). A
   * request that comes from no such proxy has the certificate of its own connection.
   * @default a request from such a proxy has none
   */
  readonly certificateHeaders?: CertificateHeaders;
  /**
   * Replaces the global Request and Response with faster ones. Only for a process that runs nothing
   * except this provider.
   * @default false
   */
  readonly overrideGlobals?: boolean;
}

/** Answers a request of `node:http`. It resolves when the response is written. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * A provider as a listener, for `createServer` of `node:http`.
 * @throws ConfigError when an option is misspelt or of another kind
 * @throws Error when `options.trustProxy` trusts everybody, or contains something that is not an
 * address, or is a number beside `options.certificateHeaders`
 */
export function nodeListener(
  provider: Pick<Provider, 'fetch'>,
  options: NodeOptions = {},
): NodeListener {
  const addressOf = peerAddress(options.trustProxy ?? false);
  const certificateFor = peerCertificate(options);
  const listener = getRequestListener(
    async (request, env) => {
      const { incoming } = env as unknown as { incoming: IncomingMessage };
      const certificate = (): ClientCertificate | null => certificateFor(incoming);
      return await provider.fetch(request, {
        ip: addressOf(incoming),
        native: incoming,
        certificate,
      });
    },
    { overrideGlobalObjects: options.overrideGlobals ?? false },
  );
  return async (request, response) => {
    await listener(request, response);
  };
}

const OPTIONS: RuleTable = {
  // `trusting` looks at it.
  trustProxy: { kind: 'code' },
  certificateHeaders: { certificate: { kind: 'text' }, verified: { kind: 'text' } },
  overrideGlobals: { kind: 'flag' },
};

/** A misspelt option would be ignored, and nobody would see that a proxy is not trusted. */
function requireKnown(options: NodeOptions): void {
  const { problems, refuse } = problemList();
  checkOptions(OPTIONS, options, '', refuse);
  const { certificateHeaders: headers } = options;
  if (problems.length === 0 && headers !== undefined && headers.certificate === undefined)
    refuse('certificateHeaders.certificate', 'is missing.', 'Name the header of your proxy.');
  if (problems.length > 0) throw new ConfigError(problems);
}

/**
 * A function that finds the certificate that the client of a request showed; null without one.
 * @throws ConfigError and Error as `nodeListener`
 */
export function peerCertificate(
  options: Pick<NodeOptions, 'trustProxy' | 'certificateHeaders'> = {},
): (request: IncomingMessage) => ClientCertificate | null {
  requireKnown(options);
  const { trustProxy = false, certificateHeaders } = options;
  // A number of hops trusts whoever connects, and a certificate is more than an address.
  if (certificateHeaders !== undefined && typeof trustProxy === 'number')
    throw new Error(
      'certificateHeaders needs the addresses of your proxies in trustProxy: a number of hops would let anybody who connects show any certificate.',
    );
  const trust = trusting(trustProxy);
  const isFromProxy = ({ socket }: IncomingMessage): boolean =>
    trust?.(addressIn(socket.remoteAddress) ?? '', 0) ?? false;
  return (request) => certificateOf(request, isFromProxy(request), certificateHeaders ?? null);
}

/**
 * A function that finds the address of the peer of a request.
 * @throws Error when `trustProxy` trusts everybody, or contains something that is not an address
 */
export function peerAddress(
  trustProxy: NonNullable<NodeOptions['trustProxy']>,
): (request: IncomingMessage) => string | undefined {
  const trust = trusting(trustProxy);
  if (trust === null) return (request) => request.socket.remoteAddress;
  // What a proxy wrote that is no address (RFC 7239 §6: `unknown`, `_hidden`) says nothing.
  return (request) => {
    let last = request.socket.remoteAddress;
    for (const [hop, told] of proxyAddr.all(request).entries()) {
      // A proxy that connects by a Unix socket has no address; only a number of hops trusts it.
      const isSocket = hop === 0 && told === undefined;
      const address = addressIn(told);
      if (address === null && !isSocket) return last;
      last = address ?? last;
      if (!trust(address ?? '', hop)) return last;
    }
    return last;
  };
}

/**
 * Whether the peer of this address, so many hops away, is a proxy; null where none is.
 * @throws Error when `trustProxy` trusts everybody, or contains something that is not an address
 */
function trusting(
  trustProxy: NonNullable<NodeOptions['trustProxy']>,
): ((address: string, hop: number) => boolean) | null {
  if (trustProxy === false || trustProxy === 0) return null;
  // Callers without types may pass the values that other libraries use for "all".
  const everybody: readonly unknown[] = [true, '*'];
  if ([trustProxy].flat().some((entry) => everybody.includes(entry) || isTooWide(entry))) {
    throw new Error(
      'trustProxy trusts everybody, so any client could claim any address. List only your proxies.',
    );
  }
  return typeof trustProxy === 'number'
    ? (_address, hop) => hop < trustProxy
    : proxyAddr.compile([...trustProxy]);
}

/**
 * True for a network that is too wide to be a private one: wider than 10.0.0.0/8 or fc00::/7, or
 * more than a /8 of the IPv4-mapped IPv6 addresses.
 */
function isTooWide(entry: unknown): boolean {
  const [address = '', bits] = String(entry).split('/');
  if (bits === undefined) return false;
  // A dotted mask may have gaps and its width is hard to judge, and it is never needed: refuse it.
  if (!/^[0-9]{1,3}$/.test(bits)) return true;
  if (!address.includes(':')) return Number(bits) < 8;
  return Number(bits) < (/^::ffff:/i.test(address) ? 104 : 7);
}

/**
 * The request as a `Request`, for hosts with pages of their own (`provider.interactions`). It has
 * the URL and headers of the original; its method is always GET, and it has no body.
 * @param origin origin of the host as people see it, e.g. `https://id.example`
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
  // The request line may contain an absolute URL, with any host. Only its path and query are used,
  // because the client chooses that host.
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

/**
 * Writes a response of the provider to a response of `node:http`. Cookies that the host has already
 * set stay.
 */
export async function sendResponse(answer: Response, response: ServerResponse): Promise<void> {
  response.statusCode = answer.status;
  for (const [name, value] of answer.headers)
    if (name !== 'set-cookie') response.setHeader(name, value);
  // Append, because the host may have set cookies of its own.
  for (const cookie of answer.headers.getSetCookie()) response.appendHeader('set-cookie', cookie);
  response.end(Buffer.from(await answer.arrayBuffer()));
}

/**
 * Which pages of other origins may read an answer. Credentials of a browser (cookies) are never
 * part of it.
 */
import { forLog, quoted, updateCommand } from '../protocol/remedies.ts';
import type { Client } from '../store/records.ts';
import type { RequestContext } from './request.ts';

/**
 * `any`: answers that need no cookies, readable everywhere. `client`: from the origins of the
 * client that asks.
 */
export type CorsRule = 'any' | 'client';

/**
 * Names the origin that may read `response`, if any. Public clients name themselves in the form; a
 * secret has no place in a browser.
 */
export async function allowOrigin(
  ctx: RequestContext,
  rule: CorsRule,
  response: Response,
): Promise<void> {
  response.headers.set('Access-Control-Expose-Headers', 'WWW-Authenticate, Retry-After');
  if (rule === 'any') return response.headers.set('Access-Control-Allow-Origin', '*');
  response.headers.append('Vary', 'Origin');
  // A preflight does not say which client will call. Its answer gives nothing away: whether the
  // page may read the response of the call itself is decided by the client then.
  if (ctx.request.method === 'OPTIONS')
    return response.headers.set('Access-Control-Allow-Origin', '*');
  const origin = ctx.request.headers.get('origin');
  // RFC 9700 §2.6: endpoints that browser applications call directly support CORS; here for the
  // origins they registered.
  const ours = new URL(ctx.settings.issuer).origin;
  if (origin === null || origin === 'null' || origin === ours) return;
  const client = await clientOf(ctx);
  if (client === null) return;
  const { clientId, allowedOrigins } = client;
  if (allowedOrigins.includes(origin)) {
    response.headers.set('Access-Control-Allow-Origin', origin);
    return;
  }
  const { requestId } = ctx.request;
  const all = [...allowedOrigins, origin].map((one) => `--allowed-origin ${quoted(one)}`).join(' ');
  ctx.settings.logger.info(
    {
      requestId,
      clientId,
      reason: 'origin_not_allowed',
      expected: allowedOrigins.join(' ') || 'no origin',
      received: forLog(origin),
      remedy: `if this page is the application's: ${updateCommand(clientId, all)}`,
    },
    'the answer cannot be read by the page that asked',
  );
}

async function clientOf(ctx: RequestContext): Promise<Client | null> {
  if (ctx.request.method !== 'POST') return null;
  try {
    const clientId = (await ctx.request.form()).get('client_id');
    return clientId === undefined ? null : await ctx.clients.find(clientId);
  } catch {
    // What is wrong with the request is in the response already.
    return null;
  }
}

/** What calls carry: those of the protocol, and what libraries for tracing add to every call. */
const ALLOWED_HEADERS = [
  'Authorization',
  'Content-Type',
  'Accept',
  'Accept-Language',
  'DPoP',
  'Cache-Control',
  'Pragma',
  'X-Requested-With',
  'X-Request-Id',
  'X-Correlation-Id',
  'Request-Id',
  'Traceparent',
  'Tracestate',
  'Baggage',
  'Sentry-Trace',
  'B3',
  'X-B3-TraceId',
  'X-B3-SpanId',
  'X-B3-ParentSpanId',
  'X-B3-Sampled',
  'X-Datadog-Trace-Id',
  'X-Datadog-Parent-Id',
  'X-Datadog-Origin',
  'X-Datadog-Sampling-Priority',
  'X-Cloud-Trace-Context',
  'X-Client-Version',
  'MCP-Protocol-Version',
  'MCP-Session-Id',
];

/** The answer to a preflight request for one of these methods. */
export function preflight(methods: readonly string[]): Response {
  const headers = {
    'Access-Control-Allow-Methods': methods.join(', '),
    'Access-Control-Allow-Headers': ALLOWED_HEADERS.join(', '),
    'Access-Control-Max-Age': '600',
  };
  return new Response(null, { status: 204, headers });
}

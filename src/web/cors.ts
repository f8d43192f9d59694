/**
 * Which pages of other origins may read an answer. Credentials of a browser (cookies) are never
 * part of it.
 */
import { redirectUriRulesOf } from '../domain/redirect-rules.ts';
import { isSameOrCovered } from '../protocol/wildcards.ts';
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
 * @param client the client that asks, if it is known
 * @returns true when the page that asked may not read the answer, though its client is known
 */
export function allowOrigin(
  { request, settings }: RequestContext,
  rule: CorsRule,
  client: Client | null,
  response: Response,
): boolean {
  const { headers } = response;
  const origin = request.headers.get('origin');
  // Without Origin no page reads the answer, and no cache keeps it, so it needs no Vary either.
  if (rule === 'client' && origin === null && request.method !== 'OPTIONS') return false;
  headers.set(
    'Access-Control-Expose-Headers',
    'WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy, DPoP-Nonce',
  );
  // A preflight does not say which client will call. Its answer gives nothing away: whether the
  // page may read the response of the call itself is decided by the client then.
  if (rule === 'any' || request.method === 'OPTIONS') {
    headers.set('Access-Control-Allow-Origin', '*');
    return false;
  }
  headers.append('Vary', 'Origin');
  const ours = new URL(settings.issuer).origin;
  if (origin === null || origin === 'null' || origin === ours || client === null) return false;
  // RFC 9700 §2.6: endpoints that browser applications call directly support CORS; here for the
  // origins they registered.
  const rules = redirectUriRulesOf(settings, client);
  if (!client.allowedOrigins.some((one) => isSameOrCovered(origin, one, rules))) return true;
  headers.set('Access-Control-Allow-Origin', origin);
  return false;
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

/**
 * Which pages of other origins may read an answer. Credentials of a browser (cookies) are never
 * part of it.
 */
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
  const origin = ctx.request.headers.get('origin');
  // RFC 9700 §2.6: endpoints that browser applications call directly support CORS; here for the
  // origins they registered.
  if (origin !== null && (await originsOf(ctx)).includes(origin))
    response.headers.set('Access-Control-Allow-Origin', origin);
}

async function originsOf(ctx: RequestContext): Promise<readonly string[]> {
  if (ctx.request.method !== 'POST') return [];
  try {
    const clientId = (await ctx.request.form()).get('client_id');
    const client = clientId === undefined ? null : await ctx.clients.find(clientId);
    return client?.allowedOrigins ?? [];
  } catch {
    // What is wrong with the request is in the response already.
    return [];
  }
}

/** The answer to a preflight request for one of these methods. */
export function preflight(methods: readonly string[]): Response {
  const headers = {
    'Access-Control-Allow-Methods': methods.join(', '),
    'Access-Control-Allow-Headers': 'Authorization, Content-Type',
    'Access-Control-Max-Age': '600',
  };
  return new Response(null, { status: 204, headers });
}

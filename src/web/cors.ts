/** Which pages of other origins may read an answer. Credentials of a browser (cookies) are never part of it. */
import type { Context } from '../domain/context.ts';
import type { Call } from './call.ts';

/** `any`: answers that need no cookies, readable everywhere. `client`: readable from the origins of the client that asks. */
export type CorsRule = 'any' | 'client';

/** Names the origin that may read `response`, if any. Public clients name themselves in the form; a secret has no place in a browser. */
export async function allowOrigin(
  ctx: Context,
  call: Call,
  rule: CorsRule,
  response: Response,
): Promise<void> {
  response.headers.set('Access-Control-Expose-Headers', 'WWW-Authenticate, Retry-After');
  if (rule === 'any') return response.headers.set('Access-Control-Allow-Origin', '*');
  response.headers.append('Vary', 'Origin');
  const origin = call.headers.get('origin');
  // RFC 9700 §2.6: endpoints that browser applications call directly support CORS; here for the origins they registered.
  if (origin !== null && (await originsOf(ctx, call)).includes(origin))
    response.headers.set('Access-Control-Allow-Origin', origin);
}

async function originsOf(ctx: Context, call: Call): Promise<readonly string[]> {
  try {
    const clientId = call.method === 'POST' ? (await call.form()).get('client_id') : undefined;
    return (clientId === undefined ? null : await ctx.clients.find(clientId))?.allowedOrigins ?? [];
  } catch {
    // What is wrong with the request is in the response already.
    return [];
  }
}

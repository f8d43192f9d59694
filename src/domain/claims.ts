/**
 * Claims that the host adds (`Config.claims`), kept out of what the protocol says itself. What
 * accounts and scopes give: `protocol/claims.ts`.
 */
import type { Context } from './context.ts';
import type { ClaimsRequest } from './settings.ts';

/** What tokens and userinfo responses say by themselves (RFC 7519 §4.1, OIDC Core §2). */
const OURS: readonly string[] = [
  'iss',
  'sub',
  'aud',
  'azp',
  'exp',
  'nbf',
  'iat',
  'jti',
  'auth_time',
  'nonce',
  'acr',
  'amr',
  'sid',
  'at_hash',
  'c_hash',
  's_hash',
];

/** The host's claims for this response or token; none when it adds none. */
export async function moreClaims(
  ctx: Context,
  request: ClaimsRequest,
): Promise<Readonly<Record<string, unknown>>> {
  if (ctx.settings.claims === null) return {};
  const claims = await ctx.settings.claims(request);
  return Object.fromEntries(
    Object.entries(claims).filter(
      ([name, value]) => !OURS.includes(name) && value !== undefined && value !== null,
    ),
  );
}

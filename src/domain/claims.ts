/**
 * Claims about a person: those that the scopes release (`protocol/claims.ts`), and those that the
 * host adds (`Config.claims`), kept out of what the protocol says itself.
 */
import { releasedClaims } from '../protocol/claims.ts';
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

/** What the scopes release and the host adds, for a userinfo response (OIDC Core §5.3, §5.4). */
export async function personClaims(
  ctx: Context,
  request: ClaimsRequest,
): Promise<Readonly<Record<string, unknown>>> {
  const claimsByScope = Object.fromEntries(
    [...ctx.settings.scopes.values()].map(({ name, claims }) => [name, claims]),
  );
  const released = releasedClaims(request.account.claims, request.scopes, claimsByScope);
  return { ...released, ...(await moreClaims(ctx, request)) };
}

/**
 * The same for an ID token. OIDC Core §5.4: the claims of scopes are for the userinfo endpoint, so
 * they are here only where no access token leads there, and for clients that are registered so.
 * @param isAlone true where no access token is issued with this request
 */
export async function idTokenClaims(
  ctx: Context,
  request: Omit<ClaimsRequest, 'target'>,
  isAlone = false,
): Promise<Readonly<Record<string, unknown>>> {
  const whole = { ...request, target: 'id_token' } as const;
  if (!request.client.idTokenClaims && !isAlone) return await moreClaims(ctx, whole);
  return withoutOurs(await personClaims(ctx, whole));
}

/** The host's claims for this response or token; none when it adds none. */
async function moreClaims(
  ctx: Context,
  request: ClaimsRequest,
): Promise<Readonly<Record<string, unknown>>> {
  if (ctx.settings.claims === null) return {};
  return withoutOurs(await ctx.settings.claims(request));
}

function withoutOurs(claims: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(claims).filter(
      ([name, value]) => !OURS.includes(name) && value !== undefined && value !== null,
    ),
  );
}

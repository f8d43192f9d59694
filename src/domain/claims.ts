/**
 * Claims about a person: those that the scopes release (`protocol/claims.ts`), and those that the
 * host adds (`Config.claims`), kept out of what the protocol says itself.
 */
import { releasedClaims } from '../protocol/claims.ts';
import type { Client, Details } from '../store/records.ts';
import type { Context } from './context.ts';
import { availableScopes, offeredScopes } from './scopes.ts';
import type { AccessTokenClaimsRequest, ClaimsRequest, Settings } from './settings.ts';

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

/** Where claims are sent. */
type Target = ClaimsRequest['target'];

/** A person, the client that asks about them, and what it may know. */
export type Asked = Pick<ClaimsRequest, 'account' | 'client' | 'scopes'> & {
  /** Details of the token, of the code or of the request: the claims asked for by name. */
  readonly details: Details;
};

/** Claims that were asked for by name (OIDC Core §5.5): the member `claims` of details. */
export type RequestedClaims = Readonly<Record<Target, Readonly<Record<string, unknown>>>>;

/**
 * The claims asked for by name, each with the values of which it has to be one; null: any. The
 * details of a feature hold them, so that they travel with a code to every token.
 */
function requestedIn({ details }: Asked, target: Target): ReadonlyMap<string, unknown> {
  const { claims } = details as { readonly claims?: RequestedClaims | null };
  return new Map(Object.entries(claims?.[target] ?? {}));
}

/**
 * Details of a token that holds less than was granted: without the claims asked for by name.
 * @param granted the details of the grant
 * @param own what the token adds to them
 */
export function withoutClaims(granted: Details, own: Details): Details {
  return 'claims' in granted ? { ...own, claims: null } : own;
}

/** What access tokens say by themselves (RFC 9068 §2.2, RFC 7662 §2.2). */
const OF_TOKENS: readonly string[] = [
  'act',
  'active',
  'authorization_details',
  'client_id',
  'cnf',
  'may_act',
  'scope',
  'token_type',
  'username',
];

/** The host's claims of an access token; none when it adds none. */
export async function tokenClaimsOfHost(
  { settings: { accessTokenClaims } }: Pick<Context, 'settings'>,
  asked: AccessTokenClaimsRequest,
): Promise<Readonly<Record<string, unknown>>> {
  if (accessTokenClaims === null) return {};
  const claims = withoutOurs(await accessTokenClaims(asked));
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !OF_TOKENS.includes(name)));
}

/** The scope that releases a claim to a client; null when none does. */
export function scopeOfClaim(settings: Settings, client: Client, claim: string): string | null {
  for (const { name, claims } of settings.scopes.values()) {
    const isAvailable = availableScopes(settings, client, [name], 'for-user').length > 0;
    if (claim !== 'sub' && isAvailable && claims.includes(claim)) return name;
  }
  return null;
}

/**
 * What the scopes release, what was asked for by name, and what the host adds, for a userinfo
 * response (OIDC Core §5.3, §5.4, §5.5).
 */
export async function personClaims(
  ctx: Context,
  asked: Asked,
): Promise<Readonly<Record<string, unknown>>> {
  return {
    ...(await released(ctx, asked, 'userinfo', true)),
    ...(await moreClaims(ctx, asked, 'userinfo')),
  };
}

/**
 * The same for an ID token. OIDC Core §5.4: the claims of scopes are for the userinfo endpoint, so
 * they are here only where no access token leads there, and for clients that are registered so.
 * @param isAlone true where no access token is issued with this request
 */
export async function idTokenClaims(
  ctx: Context,
  asked: Asked,
  isAlone = false,
): Promise<Readonly<Record<string, unknown>>> {
  const claims = await released(ctx, asked, 'id_token', asked.client.idTokenClaims || isAlone);
  return { ...withoutOurs(claims), ...(await moreClaims(ctx, asked, 'id_token')) };
}

async function released(
  { settings }: Context,
  asked: Asked,
  target: Target,
  byScopes: boolean,
): Promise<Record<string, unknown>> {
  const { account, client, scopes } = asked;
  const requested = requestedIn(asked, target);
  const scopeOf = (name: string): string => scopeOfClaim(settings, client, name) ?? '';
  const names = [...requested.keys()];
  const offered = await offeredScopes(settings, client, names.map(scopeOf), 'for-user');
  const byName = names.filter((name) => offered.includes(scopeOf(name)));
  const claimsByScope = Object.fromEntries(
    [...settings.scopes.values()].map(({ name, claims }) => [name, claims]),
  );
  const claims = {
    ...(byScopes ? releasedClaims(account.claims, scopes, claimsByScope) : {}),
    ...releasedClaims(account.claims, [BY_NAME], { [BY_NAME]: byName }),
  };
  return Object.fromEntries(
    Object.entries(claims).filter(([name, value]) => isWanted(requested.get(name), value)),
  );
}

/** No scope has this name: its characters are none of a scope. */
const BY_NAME = ' ';

/** OIDC Core §5.5.1: a claim that is asked for with values is returned with one of them. */
function isWanted(values: unknown, value: unknown): boolean {
  if (!Array.isArray(values)) return true;
  const text = JSON.stringify(value);
  return values.some((one) => JSON.stringify(one) === text);
}

/** The host's claims for this response or token; none when it adds none. */
async function moreClaims(
  ctx: Context,
  asked: Asked,
  target: Target,
): Promise<Readonly<Record<string, unknown>>> {
  if (ctx.settings.claims === null) return {};
  const { account, client, scopes } = asked;
  const requested = [...requestedIn(asked, target).keys()];
  return withoutOurs(await ctx.settings.claims({ target, account, client, scopes, requested }));
}

function withoutOurs(claims: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(claims).filter(
      ([name, value]) => !OURS.includes(name) && value !== undefined && value !== null,
    ),
  );
}

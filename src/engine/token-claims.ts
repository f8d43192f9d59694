/** What an access token says: to whoever reads a JWT, and to whoever introspects it. */
import type { Account } from '../domain/accounts.ts';
import { tokenClaimsOfHost } from '../domain/claims.ts';
import { type Confirmation, confirmationIn } from '../domain/confirmations.ts';
import type { Context } from '../domain/context.ts';
import { resourcesIn } from '../domain/resources.ts';
import { formatScope } from '../protocol/scope.ts';
import type { AccessToken, Client, Details, Entitlement, Seconds } from '../store/records.ts';
import type { EngineContext } from './contracts/context.ts';
import { claimsOfDetails } from './token-parameters.ts';

/** A token, and whom it is about. */
export interface DescribedToken {
  readonly token: Omit<AccessToken, 'digest'>;
  readonly client: Client;
  /** The person; null when the client acts for itself. */
  readonly account: Account | null;
  /** How they were signed in; null when that is not known. */
  readonly login: Pick<Entitlement, 'authTime' | 'amr' | 'acr'> | null;
}

/** What describing a token needs. */
export type DescribingContext = Pick<Context, 'settings' | 'subjectOf'> &
  Pick<EngineContext, 'engine'>;

/** What every access token says. */
export interface AccessTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly client_id: string;
  readonly scope?: string;
  readonly iat: Seconds;
  readonly exp: Seconds;
  readonly cnf?: Confirmation;
  readonly [claim: string]: unknown;
}

/** Claims of RFC 9068 §2.2 and RFC 7662 §2.2, without those of one of the two alone. */
export async function accessTokenClaims(
  ctx: DescribingContext,
  { token, client, account, login }: DescribedToken,
): Promise<AccessTokenClaims> {
  const { clientId, sub, scopes, details, issuedAt, expiresAt } = token;
  const cnf = confirmationIn(details);
  return {
    ...(await tokenClaimsOfHost(ctx, { account, client, scopes })),
    iss: ctx.settings.issuer,
    // RFC 9068 §2.2: a token of the client itself has its client_id as subject. `client_id` beside
    // it, and no auth_time, tell the two kinds apart (RFC 9700 §4.15).
    sub: sub === null ? clientId : ctx.subjectOf(client, sub),
    client_id: clientId,
    // RFC 6749 §3.3: a scope has at least one value.
    ...(scopes.length === 0 ? {} : { scope: formatScope(scopes) }),
    iat: issuedAt,
    exp: expiresAt,
    // RFC 9470 §6: what an API needs to judge how somebody signed in.
    ...(login === null ? {} : loginClaims(login)),
    // RFC 9449 §6: what the API has to check.
    ...(Object.keys(cnf).length === 0 ? {} : { cnf }),
    ...audienceOf(details),
    ...claimsOfDetails(ctx, details, (one) => ctx.subjectOf(client, one)),
  };
}

/** RFC 8707 §2: the APIs that a token is for. */
function audienceOf(details: Details): { readonly aud?: string | readonly string[] } {
  const [only, ...others] = resourcesIn(details);
  if (only === undefined) return {};
  return { aud: others.length === 0 ? only : [only, ...others] };
}

function loginClaims({
  authTime,
  acr,
  amr,
}: NonNullable<DescribedToken['login']>): Readonly<Record<string, unknown>> {
  return {
    ...(authTime === null ? {} : { auth_time: authTime }),
    ...(acr === null ? {} : { acr }),
    ...(amr.length === 0 ? {} : { amr }),
  };
}

/**
 * What a live access token is worth, with the members of RFC 7662 §2.2: for the introspection
 * endpoint, and for APIs in the same process. Who may know it is left to the caller.
 */
import type { LiveAccessToken } from '../domain/access-tokens.ts';
import { type Account, findEnabledAccount } from '../domain/accounts.ts';
import { type Confirmation, confirmationIn, tokenTypeOf } from '../domain/confirmations.ts';
import type { Seconds } from '../store/records.ts';
import { accessTokenClaims, type DescribingContext } from './token-claims.ts';

/** A live access token, with the members of RFC 7662 §2.2. */
export interface DescribedAccessToken {
  /** Always true. */
  readonly active: true;
  /** Its scopes, separated by spaces; missing when it has none. */
  readonly scope?: string;
  /** The client that it was issued to. */
  readonly client_id: string;
  /** Name of the person, where the account says it. */
  readonly username?: string;
  /** How it is presented. */
  readonly token_type: 'Bearer' | 'DPoP';
  /** What it is bound to; missing when it is not. */
  readonly cnf?: Confirmation;
  /** When it ends, in seconds. */
  readonly exp: Seconds;
  /** When it was issued, in seconds. */
  readonly iat: Seconds;
  /** The subject; the `client_id` when it acts for the client itself. */
  readonly sub: string;
  /** The issuer. */
  readonly iss: string;
  /** What features and the host add: `aud`, `authorization_details`, `act`, roles. */
  readonly [member: string]: unknown;
}

/** What is told of a live access token; null when its person is disabled or gone. */
export async function describeAccessToken(
  ctx: DescribingContext,
  { token, client, login }: LiveAccessToken,
): Promise<DescribedAccessToken | null> {
  const { sub } = token;
  const account = sub === null ? null : await findEnabledAccount(ctx.settings.accounts, sub);
  if (sub !== null && account === null) return null;
  return {
    active: true,
    ...(await accessTokenClaims(ctx, { token, client, account, login })),
    ...nameOf(account),
    token_type: tokenTypeOf(confirmationIn(token.details)),
  };
}

/** What a resource server calls the person (RFC 7662 §2.2), where the account says so. */
export function nameOf(account: Account | null): { readonly username?: string } {
  const username = account?.claims['preferred_username'];
  return typeof username === 'string' && username !== '' ? { username } : {};
}

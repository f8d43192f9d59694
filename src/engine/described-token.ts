/**
 * What a live access token is worth, with the members of RFC 7662 §2.2: for the introspection
 * endpoint, and for APIs in the same process. Who may know it is left to the caller.
 */
import { type Account, findEnabledAccount } from '../domain/accounts.ts';
import { type Confirmation, confirmationIn, tokenTypeOf } from '../domain/confirmations.ts';
import type { Context } from '../domain/context.ts';
import { formatScope } from '../protocol/scope.ts';
import type { AccessToken, Client, Seconds } from '../store/records.ts';
import type { EngineContext } from './contracts/context.ts';
import { introspectedDetails } from './token-parameters.ts';

/** What describing a token needs. */
export type DescribingContext = Pick<Context, 'settings' | 'subjectOf'> &
  Pick<EngineContext, 'engine'>;

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
  /** What features add: `aud`. */
  readonly [member: string]: unknown;
}

/** What is told of a live access token; null when its person is disabled or gone. */
export async function describeAccessToken(
  ctx: DescribingContext,
  { token, client }: { readonly token: AccessToken; readonly client: Client },
): Promise<DescribedAccessToken | null> {
  const cnf = confirmationIn(token.details);
  const person = token.sub === null ? {} : await describeAccount(ctx, token.sub);
  if (person === null) return null;
  return {
    active: true,
    ...scopeOf(token.scopes),
    client_id: token.clientId,
    ...person,
    token_type: tokenTypeOf(cnf),
    // RFC 9449 §6.2: what the resource server has to check.
    ...(Object.keys(cnf).length === 0 ? {} : { cnf }),
    ...introspectedDetails(ctx, token),
    exp: token.expiresAt,
    iat: token.issuedAt,
    // A token of the client itself has its client_id as subject; `client_id` beside it tells the
    // two kinds apart (RFC 9700 §4.15).
    sub: token.sub === null ? token.clientId : ctx.subjectOf(client, token.sub),
    iss: ctx.settings.issuer,
  };
}

/** RFC 6749 §3.3: a scope has at least one value. */
export function scopeOf(scopes: readonly string[]): { readonly scope?: string } {
  return scopes.length === 0 ? {} : { scope: formatScope(scopes) };
}

/**
 * What a resource server calls the person (RFC 7662 §2.2 `username`), where the account says so;
 * null when the account does not exist or is disabled.
 */
export async function describeAccount(
  ctx: Pick<Context, 'settings'>,
  sub: string,
): Promise<{ readonly username?: string } | null> {
  const account: Account | null = await findEnabledAccount(ctx.settings.accounts, sub);
  if (account === null) return null;
  const username = account.claims['preferred_username'];
  return typeof username === 'string' && username !== '' ? { username } : {};
}

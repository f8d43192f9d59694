/**
 * Tokens that are exchanged (RFC 8693 §2.1): what one is worth, and who may act for its subject.
 */
import { findLiveAccessToken } from '../../domain/access-tokens.ts';
import { findEnabledAccount } from '../../domain/accounts.ts';
import { confirmationIn } from '../../domain/confirmations.ts';
import { resourcesIn } from '../../domain/resources.ts';
import { OAuthError, type RefusalHint } from '../../protocol/errors.ts';
import type { AccessToken, Client, Entitlement } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

/** An access token that a client presents to be exchanged. */
export interface ExchangedToken {
  /** The record of the token. */
  readonly token: AccessToken;
  /** The client that it was issued to. */
  readonly client: Client;
  /** The person; null when it acts for the client itself. */
  readonly sub: string | null;
  /** Its scopes. */
  readonly scopes: readonly string[];
  /** APIs that it is for; empty: this provider. */
  readonly resources: readonly string[];
  /** True when it is bound to a key, which the client that presents it need not have. */
  readonly isBound: boolean;
  /** Who acts for its subject already (`act`); undefined: nobody. */
  readonly act: unknown;
  /** How the person was signed in. */
  readonly login: Pick<Entitlement, 'authTime' | 'amr' | 'acr'> | null;
}

/** Claims that name who acts (RFC 8693 §4.1). */
export interface ActingParty {
  /** The subject. */
  readonly sub: string;
  /** The client that acts, or by which the person acts. */
  readonly client_id?: string;
  /** The issuer of `sub`. @default this provider */
  readonly iss?: string;
  /** Who acted before. */
  readonly act?: ActingParty;
}

/** Says who may act for a subject; null: nobody is named. */
export type MayAct = (facts: {
  /** The client that gets the token. */
  readonly client: Client;
  /** The subject of the token. */
  readonly sub: string;
  /** Scopes that were granted. */
  readonly scopes: readonly string[];
}) => ActingParty | null | Promise<ActingParty | null>;

/** Why an exchange is refused (RFC 8693 §2.2.2). */
export function refusedExchange(
  reason: string,
  description: string,
  hint: RefusalHint = {},
): OAuthError {
  return new OAuthError('invalid_request', reason, description, { hint });
}

/** The token of a text, if it is worth something at this moment. */
export async function findExchanged(
  ctx: RequestContext,
  text: string,
): Promise<ExchangedToken | null> {
  const found = await findLiveAccessToken(ctx, text);
  if (found === null) return null;
  const { token, client, login } = found;
  const { sub, scopes, details } = token;
  const isGone = sub !== null && (await findEnabledAccount(ctx.settings.accounts, sub)) === null;
  if (isGone) return null;
  return {
    token,
    client,
    sub,
    scopes,
    resources: resourcesIn(details),
    isBound: Object.keys(confirmationIn(details)).length > 0,
    act: details['act'],
    login,
  };
}

/** Who acts: the subject of the actor token, else the client itself. */
export function partyOf(actor: ExchangedToken | null, client: Client): ActingParty {
  if (actor === null) return { sub: client.clientId, client_id: client.clientId };
  const { clientId } = actor.client;
  return { sub: actor.sub ?? clientId, client_id: clientId };
}

/** RFC 8693 §4.4: where it is said who may act, nobody else may. */
export function isAllowedBy(issuer: string, named: unknown, party: ActingParty): boolean {
  if (named === undefined || named === null) return true;
  const acts: Readonly<Record<string, unknown>> = { iss: issuer, ...party };
  const wanted = Object.entries(named as Readonly<Record<string, unknown>>);
  return wanted.length > 0 && wanted.every(([claim, value]) => acts[claim] === value);
}

/** A party as the client of a token knows people (OIDC Core §8); clients have one name for all. */
export function toldParty(party: ActingParty, subjectOf: (sub: string) => string): ActingParty {
  const { sub, client_id: clientId, iss, act } = party;
  const isPerson = typeof sub === 'string' && sub !== clientId && iss === undefined;
  return {
    ...party,
    ...(isPerson ? { sub: subjectOf(sub) } : {}),
    ...(act === undefined ? {} : { act: toldParty(act, subjectOf) }),
  };
}

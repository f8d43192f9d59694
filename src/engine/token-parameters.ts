/** What the parameters of token requests do, for every grant and every endpoint (RFC 8707). */

import { resourcesIn } from '../domain/resources.ts';
import type { ConsentItem } from '../protocol/authorization-request.ts';
import { OAuthError } from '../protocol/errors.ts';
import { isSameResource } from '../protocol/resource-identifier.ts';
import type { AccessToken, Client, Details } from '../store/records.ts';
import type { EngineContext } from './contracts/context.ts';
import type { TokenReading } from './contracts/token-parameter.ts';

type Members = Readonly<Record<string, unknown>>;

/** What token parameters of a request add to the access token. @throws OAuthError */
export async function tokenDetails(ctx: EngineContext, reading: TokenReading): Promise<Details> {
  const details: Record<string, unknown> = {};
  for (const one of ctx.engine.tokenParameters)
    Object.assign(details, await one.details?.(ctx, reading));
  return details;
}

/** What people have to allow for details that a device asks for. */
export async function consentItemsOf(
  ctx: EngineContext,
  client: Client,
  details: Details,
): Promise<readonly ConsentItem[]> {
  const items: ConsentItem[] = [];
  for (const one of ctx.engine.tokenParameters)
    items.push(...((await one.consentItems?.(ctx, client, details)) ?? []));
  return items;
}

/** What a token says because of its details (RFC 7662 §2.2, RFC 9068 §2.2). */
export function claimsOfDetails(
  { engine }: Pick<EngineContext, 'engine'>,
  details: Details,
  subjectOf: (sub: string) => string,
): Members {
  const claims = engine.tokenParameters.map((one) => one.claims?.(details, subjectOf));
  return Object.assign({}, ...claims) as Members;
}

/** What the token response says because of them. */
export function toldOf({ engine }: EngineContext, details: Details): Members {
  const told = engine.tokenParameters.map((one) => one.response?.(details));
  return Object.assign({}, ...told) as Members;
}

/** A token that is presented here is for this provider. @throws OAuthError `invalid_token` */
export function requireForUs(ctx: EngineContext, { details }: Pick<AccessToken, 'details'>): void {
  // RFC 8707 §2: a token for an API is not for this provider, to which that API could pass it on.
  const own = ctx.settings.issuer;
  if (resourcesIn(details).every((one) => isSameResource(one, own))) return;
  throw new OAuthError('invalid_token', 'token_audience', 'The access token is invalid.', {
    hint: { expected: 'a token for this provider', received: 'a token for an API' },
  });
}

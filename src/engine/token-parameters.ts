/** What the parameters of token requests do, for every grant and every endpoint (RFC 8707). */
import { OAuthError } from '../protocol/errors.ts';
import type { AccessToken, Details } from '../store/records.ts';
import type { EngineContext } from './contracts/context.ts';
import type { TokenReading } from './contracts/token-parameter.ts';

/** What token parameters of a request add to the access token. @throws OAuthError */
export function tokenDetails(ctx: EngineContext, reading: TokenReading): Details {
  const parts = ctx.engine.tokenParameters.map((one) => one.details(ctx, reading));
  return Object.assign({}, ...parts) as Details;
}

/** What introspection tells of a token because of token parameters (RFC 7662 §2.2). */
export function introspectedDetails(
  { engine }: Pick<EngineContext, 'engine'>,
  { details }: Pick<AccessToken, 'details'>,
): Readonly<Record<string, unknown>> {
  return Object.assign({}, ...engine.tokenParameters.map((one) => one.introspected(details)));
}

/** A token that is presented here is for this provider. @throws OAuthError `invalid_token` */
export function requireForUs(ctx: EngineContext, { details }: Pick<AccessToken, 'details'>): void {
  // RFC 8707 §2: a token for an API is not for this provider, to which that API could pass it on.
  if (ctx.engine.tokenParameters.every((one) => one.isForUs(ctx, details))) return;
  throw new OAuthError('invalid_token', 'token_audience', 'The access token is invalid.', {
    hint: { expected: 'a token for this provider', received: 'a token for an API' },
  });
}

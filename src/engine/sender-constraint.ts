/**
 * Holds tokens to what they are bound to, for every grant and every endpoint: what a request proves
 * is bound into new tokens, and a bound token is worth nothing without its proof (RFC 9449 §5, §7;
 * RFC 8705 §3).
 */
import { type Confirmation, confirmationIn } from '../domain/confirmations.ts';
import type { AuthorizationRequest } from '../protocol/authorization-request.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { AccessToken, Client } from '../store/records.ts';
import type { EngineContext } from './contracts/context.ts';
import { detailsOf } from './contracts/parameter.ts';
import type { PresentedToken } from './contracts/token-constraint.ts';

/**
 * What new tokens are bound to, by what the request of a client proves. The proofs are not used up
 * yet: `useProofs` does it.
 * @throws OAuthError
 */
export async function confirmationOf(ctx: EngineContext, client: Client): Promise<Confirmation> {
  const bound: Record<string, string> = {};
  for (const constraint of ctx.engine.tokenConstraints) {
    const value = await constraint.bind(ctx, client, 'token');
    if (value !== null) bound[constraint.confirmation] = value;
  }
  return bound;
}

/** True when tokens of an authorization request are bound, whatever its token request proves. */
export function bindsTokens(
  { engine: { parameters, tokenConstraints }, settings }: EngineContext,
  request: AuthorizationRequest,
  client: Client,
): boolean {
  const bound = confirmationIn(detailsOf(parameters, request, { client, settings }));
  return (
    Object.keys(bound).length > 0 ||
    tokenConstraints.some((constraint) => constraint.isRequired?.(client) === true)
  );
}

/**
 * Uses up what the request of a client proves, once the grant is proved as well: a client without a
 * secret could fill the store otherwise, with proofs of any keys.
 * @throws OAuthError when another request used it
 */
export async function useProofs(ctx: EngineContext): Promise<void> {
  for (const constraint of ctx.engine.tokenConstraints) await constraint.use?.(ctx);
}

/**
 * A token that is presented here is presented as it is bound, and the request proves the binding.
 * @param endpoint name of the endpoint
 * @throws OAuthError `invalid_token`
 */
export async function requireProof(
  ctx: EngineContext,
  presented: PresentedToken,
  { details }: Pick<AccessToken, 'details'>,
  endpoint: string,
): Promise<void> {
  const confirmation = confirmationIn(details);
  const bound = Object.entries(confirmation).map(
    ([member, value]) =>
      [
        ctx.engine.tokenConstraints.find((one) => one.confirmation === member) ?? null,
        value,
      ] as const,
  );
  const types = bound.map(([constraint]) => constraint?.tokenType ?? 'Bearer');
  const scheme = types.includes('DPoP') ? 'dpop' : 'bearer';
  // RFC 9449 §7.2: a bound token is not accepted as a bearer token, nor the other way round.
  if (presented.scheme !== scheme) {
    throw new OAuthError('invalid_token', 'token_scheme', 'The access token is invalid.', {
      hint: { expected: `the scheme ${scheme}`, received: presented.scheme },
    });
  }
  for (const [constraint, value] of bound) {
    // The feature is gone that could check it, so nobody can prove it here.
    if (constraint === null)
      throw new OAuthError('invalid_token', 'token_constraint', 'The access token is invalid.');
    await constraint.prove(ctx, presented, value, endpoint);
  }
}

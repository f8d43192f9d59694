/**
 * How an authorization response leaves: always with `iss` (RFC 9207), in the mode of its
 * destination.
 */
import type { Destination } from '../protocol/authorization-request.ts';
import type { OAuthError } from '../protocol/errors.ts';
import type { EngineContext } from './contracts/context.ts';
import { named } from './contracts/engine.ts';
import type { ResponseParameters } from './contracts/response-type.ts';

/** Sends parameters to the client. */
export async function sendResponse(
  ctx: EngineContext,
  destination: Destination,
  parameters: ResponseParameters,
): Promise<Response> {
  const { responseMode, state } = destination;
  const mode = named(ctx.engine.responseModes, responseMode);
  if (mode === null) throw new Error(`There is no response mode ${responseMode}.`);
  const all = {
    ...parameters,
    // RFC 6749 §4.1.2: state comes back exactly as it was received.
    ...(state === null ? {} : { state }),
    // RFC 9207 §2: iss in every response, errors included.
    iss: ctx.settings.issuer,
  };
  return await mode.send(ctx, destination, all);
}

/** Sends a refusal (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6). */
export async function sendRefusal(
  ctx: EngineContext,
  destination: Destination,
  error: OAuthError,
): Promise<Response> {
  const parameters = { error: error.code, error_description: error.description };
  return await sendResponse(ctx, destination, parameters);
}

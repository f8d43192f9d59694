/**
 * How an authorization response leaves: always with `iss` (RFC 9207), in the mode of its
 * destination.
 */
import type { Destination } from '../protocol/authorization-request.ts';
import type { OAuthError } from '../protocol/errors.ts';
import type { Client } from '../store/records.ts';
import type { EngineContext } from './contracts/context.ts';
import { type Engine, named } from './contracts/engine.ts';
import type { ResponseMode, ResponseParameters } from './contracts/response-type.ts';

/** Sends parameters to the client. */
export async function sendResponse(
  ctx: EngineContext,
  client: Client,
  destination: Destination,
  parameters: ResponseParameters,
): Promise<Response> {
  const { responseMode, state } = destination;
  const mode = modeOf(ctx.engine, responseMode);
  const all = {
    ...parameters,
    // RFC 6749 §4.1.2: state comes back exactly as it was received.
    ...(state === null ? {} : { state }),
    // RFC 9207 §2: iss in every response, errors included.
    iss: ctx.settings.issuer,
  };
  const { wraps } = mode;
  if (wraps === undefined) return await sendBy(ctx, mode, destination, all);
  const wrapped = await wraps.parameters(ctx, client, all);
  return await sendBy(ctx, modeOf(ctx.engine, wraps.mode), destination, wrapped);
}

function modeOf({ responseModes }: Engine, name: string): ResponseMode {
  const mode = named(responseModes, name);
  if (mode === null) throw new Error(`There is no response mode ${name}.`);
  return mode;
}

async function sendBy(
  ctx: EngineContext,
  mode: ResponseMode,
  destination: Destination,
  parameters: ResponseParameters,
): Promise<Response> {
  if (mode.send === undefined) throw new Error(`The response mode ${mode.name} sends nothing.`);
  return await mode.send(ctx, destination, parameters);
}

/** Sends a refusal (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6). */
export async function sendRefusal(
  ctx: EngineContext,
  client: Client,
  destination: Destination,
  error: OAuthError,
): Promise<Response> {
  const parameters = { error: error.code, error_description: error.description };
  return await sendResponse(ctx, client, destination, parameters);
}

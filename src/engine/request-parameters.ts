/**
 * Where the parameters of an authorization request come from: the request itself, or a source that
 * one of its parameters selects.
 */
import { OAuthError } from '../protocol/errors.ts';
import type { Params } from '../protocol/params.ts';
import type { Seconds } from '../store/records.ts';
import { pickParams } from '../web/parameter-places.ts';
import type { EngineContext } from './contracts/context.ts';
import type { Engine } from './contracts/engine.ts';
import { FRONT_CHANNEL, type RequestParameters } from './contracts/parameter-source.ts';

/** Read by `authorization-request.ts`, before the parameters of the table. */
const FIRST = ['client_id', 'redirect_uri', 'response_type', 'response_mode', 'scope', 'state'];
/** Known parameters that are refused or ignored here. */
const NOT_READ = ['display', 'claims_locales', 'request', 'request_uri', 'registration'];

/** Each provider has one engine, whose parameters never change: named once, not per request. */
const NAMES = new WeakMap<Engine, readonly string[]>();

/** Parameters that are read whenever the request goes on; they travel with it. */
export function readNames(engine: Engine): readonly string[] {
  const known = NAMES.get(engine);
  if (known !== undefined) return known;
  const names = [...FIRST, ...engine.parameters.flatMap(({ definition }) => definition.names)];
  NAMES.set(engine, names);
  return names;
}

/** Parameters that may be repeated. */
function repeatableNames({ parameters }: Engine): readonly string[] {
  return parameters
    .filter(({ definition }) => definition.repeatable)
    .flatMap(({ definition }) => definition.names);
}

/**
 * Parameters that an authorization request may have; all others are never looked at (RFC 6749
 * §3.1).
 */
export function knownNames(engine: Engine): readonly string[] {
  const selectors = engine.parameterSources.map(({ parameter }) => parameter);
  return [...readNames(engine), ...selectors, ...NOT_READ];
}

/**
 * The parameters that travel with an interaction: those that are read, or only those that select
 * the source.
 */
export function carriedParams(
  engine: Engine,
  params: Params,
  source: string = FRONT_CHANNEL,
): Record<string, string> {
  const selector = engine.parameterSources.find(({ name }) => name === source)?.parameter;
  if (selector !== undefined) return pickParams(params, ['client_id', selector]);
  return pickParams(params, readNames(engine), repeatableNames(engine));
}

/**
 * The parameters that count: those of the source that one of them selects, or those that were sent.
 * @param requestedAt when the request arrived, if it continues; null when it arrives now
 * @param proven the client that proved itself and sends them; null when a browser brings them
 * @throws OAuthError to be shown as a page
 */
export async function requestParameters(
  ctx: EngineContext,
  sent: Params,
  requestedAt: Seconds | null,
  proven: string | null = null,
): Promise<RequestParameters> {
  for (const source of ctx.engine.parameterSources) {
    const value = sent.only(source.parameter);
    if (value === null) continue;
    // A client_id stands beside whatever refers to a request.
    const clientId = proven ?? sent.need('client_id');
    const { name } = source;
    const [readable, repeatable] = [readNames(ctx.engine), repeatableNames(ctx.engine)];
    const reference = { value, clientId, requestedAt, sent, readable, repeatable };
    const loaded = await source.load(ctx, reference);
    if (loaded === null) continue;
    const { params, consumes, isSigned = false, problem = null } = loaded;
    const carried = loaded.carried ?? carriedParams(ctx.engine, sent, name);
    return { params, consumes, isSigned, problem, carried, source: name };
  }
  const carried = carriedParams(ctx.engine, sent);
  const [consumes, isSigned, problem] = [null, false, null];
  return { params: sent, consumes, isSigned, problem, carried, source: FRONT_CHANNEL };
}

/**
 * What can only be seen in a request as it was sent: repetitions, and parameters that are refused
 * rather than carried on.
 * @throws OAuthError to be sent to the destination
 */
export function checkAsSent(engine: Engine, sent: Params, source: string): void {
  const repeatable = repeatableNames(engine);
  sent.refuseRepeated(knownNames(engine).filter((name) => !repeatable.includes(name)));
  const selector = engine.parameterSources.find(({ name }) => name === source)?.parameter;
  // OIDC Core §6.1: request and request_uri never stand together.
  if (sent.has('request') && sent.has('request_uri') && selector !== undefined)
    throw new OAuthError(
      'invalid_request',
      'request_twice',
      'The parameters request and request_uri must not stand together.',
    );
  // OIDC Core §3.1.2.6: what is not supported is refused by name, since ignoring it would change
  // the request.
  for (const [name, code, reason] of REFUSED) {
    if (name !== selector && sent.has(name))
      throw new OAuthError(code, reason, `The parameter ${name} is not supported.`);
  }
}

const REFUSED = [
  ['request', 'request_not_supported', 'request_object'],
  ['request_uri', 'request_uri_not_supported', 'request_uri'],
  ['registration', 'registration_not_supported', 'registration'],
] as const;

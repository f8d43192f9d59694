/**
 * The checks of an authorization request, in one visible order. Until client and redirect URI are
 * proven a failure is a page; from then on it is sent to the proven destination (RFC 6749
 * §4.1.2.1). Endpoints and flows that take or continue such requests share it.
 */
import { redirectUriRulesOf } from '../domain/redirect-rules.ts';
import { resolveScopes } from '../domain/scopes.ts';
import type {
  AuthorizationRequest,
  ConsentItem,
  Destination,
  LoginDemand,
} from '../protocol/authorization-request.ts';
import { OAuthError, type RefusalHint } from '../protocol/errors.ts';
import type { Params } from '../protocol/params.ts';
import {
  matchesRedirectUri,
  nearestMismatch,
  redirectUriProblem,
} from '../protocol/redirect-uri.ts';
import { applicationCommand, nameForLog, updateCommand } from '../protocol/remedies.ts';
import { bringsTokens, responseTypeName } from '../protocol/response-types.ts';
import { parseScope } from '../protocol/scope.ts';
import { hasWildcard } from '../protocol/wildcards.ts';
import type { Client } from '../store/records.ts';
import { boundsOfRequest } from './access-token-rules.ts';
import type { EngineContext } from './contracts/context.ts';
import { type Engine, named, promptValuesOf } from './contracts/engine.ts';
import type { RequestParameters } from './contracts/parameter-source.ts';
import type { ResponseType } from './contracts/response-type.ts';
import { LONGEST_STATE } from './parameters.ts';
import { logLeftOut } from './refusals.ts';
import { checkAsSent } from './request-parameters.ts';
import { bindsTokens } from './sender-constraint.ts';

/** A request whose client and destination are proven; nothing else about it is. */
export interface ProvenDestination {
  readonly client: Client;
  readonly destination: Destination;
  /** The redirect_uri parameter as sent; null when the only registered one is used instead. */
  readonly sentRedirectUri: string | null;
}

/**
 * First half: client, then redirect URI.
 * @throws OAuthError to be shown as a page, never redirected
 */
export async function proveDestination(
  ctx: EngineContext,
  params: Params,
): Promise<ProvenDestination> {
  const sent = params.get('redirect_uri') ?? null;
  const known = await findClient(ctx, params);
  ctx.clientId = known.clientId;
  // Before a refusal: another node may have enabled the client, or registered the address.
  const newer = isRefused(ctx, known, sent) ? await ctx.clients.lookAgain(known) : null;
  const client = requireEnabled(newer ?? known);
  const redirectUri =
    sent === null ? onlyRedirectUri(client, params) : registered(ctx, client, sent);
  const state = params.only('state');
  return {
    client,
    sentRedirectUri: sent,
    destination: {
      redirectUri,
      responseMode: responseModeOf(ctx.engine, params),
      // A state too long to echo is refused in the second half, and then not echoed.
      state: state !== null && state.length <= LONGEST_STATE ? state : null,
    },
  };
}

// RFC 6749 §4.1.2.1: an invalid client identifier or redirection URI must not redirect.
async function findClient(ctx: EngineContext, params: Params): Promise<Client> {
  const clientId = params.get('client_id');
  if (clientId === undefined) {
    throw new OAuthError(
      'invalid_request',
      'client_id_missing',
      'The parameter client_id is missing.',
    );
  }
  const client = await ctx.clients.identify(clientId, ctx.request);
  if (client === null) {
    throw new OAuthError(
      'invalid_request',
      'client_unknown',
      'The application is not registered here.',
      {
        hint: {
          expected: 'the client_id of an application (npx valetkey application list)',
          received: nameForLog(clientId),
        },
      },
    );
  }
  return client;
}

function isRegistered(ctx: EngineContext, client: Client, sent: string): boolean {
  const rules = redirectUriRulesOf(ctx.settings, client);
  // RFC 9700 §2.1: exact string comparison.
  return client.redirectUris.some((uri) => matchesRedirectUri(sent, uri, rules));
}

function isRefused(ctx: EngineContext, client: Client, sent: string | null): boolean {
  // Without an address the only registered one counts.
  const isUnclear = sent === null && client.redirectUris.length !== 1;
  const isForeign = sent !== null && !isRegistered(ctx, client, sent);
  return client.disabledAt !== null || isUnclear || isForeign;
}

function requireEnabled(client: Client): Client {
  if (client.disabledAt === null) return client;
  throw new OAuthError(
    'unauthorized_client',
    'client_disabled',
    'The application is switched off.',
    { hint: { remedy: applicationCommand('enable', client.clientId) } },
  );
}

function registered(ctx: EngineContext, client: Client, sent: string): string {
  if (isRegistered(ctx, client, sent)) return sent;
  // Tell operators what differs, but not the sender of the request (RFC 6749 §4.1.2.1).
  throw new OAuthError(
    'invalid_request',
    'redirect_uri_mismatch',
    'The redirect_uri is not registered for this application.',
    { hint: mismatchHint(ctx, client, sent) },
  );
}

function mismatchHint(ctx: EngineContext, client: Client, sent: string): RefusalHint {
  const { requested, nearest, differs } = nearestMismatch(sent, client.redirectUris);
  // A query is not logged: it may hold a secret of the application.
  const query = sent.includes('?') ? ' (with its query)' : '';
  const all = [...client.redirectUris, requested];
  const rules = redirectUriRulesOf(ctx.settings, client);
  const problem = redirectUriProblem(requested, client.applicationType, rules);
  const isOff = !rules.allowWildcards && hasWildcard(nearest);
  return {
    expected: nearest,
    received: `${requested} (differs in: ${differs})`,
    remedy: isOff
      ? 'set allowRedirectUriWildcards on the server: the registered address has a wildcard'
      : problem === null
        ? `if this address is the application's: ${updateCommand(client.clientId, '--redirect-uri', all)}${query}`
        : `change the address in the application: it ${problem}`,
  };
}

function onlyRedirectUri(client: Client, params: Params): string {
  const [only, second] = client.redirectUris;
  const openid = (params.only('scope') ?? '').split(' ').includes('openid');
  // A request object may name another address, so do not guess one.
  const inside = params.has('request') || params.has('request_uri');
  // OIDC Core §3.1.2.1: redirect_uri is required. RFC 6749 §3.1.2.3: also when several are
  // registered.
  if (openid || inside || only === undefined || second !== undefined || hasWildcard(only)) {
    throw new OAuthError(
      'invalid_request',
      'redirect_uri_missing',
      'The parameter redirect_uri is missing.',
    );
  }
  return only;
}

/** How the response is sent. Refusals need it before the rest of the request is read. */
function responseModeOf(engine: Engine, params: Params): string {
  const tokens = bringsTokens(params.only('response_type') ?? '');
  const asked = named(engine.responseModes, params.only('response_mode') ?? '');
  if (asked !== null && (asked.carriesTokens || !tokens))
    return asked.shortFor?.(tokens) ?? asked.name;
  // OAuth Multiple Response Types §5: what may carry tokens, and its errors, go to the fragment.
  return tokens ? 'fragment' : 'query';
}

/**
 * Both halves. Before the second one refuses, the client is looked up again: another node may have
 * allowed what is asked for. Then it is judged anew, from the beginning.
 * @returns the request, and what was proven of the client as it is now
 * @throws OAuthError
 */
export async function readAsClientIs(
  ctx: EngineContext,
  given: Parameters<typeof readAuthorizationRequest>[1],
  proven: ProvenDestination,
): Promise<{ readonly request: AuthorizationRequest; readonly proven: ProvenDestination }> {
  try {
    return { request: await readAuthorizationRequest(ctx, given, proven), proven };
  } catch (error) {
    const isRefusal = error instanceof OAuthError;
    if (!isRefusal || (await ctx.clients.lookAgain(proven.client)) === null) throw error;
    const anew = await proveAnew(ctx, given.params);
    return { request: await readAuthorizationRequest(ctx, given, anew), proven: anew };
  }
}

/** RFC 6749 §4.1.2.1: an address that was withdrawn meanwhile gets no answer, not even this one. */
async function proveAnew(ctx: EngineContext, params: Params): Promise<ProvenDestination> {
  try {
    return await proveDestination(ctx, params);
  } catch (error) {
    throw error instanceof OAuthError ? error.notRedirected() : error;
  }
}

/**
 * Second half: everything else.
 * @param given `sent` is what an endpoint received now, before parameters were picked from it; null
 * when an interaction goes on that passed its checks before
 * @throws OAuthError to be sent to the destination
 */
async function readAuthorizationRequest(
  ctx: EngineContext,
  {
    params,
    source,
    isSigned,
    sent,
  }: Pick<RequestParameters, 'params' | 'source' | 'isSigned'> & { readonly sent: Params | null },
  { client, destination }: ProvenDestination,
): Promise<AuthorizationRequest> {
  if (sent !== null) checkAsSent(ctx.engine, sent, source);
  if ((params.get('state') ?? '').length > LONGEST_STATE)
    throw new OAuthError('invalid_request', 'state_too_long', 'The state or nonce is too long.');
  const responseType = readResponseType(ctx.engine, params, client);
  checkResponseMode(ctx.engine, params, responseType);
  const asked = params.get('scope');
  const scopes = await resolveScopes(ctx.settings, client, asked, 'for-user');
  if (sent !== null) logLeftOut(ctx, client, parseScope(asked ?? ''), scopes);
  const values: Record<string, unknown> = {};
  const consentScopes = [...scopes];
  const consentItems: ConsentItem[] = [];
  const demands: LoginDemand[] = [];
  const { clientId } = client;
  const { artifacts } = responseType;
  const request: AuthorizationRequest = {
    clientId,
    scopes,
    consentScopes,
    consentItems,
    artifacts,
    demands,
    values,
  };
  const reading = {
    params,
    source,
    isSigned,
    client,
    destination,
    artifacts,
    promptValues: promptValuesOf(ctx.engine),
    request,
  };
  for (const { definition } of ctx.engine.parameters) {
    const { names, onlyIn } = definition;
    const [name = ''] = names;
    if (onlyIn !== undefined && !onlyIn.includes(source) && names.some((one) => params.has(one))) {
      throw new OAuthError(
        'invalid_request',
        'parameter_misplaced',
        `The parameter ${name} must not stand here.`,
      );
    }
    const value = await definition.read(ctx, reading);
    values[name] = value;
    consentItems.push(...(definition.consentItems?.(value) ?? []));
    consentScopes.push(...(definition.consentScopes?.(value, ctx.settings, client) ?? []));
    demands.push(...[definition.demand?.(value, ctx.settings) ?? []].flat());
  }
  const tokens = {
    isBound: bindsTokens(ctx, request, client),
    accessToken: async () => await boundsOfRequest(ctx, request, client),
  };
  for (const name of artifacts) await named(ctx.engine.artifacts, name)?.check?.(request, tokens);
  Object.freeze(values);
  return Object.freeze(request);
}

/** Types with an access token, which operators may allow. */
const IN_ADDRESSES = /\btoken$/;

/** The response type of a request that was read. */
function requestedResponseType(engine: Engine, params: Params): ResponseType {
  const asked = responseTypeName(params.get('response_type') ?? '');
  const type = engine.responseTypes.find(({ name }) => name === asked);
  if (type !== undefined) return type;
  // RFC 9700 §2.1.2: access tokens leave this way only where the operator allows it.
  throw new OAuthError(
    'unsupported_response_type',
    'response_type',
    'The response_type is not supported.',
    {
      hint: {
        expected: engine.responseTypes.map(({ name }) => name).join(', '),
        received: nameForLog(asked),
        remedy: `set the response_type to code in the application${IN_ADDRESSES.test(asked) ? ', or allowImplicit of responseTypes on the server' : ''}`,
      },
    },
  );
}

function readResponseType(engine: Engine, params: Params, client: Client): ResponseType {
  if (params.get('response_type') === undefined) {
    throw new OAuthError(
      'invalid_request',
      'response_type_missing',
      'The parameter response_type is missing.',
    );
  }
  const type = requestedResponseType(engine, params);
  if (client.responseTypes.some((name) => responseTypeName(name) === type.name)) return type;
  throw new OAuthError(
    'unauthorized_client',
    'response_type_not_allowed',
    'The application may not use this response_type.',
    {
      hint: {
        expected: client.responseTypes.join(', ') || 'none: it has no grant type that needs one',
        received: type.name,
      },
    },
  );
}

function checkResponseMode(engine: Engine, params: Params, { name }: ResponseType): void {
  const asked = params.get('response_mode');
  if (asked === undefined) return;
  const mode = named(engine.responseModes, asked);
  // OAuth Multiple Response Types §5: tokens never go into a query.
  if (mode !== null && (mode.carriesTokens || !bringsTokens(name))) return;
  throw new OAuthError('invalid_request', 'response_mode', 'The response_mode is not supported.');
}

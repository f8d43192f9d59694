/**
 * The checks of an authorization request, in one visible order. Until client and redirect URI are proven a failure is a page; from then on
 * it is sent to the proven destination (RFC 6749 §4.1.2.1). Shared by the endpoints that take or continue such requests.
 */
import { JwtError } from '../crypto/jwt.ts';
import type { Context } from '../domain/context.ts';
import { verifyHint } from '../domain/id-tokens.ts';
import { resolveScopes } from '../domain/scopes.ts';
import type { AuthorizationRequest, Destination } from '../protocol/authorization-request.ts';
import { OAuthError } from '../protocol/errors.ts';
import { PROMPTS, type Prompt, RESPONSE_MODES, type ResponseMode } from '../protocol/names.ts';
import type { Params } from '../protocol/params.ts';
import { readChallenge } from '../protocol/pkce.ts';
import { matchesRedirectUri, nearestMismatch } from '../protocol/redirect-uri.ts';
import type { Client } from '../store/records.ts';
import { localesOf } from '../web/requests.ts';

/** Parameters that are read whenever the request goes on; they travel with it. */
export const CARRIED_PARAMS: readonly string[] = [
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'prompt',
  'max_age',
  'login_hint',
  'id_token_hint',
  'ui_locales',
  'acr_values',
];

/** Parameters this endpoint knows; all others are never looked at (RFC 6749 §3.1). */
export const AUTHORIZE_PARAMS: readonly string[] = [
  ...CARRIED_PARAMS,
  'display',
  'claims_locales',
  'claims',
  'request',
  'request_uri',
  'registration',
];

const LONGEST_STATE = 2048;

/** A request whose client and destination are proven; nothing else about it is. */
export interface ProvenDestination {
  readonly client: Client;
  readonly destination: Destination;
  readonly sentRedirectUri: string | null;
}

/**
 * First half: client, then redirect URI. @throws OAuthError to be shown as a page, never redirected
 */
export async function proveDestination(ctx: Context, params: Params): Promise<ProvenDestination> {
  // RFC 6749 §4.1.2.1: an invalid client identifier or redirection URI must not redirect.
  const clientId = params.get('client_id');
  if (clientId === undefined)
    throw new OAuthError(
      'invalid_request',
      'client_id_missing',
      'The parameter client_id is missing.',
    );
  const client = await ctx.clients.find(clientId);
  if (client === null)
    throw new OAuthError(
      'invalid_request',
      'client_unknown',
      'The application is not registered here.',
    );
  if (client.disabledAt !== null)
    throw new OAuthError(
      'unauthorized_client',
      'client_disabled',
      'The application is switched off.',
    );
  const sent = params.get('redirect_uri') ?? null;
  const redirectUri =
    sent === null ? onlyRedirectUri(client, params) : registered(ctx, client, sent);
  const state = lenient(params, 'state');
  return {
    client,
    sentRedirectUri: sent,
    destination: {
      redirectUri,
      responseMode: responseMode(lenient(params, 'response_mode')) ?? 'query',
      // A state too long to echo is refused in the second half, and then not echoed.
      state: state !== null && state.length <= LONGEST_STATE ? state : null,
    },
  };
}

function registered(ctx: Context, client: Client, sent: string): string {
  // RFC 9700 §2.1: exact string comparison.
  if (
    client.redirectUris.some((uri) =>
      matchesRedirectUri(sent, uri, { allowLocalhost: ctx.settings.allowLocalhostRedirect }),
    )
  )
    return sent;
  // Operators are told what differs; whoever asked is not (RFC 6749 §4.1.2.1 keeps the answer a page).
  ctx.settings.logger.info(
    { clientId: client.clientId, ...nearestMismatch(sent, client.redirectUris) },
    'redirect_uri is not registered',
  );
  throw new OAuthError(
    'invalid_request',
    'redirect_uri_mismatch',
    'The redirect_uri is not registered for this application.',
  );
}

function onlyRedirectUri(client: Client, params: Params): string {
  const [only, second] = client.redirectUris;
  const openid = (lenient(params, 'scope') ?? '').split(' ').includes('openid');
  // A request object may name an address of its own; guessing another would answer to the wrong one.
  const inside = params.has('request') || params.has('request_uri');
  // OIDC Core §3.1.2.1: redirect_uri is required. RFC 6749 §3.1.2.3: also when several are registered.
  if (openid || inside || only === undefined || second !== undefined) {
    throw new OAuthError(
      'invalid_request',
      'redirect_uri_missing',
      'The parameter redirect_uri is missing.',
    );
  }
  return only;
}

/**
 * Second half: everything else. @throws OAuthError to be sent to the destination
 */
export async function readAuthorizationRequest(
  ctx: Context,
  params: Params,
  proven: ProvenDestination,
): Promise<AuthorizationRequest> {
  const { client, destination } = proven;
  if (
    (params.get('state') ?? '').length > LONGEST_STATE ||
    (params.get('nonce') ?? '').length > LONGEST_STATE
  ) {
    throw new OAuthError('invalid_request', 'state_too_long', 'The state or nonce is too long.');
  }
  checkResponseType(params, client);
  const mode = params.get('response_mode');
  if (mode !== undefined && responseMode(mode) === null) {
    throw new OAuthError('invalid_request', 'response_mode', 'The response_mode is not supported.');
  }
  const scopes = resolveScopes(ctx.settings, client, params.get('scope'), 'for-user');
  const prompts = readPrompts(params.get('prompt'));
  return Object.freeze({
    clientId: client.clientId,
    destination,
    sentRedirectUri: proven.sentRedirectUri,
    responseType: 'code',
    scopes,
    nonce: params.get('nonce') ?? null,
    codeChallenge: challenge(ctx, params, client),
    prompts,
    maxAge: readMaxAge(params.get('max_age')),
    loginHint: params.get('login_hint')?.slice(0, 255) ?? null,
    hintedSub: await readHint(ctx, client, params.get('id_token_hint')),
    uiLocales: localesOf(params),
    acrValues: (params.get('acr_values') ?? '').split(' ').filter((value) => value !== ''),
  } satisfies AuthorizationRequest);
}

/**
 * What can only be seen in a request as it was sent: repetitions, and parameters that are refused rather than carried on.
 * @throws OAuthError to be sent to the destination
 */
export function checkAsSent(params: Params): void {
  params.refuseRepeated(AUTHORIZE_PARAMS);
  // OIDC Core §3.1.2.6: parameters that are not supported are refused by name, since ignoring them would change the request.
  if (params.has('request'))
    throw new OAuthError(
      'request_not_supported',
      'request_object',
      'The parameter request is not supported.',
    );
  if (params.has('request_uri')) {
    throw new OAuthError(
      'request_uri_not_supported',
      'request_uri',
      'The parameter request_uri is not supported.',
    );
  }
  if (params.has('registration')) {
    throw new OAuthError(
      'registration_not_supported',
      'registration',
      'The parameter registration is not supported.',
    );
  }
}

function checkResponseType(params: Params, client: Client): void {
  const responseType = params.get('response_type');
  if (responseType === undefined) {
    throw new OAuthError(
      'invalid_request',
      'response_type_missing',
      'The parameter response_type is missing.',
    );
  }
  // RFC 9700 §2.1.2: no access tokens from the authorization endpoint; only the code flow exists.
  if (responseType !== 'code') {
    throw new OAuthError(
      'unsupported_response_type',
      'response_type',
      'The response_type is not supported.',
    );
  }
  if (!client.responseTypes.includes('code')) {
    throw new OAuthError(
      'unauthorized_client',
      'response_type_not_allowed',
      'The application may not use this response_type.',
    );
  }
}

function challenge(ctx: Context, params: Params, client: Client): string | null {
  const read = readChallenge(params.get('code_challenge'), params.get('code_challenge_method'));
  // RFC 7636 §4.4.1: the server requires a challenge. RFC 9700 §2.1.1: public clients always send one.
  if (read === null && !(ctx.settings.allowMissingPkce && client.clientType === 'confidential')) {
    throw new OAuthError(
      'invalid_request',
      'code_challenge_missing',
      'A code_challenge with method S256 is required.',
    );
  }
  return read;
}

function readPrompts(text: string | undefined): readonly Prompt[] {
  if (text === undefined) return [];
  const prompts = text.split(' ').filter((prompt) => prompt !== '');
  const known = prompts.filter((prompt): prompt is Prompt =>
    (PROMPTS as readonly string[]).includes(prompt),
  );
  if (known.length !== prompts.length)
    throw new OAuthError('invalid_request', 'prompt', 'The prompt is not supported.');
  // OIDC Core §3.1.2.1: none stands alone.
  if (known.includes('none') && known.length > 1) {
    throw new OAuthError(
      'invalid_request',
      'prompt_none_combined',
      'The prompt none cannot be combined.',
    );
  }
  return known;
}

function readMaxAge(text: string | undefined): number | null {
  if (text === undefined) return null;
  // OIDC Core §3.1.2.1: max_age is a number of seconds.
  if (!/^[0-9]{1,10}$/.test(text))
    throw new OAuthError('invalid_request', 'max_age', 'The max_age is not a number of seconds.');
  return Number(text);
}

async function readHint(
  ctx: Context,
  client: Client,
  jwt: string | undefined,
): Promise<string | null> {
  if (jwt === undefined) return null;
  try {
    const hint = await verifyHint(ctx, jwt);
    // OIDC Core §3.1.2.1: the hint is an ID token issued to this client.
    if (hint.client.clientId === client.clientId) return hint.sub;
  } catch (cause) {
    if (!(cause instanceof JwtError)) throw cause;
  }
  throw new OAuthError(
    'invalid_request',
    'id_token_hint',
    'The id_token_hint is not a valid ID token of this application.',
  );
}

function responseMode(text: string | null): ResponseMode | null {
  return RESPONSE_MODES.find((mode) => mode === text) ?? null;
}

/** A value needed before repetitions may be reported: the only one, or none. */
function lenient(params: Params, name: string): string | null {
  try {
    return params.get(name) ?? null;
  } catch {
    return null;
  }
}

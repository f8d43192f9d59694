/** The parameters of a logout request (OIDC RP-Initiated Logout 1.0 §2) and their checks. */

import { JwtError } from '../../crypto/jwt.ts';
import { type Hint, verifyHint } from '../../domain/id-tokens.ts';
import { LONGEST_STATE } from '../../engine/parameters.ts';
import { OAuthError } from '../../protocol/errors.ts';
import type { Params } from '../../protocol/params.ts';
import { withQuery } from '../../protocol/redirect-uri.ts';
import type { Client } from '../../store/records.ts';
import { localesOf, pickParams } from '../../web/parameter-places.ts';
import type { RequestContext } from '../../web/request.ts';

/** What is read later. */
const READ = ['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state', 'ui_locales'];
/** `logout_hint` says nothing that the session does not. */
const KNOWN = [...READ, 'logout_hint'];

/** A logout request that passed its checks. */
export interface LogoutRequest {
  readonly client: Client | null;
  readonly hint: Hint | null;
  /** Where to go afterwards, `state` included. */
  readonly returnTo: string | null;
  readonly uiLocales: readonly string[];
}

/**
 * What of a request travels with an interaction.
 * @throws OAuthError when a parameter is repeated
 */
export function logoutParams(params: Params): Record<string, string> {
  params.refuseRepeated(KNOWN);
  return pickParams(params, READ);
}

/** @throws OAuthError `invalid_request` */
export async function readLogoutRequest(
  ctx: RequestContext,
  params: Params,
): Promise<LogoutRequest> {
  params.refuseRepeated(KNOWN);
  const hint = await readHint(ctx, params.get('id_token_hint'));
  const client = await findClient(ctx, hint, params.get('client_id'));
  if ((params.get('state') ?? '').length > LONGEST_STATE)
    throw refused('state_too_long', 'The state is too long.');
  const disabled = client !== null && client.disabledAt !== null;
  // Send nobody to a disabled client, but sign the user out all the same.
  const returnTo = disabled ? null : returnAddress(client, params);
  return { client, hint, returnTo, uiLocales: localesOf(params) };
}

function refused(reason: string, description: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_request', reason, description, { cause });
}

async function readHint(ctx: RequestContext, jwt: string | undefined): Promise<Hint | null> {
  if (jwt === undefined) return null;
  try {
    return await verifyHint(ctx, jwt);
  } catch (cause) {
    if (!(cause instanceof JwtError)) throw cause;
    throw refused('logout_hint_invalid', 'Missing or invalid id_token_hint.', cause);
  }
}

async function findClient(
  ctx: RequestContext,
  hint: Hint | null,
  clientId: string | undefined,
): Promise<Client | null> {
  // RP-Initiated Logout §2: client_id and the hint name the same client.
  if (hint !== null && clientId !== undefined && clientId !== hint.client.clientId)
    throw refused('logout_client_mismatch', 'The client_id is not that of the id_token_hint.');
  if (hint !== null) return hint.client;
  if (clientId === undefined) return null;
  const client = await ctx.clients.find(clientId);
  if (client === null)
    throw refused('logout_client_unknown', 'The application is not registered here.');
  return client;
}

// RP-Initiated Logout §3: the address is one that the client registered, exactly, and the client is
// known.
function returnAddress(client: Client | null, params: Params): string | null {
  const uri = params.get('post_logout_redirect_uri');
  if (uri === undefined) return null;
  if (client === null) {
    throw refused(
      'logout_client_missing',
      'A post_logout_redirect_uri needs an id_token_hint or a client_id.',
    );
  }
  if (!client.postLogoutRedirectUris.includes(uri)) {
    throw refused(
      'logout_redirect_uri_mismatch',
      'The post_logout_redirect_uri is not registered for this application.',
    );
  }
  const state = params.get('state');
  return state === undefined ? uri : withQuery(uri, { state });
}

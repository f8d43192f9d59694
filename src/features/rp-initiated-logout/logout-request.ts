/** The parameters of a logout request (OIDC RP-Initiated Logout 1.0 §2) and their checks. */
import { JwtError } from '../../crypto/jwt.ts';
import { type Hint, verifyHint } from '../../domain/id-tokens.ts';
import { redirectUriRulesOf } from '../../domain/redirect-rules.ts';
import type { EngineContext } from '../../engine/contracts/context.ts';
import { LONGEST_STATE } from '../../engine/parameters.ts';
import { OAuthError, type RefusalHint } from '../../protocol/errors.ts';
import type { Params } from '../../protocol/params.ts';
import { nearestMismatch, redirectUriProblem, withQuery } from '../../protocol/redirect-uri.ts';
import { nameForLog, updateCommand } from '../../protocol/remedies.ts';
import { isSameOrCovered } from '../../protocol/wildcards.ts';
import type { Client } from '../../store/records.ts';
import { localesOf, pickParams } from '../../web/parameter-places.ts';

/** What is read later. */
const READ = ['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state', 'ui_locales'];
/** `logout_hint` says nothing that the session does not. */
const KNOWN = [...READ, 'logout_hint'];

/** A logout request, as far as it can be trusted. */
export interface LogoutRequest {
  readonly client: Client | null;
  readonly hint: Hint | null;
  /** Where to go afterwards, `state` included. */
  readonly returnTo: string | null;
  readonly uiLocales: readonly string[];
  /**
   * What is wrong with it. It sends nobody anywhere then (RP-Initiated Logout §4), and people are
   * asked: they came to sign out.
   */
  readonly problems: readonly OAuthError[];
}

/**
 * What of a request travels with an interaction.
 * @throws OAuthError when a parameter is repeated
 */
export function logoutParams(params: Params): Record<string, string> {
  params.refuseRepeated(KNOWN);
  return pickParams(params, READ);
}

/** @throws OAuthError `invalid_request` for repeated parameters or a state that is too long */
export async function readLogoutRequest(
  ctx: EngineContext,
  params: Params,
  { acceptExpiredHints }: { readonly acceptExpiredHints: boolean },
): Promise<LogoutRequest> {
  params.refuseRepeated(KNOWN);
  if ((params.get('state') ?? '').length > LONGEST_STATE)
    throw refused('state_too_long', 'The state is too long.');
  const problems: OAuthError[] = [];
  const jwt = params.get('id_token_hint');
  const hint = await readHint(ctx, jwt, acceptExpiredHints, problems);
  const client = await findClient(ctx, hint, params.get('client_id'), problems);
  ctx.clientId = client?.clientId ?? null;
  const address = await returnAddress(ctx, client, params, problems);
  const disabled = client !== null && client.disabledAt !== null;
  // Send nobody to a disabled client, but sign the user out all the same.
  const returnTo = disabled || problems.length > 0 ? null : address;
  return { client, hint, returnTo, uiLocales: localesOf(params), problems };
}

function refused(
  reason: string,
  description: string,
  more: { readonly cause?: unknown; readonly hint?: RefusalHint } = {},
): OAuthError {
  return new OAuthError('invalid_request', reason, description, more);
}

async function readHint(
  ctx: EngineContext,
  jwt: string | undefined,
  allowExpired: boolean,
  problems: OAuthError[],
): Promise<Hint | null> {
  if (jwt === undefined) return null;
  try {
    return await verifyHint(ctx, jwt, allowExpired);
  } catch (cause) {
    if (!(cause instanceof JwtError)) throw cause;
    const hint = { expected: 'an ID token of this server', received: cause.message };
    const description = 'Missing or invalid id_token_hint.';
    problems.push(refused('logout_hint_invalid', description, { cause, hint }));
    return null;
  }
}

async function findClient(
  ctx: EngineContext,
  hint: Hint | null,
  clientId: string | undefined,
  problems: OAuthError[],
): Promise<Client | null> {
  // RP-Initiated Logout §2: client_id and the hint name the same client.
  if (hint !== null && clientId !== undefined && clientId !== hint.client.clientId) {
    const description = 'The client_id is not that of the id_token_hint.';
    const received = `${nameForLog(clientId)} beside an ID token of ${hint.client.clientId}`;
    problems.push(refused('logout_client_mismatch', description, { hint: { received } }));
    return null;
  }
  if (hint !== null) return hint.client;
  if (clientId === undefined) return null;
  const client = await ctx.clients.find(clientId);
  if (client === null) {
    const description = 'The application is not registered here.';
    problems.push(
      refused('logout_client_unknown', description, { hint: { received: nameForLog(clientId) } }),
    );
  }
  return client;
}

// RP-Initiated Logout §3: the address is one that the client registered, exactly, and the client is
// known.
async function returnAddress(
  ctx: EngineContext,
  known: Client | null,
  params: Params,
  problems: OAuthError[],
): Promise<string | null> {
  const uri = params.get('post_logout_redirect_uri');
  if (uri === undefined) return null;
  if (known === null && problems.length > 0) return null;
  if (known === null) {
    const description = 'A post_logout_redirect_uri needs an id_token_hint or a client_id.';
    problems.push(refused('logout_client_missing', description));
    return null;
  }
  const isRegistered = (one: Client): boolean => {
    const rules = redirectUriRulesOf(ctx.settings, one);
    return one.postLogoutRedirectUris.some((address) => isSameOrCovered(uri, address, rules));
  };
  const isKnown = isRegistered(known);
  // Another node may have registered it.
  const client = isKnown ? known : ((await ctx.clients.lookAgain(known)) ?? known);
  const { clientId, postLogoutRedirectUris: addresses } = client;
  if (!isRegistered(client)) {
    const { requested, nearest, differs } = nearestMismatch(uri, addresses);
    const command = updateCommand(clientId, '--post-logout-redirect-uri', [
      ...addresses,
      requested,
    ]);
    const rules = redirectUriRulesOf(ctx.settings, client);
    const problem = redirectUriProblem(requested, client.applicationType, rules);
    const hint = {
      expected: nearest === '' ? 'no address: none is registered' : nearest,
      received: `${requested} (differs in: ${differs})`,
      remedy:
        problem === null
          ? `if this address is the application's: ${command}`
          : `change the address in the application: it ${problem}`,
    };
    const description = 'The post_logout_redirect_uri is not registered for this application.';
    problems.push(refused('logout_redirect_uri_mismatch', description, { hint }));
    return null;
  }
  const state = params.get('state');
  return state === undefined ? uri : withQuery(uri, { state });
}

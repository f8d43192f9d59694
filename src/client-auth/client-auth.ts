/**
 * How a client proves itself: the contract of a method, and the one phase every endpoint that authenticates clients runs.
 * Exactly one method per request, and it is the registered one; all failures look alike.
 */
import type { Context } from '../domain/context.ts';
import { networkOf } from '../domain/rate-limiter.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { Params } from '../protocol/params.ts';
import type { Client } from '../store/records.ts';

/** The parts of a request that can carry credentials. */
export interface Credentialed {
  /** The Authorization header. */
  readonly authorization: string | null;
  readonly params: Params;
  /** Address of the peer, for the failure budget. */
  readonly ip: string | null;
}

/** Credentials found in a request. */
export interface PresentedCredentials {
  /** Who they say they are. */
  readonly clientId: string;
  /** True when they prove this client. Called with the registered client of `clientId` only. */
  verify(ctx: Context, client: Client): Promise<boolean>;
}

/** A client authentication method (RFC 6749 §2.3, RFC 7591 §2). */
export interface ClientAuthMethod {
  /** Its name in `token_endpoint_auth_method`. */
  readonly method: string;
  /** Credentials of this method in the request; null when there are none; 'malformed' when there are but unreadable. */
  detect(request: Credentialed): PresentedCredentials | 'malformed' | null;
}

/** Why a client was not authenticated. */
type Failure =
  | 'client_credentials_missing'
  | 'client_id_mismatch'
  | 'client_unknown'
  | 'client_disabled'
  | 'client_auth_method'
  | 'client_proof_wrong';

/** Who is calling an endpoint. */
export interface AuthenticatedClient {
  readonly client: Client;
  readonly method: string;
}

/**
 * Authenticates the client of a request.
 * @throws OAuthError `invalid_client` (401), `invalid_request` when several methods are used, 429 when the failure budget is used up
 */
export async function authenticateClient(
  ctx: Context,
  methods: readonly ClientAuthMethod[],
  request: Credentialed,
): Promise<AuthenticatedClient> {
  const found: {
    readonly method: string;
    readonly presented: PresentedCredentials | 'malformed';
  }[] = [];
  for (const candidate of methods) {
    const presented = candidate.detect(request);
    if (presented !== null) found.push({ method: candidate.method, presented });
  }
  const proofs = found.filter(({ method }) => method !== 'none');
  // RFC 6749 §2.3: a client uses no more than one authentication method per request.
  if (proofs.length > 1) {
    throw new OAuthError(
      'invalid_request',
      'several_client_auth_methods',
      'The request uses more than one client authentication method.',
    );
  }
  const [used] = proofs.length > 0 ? proofs : found;
  if (used === undefined || used.presented === 'malformed')
    throw invalidClient(request, 'client_credentials_missing');
  const { method, presented } = used;
  // A body client_id beside other credentials must name the same client.
  const named = request.params.get('client_id');
  if (named !== undefined && named !== presented.clientId)
    throw invalidClient(request, 'client_id_mismatch');

  const client = await ctx.clients.find(presented.clientId);
  const reason = await failure(ctx, client, method, presented);
  if (reason === null && client !== null) return { client, method };
  // Only failures are counted and refused: a client that proves itself cannot be switched off by others behind the same address. By client
  // and network: without an address anybody could use up a client's budget; of names nobody registered there is no end.
  const whose = client === null ? [] : [client.clientId];
  if (request.ip !== null)
    await ctx.rateLimiter.take(
      ['client from', networkOf(request.ip), ...whose],
      ctx.settings.rateLimits.clientAuthentication,
    );
  const facts = { clientId: client?.clientId ?? null, ip: request.ip, reason };
  if (client === null) ctx.events.notify('client_auth.failed', facts);
  else ctx.events.record('client_auth.failed', facts);
  throw invalidClient(request, reason ?? 'client_unknown');
}

async function failure(
  ctx: Context,
  client: Client | null,
  method: string,
  presented: PresentedCredentials,
): Promise<Failure | null> {
  if (client === null) return 'client_unknown';
  if (client.disabledAt !== null) return 'client_disabled';
  // RFC 7591 §2: token_endpoint_auth_method is what the client registered, and nothing else is accepted.
  if (client.tokenEndpointAuthMethod !== method) return 'client_auth_method';
  return (await presented.verify(ctx, client)) ? null : 'client_proof_wrong';
}

/** One body for every failure, so that nobody learns which part was wrong; the reason goes to the audit log. */
function invalidClient(request: Credentialed, reason: Failure): OAuthError {
  const basic = request.authorization !== null;
  return new OAuthError('invalid_client', reason, 'Client authentication failed.', {
    // RFC 6749 §5.2: a client that used the Authorization header is told the scheme.
    headers: basic ? { 'WWW-Authenticate': 'Basic realm="token", charset="UTF-8"' } : {},
  });
}

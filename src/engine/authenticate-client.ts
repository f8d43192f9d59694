/**
 * Client authentication, the same phase for every endpoint that clients call. Exactly one method
 * per request, and it is the registered one; all failures look alike.
 */

import { networkOf } from '../domain/addresses.ts';
import { clientAuthenticationFailed } from '../domain/event-definitions.ts';
import { isPublic } from '../protocol/client-metadata-rules.ts';
import { OAuthError, type RefusalHint } from '../protocol/errors.ts';
import type { Params } from '../protocol/params.ts';
import {
  applicationCommand,
  createCommand,
  nameForLog,
  updateCommand,
} from '../protocol/remedies.ts';
import type { Client } from '../store/records.ts';
import {
  type ClientAuthenticationMethod,
  clientNotProven,
  type PresentedCredentials,
} from './contracts/client-authentication.ts';
import type { EngineContext } from './contracts/context.ts';
import { named } from './contracts/engine.ts';

/** Who is calling an endpoint. */
export interface AuthenticatedClient {
  /** The client, enabled. */
  readonly client: Client;
  /** Name of the method. */
  readonly method: string;
}

/**
 * Authenticates the client of a request.
 * @throws OAuthError `invalid_client` (401), `invalid_request` when several methods are used, 429
 * when too many attempts failed
 */
export async function authenticateClient(
  ctx: EngineContext,
  params: Params,
): Promise<AuthenticatedClient> {
  const detected = detectOne(ctx, params);
  // A body client_id beside other credentials must name the same client.
  const named = params.get('client_id');
  if (named !== undefined && named !== detected.clientId)
    throw challenged(ctx, clientNotProven('client_id_mismatch'));
  const identified = await identify(ctx, detected.clientId);
  let { client } = identified;
  ctx.clientId = client?.clientId ?? null;
  let refusal = identified.refusal ?? (await judge(ctx, client, detected));
  if (refusal !== null && client !== null) {
    // Another node may have enabled it, or given it this secret.
    const changed = await ctx.clients.lookAgain(client);
    if (changed !== null) refusal = await judge(ctx, changed, detected);
    client = changed ?? client;
  }
  const method = candidateFor(client, detected)?.method.name;
  if (refusal === null && client !== null && method !== undefined) return { client, method };
  const failure = refusal ?? unknownClient(detected.clientId);
  await countFailure(ctx, client, failure.reason);
  throw challenged(ctx, failure);
}

/** The client of a client_id, or why it is none. */
async function identify(
  ctx: EngineContext,
  clientId: string,
): Promise<{ readonly client: Client | null; readonly refusal: OAuthError | null }> {
  try {
    return { client: await ctx.clients.identify(clientId, ctx.request), refusal: null };
  } catch (error) {
    // What it says of itself is no good. A limit that is reached is another matter.
    if (!(error instanceof OAuthError) || error.code !== 'invalid_client') throw error;
    return { client: null, refusal: error.withStatus(401) };
  }
}

/** Credentials of one method. */
interface Candidate {
  readonly method: ClientAuthenticationMethod;
  readonly presented: PresentedCredentials;
}

interface Found {
  readonly method: ClientAuthenticationMethod;
  readonly presented: PresentedCredentials | 'malformed';
}

/** What a request carries: one proof, or what only names the client and what the connection has. */
interface Detected {
  readonly clientId: string;
  readonly candidates: readonly Candidate[];
}

/**
 * The credentials of the request. RFC 6749 §2.3 allows one method; `none` only names the client,
 * and a certificate of the connection counts only where there is no other proof.
 */
function detectOne(ctx: EngineContext, params: Params): Detected {
  // A loop: this runs for every request, and most methods find nothing.
  const found: Found[] = [];
  for (const method of ctx.engine.clientAuthenticationMethods) {
    const presented = method.detect(ctx, params);
    if (presented !== null) found.push({ method, presented });
  }
  const proofs = found.filter(({ method }) => method.needs !== 'none' && !isAmbient(method));
  // RFC 6749 §2.3: a client uses no more than one authentication method per request.
  if (proofs.length > 1) {
    throw new OAuthError(
      'invalid_request',
      'several_client_authentication_methods',
      'The request uses more than one client authentication method.',
    );
  }
  // A client_id that only names the client stands beside the proof of another method.
  const counted = proofs.length > 0 ? proofs : found;
  const candidates = counted.filter((one): one is Candidate => one.presented !== 'malformed');
  const [first] = candidates;
  // What cannot be read beside a proof may name another client.
  if (first === undefined || found.some(({ presented }) => presented === 'malformed'))
    throw challenged(
      ctx,
      clientNotProven('client_credentials_missing', {
        expected: 'client_id and secret, in the Authorization header or in the form',
        received: 'none that can be read; some proxies take the Authorization header off',
      }),
    );
  return { clientId: first.presented.clientId, candidates };
}

function isAmbient({ isAmbient: ambient = false }: ClientAuthenticationMethod): boolean {
  return ambient;
}

/** Where several count, the one that the client is registered for. */
function candidateFor(client: Client | null, { candidates }: Detected): Candidate | null {
  const registered = client?.tokenEndpointAuthMethod ?? '';
  return (
    candidates.find(({ method: { name, registeredAs = [] } }) =>
      [name, ...registeredAs].includes(registered),
    ) ?? null
  );
}

async function judge(
  ctx: EngineContext,
  client: Client | null,
  detected: Detected,
): Promise<OAuthError | null> {
  if (client === null) return unknownClient(detected.clientId);
  if (client.disabledAt !== null)
    return clientNotProven('client_disabled', {
      remedy: applicationCommand('enable', client.clientId),
    });
  // RFC 7591 §2: token_endpoint_auth_method is what the client registered; nothing else is
  // accepted.
  const candidate = candidateFor(client, detected);
  if (candidate === null) {
    const received = detected.candidates[0]?.method.name ?? 'none';
    return clientNotProven('client_authentication_method', methodHint(ctx, client, received));
  }
  return await candidate.presented.verify(client);
}

function unknownClient(clientId: string): OAuthError {
  return clientNotProven('client_unknown', {
    expected: 'the client_id of an application (npx valetkey application list)',
    received: nameForLog(clientId),
  });
}

function methodHint({ engine }: EngineContext, client: Client, received: string): RefusalHint {
  const { clientId, tokenEndpointAuthMethod: expected } = client;
  if (isPublic(client)) {
    const anew = createCommand('web', client.redirectUris);
    const remedy = `take the secret out of the application, or register a new one that has a secret: ${anew}`;
    return { expected: 'no secret, since the client is public', received, remedy };
  }
  const either = updateCommand(clientId, '--auth-method client_secret');
  const isDevice = client.grantTypes.some((type) => type.endsWith(':device_code'));
  const anew = createCommand(isDevice ? 'device' : 'native', client.redirectUris);
  const secret =
    named(engine.clientAuthenticationMethods, expected)?.remedy ??
    `give the application its secret, or register a new one without: ${anew}`;
  const remedy = received === 'none' ? secret : either;
  return { expected, received, remedy };
}

/**
 * Only failures are counted and refused: a client that proves itself cannot be switched off by
 * others behind the same address. They are counted by client and network, for without the network
 * anybody could exhaust a client's limit. Unknown client_ids are unbounded, so they share one limit
 * per network.
 */
async function countFailure(
  ctx: EngineContext,
  client: Client | null,
  reason: string,
): Promise<void> {
  const { address } = ctx.request;
  const { clientAuthentication } = ctx.settings.rateLimits;
  const whose = client === null ? [] : [client.clientId];
  const counter = [['client from', networkOf(address), ...whose], clientAuthentication] as const;
  // Where the host tells no address, a refusal would hit everybody, so only the rows are limited.
  if (address !== null) await ctx.rateLimiter.take(counter);
  const facts = { clientId: client?.clientId ?? null, reason };
  const isWritten =
    client !== null && (address !== null || (await ctx.rateLimiter.isWithin(counter)));
  if (isWritten) ctx.events.record(clientAuthenticationFailed, facts);
  else ctx.events.notify(clientAuthenticationFailed, facts);
}

function challenged(ctx: EngineContext, refusal: OAuthError): OAuthError {
  // RFC 6749 §5.2: a client that used the Authorization header is told the scheme.
  if (!ctx.request.headers.has('authorization')) return refusal;
  return refusal.withHeaders({ 'WWW-Authenticate': 'Basic realm="token", charset="UTF-8"' });
}

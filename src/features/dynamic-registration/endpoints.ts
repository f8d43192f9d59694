/**
 * The endpoint where clients register themselves (RFC 7591 §3), and the endpoint of each client
 * where it reads, changes and deletes its registration (RFC 7592 §2).
 */
import { equalSecrets, sha256 } from '../../crypto/bytes.ts';
import { newHandle, parseHandle } from '../../crypto/handles.ts';
import { networkOf } from '../../domain/addresses.ts';
import type { RegisteredClient } from '../../domain/client-registry.ts';
import { usableToken } from '../../domain/initial-access-tokens.ts';
import type { RateLimit } from '../../domain/settings.ts';
import type { EngineContext } from '../../engine/contracts/context.ts';
import type { Endpoint } from '../../engine/contracts/endpoint.ts';
import type { ClientMetadata } from '../../protocol/client-metadata.ts';
import { OAuthError, type RefusalHint } from '../../protocol/errors.ts';
import type { WireMetadata } from '../../protocol/registration-metadata.ts';
import type { Client, InitialAccessToken } from '../../store/records.ts';
import { headerToken } from '../../web/parameter-places.ts';
import { empty, json } from '../../web/respond.ts';
import { clientInformation, type JudgingRules, judged, refusing } from './registration.ts';

/** What registrations are judged by, and who may register. */
export interface EndpointRules extends JudgingRules {
  /** Whether anybody may register. */
  readonly allowOpenRegistration: boolean;
  /** Registrations without an initial access token, per network. */
  readonly registrations: RateLimit;
  /** The same, from all networks together. */
  readonly registrationsInAll: RateLimit;
  /** Whether public clients of the same metadata share one registration. */
  readonly shareIdentical: boolean;
  /** Whether a client gets another token when it changes its registration. */
  readonly rotateToken: boolean;
  /** Changes per client. */
  readonly changes: RateLimit;
}

const HANDLE = 'vkrg_';
/** How often a client may change while its own change is made. */
const MOST_ATTEMPTS = 5;

/** Where clients register themselves. */
export function registrationEndpoint(rules: EndpointRules): Endpoint {
  return {
    name: 'registration',
    path: 'register/',
    methods: ['POST'],
    errors: 'json',
    metadataName: 'registration_endpoint',
    // Applications in browsers register as well: the answer needs no cookies.
    cors: 'any',
    async handle(ctx) {
      const token = await initialAccessToken(ctx, rules);
      const sent = await ctx.request.json();
      return await refusing(async () => {
        const metadata = await judged(ctx, sent, rules, { client: null, token });
        return json(201, await register(ctx, sent, metadata, rules, token));
      });
    },
  };
}

/** @throws OAuthError 401 where a token is needed, and for one that is not good */
async function initialAccessToken(
  ctx: EngineContext,
  { allowOpenRegistration }: EndpointRules,
): Promise<InitialAccessToken | null> {
  const text = bearerOf(ctx);
  if (text === null && allowOpenRegistration && !ctx.request.headers.has('authorization'))
    return null;
  if (text === null)
    throw unauthorized('registration_closed', {
      expected: 'an initial access token as bearer token',
      received: 'none',
      remedy:
        'npx valetkey initial-access-token create --name NAME; to let anybody register: the option dynamicRegistration.allowOpenRegistration',
    });
  const token = await usableToken(ctx, text);
  if (token === null) throw await tokenRefused(ctx, 'initial_access_token');
  return token;
}

async function register(
  ctx: EngineContext,
  sent: WireMetadata,
  metadata: ClientMetadata,
  rules: EndpointRules,
  token: InitialAccessToken | null,
): Promise<Record<string, unknown>> {
  const isShared =
    token === null && rules.shareIdentical && metadata.tokenEndpointAuthMethod === 'none';
  const registrationToken = isShared ? null : newHandle(HANDLE, ctx.settings.random);
  const made = await (registrationToken === null
    ? ctx.clients.own(ctx.events).registerShared(metadata, async () => await countOpen(ctx, rules))
    : registerOwn(ctx, metadata, rules, token, registrationToken));
  if (made === null) throw await tokenRefused(ctx, 'initial_access_token');
  const { client, clientSecret } = made;
  const statement = sent['software_statement'];
  return {
    ...clientInformation(ctx, client, { registrationToken, clientSecret }),
    // RFC 7591 §3.2.1: the software statement comes back unmodified.
    ...(typeof statement === 'string' ? { software_statement: statement } : {}),
  };
}

async function registerOwn(
  ctx: EngineContext,
  metadata: ClientMetadata,
  rules: EndpointRules,
  token: InitialAccessToken | null,
  registrationToken: string,
): Promise<RegisteredClient | null> {
  if (token === null) await countOpen(ctx, rules);
  return await ctx.clients.own(ctx.events).register(metadata, {
    initialAccessToken: token?.digest ?? null,
    registrationToken: sha256(registrationToken),
  });
}

/** Counts what anybody can store. @throws OAuthError 429 */
async function countOpen(
  { request, rateLimiter }: EngineContext,
  { registrations, registrationsInAll }: EndpointRules,
): Promise<void> {
  await rateLimiter.take([['registration', networkOf(request.address)], registrations]);
  await rateLimiter.take([['registration in all'], registrationsInAll]);
}

/** Where a client manages its own registration. */
export function managementEndpoint(rules: EndpointRules): Endpoint {
  return {
    name: 'client-configuration',
    path: 'register/:clientId/',
    methods: ['GET', 'PUT', 'DELETE'],
    errors: 'json',
    cors: 'any',
    async handle(ctx) {
      const own = await ownClient(ctx);
      switch (ctx.request.method) {
        case 'PUT':
          return await refusing(async () => await change(ctx, own, rules));
        case 'DELETE':
          return await remove(ctx, own);
        default:
          return told(ctx, own.client, own.token);
      }
    },
  };
}

function told(ctx: EngineContext, client: Client, registrationToken: string): Response {
  return json(200, clientInformation(ctx, client, { registrationToken, clientSecret: null }));
}

interface OwnClient {
  readonly client: Client;
  /** Its token, in clear. */
  readonly token: string;
}

/**
 * The client of the address, if the token of the request is its own. It is read anew, so that a
 * client that was disabled elsewhere is refused at once.
 * @throws OAuthError 401
 */
async function ownClient(ctx: EngineContext): Promise<OwnClient> {
  const token = bearerOf(ctx);
  if (token === null)
    throw unauthorized('registration_token_missing', { expected: 'the registration access token' });
  const { clientId = '' } = ctx.request.path;
  const client = parseHandle(HANDLE, token) === null ? null : await ctx.clients.findNow(clientId);
  const own = client?.registrationToken ?? null;
  // RFC 7592 §2: the token is the one of this client. One of a disabled client is worth nothing.
  if (client === null || own === null || !equalSecrets(own, sha256(token)))
    throw await tokenRefused(ctx, 'registration_token');
  ctx.clientId = clientId;
  if (client.disabledAt !== null) throw await tokenRefused(ctx, 'client_disabled');
  return { client, token };
}

async function change(ctx: EngineContext, own: OwnClient, rules: EndpointRules): Promise<Response> {
  const sent = await ctx.request.json();
  requireSame(own.client, sent);
  await ctx.rateLimiter.take([['registration change', own.client.clientId], rules.changes]);
  const next = rules.rotateToken ? newHandle(HANDLE, ctx.settings.random) : own.token;
  return await asItIs(ctx, own, async (client) => {
    const metadata = await judged(ctx, sent, rules, { client, token: null });
    requireNoNewAddress(client, metadata);
    const changed = await ctx.clients.own(ctx.events).replace(client, metadata, sha256(next));
    return changed && told(ctx, changed, next);
  });
}

async function remove(ctx: EngineContext, own: OwnClient): Promise<Response> {
  return await asItIs(ctx, own, async (client) =>
    (await ctx.clients.own(ctx.events).delete(client)) ? empty(204) : null,
  );
}

/**
 * Does something to a client; again, where somebody changed it or took its token away meanwhile.
 */
async function asItIs(
  ctx: EngineContext,
  own: OwnClient,
  work: (client: Client) => Promise<Response | null>,
): Promise<Response> {
  let { client } = own;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const response = await work(client);
    if (response !== null) return response;
    ({ client } = await ownClient(ctx));
  }
  throw new OAuthError(
    'temporarily_unavailable',
    'registration_contended',
    'The client is being changed by others. Try again soon.',
    { headers: { 'Retry-After': '1' } },
  );
}

/** A client that asks people for no consent does not choose itself where the answers go. */
function requireNoNewAddress(client: Client, { redirectUris = [] }: ClientMetadata): void {
  if (!client.skipConsent || redirectUris.every((uri) => client.redirectUris.includes(uri))) return;
  throw new OAuthError(
    'invalid_redirect_uri',
    'registration_privileged',
    'An application that asks for no consent gets new redirect URIs from an operator alone.',
  );
}

/** RFC 7592 §2.2: client_id is the client's own, and so is client_secret if it is sent. */
function requireSame(client: Client, sent: WireMetadata): void {
  const { client_id: clientId = null, client_secret: secret } = sent;
  const isOwnSecret =
    secret === undefined ||
    secret === null ||
    (typeof secret === 'string' &&
      client.secrets.some(({ digest }) => equalSecrets(digest, sha256(secret))));
  if (clientId === client.clientId && isOwnSecret) return;
  const problem =
    clientId === null
      ? 'The client_id is missing: send all metadata of this client.'
      : 'The client_id, and the client_secret if it is sent, must be those of this client.';
  throw new OAuthError('invalid_client_metadata', 'registration_of_another', problem);
}

/** RFC 7591 §3, RFC 7592 §2: tokens of registration come as bearer tokens in the header. */
function bearerOf({ request }: EngineContext): string | null {
  const token = headerToken(request);
  return token?.scheme === 'bearer' ? token.text : null;
}

const EXPECTED = {
  initial_access_token: 'a token that is known, has not ended and is not used up',
  registration_token:
    'the latest registration access token of this client, which a change by the operator ends',
  client_disabled: 'a client that is enabled (valetkey application enable)',
} as const;

/** Wrong tokens are counted per network, like wrong secrets. */
async function tokenRefused(
  ctx: EngineContext,
  reason: 'initial_access_token' | 'registration_token' | 'client_disabled',
): Promise<OAuthError> {
  const { address } = ctx.request;
  const { clientAuthentication } = ctx.settings.rateLimits;
  if (address !== null)
    await ctx.rateLimiter.take([['registration token', networkOf(address)], clientAuthentication]);
  return unauthorized(reason, { expected: EXPECTED[reason] });
}

/** RFC 6750 §3: the challenge repeats the error for clients that read headers only. */
function unauthorized(
  reason:
    | 'registration_closed'
    | 'registration_token_missing'
    | 'initial_access_token'
    | 'registration_token'
    | 'client_disabled',
  hint: RefusalHint,
): OAuthError {
  const error = new OAuthError('invalid_token', reason, 'The token is missing or not valid.', {
    hint,
  });
  const isMissing = reason === 'registration_closed' || reason === 'registration_token_missing';
  const about = `, error="${error.code}", error_description="${error.description}"`;
  // RFC 6750 §3.1: no error code where the request carries no token.
  const challenge = `Bearer realm="registration"${isMissing ? '' : about}`;
  return error.withHeaders({ 'WWW-Authenticate': challenge });
}

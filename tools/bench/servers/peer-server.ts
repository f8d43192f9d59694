/**
 * oidc-provider, the reference, set up to do what Valetkey does in each scenario: opaque access
 * tokens, RS256 ID tokens, refresh rotation, PKCE, remembered consent. Its clients are in its
 * configuration and cost no storage call. Its interactions answer at once, without a page.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { counted } from './counted.ts';
import { type AdapterFactory, memoryAdapters, postgresAdapters } from './peer-adapters.ts';
import {
  API_SCOPE,
  APPLICATION,
  APPLICATION_SCOPE,
  REDIRECT_URI,
  SERVICE,
} from './registrations.ts';
import type { Order } from './server.ts';

/** What is used of oidc-provider, which is not a dependency of this project. */
interface Peer {
  readonly Grant: new (owner: { accountId: string | undefined; clientId: unknown }) => PeerGrant;
  callback(): RequestListener;
  use(middleware: (context: PeerContext, next: () => Promise<void>) => Promise<void>): void;
  on(event: 'server_error', listener: (context: unknown, failure: unknown) => void): void;
  interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<PeerInteraction>;
  interactionResult(
    request: IncomingMessage,
    response: ServerResponse,
    result: object,
  ): Promise<string>;
}

interface PeerGrant {
  addOIDCScope(scope: string): void;
  save(): Promise<string>;
}

interface PeerContext {
  readonly path: string;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  redirect(url: string): void;
}

interface PeerInteraction {
  readonly prompt: { readonly name: string };
  readonly params: Readonly<Record<string, unknown>>;
  readonly session?: { readonly accountId: string };
}

interface PeerModule {
  readonly Provider: new (issuer: string, configuration: object) => Peer;
}

/** A variable, because the compiler looks up literal names and does not find this package. */
const PACKAGE: string = 'oidc-provider';
const INTERACTION_PATH = '/interaction/';
const HOUR = 3600;
const DAY = 24 * HOUR;

export async function peerListener(order: Order, count: () => void): Promise<RequestListener> {
  const adapters = await adaptersFor(order);
  // It warns about old versions of Node at each start. The page says so once.
  console.warn = () => undefined;
  const { Provider } = (await import(PACKAGE)) as PeerModule;
  const peer = new Provider(`http://127.0.0.1:${order.port}`, {
    adapter: (model: string) => counted(adapters(model), count),
    ...configuration(),
  });
  peer.on('server_error', (_, failure) => console.error(failure));
  peer.use(async (context, next) => {
    if (context.path.startsWith(INTERACTION_PATH)) await interact(peer, context);
    else await next();
  });
  return peer.callback();
}

async function adaptersFor({ url, prefix }: Order): Promise<AdapterFactory> {
  return url === null ? memoryAdapters() : await postgresAdapters(url, prefix);
}

function configuration(): object {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return {
    clients: [
      {
        client_id: SERVICE.id,
        client_secret: SERVICE.secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
      {
        client_id: APPLICATION.id,
        client_secret: APPLICATION.secret,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [REDIRECT_URI],
        response_types: ['code'],
      },
    ],
    jwks: { keys: [{ ...key.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: 'bench' }] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    claims: { openid: ['sub'], profile: ['name'] },
    scopes: [...APPLICATION_SCOPE.split(' '), API_SCOPE],
    ttl: {
      AccessToken: HOUR,
      ClientCredentials: HOUR,
      Grant: 14 * DAY,
      IdToken: HOUR,
      Interaction: HOUR,
      RefreshToken: 30 * DAY,
      Session: 14 * DAY,
    },
    findAccount: async (_: unknown, sub: string) => ({
      accountId: sub,
      claims: async () => ({ sub, name: `Person ${sub}` }),
    }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      revocation: { enabled: true },
    },
    interactions: {
      url: (_: unknown, { uid }: { readonly uid: string }) => `${INTERACTION_PATH}${uid}`,
    },
    rotateRefreshToken: true,
    // A refresh token without `prompt=consent`, so that remembered consent is enough.
    issueRefreshToken: async (
      _: unknown,
      client: { grantTypeAllowed(type: string): boolean },
    ): Promise<boolean> => client.grantTypeAllowed('refresh_token'),
    // Otherwise each use of a token would read the session as well.
    expiresWithSession: async () => false,
  };
}

/** Signs in the person that `login_hint` names, or consents to everything. */
async function interact(peer: Peer, context: PeerContext): Promise<void> {
  const { req, res } = context;
  const { prompt, params, session } = await peer.interactionDetails(req, res);
  if (prompt.name === 'login') {
    const result = { login: { accountId: params['login_hint'] } };
    return context.redirect(await peer.interactionResult(req, res, result));
  }
  const owner = { accountId: session?.accountId, clientId: params['client_id'] };
  const grant = new peer.Grant(owner);
  grant.addOIDCScope(APPLICATION_SCOPE);
  const result = { consent: { grantId: await grant.save() } };
  context.redirect(await peer.interactionResult(req, res, result));
}

/** Wires the parts together and routes a request to its endpoint. Everything that exists is in the lists of this file and of `config.ts`. */
import type { Config } from './config.ts';
import { base64url, createVault } from './crypto/secrets.ts';
import { withdrawAuthorization } from './domain/authorizations.ts';
import { type Clients, createClients } from './domain/clients.ts';
import type { Context } from './domain/context.ts';
import { createEvents } from './domain/events.ts';
import { createRateLimiter } from './domain/rate-limiter.ts';
import { createSigningKeys, type KeyAdmin } from './domain/signing-keys.ts';
import { documentPaths, ENDPOINT_PATHS, type EndpointName, endpointUrl } from './domain/urls.ts';
import { assets } from './endpoints/assets.ts';
import { authorize } from './endpoints/authorize.ts';
import { discovery } from './endpoints/discovery.ts';
import { endSession } from './endpoints/end-session.ts';
import type { Endpoint, Plugins } from './endpoints/endpoint.ts';
import { interaction } from './endpoints/interaction.ts';
import { introspection } from './endpoints/introspection.ts';
import { jwks } from './endpoints/jwks.ts';
import { revocation } from './endpoints/revocation.ts';
import { token } from './endpoints/token.ts';
import { userinfo } from './endpoints/userinfo.ts';
import { createInteractions, type Interactions } from './host-interactions.ts';
import { OAuthError } from './protocol/errors.ts';
import { resolveConfig } from './resolve-config.ts';
import type { ClearedCounts, Store } from './store/store.ts';
import { type Call, type CallInfo, createCall } from './web/call.ts';
import { allowOrigin } from './web/cors.ts';
import { errorPage } from './web/page.ts';
import { asOAuthError, jsonError } from './web/respond.ts';

/** An OAuth 2 authorization server and OpenID Provider. */
export interface Provider {
  /** The issuer identifier, as configured. */
  readonly issuer: string;
  /** Answers a request, whatever it is: paths it does not serve get 404. `info` is what the adapter knows of the peer. */
  fetch(request: Request, info?: CallInfo): Promise<Response>;
  /** True for paths the provider serves, so that a host can pass on all others. */
  handles(pathname: string): boolean;
  /** The absolute URL of an endpoint, by name: `authorize`, `token`, `userinfo`, `revoke-token`, `introspect`, `rp-initiated-logout` … */
  url(name: EndpointName | 'user-info'): string;
  /** Registered clients. */
  readonly clients: Clients;
  /** Signing keys. */
  readonly keys: KeyAdmin;
  /** For hosts that show pages of their own. */
  readonly interactions: Interactions;
  /** What can be done about people. */
  readonly subjects: Subjects;
  /** All records of this issuer, to read. What changes clients, keys and subjects goes through the members above, which keep the rules. */
  readonly store: Store;
  /** Options in force that weaken security. */
  readonly weakened: readonly string[];
  /**
   * Makes keys where none exist and moves due ones; call it at start and every few minutes. Without it keys are made by the first request that
   * needs one, and never move. True when this call made or moved any.
   */
  maintain(): Promise<boolean>;
  /** Deletes what can no longer matter, at most `batch` rows per record kind. */
  clear(batch: number): Promise<ClearedCounts>;
  /** Writes waiting audit events; call it before the process ends. */
  close(): Promise<void>;
}

/** What can be done about a person. */
export interface Subjects {
  /** Ends every session, code and token of a subject: account disabled, password changed, "sign out everywhere". */
  revoke(sub: string): Promise<void>;
  /** Withdraws what a subject allowed a client, with every token under it. False when there was nothing. */
  withdraw(sub: string, clientId: string): Promise<boolean>;
}

/**
 * Makes a provider.
 * @throws ConfigError that lists everything wrong with the configuration
 */
export function createProvider(config: Config): Provider {
  const resolved = resolveConfig(config);
  const { settings } = resolved;
  const { clock: now, random, logger } = settings;
  const store = resolved.store.forIssuer(settings.issuer);
  const vault = createVault(settings.secrets, settings.issuer, random);
  const events = createEvents({
    audit: store.audit,
    clock: now,
    random,
    logger,
    listener: settings.onEvent,
  });
  const plugins: Plugins = {
    grants: new Map(resolved.grants.map((grant) => [grant.type, grant])),
    clientAuthMethods: resolved.clientAuthMethods,
  };
  const keys = createSigningKeys({
    store: store.keys,
    vault,
    events,
    schedule: settings.keySchedule,
    given: settings.givenKeys,
    now,
  });
  const clients = createClients({
    store: store.clients,
    vault,
    events,
    rules: {
      allowLocalhost: settings.allowLocalhostRedirect,
      grantTypes: [...plugins.grants.keys()],
      authMethods: plugins.clientAuthMethods.map(({ method }) => method),
      idTokenAlgs: settings.idTokenAlgs,
    },
    provideKey: (alg) => keys.provide(alg),
    cacheSeconds: settings.clientCacheSeconds,
    now,
    random,
  });
  const ctx: Context = {
    settings,
    store,
    vault,
    clients,
    keys,
    events,
    rateLimiter: createRateLimiter(store.counters, now),
    now,
  };

  const served: readonly Endpoint[] = [
    authorize,
    interaction,
    token,
    userinfo,
    introspection,
    revocation,
    endSession,
    jwks(),
    assets(),
  ];
  const endpoints: readonly Endpoint[] = [...served, ...discovery(served)];
  const routes = createRoutes(ctx, endpoints);
  const route = (pathname: string): Endpoint | undefined =>
    routes.get(trim(pathname)) ??
    (isAsset(ctx, pathname) ? endpoints.find(({ name }) => name === 'assets') : undefined);

  if (settings.weakened.length > 0)
    logger.warn({ options: settings.weakened }, 'options that weaken security are on');

  return {
    issuer: settings.issuer,
    fetch: async (request, info = {}) => await serve(ctx, plugins, route, request, info),
    handles: (pathname) => route(pathname) !== undefined,
    url: (name) => endpointUrl(settings, name === 'user-info' ? 'userinfo' : name),
    clients,
    keys,
    interactions: createInteractions(ctx, (request, info) =>
      createCall(request, new URL(request.url), info, settings.limits, () => requestId(ctx)),
    ),
    subjects: {
      async revoke(sub) {
        await events.act(
          'subject.revoked',
          { sub },
          async (row) => await store.tokens.revokeSubject(sub, now(), row),
          () => true,
        );
      },
      withdraw: async (sub, clientId) => await withdrawAuthorization(ctx, sub, clientId),
    },
    store,
    weakened: settings.weakened,
    maintain: () => keys.maintain(),
    clear: (batch) => store.clear(now(), batch, now() - settings.lifetimes.audit),
    close: () => events.flush(),
  };
}

const DOCUMENTS = {
  'oidc-connect-discovery-info': 'openid-configuration',
  'oauth-server-metadata': 'oauth-authorization-server',
  'jwks-info': 'jwks.json',
} as const;

/** Paths without trailing slash, each with its endpoint. */
function createRoutes(ctx: Context, endpoints: readonly Endpoint[]): ReadonlyMap<string, Endpoint> {
  const routes = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    const { name } = endpoint;
    if (name in DOCUMENTS) {
      for (const path of documentPaths(ctx.settings, DOCUMENTS[name as keyof typeof DOCUMENTS]))
        routes.set(path, endpoint);
    } else if (name !== 'assets') {
      routes.set(trim(`${ctx.settings.basePath}/${ENDPOINT_PATHS[name]}`), endpoint);
    }
  }
  return routes;
}

function trim(pathname: string): string {
  return pathname.length > 1 && pathname.endsWith('/') ? pathname.slice(0, -1) : pathname;
}

function isAsset(ctx: Context, pathname: string): boolean {
  const prefix = `${ctx.settings.basePath}/${ENDPOINT_PATHS.assets}`;
  return pathname.startsWith(prefix) && !pathname.slice(prefix.length).includes('/');
}

function requestId(ctx: Context): string {
  return base64url(ctx.settings.random(9));
}

type Route = (pathname: string) => Endpoint | undefined;

async function serve(
  ctx: Context,
  plugins: Plugins,
  route: Route,
  request: Request,
  info: CallInfo,
): Promise<Response> {
  const { limits } = ctx.settings;
  if (request.url.length > limits.url) {
    ctx.settings.logger.info({ reason: 'url_too_long' }, 'request refused');
    return jsonError(
      new OAuthError('invalid_request', 'url_too_long', 'The request address is too long.', {
        status: 414,
      }),
    );
  }
  // An adapter makes the address of the Host header, and that may be anything.
  if (!URL.canParse(request.url)) {
    ctx.settings.logger.info({ reason: 'url_malformed' }, 'request refused');
    return jsonError(
      new OAuthError('invalid_request', 'url_malformed', 'The request address is malformed.'),
    );
  }
  const url = new URL(request.url);
  const endpoint = route(url.pathname);
  const call = createCall(request, url, info, limits, () => requestId(ctx));
  let response: Response;
  try {
    if (endpoint === undefined)
      throw new OAuthError('invalid_request', 'path_unknown', 'There is nothing at this address.', {
        status: 404,
      });
    response = await answer(ctx, plugins, endpoint, call);
  } catch (failure) {
    response = refusal(ctx, endpoint, call, failure);
  }
  // RFC 9700 §2.6: only what needs no cookies is readable from other origins; pages and the authorization endpoint never are.
  if (endpoint?.cors !== undefined) await allowOrigin(ctx, call, endpoint.cors, response);
  return response;
}

async function answer(
  ctx: Context,
  plugins: Plugins,
  endpoint: Endpoint,
  call: Call,
): Promise<Response> {
  if (endpoint.methods.includes(call.method)) return await endpoint.handle(ctx, call, plugins);
  const allow = endpoint.methods.join(', ');
  if (
    call.method === 'OPTIONS' &&
    endpoint.cors === 'any' &&
    call.headers.has('access-control-request-method')
  ) {
    return new Response(null, {
      status: 204,
      headers: {
        'Access-Control-Allow-Methods': allow,
        'Access-Control-Allow-Headers': 'Authorization, Content-Type',
        'Access-Control-Max-Age': '600',
      },
    });
  }
  throw new OAuthError(
    'invalid_request',
    'method_not_allowed',
    'The request method is not allowed here.',
    {
      status: 405,
      headers: { Allow: allow },
    },
  );
}

function refusal(
  ctx: Context,
  endpoint: Endpoint | undefined,
  call: Call,
  failure: unknown,
): Response {
  const error = asOAuthError(failure);
  const facts = {
    endpoint: endpoint?.name ?? null,
    requestId: call.requestId,
    code: error.code,
    reason: error.reason,
  };
  if (error.status >= 500)
    ctx.settings.logger.error({ ...facts, error: error.cause }, 'request failed');
  else ctx.settings.logger.info(facts, 'request refused');
  if (endpoint?.refuses === 'json') return jsonError(error);
  try {
    return errorPage(ctx, call, error);
  } catch (broken) {
    // A host's error page that fails itself must not leave the browser without an answer.
    ctx.settings.logger.error({ ...facts, error: broken }, 'the error page failed');
    return jsonError(error);
  }
}

/**
 * Wires the parts of a provider together. Everything that exists is in the lists of `features.ts`
 * and `engine/assemble.ts`.
 */
import { type Subjects, subjectsOf, type Tokens, tokensOf } from './administration.ts';
import type { Config } from './config.ts';
import { base64url } from './crypto/handles.ts';
import { createVault } from './crypto/vault.ts';
import type { Clients } from './domain/client-registry.ts';
import { createClients } from './domain/clients.ts';
import type { Context } from './domain/context.ts';
import { createDeliveries, type Deliveries } from './domain/deliveries.ts';
import { createEvents, type EventLog } from './domain/events.ts';
import { createAges } from './domain/freshness.ts';
import { endSessionOfHost } from './domain/host-sessions.ts';
import { type InitialAccessTokens, initialAccessTokensOf } from './domain/initial-access-tokens.ts';
import { createRateLimiter } from './domain/rate-limiter.ts';
import { redirectUriRules } from './domain/redirect-rules.ts';
import { createResources } from './domain/resources.ts';
import { createSigningKeys, type KeyAdmin } from './domain/signing-keys.ts';
import type { EngineContext } from './engine/contracts/context.ts';
import type { Endpoint } from './engine/contracts/endpoint.ts';
import { grantTypesOf } from './engine/contracts/engine.ts';
import { createRefusalLog } from './engine/refusals.ts';
import { contextOfRequest } from './engine/request-context.ts';
import { createRoutes, type Route, serve } from './engine/router.ts';
import { createTeller } from './engine/session-listeners.ts';
import { endpointUrl } from './engine/urls.ts';
import { createInteractions, type Interactions } from './host-interactions.ts';
import { managedClients, problemsOfListed } from './managed-clients.ts';
import type { FeatureField } from './protocol/client-fields.ts';
import { ConfigError } from './protocol/errors.ts';
import { type ResolvedConfig, resolveConfig } from './resolve-config.ts';
import { type ResourceAdmin, resourceAdminOf } from './resource-registry.ts';
import type { ClearedCounts, Store } from './store/store.ts';
import { createOutbound } from './web/outbound.ts';
import { type RequestInfo, readRequest } from './web/request.ts';

/** An OAuth 2 authorization server and OpenID Provider. */
export interface Provider {
  /** The issuer identifier, as configured. */
  readonly issuer: string;
  /**
   * Answers a request, whatever it is: paths it does not serve get 404.
   * @param info what the adapter knows of the peer
   */
  fetch(request: Request, info?: RequestInfo): Promise<Response>;
  /** True for paths the provider serves, so that a host can pass on all others. */
  handles(pathname: string): boolean;
  /**
   * The absolute URL of an endpoint, by name: `authorize`, `token`, `userinfo`, `introspect`,
   * `revoke-token`, `rp-initiated-logout`, `jwks-info`, or the name of an endpoint of a feature.
   * @throws Error for a name that no endpoint has; it lists those that exist
   */
  url(name: string): string;
  /** Address of the page where people see and withdraw what they allowed; null: there is none. */
  readonly accountUrl: string | null;
  /** Registered clients. */
  readonly clients: Clients;
  /** Fields that features add to clients (`ClientMetadata.fields`). */
  readonly clientFields: readonly FeatureField[];
  /** Signing keys. */
  readonly keys: KeyAdmin;
  /** For hosts that show pages of their own. */
  readonly interactions: Interactions;
  /** APIs that tokens are issued for (`resourceIndicators`). */
  readonly resources: ResourceAdmin;
  /** What can be done about people. */
  readonly subjects: Subjects;
  /** Tokens that let clients register themselves (`dynamicRegistration`). */
  readonly initialAccessTokens: InitialAccessTokens;
  /** What can be done about single tokens. */
  readonly tokens: Tokens;
  /** What can be done about sessions that the host keeps (`accounts.current`). */
  readonly sessions: Sessions;
  /**
   * All records of this issuer, to read. Change clients, keys and subjects through the members
   * above, which keep the rules.
   */
  readonly store: Store;
  /** Options in force that weaken security. */
  readonly weakened: readonly string[];
  /**
   * Makes keys where none exist and moves due ones, and registers the clients of the configuration;
   * call it at start and every few minutes. Without it the first request does both, and keys never
   * move. True when this call made or moved any key.
   * @throws ClientMetadataError when a client of the configuration cannot be registered
   */
  maintain(): Promise<boolean>;
  /**
   * Deletes what can no longer matter, at most `batch` rows per record kind, and clients that
   * registered or describe themselves and were not used (`lifetimes`).
   */
  clear(batch: number): Promise<ClearedCounts & { readonly clients: number }>;
  /**
   * Tells applications what waits to be told (back-channel logout), and waits for their answers.
   * What fails is attempted again by the same process. Call it at start and from time to time, for
   * the deliveries of a process that has stopped.
   */
  deliver(): Promise<void>;
  /** Writes waiting audit events, and closes connections; call it before the process ends. */
  close(): Promise<void>;
}

/** What can be done about sessions that the host keeps. */
export interface Sessions {
  /**
   * Call it when the host ends a session of its own: ends the codes and tokens of that session
   * here, as a logout here does. False when nobody used the session to sign in to an application.
   * @param sessionId as `accounts.current` named it
   */
  end(sessionId: string): Promise<boolean>;
}

/**
 * Makes a provider.
 * @throws ConfigError that lists everything wrong with the configuration
 */
export function createProvider(config: Config): Provider {
  const resolved = resolveConfig(config);
  const { settings, assembly } = resolved;
  const { clock: now, random, logger } = settings;
  const store = config.store.forIssuer(settings.issuer);
  const names = assembly.events.map(({ name }) => name);
  const listener = settings.onEvent;
  const events = createEvents({ audit: store.audit, clock: now, random, logger, listener, names });
  const { ctx, deliveries } = createContext(resolved, store, events);
  const makeId = (): string => base64url(random(9));
  const parts = { limits: settings.limits, now, makeId };
  const refusals = createRefusalLog(logger, now);
  const shared = { ...ctx, events, engine: assembly.engine, refusals };
  const contextFor = (
    request: Request,
    url: URL,
    info: RequestInfo,
    path: Route['path'],
  ): EngineContext => {
    const read = readRequest(request, url, info, path, parts);
    return contextOfRequest(shared, read);
  };
  const listed = config.clients ?? [];
  const problems = problemsOfListed(listed, ctx.clients);
  if (problems.length > 0) throw new ConfigError(problems);
  const managed = managedClients(listed, ctx.clients, logger, now);
  const findRoute = createRoutes(settings, assembly.endpoints);
  const serving = {
    findRoute,
    longestUrl: settings.limits.url,
    contextFor,
    refused: (reason: string) => refusals.write({ reason }, null),
  };
  if (settings.weakened.length > 0)
    logger.warn({ options: settings.weakened }, 'options that weaken security are on');
  return {
    issuer: settings.issuer,
    async fetch(request, info = {}) {
      await managed.beforeRequest();
      return await serve(serving, request, info);
    },
    handles: (pathname) => findRoute(pathname) !== null,
    url: ctx.url,
    accountUrl: ctx.accountUrl,
    clients: ctx.clients,
    clientFields: assembly.clientFields,
    keys: ctx.keys,
    interactions: createInteractions(assembly.flows, (request, info) =>
      contextFor(request, new URL(request.url), info, {}),
    ),
    initialAccessTokens: initialAccessTokensOf(ctx),
    resources: resourceAdminOf(ctx, assembly.engine),
    subjects: subjectsOf(ctx),
    tokens: tokensOf({ ...ctx, engine: assembly.engine }),
    sessions: { end: async (sessionId) => await endSessionOfHost(ctx, sessionId) },
    store,
    weakened: settings.weakened,
    async maintain() {
      const isChanged = await ctx.keys.maintain();
      await managed.ensure();
      return isChanged;
    },
    async clear(batch) {
      const cleared = await store.clear(now(), batch, now() - settings.lifetimes.audit);
      return { ...cleared, clients: await ctx.clients.deleteUnused(batch) };
    },
    deliver: async () => await deliveries.run(),
    async close() {
      await deliveries.close();
      await ctx.clients.flush();
      await events.flush();
      await ctx.outbound.close();
    },
  };
}

/** The context of acts without a request. */
function createContext(
  { settings, assembly }: ResolvedConfig,
  store: Store,
  eventLog: EventLog,
): { readonly ctx: Context; readonly deliveries: Deliveries } {
  const { clock: now, random } = settings;
  const { engine } = assembly;
  const vault = createVault(settings.secret, settings.issuer, random);
  const events = eventLog.forRequest(null);
  const ages = createAges(now, () => performance.now());
  const keys = createSigningKeys({
    store: store.keys,
    vault,
    events,
    schedule: {
      ...settings.keySchedule,
      algs: [...settings.keySchedule.algs, ...assembly.decryptionAlgs],
    },
    given: settings.signingKeys,
    now,
    ages,
    report: (error) => settings.logger.error({ error }, 'the signing keys could not be read'),
  });
  const clients = createClients({
    audit: store.audit,
    store: store.clients,
    vault,
    events,
    rules: metadataRules({ settings, assembly }),
    provideKey: async (alg) => await keys.provide(alg),
    verify: async (metadata, shelf) => {
      const { clientVerifications } = assembly;
      const verified = clientVerifications.map(async (one) => await one(ctx, metadata, shelf));
      return (await Promise.all(verified)).flatMap((problem) => problem ?? []);
    },
    cacheSeconds: settings.clientCacheSeconds,
    lifetimes: settings.lifetimes,
    sources: engine.clientSources.map((source) => ({
      owns: (clientId) => source.owns(clientId),
      describe: async (clientId, request, isStored) =>
        await source.describe({ ...ctx, request }, clientId, isStored),
    })),
    report: (error) =>
      settings.logger.warn({ error }, 'the use of an application could not be noted'),
    ages,
    scopes: [...settings.scopes.keys()],
    env: process.env,
    isSubject: async (text) => (await settings.accounts.find(text)) !== null,
    now,
    random,
  });
  const rateLimiter = createRateLimiter(store.counters, ages, (error) =>
    settings.logger.warn({ error }, 'the end of an attempt could not be stored'),
  );
  const url = urlsOf(settings, assembly.endpoints);
  const accountPage = assembly.endpoints.find((one) => one.isAccountPage === true);
  const tell = createTeller(engine);
  const deliveries = createDeliveries({
    store: store.deliveries,
    now,
    events,
    logger: settings.logger,
    send: async (delivery) => await tell(ctx, delivery),
  });
  const resources = createResources({
    listed: assembly.resources,
    isOpen: assembly.anyResource,
    store: store.resources,
    ages,
    seconds: settings.clientCacheSeconds,
  });
  const outbound = createOutbound({ allowed: settings.allowOutbound, ages });
  const ctx: Context = {
    settings,
    store,
    vault,
    clients,
    keys,
    resources,
    events,
    outbound,
    deliveries,
    rateLimiter,
    now,
    url,
    accountUrl: accountPage === undefined ? null : url(accountPage.name),
    subjectOf(client, sub) {
      const kinds = engine.subjectIdentifiers.flatMap((one) => one.subjectFor(client, sub) ?? []);
      return kinds[0] ?? sub;
    },
    request: null,
  };
  return { ctx, deliveries };
}

/** What clients can be registered as. */
function metadataRules({
  settings,
  assembly: { engine, clientFields, clientChecks },
}: ResolvedConfig): Parameters<typeof createClients>[0]['rules'] {
  return {
    ...redirectUriRules(settings),
    grantTypes: grantTypesOf(engine),
    responseTypes: new Map(
      engine.responseTypes.map(({ name, grantTypes = [] }) => [name, grantTypes] as const),
    ),
    authMethods: new Map(
      engine.clientAuthenticationMethods.flatMap(({ name, registeredAs = [], needs }) =>
        [name, ...registeredAs].map((one) => [one, needs] as const),
      ),
    ),
    methodProblems: new Map(
      engine.clientAuthenticationMethods.flatMap((method) =>
        method.problem === undefined ? [] : [[method.name, method.problem] as const],
      ),
    ),
    checks: clientChecks,
    idTokenAlgs: settings.idTokenAlgs,
    assertionAlgs: engine.clientAuthenticationMethods.flatMap(({ algs = [] }) => algs),
    outboundOrigins: settings.allowOutbound,
    fields: clientFields,
  };
}

function urlsOf(
  settings: ResolvedConfig['settings'],
  endpoints: readonly Endpoint[],
): (name: string) => string {
  const urls = new Map(
    endpoints.flatMap((endpoint) => {
      const { name, aliases = [] } = endpoint;
      return [name, ...aliases].map((one) => [one, endpointUrl(settings, endpoint)] as const);
    }),
  );
  return (name) => {
    const url = urls.get(name);
    if (url !== undefined) return url;
    throw new Error(`There is no endpoint ${name}, but ${[...urls.keys()].join(', ')}.`);
  };
}

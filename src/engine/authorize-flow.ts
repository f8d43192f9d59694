/**
 * The flow of the authorization endpoint: an authorization request, and at its end an authorization
 * response made of the artifacts of its response type (RFC 6749 §4.1.1, §4.1.2).
 */

import { rememberAuthorization } from '../domain/authorizations.ts';
import { authorizationGranted } from '../domain/event-definitions.ts';
import type { Destination } from '../protocol/authorization-request.ts';
import { OAuthError } from '../protocol/errors.ts';
import { type Params, paramsOf } from '../protocol/params.ts';
import { formatScope } from '../protocol/scope.ts';
import type { Client } from '../store/records.ts';
import { boundsOfRequest } from './access-token-rules.ts';
import { proveDestination, readAsClientIs } from './authorization-request.ts';
import { sendRefusal, sendResponse } from './authorization-response.ts';
import { judgeAnew } from './continuation.ts';
import type { EngineContext } from './contracts/context.ts';
import { named } from './contracts/engine.ts';
import type { Flow, FlowEnd, OpenedFlow } from './contracts/flow.ts';
import { detailsOf } from './contracts/parameter.ts';
import type { RequestParameters } from './contracts/parameter-source.ts';
import type {
  Artifact,
  AuthorizedRequest,
  ResponseAddition,
  ResponseParameters,
} from './contracts/response-type.ts';
import { requestParameters } from './request-parameters.ts';
import { joinSession } from './session-listeners.ts';
import { consentIn } from './steps/consent.ts';

export const authorizeFlow: Flow = {
  name: 'authorize',
  endpoint: 'authorize',
  open: async (ctx, interaction) => {
    const { params, requestedAt } = interaction;
    return await openRequest(
      ctx,
      await requestParameters(ctx, paramsOf(params), requestedAt),
      null,
    );
  },
};

/**
 * Opens a request whose parameters are there.
 * @param sent what the endpoint received now; null when an interaction goes on that passed it
 * before
 * @throws OAuthError to be shown as a page
 */
export async function openRequest(
  ctx: EngineContext,
  parameters: RequestParameters,
  sent: Params | null,
): Promise<OpenedFlow> {
  let proven = await proveDestination(ctx, parameters.params);
  return {
    flow: authorizeFlow,
    get client() {
      return proven.client;
    },
    get redirectUri() {
      return proven.destination.redirectUri;
    },
    async request() {
      if (parameters.problem !== null) throw parameters.problem;
      const read = await readAsClientIs(ctx, { ...parameters, sent }, proven);
      proven = read.proven;
      return read.request;
    },
    complete: async (context, end) => {
      const { client, destination, sentRedirectUri } = proven;
      const { consumes } = parameters;
      const interaction = end.continued ? end.interaction : null;
      const { request, session, account } = end;
      const authorized = { client, request, destination, sentRedirectUri, session };
      const { artifacts } = request;
      const { settings } = context;
      await makeReady(context, client, destination, artifacts);
      const response = await makeAll(context, end, artifacts, {
        ...authorized,
        account,
        artifacts,
        interaction,
        details: detailsOf(context.engine.parameters, request, { client, settings }),
        consumes,
        accessToken: async () => await boundsOfRequest(context, request, client),
      });
      if (response === 'session_ended') return null;
      if (response !== 'client_changed')
        return await sendWithAdditions(context, authorized, response);
      return await judgeAnew(context, client, authorizeFlow.endpoint, end.interaction);
    },
    async refuse(context, error) {
      // A refusal answers the request as well, so it consumes a pushed request.
      const { consumes } = parameters;
      if (consumes !== null) await context.store.oneTime.consume(consumes, context.now());
      return await sendRefusal(context, proven.client, proven.destination, error);
    },
  };
}

async function sendWithAdditions(
  ctx: EngineContext,
  authorized: Parameters<ResponseAddition['add']>[1],
  made: ResponseParameters,
): Promise<Response> {
  const added = ctx.engine.responseAdditions.map((one) => one.add(ctx, authorized));
  const parameters = Object.assign({}, made, ...added.map((one) => one.parameters));
  const { client, destination } = authorized;
  const response = await sendResponse(ctx, client, destination, parameters);
  for (const cookie of added.flatMap(({ cookies }) => cookies))
    response.headers.append('Set-Cookie', cookie);
  return response;
}

/** A key that is missing is found before anything is stored, so that it consumes nothing. */
async function makeReady(
  ctx: EngineContext,
  client: Client,
  { responseMode }: Destination,
  names: readonly string[],
): Promise<void> {
  for (const name of names) await artifactOf(ctx, name).ready?.(ctx, client);
  await named(ctx.engine.responseModes, responseMode)?.wraps?.ready(ctx, client);
}

/** The parameters of the response, or which facts changed meanwhile. */
async function makeAll(
  ctx: EngineContext,
  end: FlowEnd,
  names: readonly string[],
  authorized: AuthorizedRequest,
): Promise<ResponseParameters | 'session_ended' | 'client_changed'> {
  const artifacts = names.map((name) => artifactOf(ctx, name));
  // Ask this before anything is remembered: a finished interaction must not change anything.
  let made: ResponseParameters = {};
  const missing: Artifact[] = [];
  for (const artifact of artifacts) {
    const earlier = (await artifact.earlier?.(ctx, authorized, made)) ?? null;
    if (earlier === null) missing.push(artifact);
    else made = { ...made, ...earlier };
  }
  if (missing.length === 0) return made;
  const { session } = authorized;
  const { sub } = session;
  const { clientId, scopes, consentScopes } = authorized.request;
  const asked = consentIn(end.interaction) !== null;
  const { client } = authorized;
  const expired = end.expiredScopes;
  const allowed = { sub, client, session, scopes: consentScopes, asked, expired };
  const authorization = await rememberAuthorization(ctx, allowed, end.authorization);
  if (typeof authorization === 'string') return authorization;
  if (!(await joinSession(ctx, ctx.engine, authorized.client, session))) return 'session_ended';
  const consumer = artifacts.find(({ consumesRequest }) => consumesRequest === true);
  const { consumes } = authorized;
  if (consumer === undefined && consumes !== null)
    if (!(await ctx.store.oneTime.consume(consumes, ctx.now()))) throw requestConsumed();
  let repeated = false;
  for (const artifact of missing) {
    const whose = artifact === consumer ? consumes : null;
    const outcome = await artifact.make(
      ctx,
      { ...authorized, consumes: whose, authorization },
      made,
    );
    if (outcome.outcome === 'session_ended' || outcome.outcome === 'client_changed')
      return outcome.outcome;
    if (outcome.outcome === 'consumed') throw requestConsumed();
    repeated ||= outcome.outcome === 'repeated';
    made = { ...made, ...outcome.parameters };
  }
  const detail = { scope: formatScope(scopes), asked, device: false };
  if (!repeated) ctx.events.record(authorizationGranted, { sub, clientId, detail });
  return made;
}

function artifactOf({ engine }: EngineContext, name: string): Artifact {
  const artifact = named(engine.artifacts, name);
  if (artifact === null) throw new Error(`No feature makes the artifact ${name}.`);
  return artifact;
}

function requestConsumed(): OAuthError {
  return new OAuthError(
    'invalid_request',
    'request_consumed',
    'This request was used before. Start again from the application.',
    { redirectable: false },
  );
}

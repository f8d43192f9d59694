/**
 * Pushed authorization requests (RFC 9126): a client sends the parameters directly, proven as
 * itself, and the browser carries nothing but a handle.
 */
import type { RateLimit } from '../../domain/settings.ts';
import { proveDestination, readAsClientIs } from '../../engine/authorization-request.ts';
import { type ClientCall, clientEndpoint } from '../../engine/client-endpoint.ts';
import { type ClientField, clientField } from '../../engine/contracts/client-field.ts';
import type { EngineContext } from '../../engine/contracts/context.ts';
import type { Endpoint } from '../../engine/contracts/endpoint.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import {
  type AuthorizationParameter,
  authorizationParameter,
} from '../../engine/contracts/parameter.ts';
import { carriedParams, checkAsSent, requestParameters } from '../../engine/request-parameters.ts';
import { OAuthError } from '../../protocol/errors.ts';
import { paramsOf } from '../../protocol/params.ts';
import { json } from '../../web/respond.ts';
import { type Payload, PUSHED, pushedRequests, storePushed } from './pushed-request.ts';

/** Options of pushed authorization requests. */
export interface PushedAuthorizationRequestOptions {
  /** Seconds in which a pushed request is taken up; at most 600. @default 60 */
  readonly lifetime: number;
  /** Refuses authorization requests that were not pushed, from every client. @default false */
  readonly required: boolean;
  /**
   * Requests that public clients may push per network, or in all where the host tells no address:
   * nobody proves who they are, and each request is stored. @default 300 in 15 minutes
   */
  readonly publicRequests: RateLimit;
}

/** `require_pushed_authorization_requests` (RFC 9126 §6). */
const requiresPushed: ClientField<boolean> = clientField<boolean>({
  wireName: 'require_pushed_authorization_requests',
  flag: 'require-pushed-requests',
  kind: 'flag',
  default: false,
  setBy: 'client',
  protects: true,
  description: 'only its pushed authorization requests are accepted',
});

/** Refuses requests that came another way where they have to be pushed. Its value says nothing. */
function pushedWhereRequired(required: boolean): AuthorizationParameter<null> {
  return authorizationParameter<null>({
    names: ['request_uri'],
    absent: null,
    read(_ctx, { source, client }) {
      // RFC 9126 §5, §6: where they are required, the parameters come from a pushed request alone.
      if (source === PUSHED || !(required || requiresPushed(client))) return null;
      throw new OAuthError(
        'invalid_request',
        'request_not_pushed',
        'The authorization request has to be pushed first.',
      );
    },
  });
}

function endpoint({ lifetime, publicRequests }: PushedAuthorizationRequestOptions): Endpoint {
  return clientEndpoint({
    name: 'pushed-authorization-request',
    path: 'par/',
    metadataName: 'pushed_authorization_request_endpoint',
    cors: 'client',
    publicCalls: publicRequests,
    async handle(ctx, call) {
      const pushed = { clientId: call.client.clientId, ...(await checked(ctx, call)) };
      const requestUri = await storePushed(ctx, pushed, lifetime);
      // RFC 9126 §2.2: 201, and never from a cache.
      return json(201, { request_uri: requestUri, expires_in: lifetime });
    },
  });
}

/** Everything that the authorization endpoint checks as well, before anything is stored. */
async function checked(
  ctx: EngineContext,
  { client, params: sent }: ClientCall,
): Promise<Pick<Payload, 'params' | 'isSigned'>> {
  // RFC 9126 §2.1: request_uri is not among the parameters of a pushed request.
  if (sent.has('request_uri'))
    throw new OAuthError(
      'invalid_request',
      'request_uri_pushed',
      'A request_uri cannot be pushed.',
    );
  const { clientId } = client;
  // RFC 9126 §3: what is pushed may be a request object.
  const loaded = await requestParameters(ctx, sent, null, clientId);
  if (loaded.problem !== null) throw loaded.problem;
  checkAsSent(ctx.engine, sent, loaded.source);
  const { isSigned } = loaded;
  // After the request object: what it holds is held against the proof as well.
  const proven: Record<string, string> = {};
  for (const constraint of ctx.engine.tokenConstraints)
    Object.assign(proven, await constraint.pushed?.(ctx, client, loaded.params));
  const params = { ...carriedParams(ctx.engine, loaded.params), ...proven, client_id: clientId };
  const read = paramsOf(params);
  const pushed = { params: read, source: PUSHED, isSigned, sent: read };
  // RFC 9126 §2.1: the request is validated as one at the authorization endpoint is.
  const destination = await proveDestination(ctx, pushed.params);
  await readAsClientIs(ctx, pushed, destination);
  return { params, isSigned };
}

/** Pushed authorization requests (RFC 9126). */
export const pushedAuthorizationRequests: FeatureFactory<PushedAuthorizationRequestOptions> =
  defineFeature<PushedAuthorizationRequestOptions>({
    name: 'pushed-authorization-requests',
    description: 'Pushed authorization requests (RFC 9126)',
    options: {
      lifetime: {
        kind: 'seconds',
        description: 'Seconds in which a pushed request is taken up, at most 600',
        default: 60,
        most: 600,
      },
      required: {
        kind: 'flag',
        description: 'Only pushed authorization requests are accepted, of every client',
        default: false,
      },
      publicRequests: {
        kind: 'rate-limit',
        description: 'Requests that public clients may push, per network',
        default: { limit: 300, seconds: 900 },
      },
    },
    create: (options) => ({
      endpoints: [endpoint(options)],
      parameters: [pushedWhereRequired(options.required)],
      parameterSources: [pushedRequests],
      clientFields: [requiresPushed],
      // RFC 9126 §5.
      metadata: () => ({ require_pushed_authorization_requests: options.required }),
    }),
  });

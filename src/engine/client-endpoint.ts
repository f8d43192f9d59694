/**
 * An endpoint that clients call: parameters in the form body alone, then client authentication, the
 * same for all of them (RFC 7009 §2, RFC 7662 §2, RFC 9126 §2, RFC 8628 §3.1).
 */
import { networkOf } from '../domain/addresses.ts';
import type { RateLimit } from '../domain/settings.ts';
import { isPublic } from '../protocol/client-metadata-rules.ts';
import type { Params } from '../protocol/params.ts';
import type { CorsRule } from '../web/cors.ts';
import { bodyParams } from '../web/parameter-places.ts';
import { type AuthenticatedClient, authenticateClient } from './authenticate-client.ts';
import { clientNotProven } from './contracts/client-authentication.ts';
import type { EngineContext } from './contracts/context.ts';
import type { Endpoint } from './contracts/endpoint.ts';

/** A call of a client that proved itself. */
export interface ClientCall extends AuthenticatedClient {
  /** Parameters of the form body. */
  readonly params: Params;
}

/** What makes a client endpoint. */
export interface ClientEndpoint {
  /** Name of the endpoint. */
  readonly name: string;
  /** Path below the base path. */
  readonly path: string;
  /** Its name in the discovery documents. */
  readonly metadataName: string;
  /**
   * Name in the discovery documents of the list of methods by which clients prove themselves here.
   * @default not published
   */
  readonly methodsMetadata?: string;
  /** Whether public clients may call it. @default true */
  readonly publicClients?: boolean;
  /** Calls of public clients per network, for they prove nothing. @default not limited */
  readonly publicCalls?: RateLimit;
  /** Which browser origins may call it. @default none */
  readonly cors?: CorsRule;
  /** Answers a call. @throws OAuthError */
  handle(ctx: EngineContext, call: ClientCall): Promise<Response>;
}

/** Makes an endpoint that authenticates the client before it answers. */
export function clientEndpoint(definition: ClientEndpoint): Endpoint {
  const { methodsMetadata, publicClients = true, publicCalls, handle, ...rest } = definition;
  return {
    ...rest,
    methods: ['POST'],
    errors: 'json',
    isForClients: true,
    metadata: (engine) => {
      if (methodsMetadata === undefined) return {};
      const offered = engine.clientAuthenticationMethods.filter(
        ({ needs }) => publicClients || needs !== 'none',
      );
      return { [methodsMetadata]: offered.map(({ name }) => name) };
    },
    async handle(ctx) {
      const params = await bodyParams(ctx.request);
      const authenticated = await authenticateClient(ctx, params);
      if (isPublic(authenticated.client)) {
        if (!publicClients) throw clientNotProven('client_not_confidential');
        if (publicCalls !== undefined) await countPublic(ctx, rest.name, publicCalls);
      }
      return await handle(ctx, { ...authenticated, params });
    },
  };
}

/** Where the host tells no address, all public clients share one limit. @throws OAuthError 429 */
async function countPublic(ctx: EngineContext, endpoint: string, limit: RateLimit): Promise<void> {
  const network = networkOf(ctx.request.address);
  await ctx.rateLimiter.take([['public call', endpoint, network], limit]);
}

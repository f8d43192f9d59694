/**
 * An endpoint that clients call: parameters in the form body alone, then client authentication, the same
 * for all of them (RFC 7009 §2, RFC 7662 §2, RFC 9126 §2, RFC 8628 §3.1).
 */
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
  readonly params: Params;
}

/** What makes a client endpoint. */
export interface ClientEndpoint {
  readonly name: string;
  readonly path: string;
  readonly metadataName: string;
  /** Metadata name of the methods by which clients prove themselves here. @default not told */
  readonly methodsMetadata?: string;
  /** Whether public clients may call it. @default true */
  readonly publicClients?: boolean;
  readonly cors?: CorsRule;
  /** Answers a call. @throws OAuthError */
  handle(ctx: EngineContext, call: ClientCall): Promise<Response>;
}

export function clientEndpoint(definition: ClientEndpoint): Endpoint {
  const { methodsMetadata, publicClients = true, handle, ...rest } = definition;
  return {
    ...rest,
    methods: ['POST'],
    errors: 'json',
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
      if (!publicClients && isPublic(authenticated.client))
        throw clientNotProven('client_not_confidential');
      return await handle(ctx, { ...authenticated, params });
    },
  };
}

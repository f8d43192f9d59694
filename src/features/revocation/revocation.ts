/**
 * Token revocation (RFC 7009). A refresh token ends its family; an access token ends the family it
 * belongs to, or itself.
 */

import { endAccessToken } from '../../domain/access-tokens.ts';
import { tokenRevoked } from '../../domain/event-definitions.ts';
import { familyIdOf } from '../../domain/refresh-tokens.ts';
import { clientEndpoint } from '../../engine/client-endpoint.ts';
import type { Endpoint } from '../../engine/contracts/endpoint.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import type { AuditEvent, Client } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';
import { empty } from '../../web/respond.ts';

const endpoint: Endpoint = clientEndpoint({
  name: 'revoke-token',
  path: 'revoke_token/',
  metadataName: 'revocation_endpoint',
  methodsMetadata: 'revocation_endpoint_auth_methods_supported',
  cors: 'client',
  async handle(ctx, { client, params }) {
    const text = params.need('token');
    const { clientId } = client;
    await ctx.events.act(
      tokenRevoked,
      { clientId },
      async (row) => await revoke(ctx, client, text, row),
    );
    // RFC 7009 §2.2: 200 for an invalid token as well, and nothing to tell it from a foreign one.
    return empty(200);
  },
});

async function revoke(
  ctx: RequestContext,
  client: Client,
  text: string,
  audit: AuditEvent,
): Promise<boolean> {
  const familyId = familyIdOf(text);
  if (familyId === null) return await endAccessToken(ctx, client, text, audit);
  // RFC 7009 §2.1: the token was issued to the client that asks.
  return await ctx.store.tokens.revokeFamily(familyId, ctx.now(), audit, client.clientId);
}

/** The revocation endpoint (RFC 7009). */
export const revocation: FeatureFactory = defineFeature({
  name: 'revocation',
  description: 'Token revocation (RFC 7009)',
  options: {},
  create: () => ({ endpoints: [endpoint] }),
});

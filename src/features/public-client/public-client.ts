/**
 * `none`: a public client only names itself (RFC 6749 §2.1, §3.2.1). What it redeems must be bound
 * to it in other ways (PKCE).
 */
import {
  type ClientAuthenticationMethod,
  clientNotProven,
} from '../../engine/contracts/client-authentication.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { isPublic } from '../../protocol/client-metadata-rules.ts';

const none: ClientAuthenticationMethod = {
  name: 'none',
  needs: 'none',
  detect(_ctx, params) {
    const clientId = params.get('client_id');
    if (clientId === undefined) return null;
    return {
      clientId,
      verify: async (client) =>
        isPublic(client) ? null : clientNotProven('client_authentication_method'),
    };
  },
};

/** Clients without credentials: the authentication method `none` (RFC 7591 §2). */
export const publicClient: FeatureFactory = defineFeature({
  name: 'public-client',
  description: 'Public clients (RFC 6749 §2.1)',
  options: {},
  create: () => ({ clientAuthenticationMethods: [none] }),
});

/** The client credentials grant (RFC 6749 §4.4): a client with credentials acts for itself. */
import { resolveScopes } from '../../domain/scopes.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { defineGrant, type Grant } from '../../engine/contracts/grant.ts';

const grant: Grant = defineGrant<{ readonly scope: string | undefined }>({
  type: 'client_credentials',
  provesSubject: false,
  confidentialOnly: true,

  params: (params) => ({ scope: params.get('scope') }),

  async redeem(ctx, client, params) {
    const scopes = await resolveScopes(ctx.settings, client, params.scope, 'for-client');
    // RFC 6749 §4.4.3: no refresh token; the client can ask again.
    return { entitlement: null, scopes, nonce: null, refreshable: false, consumption: null };
  },
});

/** The grant client_credentials (RFC 6749 §4.4). */
export const clientCredentials: FeatureFactory = defineFeature({
  name: 'client-credentials',
  description: 'The client credentials grant (RFC 6749 §4.4)',
  options: {},
  create: () => ({ grants: [grant] }),
});

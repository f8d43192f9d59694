/** The client credentials grant (RFC 6749 §4.4): a confidential client acts for itself. */
import { resolveScopes } from '../domain/scopes.ts';
import { OAuthError } from '../protocol/errors.ts';
import { defineGrant, type Grant } from './grant.ts';

export const clientCredentials: Grant = defineGrant<{ readonly scope: string | undefined }>({
  type: 'client_credentials',

  params: (params) => ({ scope: params.get('scope') }),

  async redeem(ctx, client, params) {
    // RFC 6749 §4.4: only confidential clients; registration says so too, this is the line that counts.
    if (client.clientType !== 'confidential') {
      throw new OAuthError(
        'unauthorized_client',
        'client_not_confidential',
        'A public client has no credentials to act with.',
      );
    }
    const scopes = resolveScopes(ctx.settings, client, params.scope, 'for-client');
    // RFC 6749 §4.4.3: no refresh token; the client can ask again.
    return {
      entitlement: null,
      scopes,
      nonce: null,
      refreshable: false,
      consumption: null,
    };
  },
});

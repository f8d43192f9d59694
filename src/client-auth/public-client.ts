/** `none`: a public client only names itself (RFC 6749 §2.1, §3.2.1). What it redeems must be bound to it in other ways (PKCE). */
import type { ClientAuthMethod } from './client-auth.ts';

export const publicClient: ClientAuthMethod = {
  method: 'none',
  detect({ params }) {
    const clientId = params.get('client_id');
    return clientId === undefined
      ? null
      : { clientId, verify: async (_ctx, client) => client.clientType === 'public' };
  },
};

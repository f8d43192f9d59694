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
import { basicCredentials } from '../../web/basic-credentials.ts';
import type { RequestContext } from '../../web/request.ts';

const none: ClientAuthenticationMethod = {
  name: 'none',
  needs: 'none',
  detect(ctx, params) {
    const inForm = params.get('client_id') ?? null;
    const inHeader = namedByBasic(ctx.request);
    const clientId = inForm ?? inHeader;
    if (clientId === null) return null;
    if (inHeader !== null && inHeader !== clientId) return 'malformed';
    return {
      clientId,
      verify: async (client) =>
        isPublic(client) ? null : clientNotProven('client_authentication_method'),
    };
  },
};

/** Some libraries send the client_id of a public client as Basic, with an empty secret. */
function namedByBasic(request: RequestContext['request']): string | null {
  const credentials = basicCredentials(request);
  if (credentials === null || credentials === 'malformed') return null;
  return credentials.secret === '' ? credentials.clientId : null;
}

/** Clients without credentials: the authentication method `none` (RFC 7591 §2). */
export const publicClient: FeatureFactory = defineFeature({
  name: 'public-client',
  description: 'Public clients (RFC 6749 §2.1)',
  options: {},
  create: () => ({ clientAuthenticationMethods: [none] }),
});

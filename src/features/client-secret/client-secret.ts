/** client_secret_basic and client_secret_post (RFC 6749 §2.3.1). */
import { matchingSecret } from '../../domain/client-secrets.ts';
import {
  type ClientAuthenticationMethod,
  clientNotProven,
  type PresentedCredentials,
} from '../../engine/contracts/client-authentication.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { applicationCommand } from '../../protocol/remedies.ts';
import { basicCredentials } from '../../web/basic-credentials.ts';
import type { RequestContext } from '../../web/request.ts';

/** A client that is registered with this may use any of the two. */
const EITHER = ['client_secret'];

/** Credentials in the Authorization header. */
const basic: ClientAuthenticationMethod = {
  name: 'client_secret_basic',
  registeredAs: EITHER,
  needs: 'secret',
  detect(ctx) {
    const credentials = basicCredentials(ctx.request);
    if (credentials === null || credentials === 'malformed') return credentials;
    const { clientId, secret, rawSecret } = credentials;
    // RFC 6749 §2.3.1: an empty secret is none. The client only names itself.
    // Both readings, and one look where they are the same: each costs a digest.
    return secret === '' ? null : proof(ctx, clientId, [...new Set([secret, rawSecret])]);
  },
};

/** Credentials in the form body. */
const post: ClientAuthenticationMethod = {
  name: 'client_secret_post',
  registeredAs: EITHER,
  needs: 'secret',
  detect(ctx, params) {
    const secret = params.get('client_secret');
    if (secret === undefined || secret === '') return null;
    const clientId = params.get('client_id');
    return clientId === undefined ? 'malformed' : proof(ctx, clientId, [secret]);
  },
};

function proof(
  ctx: RequestContext,
  clientId: string,
  secrets: readonly string[],
): PresentedCredentials {
  return {
    clientId,
    async verify(client) {
      const ids = secrets.map((secret) => matchingSecret(client, secret, ctx.now()));
      const matching = ids.find((id) => id !== null) ?? null;
      if (matching !== null) {
        ctx.clients.used(client, matching);
        return null;
      }
      return clientNotProven('client_secret_wrong', {
        expected: 'the secret that was printed when the application was made, or a later one',
        received: 'another one, or one that has expired',
        remedy: `if the secret is lost: ${applicationCommand('rotate-secret', clientId)}`,
      });
    },
  };
}

/**
 * Client authentication with a secret: client_secret_basic and client_secret_post (RFC 6749
 * §2.3.1).
 */
export const clientSecret: FeatureFactory = defineFeature({
  name: 'client-secret',
  description: 'Client authentication with a secret (RFC 6749 §2.3.1)',
  options: {},
  create: () => ({ clientAuthenticationMethods: [basic, post] }),
});

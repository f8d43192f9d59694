/** client_secret_basic and client_secret_post (RFC 6749 §2.3.1). */
import { secretMatches } from '../../domain/client-secrets.ts';
import {
  type ClientAuthenticationMethod,
  clientNotProven,
  type PresentedCredentials,
} from '../../engine/contracts/client-authentication.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import type { RequestContext } from '../../web/request.ts';

const LONGEST_HEADER = 4096;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Credentials in the Authorization header. */
const basic: ClientAuthenticationMethod = {
  name: 'client_secret_basic',
  needs: 'secret',
  detect(ctx) {
    const authorization = ctx.request.headers.get('authorization');
    if (authorization === null) return null;
    if (authorization.length > LONGEST_HEADER) return 'malformed';
    // RFC 9110 §11.1: the scheme is case-insensitive.
    const encoded = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(authorization.trim())?.[1];
    const pair = encoded === undefined ? null : decodeText(encoded);
    if (pair === null) return 'malformed';
    const colon = pair.indexOf(':');
    if (colon < 0) return 'malformed';
    const clientId = formDecode(pair.slice(0, colon));
    const secret = formDecode(pair.slice(colon + 1));
    return clientId === null || secret === null ? 'malformed' : proof(ctx, clientId, secret);
  },
};

/** Credentials in the form body. */
const post: ClientAuthenticationMethod = {
  name: 'client_secret_post',
  needs: 'secret',
  detect(ctx, params) {
    const secret = params.get('client_secret');
    if (secret === undefined) return null;
    const clientId = params.get('client_id');
    return clientId === undefined ? 'malformed' : proof(ctx, clientId, secret);
  },
};

function proof(ctx: RequestContext, clientId: string, secret: string): PresentedCredentials {
  return {
    clientId,
    async verify(client) {
      const matches = secret !== '' && secretMatches(client, secret, ctx.now());
      return matches ? null : clientNotProven('client_secret_wrong');
    },
  };
}

function decodeText(encoded: string): string | null {
  try {
    return UTF8.decode(Buffer.from(encoded, 'base64'));
  } catch {
    return null;
  }
}

// RFC 6749 §2.3.1: identifier and secret are form-encoded before they are joined.
function formDecode(text: string): string | null {
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '));
    return decoded.includes('\0') ? null : decoded;
  } catch {
    return null;
  }
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

/** client_secret_basic and client_secret_post (RFC 6749 §2.3.1). */
import { secretMatches } from '../domain/clients.ts';
import type { ClientAuthMethod, PresentedCredentials } from './client-auth.ts';

const LONGEST_HEADER = 4096;

/** Credentials in the Authorization header. */
export const clientSecretBasic: ClientAuthMethod = {
  method: 'client_secret_basic',
  detect({ authorization }) {
    if (authorization === null) return null;
    if (authorization.length > LONGEST_HEADER) return 'malformed';
    // RFC 9110 §11.1: the scheme is case-insensitive.
    const encoded = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(authorization.trim())?.[1];
    if (encoded === undefined) return 'malformed';
    let pair: string;
    try {
      pair = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64'));
    } catch {
      return 'malformed';
    }
    const colon = pair.indexOf(':');
    if (colon < 0) return 'malformed';
    const clientId = formDecode(pair.slice(0, colon));
    const secret = formDecode(pair.slice(colon + 1));
    return clientId === null || secret === null ? 'malformed' : proof(clientId, secret);
  },
};

/** Credentials in the form body. */
export const clientSecretPost: ClientAuthMethod = {
  method: 'client_secret_post',
  detect({ params }) {
    const secret = params.get('client_secret');
    if (secret === undefined) return null;
    const clientId = params.get('client_id');
    return clientId === undefined ? 'malformed' : proof(clientId, secret);
  },
};

function proof(clientId: string, secret: string): PresentedCredentials {
  return {
    clientId,
    verify: async (ctx, client) => secret !== '' && secretMatches(client, secret, ctx.now()),
  };
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

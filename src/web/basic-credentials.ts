/** Credentials in the Authorization header, scheme Basic (RFC 7617, RFC 6749 §2.3.1). */
import type { HttpRequest } from './request.ts';

const LONGEST_HEADER = 4096;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** What a client sent as user and password. */
export interface BasicCredentials {
  readonly clientId: string;
  /** The secret, form-decoded where it can be. */
  readonly secret: string;
  /** The secret as it stands there: some clients send it without encoding it. */
  readonly rawSecret: string;
}

/** Null when there is no Authorization header; 'malformed' when it cannot be read. */
export function basicCredentials(
  request: Pick<HttpRequest, 'headers'>,
): BasicCredentials | 'malformed' | null {
  const authorization = request.headers.get('authorization');
  if (authorization === null) return null;
  if (authorization.length > LONGEST_HEADER) return 'malformed';
  // RFC 9110 §11.1: the scheme is case-insensitive.
  const encoded = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(authorization.trim())?.[1];
  const pair = encoded === undefined ? null : decodeText(encoded);
  if (pair === null || pair.includes('\0')) return 'malformed';
  const colon = pair.indexOf(':');
  if (colon < 0) return 'malformed';
  const clientId = formDecode(pair.slice(0, colon));
  const rawSecret = pair.slice(colon + 1);
  const secret = formDecode(rawSecret) ?? rawSecret;
  return clientId === null || secret.includes('\0') ? 'malformed' : { clientId, secret, rawSecret };
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
  // Most have nothing to decode.
  if (!/[%+]/.test(text)) return text;
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '));
    return decoded.includes('\0') ? null : decoded;
  } catch {
    return null;
  }
}

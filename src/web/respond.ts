/** Responses that are not pages: JSON, redirects, and refusals as JSON. */
import { OAuthError } from '../protocol/errors.ts';
import { StoreUnavailable } from '../store/store.ts';

const NO_STORE = { 'Cache-Control': 'no-store', Pragma: 'no-cache' } as const;

/** JSON that no cache keeps (RFC 6749 §5.1). */
export function json(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'Content-Type': 'application/json',
      'X-Content-Type-Options': 'nosniff',
      ...NO_STORE,
      ...headers,
    },
  });
}

/** A JWT that no cache keeps (RFC 7519 §10.3.1). */
export function jwtResponse(jwt: string, contentType = 'application/jwt'): Response {
  const headers = { 'Content-Type': contentType, 'X-Content-Type-Options': 'nosniff' };
  return new Response(jwt, { status: 200, headers: { ...headers, ...NO_STORE } });
}

/**
 * A page for a frame in the pages of others: one script, and nothing that people see.
 * @param source CSP source of the script
 * @param origins who may frame it, as `frame-ancestors` has it
 */
export function framedScript(html: string, source: string, origins: string): Response {
  const policy = `default-src 'none'; script-src ${source}; frame-ancestors ${origins}`;
  return new Response(html, {
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': `${policy}; base-uri 'none'; form-action 'none'`,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Resource-Policy': 'cross-origin',
      ...NO_STORE,
    },
  });
}

/** An empty answer that no cache keeps. */
export function empty(status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status, headers: { ...NO_STORE, ...headers } });
}

/** 303: the browser goes on with GET and never repeats a form elsewhere (RFC 9700 §4.12). */
export function redirect(location: string, cookies: readonly string[] = []): Response {
  const response = new Response(null, {
    status: 303,
    headers: { Location: location, 'Referrer-Policy': 'no-referrer', ...NO_STORE },
  });
  for (const cookie of cookies) response.headers.append('Set-Cookie', cookie);
  return response;
}

/** A refusal as JSON (RFC 6749 §5.2). */
export function jsonError(error: OAuthError): Response {
  const body = { error: error.code, error_description: error.description };
  return json(error.status, body, error.headers);
}

/**
 * Turns any failure into a refusal. An unexpected failure becomes a `server_error` that reveals
 * nothing.
 */
export function asOAuthError(failure: unknown): OAuthError {
  if (failure instanceof OAuthError) return failure;
  if (failure instanceof StoreUnavailable) {
    return new OAuthError(
      'temporarily_unavailable',
      'store_unavailable',
      'The service is not available at the moment. Try again soon.',
      { cause: failure, headers: { 'Retry-After': '1' } },
    );
  }
  return new OAuthError('server_error', 'unexpected', 'Something went wrong on our side.', {
    cause: failure,
  });
}

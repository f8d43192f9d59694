/** Rules that several endpoints keep about where parameters and tokens may stand. */
import { OAuthError } from '../protocol/errors.ts';
import type { Params } from '../protocol/params.ts';
import type { Call } from './call.ts';

/** Refuses parameters in the address: they would stand in logs. */
export function requireBodyOnly(call: Call): void {
  // RFC 6749 §3.2, §2.3.1: credentials and grants are never included in the request URI.
  if (call.url.search.length > 1) {
    throw new OAuthError(
      'invalid_request',
      'query_not_allowed',
      'Parameters belong in the request body.',
    );
  }
}

/**
 * The bearer token of a request: the Authorization header, or the form body of a POST; never the query (RFC 6750 §2, RFC 9700 §4.3.2).
 * @throws OAuthError `invalid_request` when it comes twice
 */
export async function bearerToken(call: Call): Promise<string | null> {
  const authorization = call.headers.get('authorization');
  const inHeader =
    authorization === null
      ? null
      : (/^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(authorization)?.[1] ?? null);
  const hasForm =
    call.method === 'POST' &&
    (call.headers.get('content-type') ?? '')
      .toLowerCase()
      .startsWith('application/x-www-form-urlencoded');
  const inBody = hasForm ? ((await call.form()).get('access_token') ?? null) : null;
  // RFC 6750 §2: no more than one method to transmit the token.
  if (inHeader !== null && inBody !== null) {
    throw new OAuthError(
      'invalid_request',
      'several_tokens',
      'The request carries more than one access token.',
    );
  }
  return inHeader ?? inBody;
}

/** The languages of `ui_locales`, best first; what is no tag is left out (OIDC Core §3.1.2.1). */
export function localesOf(params: Params): readonly string[] {
  return (params.get('ui_locales') ?? '')
    .split(' ')
    .filter((tag) => /^[A-Za-z0-9-]{1,35}$/.test(tag));
}

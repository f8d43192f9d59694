/** Rules that several endpoints keep about where parameters and tokens may stand. */
import { OAuthError } from '../protocol/errors.ts';
import type { Params } from '../protocol/params.ts';
import type { HttpRequest } from './request.ts';

/**
 * The form of a client's call. Refuses parameters in the address, because addresses stand in logs.
 */
export async function bodyParams(request: HttpRequest): Promise<Params> {
  // RFC 6749 §3.2, §2.3.1: credentials and grants are never included in the request URI.
  if (request.url.search.length > 1) {
    throw new OAuthError(
      'invalid_request',
      'query_not_allowed',
      'Parameters belong in the request body.',
    );
  }
  return await request.form();
}

interface PlacedToken {
  readonly text: string;
  readonly scheme: string;
}

/**
 * The access token of a request and the scheme it came by: the Authorization header (Bearer, or
 * DPoP), or the form body of a POST; never the query (RFC 6750 §2, RFC 9449 §7.1, RFC 9700 §4.3.2).
 * @throws OAuthError `invalid_request` when it comes twice
 */
export async function presentedToken(request: HttpRequest): Promise<PlacedToken | null> {
  const inHeader = headerToken(request);
  const contentType = (request.headers.get('content-type') ?? '').toLowerCase();
  const hasForm =
    request.method === 'POST' && contentType.startsWith('application/x-www-form-urlencoded');
  const inBody = hasForm ? ((await request.form()).get('access_token') ?? null) : null;
  // RFC 6750 §2: no more than one method to transmit the token.
  if (inHeader !== null && inBody !== null) {
    throw new OAuthError(
      'invalid_request',
      'several_tokens',
      'The request carries more than one access token.',
    );
  }
  return inHeader ?? (inBody === null ? null : { text: inBody, scheme: 'bearer' });
}

/** The token of the Authorization header and its scheme in lower case (RFC 6750 §2.1). */
export function headerToken({ headers }: Pick<HttpRequest, 'headers'>): PlacedToken | null {
  const [, scheme, text] =
    /^(bearer|dpop) +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(headers.get('authorization') ?? '') ?? [];
  return scheme === undefined || text === undefined ? null : { text, scheme: scheme.toLowerCase() };
}

/** The languages of `ui_locales`, best first; what is no tag is left out (OIDC Core §3.1.2.1). */
export function localesOf(params: Params): readonly string[] {
  const tags = (params.get('ui_locales') ?? '').split(' ');
  return tags.filter(isLanguageTag);
}

/** True for a text with the shape of a language tag (BCP 47). */
export function isLanguageTag(text: string): boolean {
  return /^[A-Za-z0-9-]{1,35}$/.test(text);
}

/**
 * The parameters of these names, once each, as they travel with an interaction. A repeated one is
 * left out: it was refused, or will be.
 * @param repeatable names of those that may be repeated: their values travel as one
 */
export function pickParams(
  params: Params,
  names: readonly string[],
  repeatable: readonly string[] = [],
): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = repeatable.includes(name)
      ? params.all(name).join(' ') || null
      : params.only(name);
    if (value !== null) picked[name] = value;
  }
  return picked;
}

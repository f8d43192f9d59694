/**
 * A request to an API, as the check sees it: what every framework knows of one, and the access
 * token in it (RFC 6750 §2, RFC 9449 §7.1).
 */
import { type ClientCertificate, OAuthError } from 'valetkey';

/** What the check reads of a request. A `Request` is one. */
export interface ApiRequest {
  /** HTTP method. */
  readonly method: string;
  /** Its URL. Only path and query count; the origin is that of the API. */
  readonly url: string;
  /** All its headers; one that came several times has its values joined by commas. */
  readonly headers: Pick<Headers, 'get'>;
}

/** What an adapter knows besides the request. */
export interface ApiRequestInfo {
  /**
   * The certificate that the client showed in TLS, for tokens that are bound to one (RFC 8705).
   * Never pass on what anybody but your own proxy wrote into a header.
   */
  readonly certificate?: () => ClientCertificate | null;
  /** The parameters of a form in the body; null where the body is no form. */
  readonly form?: () => Promise<Readonly<Record<string, unknown>> | null>;
}

/** An access token as a request presents it. */
export interface Presented {
  readonly text: string;
  readonly scheme: Scheme;
}

export type Scheme = 'bearer' | 'dpop';

/** Characters of a token. */
const LONGEST = 16_384;
/** RFC 6750 §2.1: b64token. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * The access token of a request; null when it has none.
 * @param form reads the body, where tokens may stand there (RFC 6750 §2.2)
 * @throws OAuthError `invalid_request` when it has several or a malformed one; `invalid_token` for
 * one that is too long
 */
export async function presentedToken(
  request: ApiRequest,
  form: ApiRequestInfo['form'] | null,
): Promise<Presented | null> {
  const inHeader = headerToken(request);
  const inForm = hasForm(request) ? ((await form?.())?.['access_token'] ?? null) : null;
  // RFC 6750 §2, RFC 9700 §4.3.2: one place, and never the address, which stands in logs.
  if ([inHeader, inForm, queryToken(request.url)].filter((one) => one !== null).length > 1)
    throw severalTokens();
  if (inForm === null) return inHeader;
  // A body parser makes a list of a parameter that came twice.
  if (typeof inForm !== 'string') throw severalTokens();
  return { text: checked(inForm), scheme: 'bearer' };
}

/** True when a request names a way to prove itself, whatever it is. */
export function hasAuthorization({ headers }: ApiRequest): boolean {
  return headers.get('authorization') !== null;
}

/** True for a question of a browser about CORS, which has no credentials (Fetch §4.8). */
export function isPreflight({ method, headers }: ApiRequest): boolean {
  return (
    method === 'OPTIONS' &&
    headers.get('origin') !== null &&
    headers.get('access-control-request-method') !== null
  );
}

/** The scheme of the Authorization header; null where it is none for tokens. */
export function schemeOf({ headers }: ApiRequest): Scheme | null {
  // RFC 9110 §11.1: the scheme is case-insensitive.
  const [, name] = /^(bearer|dpop)(?: |$)/i.exec(headers.get('authorization') ?? '') ?? [];
  return name === undefined ? null : (name.toLowerCase() as Scheme);
}

function headerToken(request: ApiRequest): Presented | null {
  const scheme = schemeOf(request);
  if (scheme === null) return null;
  const header = request.headers.get('authorization') ?? '';
  return { text: checked(header.slice(scheme.length).trim()), scheme };
}

function checked(text: string): string {
  if (text.length > LONGEST)
    throw new OAuthError('invalid_token', 'token_too_long', 'The access token is invalid.');
  // RFC 6750 §2.1: anything else is malformed. So are several headers, which commas join.
  if (TOKEN.test(text)) return text;
  throw new OAuthError(
    'invalid_request',
    'token_malformed',
    'The access token is malformed, or there are several.',
  );
}

function queryToken(url: string): string | null {
  const query = url.indexOf('?');
  return query < 0 ? null : new URLSearchParams(url.slice(query)).get('access_token');
}

/** RFC 6750 §2.2: a form, in a request whose method has a body. */
function hasForm({ method, headers }: ApiRequest): boolean {
  const type = (headers.get('content-type') ?? '').toLowerCase();
  return (
    !['GET', 'HEAD', 'OPTIONS'].includes(method) &&
    /^application\/x-www-form-urlencoded *(;|$)/.test(type)
  );
}

function severalTokens(): OAuthError {
  return new OAuthError(
    'invalid_request',
    'token_several',
    'The request has more than one access token.',
  );
}

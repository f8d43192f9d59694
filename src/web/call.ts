/**
 * One HTTP request as the endpoints read it: bounded, decoded strictly, each part only when asked for. It touches only the cheap parts
 * of `Request`, and never parses a body as anything but a form.
 */
import { parseCookie } from 'cookie';
import { OAuthError } from '../protocol/errors.ts';
import { type ParamLimits, type Params, parseParams } from '../protocol/params.ts';

export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** Address of the peer, as the adapter knows it. */
  readonly ip: string | null;
  /** Stands in the log and on error pages. */
  readonly requestId: string;
  /** Parameters of the query string. */
  query(): Params;
  /** Parameters of the form body. @throws OAuthError 415 for another content type, 413 when too large */
  form(): Promise<Params>;
  /** Parameters of a POST form, or of the query of a GET; one never mixes with the other. */
  params(): Promise<Params>;
  cookie(name: string): string | null;
}

/** Characters of an address with a zone; what a proxy says may be anything. */
const LONGEST_ADDRESS = 64;

/** What an adapter knows besides the request. */
export interface CallInfo {
  /** Address of the peer; rateLimits count by it. */
  readonly ip?: string | undefined;
  /** Stands in the log and on error pages. Default: random. */
  readonly requestId?: string | undefined;
}

export function createCall(
  request: Request,
  url: URL,
  info: CallInfo,
  limits: ParamLimits,
  makeId: () => string,
): Call {
  let query: Params | null = null;
  let cookies: Readonly<Record<string, string | undefined>> | null = null;
  const readQuery = (): Params => {
    query ??= parseParams(url.search.slice(1), limits);
    return query;
  };
  let form: Promise<Params> | null = null;
  const parseForm = async (): Promise<Params> => {
    checkContentType(request.headers.get('content-type'));
    return parseParams(await readText(request, limits.total).catch(bodyFailure), limits);
  };
  // A body can be read once; what it says may be asked for more often.
  const readForm = (): Promise<Params> => {
    form ??= parseForm();
    return form;
  };
  return {
    method: request.method,
    url,
    headers: request.headers,
    ip: info.ip?.slice(0, LONGEST_ADDRESS) ?? null,
    requestId: info.requestId ?? makeId(),
    query: readQuery,
    form: readForm,
    params: async () => (request.method === 'POST' ? await readForm() : readQuery()),
    cookie(name) {
      cookies ??= parseCookie((request.headers.get('cookie') ?? '').slice(0, 16_384));
      return Object.hasOwn(cookies, name) ? (cookies[name] ?? null) : null;
    },
  };
}

// RFC 6749 §4.1.3, Appendix B: parameters are sent as application/x-www-form-urlencoded in UTF-8.
function checkContentType(contentType: string | null): void {
  if (
    contentType !== null &&
    /^application\/x-www-form-urlencoded *(; *charset="?utf-8"? *)?$/i.test(contentType)
  )
    return;
  throw new OAuthError(
    'invalid_request',
    'content_type',
    'The request body must be application/x-www-form-urlencoded.',
    { status: 415 },
  );
}

/** A peer that hangs up in the middle has sent a bad request; what was read before we saw it is a mistake of the host. */
function bodyFailure(cause: unknown): never {
  if (cause instanceof OAuthError || cause instanceof BodyTaken) throw cause;
  throw new OAuthError('invalid_request', 'body_incomplete', 'The request body did not arrive.', {
    cause,
  });
}

class BodyTaken extends Error {}

async function readText(request: Request, limit: number): Promise<string> {
  const tooLarge = (): OAuthError =>
    new OAuthError('invalid_request', 'request_too_large', 'The request is too large.', {
      status: 413,
    });
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > limit) throw tooLarge();
  if (request.bodyUsed) {
    throw new BodyTaken(
      'The request body was read before the provider saw it: mount the provider before body parsers.',
    );
  }
  // The HTTP server holds the peer to the declared length; only a body of unknown length has to be counted.
  if (declared !== null || request.body === null) return await request.text();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Bodies of requests: read once, bounded before anything is parsed, forms and JSON objects alone.
 */
import { OAuthError } from '../protocol/errors.ts';
import { type ParamLimits, type Params, parseParams } from '../protocol/params.ts';

/** Levels of a JSON body; deeper ones are refused. */
const DEEPEST = 20;

export async function readFormBody(request: Request, limits: ParamLimits): Promise<Params> {
  const contentType = request.headers.get('content-type') ?? '';
  // RFC 6749 §4.1.3, Appendix B: parameters are sent as application/x-www-form-urlencoded in UTF-8.
  if (!/^application\/x-www-form-urlencoded *(; *charset="?utf-8"? *)?$/i.test(contentType)) {
    throw new OAuthError(
      'invalid_request',
      'content_type',
      'The request body must be application/x-www-form-urlencoded.',
      { status: 415 },
    );
  }
  return parseParams(await readBody(request, limits.total), limits);
}

export async function readJsonBody(
  request: Request,
  limits: ParamLimits,
): Promise<Readonly<Record<string, unknown>>> {
  const contentType = request.headers.get('content-type') ?? '';
  if (!/^application\/json *(; *charset="?utf-8"? *)?$/i.test(contentType)) {
    throw new OAuthError(
      'invalid_request',
      'content_type_json',
      'The request body must be application/json.',
      { status: 415 },
    );
  }
  const value = parseJson(await readBody(request, limits.total));
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && isShallow(value))
    return value as Readonly<Record<string, unknown>>;
  throw new OAuthError('invalid_request', 'json_object', 'The request body must be a JSON object.');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (name, value: unknown) => {
      // A name that changes objects, and a character that databases refuse.
      if (name === '__proto__' || (typeof value === 'string' && value.includes('\0')))
        throw new SyntaxError('a name or character that is refused');
      return value;
    });
  } catch (cause) {
    throw new OAuthError('invalid_request', 'json_malformed', 'The request body is not JSON.', {
      cause,
    });
  }
}

function isShallow(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth < DEEPEST && Object.values(value).every((inner) => isShallow(inner, depth + 1));
}

async function readBody(request: Request, limit: number): Promise<string> {
  try {
    return await readText(request, limit);
  } catch (cause) {
    if (cause instanceof OAuthError || cause instanceof BodyTaken) throw cause;
    // A peer that disconnects early has sent a bad request.
    throw new OAuthError('invalid_request', 'body_incomplete', 'The request body did not arrive.', {
      cause,
      hint: {
        expected: 'the whole body',
        received: 'less, or nothing',
        remedy: 'if a body parser of your application ran first, mount the provider before it',
      },
    });
  }
}

/** The host read the body before the provider: a mistake of the host, not of the peer. */
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
  // The HTTP server holds the peer to the declared length; a body of unknown length is counted
  // here.
  if (declared !== null || request.body === null) return requireUtf8(await request.text());
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return requireUtf8(Buffer.concat(chunks).toString('utf8'));
}

/**
 * RFC 6749 Appendix B: UTF-8. Bytes that are none were read as U+FFFD, which a form has to
 * percent-encode; the body is refused, as a `%ff` is.
 */
function requireUtf8(text: string): string {
  if (!text.includes('\ufffd')) return text;
  throw new OAuthError('invalid_request', 'body_encoding', 'The request body is not UTF-8.');
}

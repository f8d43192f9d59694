/**
 * Request parameters as data: strict decoding of `application/x-www-form-urlencoded`, size limits,
 * duplicate detection. Which parameters an endpoint knows is the endpoint's business; unknown ones
 * are never looked at.
 */
import { OAuthError } from './errors.ts';

/** Bounds of one request. Sizes in characters of the encoded text. */
export interface ParamLimits {
  /** Whole query string or body. */
  readonly total: number;
  readonly count: number;
  /** One decoded value. */
  readonly value: number;
}

/** The parameters of one request. An empty value counts as absent (RFC 6749 §3.1). */
export interface Params {
  /**
   * The value, or undefined when absent or empty. Throws `invalid_request` when the parameter came
   * twice.
   */
  get(name: string): string | undefined;
  /** As `get`, but absent is `invalid_request`. */
  need(name: string): string;
  /**
   * The value; null when it is absent, empty or repeated. For what is read before repetitions may
   * be told.
   */
  only(name: string): string | null;
  /** The parameter appears, even if empty. */
  has(name: string): boolean;
  /** Throws `invalid_request` if any of these came more than once. */
  refuseRepeated(names: readonly string[]): void;
}

/**
 * Decodes percent-encoding and `+`, strictly: malformed sequences, overlong UTF-8 and control
 * characters are refused.
 */
function decode(text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new OAuthError(
      'invalid_request',
      'malformed_encoding',
      'A parameter is not valid percent-encoded UTF-8.',
      { cause },
    );
  }
  if (decoded.includes('\0')) {
    throw new OAuthError(
      'invalid_request',
      'control_character',
      'A parameter contains a NUL character.',
    );
  }
  return decoded;
}

/**
 * Parses a query string (without `?`) or a form body.
 * @throws OAuthError `invalid_request` on malformed encoding or when a limit is exceeded (status
 * 413 or 400)
 */
export function parseParams(text: string, limits: ParamLimits): Params {
  if (text.length > limits.total) {
    throw new OAuthError('invalid_request', 'request_too_large', 'The request is too large.', {
      status: 413,
    });
  }
  const values = new Map<string, string[]>();
  let count = 0;
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    count += 1;
    if (count > limits.count) {
      throw new OAuthError(
        'invalid_request',
        'too_many_parameters',
        'The request has too many parameters.',
      );
    }
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1));
    if (value.length > limits.value) {
      throw new OAuthError('invalid_request', 'parameter_too_long', 'A parameter is too long.');
    }
    const seen = values.get(name);
    if (seen === undefined) values.set(name, [value]);
    else seen.push(value);
  }
  return paramsFrom(values);
}

/** Parameters from name and value pairs that were checked before (a sealed request). */
export function paramsOf(record: Readonly<Record<string, string>>): Params {
  return paramsFrom(new Map(Object.entries(record).map(([name, value]) => [name, [value]])));
}

function paramsFrom(values: ReadonlyMap<string, readonly string[]>): Params {
  const get = (name: string): string | undefined => {
    const found = values.get(name);
    if (found === undefined) return undefined;
    // RFC 6749 §3.1: request parameters are not included more than once.
    if (found.length > 1) {
      throw new OAuthError(
        'invalid_request',
        'repeated_parameter',
        `The parameter ${safe(name)} is repeated.`,
      );
    }
    return found[0] === '' ? undefined : found[0];
  };
  return {
    get,
    need(name) {
      const value = get(name);
      if (value === undefined) {
        throw new OAuthError(
          'invalid_request',
          'missing_parameter',
          `The parameter ${safe(name)} is missing.`,
        );
      }
      return value;
    },
    only(name) {
      const found = values.get(name);
      return found?.length === 1 ? (found[0] ?? '') || null : null;
    },
    has: (name) => values.has(name),
    refuseRepeated(names) {
      for (const name of names) get(name);
    },
  };
}

/** Only names of our own lists reach descriptions, but a reader should not have to know that. */
function safe(name: string): string {
  return name.replaceAll(/[^a-z_]/g, '');
}

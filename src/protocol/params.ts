/**
 * Request parameters: strict decoding of `application/x-www-form-urlencoded`, size limits, and the
 * detection of repeated parameters. Which parameters have a meaning is left to the endpoint. It
 * ignores unknown ones.
 */
import { OAuthError } from './errors.ts';

/** The limits for the parameters of one request. */
export interface ParamLimits {
  /** Most characters of the whole query string or body, before decoding. */
  readonly total: number;
  /** Most parameters. */
  readonly count: number;
  /** Most characters of one value, after decoding. */
  readonly value: number;
}

/** The parameters of one request. An empty value counts as absent (RFC 6749 §3.1). */
export interface Params {
  /**
   * The value; undefined if it is absent or empty.
   * @throws OAuthError `invalid_request` when the parameter is repeated
   */
  get(name: string): string | undefined;
  /**
   * The value.
   * @throws OAuthError `invalid_request` when the parameter is absent, empty or repeated
   */
  need(name: string): string;
  /**
   * The value; null if it is absent, empty or repeated. For parameters that are read before it is
   * known where an error may be sent.
   */
  only(name: string): string | null;
  /**
   * The values of a parameter that may be repeated and whose values contain no space, which
   * separates them where they travel as one (RFC 8707 §2); empty if it is absent.
   */
  all(name: string): readonly string[];
  /** True if the parameter is present, even if it is empty. */
  has(name: string): boolean;
  /**
   * Checks that none of these parameters is repeated.
   * @throws OAuthError `invalid_request` when one is
   */
  refuseRepeated(names: readonly string[]): void;
}

const PLAIN = /^[\w.~:/-]*$/;

/**
 * Decodes percent-encoding and `+`.
 * @throws OAuthError `invalid_request` on malformed sequences, invalid UTF-8 and NUL characters
 */
function decode(text: string): string {
  // Most have nothing to decode.
  if (PLAIN.test(text)) return text;
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
 * The parameters of a query string (without `?`) or of a form body.
 * @throws OAuthError `invalid_request` on malformed encoding, or when a limit is exceeded (status
 * 413 for the total size, 400 for the others)
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

/** Parameters from names and values that were checked earlier (a sealed request). */
export function paramsOf(record: Readonly<Record<string, string>>): Params {
  return paramsFrom(new Map(Object.entries(record).map(([name, value]) => [name, [value]])));
}

function paramsFrom(values: ReadonlyMap<string, readonly string[]>): Params {
  const get = (name: string): string | undefined => {
    const found = values.get(name);
    if (found === undefined) return undefined;
    // RFC 6749 §3.1: request parameters must not be included more than once.
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
          {
            hint: {
              expected: `the parameter ${safe(name)}`,
              received: values.has(name) ? 'an empty one' : 'nothing',
            },
          },
        );
      }
      return value;
    },
    only(name) {
      const found = values.get(name);
      return found?.length === 1 ? (found[0] ?? '') || null : null;
    },
    all: (name) =>
      (values.get(name) ?? []).flatMap((value) => value.split(' ')).filter((one) => one !== ''),
    has: (name) => values.has(name),
    refuseRepeated(names) {
      for (const name of names) get(name);
    },
  };
}

/**
 * A parameter name for a description. Callers pass only names from our own code; this makes sure
 * that a description stays safe even if one does not.
 */
function safe(name: string): string {
  return name.replaceAll(/[^a-z_]/g, '');
}

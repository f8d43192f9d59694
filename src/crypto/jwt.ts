/**
 * JSON Web Tokens, through jose, with the checks jose leaves to its caller: size and shape before
 * parsing, no repeated members, algorithm pinned to the key, type pinned to the purpose (RFC 8725).
 */
import { CompactSign, type CryptoKey, compactVerify, errors } from 'jose';

/** Why a JWT was not accepted. */
export type JwtProblem =
  | 'malformed'
  | 'algorithm'
  | 'type'
  | 'signature'
  | 'unknown_key'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'not_yet_valid'
  | 'claim';

/** A JWT was refused; `problem` says why. */
export class JwtError extends Error {
  override readonly name = 'JwtError';
  readonly problem: JwtProblem;

  constructor(problem: JwtProblem, message: string, cause?: unknown) {
    super(message, { cause });
    this.problem = problem;
  }
}

export interface JwtHeader {
  readonly alg: string;
  readonly typ?: string;
  readonly kid?: string;
}

export type JwtClaims = Readonly<Record<string, unknown>>;

/** A key for one algorithm, ready to use. */
export interface JwtKey {
  readonly alg: string;
  readonly key: CryptoKey | Uint8Array;
}

const MOST_CHARACTERS = 16 * 1024;
const DEEPEST = 20;
const SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const encoder = new TextEncoder();

/** Signs claims (JWS compact serialization, RFC 7515 §7.1). */
export async function signJwt(
  header: JwtHeader,
  claims: JwtClaims,
  key: JwtKey['key'],
): Promise<string> {
  return await new CompactSign(encoder.encode(JSON.stringify(claims)))
    .setProtectedHeader({ ...header })
    .sign(key);
}

/** Header and claims of a JWT whose signature nobody checked yet: only good for finding the key. */
export function peekJwt(jwt: string): { readonly header: JwtHeader; readonly claims: JwtClaims } {
  // RFC 8725 §3.11 and our own limit: nothing is parsed before size and shape are right.
  if (jwt.length > MOST_CHARACTERS || !SHAPE.test(jwt))
    throw new JwtError('malformed', 'not a compact JWS');
  const [head = '', payload = '', signature = ''] = jwt.split('.');
  decode(signature);
  const header = parseObject(head);
  const claims = parseObject(payload);
  if (typeof header['alg'] !== 'string') throw new JwtError('malformed', 'no alg');
  // RFC 7515 §4.1.11: extensions we do not understand must be refused; we understand none, nor b64.
  if ('crit' in header || 'b64' in header)
    throw new JwtError('malformed', 'critical header parameters are not supported');
  for (const name of ['kid', 'typ']) {
    if (name in header && (typeof header[name] !== 'string' || String(header[name]).length > 255)) {
      throw new JwtError('malformed', `${name} is not a short text`);
    }
  }
  return { header: header as unknown as JwtHeader, claims };
}

/**
 * Checks the signature with exactly this key and algorithm, and the type.
 * @param types accepted `typ` values, lower case; '' stands for none
 */
export async function verifyJwt(
  jwt: string,
  expected: JwtKey,
  types: readonly string[],
): Promise<JwtClaims> {
  const { header, claims } = peekJwt(jwt);
  // RFC 8725 §3.1: the algorithm is the caller's, never the token's.
  if (header.alg !== expected.alg)
    throw new JwtError('algorithm', 'signed with another algorithm than expected');
  // RFC 8725 §3.11: explicit types keep one kind of JWT from being taken for another.
  const type = (header.typ ?? '').toLowerCase().replace(/^application\//, '');
  if (!types.includes(type)) throw new JwtError('type', 'not a JWT of the expected type');
  try {
    await compactVerify(jwt, expected.key, { algorithms: [expected.alg] });
  } catch (cause) {
    if (cause instanceof errors.JOSEError)
      throw new JwtError('signature', 'the signature does not verify', cause);
    throw cause;
  }
  return claims;
}

/** The window in which a JWT is accepted. */
export interface TimeRules {
  readonly now: number;
  /** Seconds of clock difference that are forgiven. */
  readonly skew: number;
  /** Accept a JWT past its `exp` (id_token_hint). */
  readonly allowExpired?: boolean;
}

/** Checks `exp`, `iat` and `nbf`: numbers where present, `exp` required (RFC 7519 §4.1). */
export function checkTimes(claims: JwtClaims, rules: TimeRules): void {
  for (const name of ['exp', 'iat', 'nbf']) {
    const value = claims[name];
    if (
      value === undefined ? name === 'exp' : typeof value !== 'number' || !Number.isFinite(value)
    ) {
      throw new JwtError('claim', `${name} is not a number`);
    }
  }
  const exp = claims['exp'] as number;
  const start = Math.max(
    (claims['nbf'] as number | undefined) ?? 0,
    (claims['iat'] as number | undefined) ?? 0,
  );
  // RFC 7519 §4.1.4: not on or after exp.
  if (rules.allowExpired !== true && exp + rules.skew <= rules.now)
    throw new JwtError('expired', 'the JWT has expired');
  // RFC 7519 §4.1.5: not before nbf.
  if (start - rules.skew > rules.now)
    throw new JwtError('not_yet_valid', 'the JWT is not valid yet');
}

function decode(segment: string): Buffer {
  const bytes = Buffer.from(segment, 'base64url');
  // RFC 7515 §2: exactly one spelling of each octet sequence.
  if (bytes.toString('base64url') !== segment)
    throw new JwtError('malformed', 'not canonical base64url');
  return bytes;
}

function parseObject(segment: string): Record<string, unknown> {
  const bytes = decode(segment);
  let value: unknown;
  let members = 0;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = JSON.parse(text);
    members = countMembers(text);
  } catch (cause) {
    throw new JwtError('malformed', 'not JSON', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new JwtError('malformed', 'not a JSON object');
  // RFC 7515 §4: header parameter names are unique; JSON.parse would silently keep the last.
  if (members !== countKeys(value)) throw new JwtError('malformed', 'repeated members');
  return value as Record<string, unknown>;
}

/** Members written in a JSON text: the colons outside strings. */
function countMembers(text: string): number {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1;
}

/** Members present in the parsed value. Deeper than any token of ours it is not looked into. */
function countKeys(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth >= DEEPEST) throw new JwtError('malformed', 'nested too deeply');
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce<number>((sum, item) => sum + countKeys(item, depth + 1), own);
}

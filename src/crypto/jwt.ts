/**
 * JSON Web Tokens. Node makes the signatures, and jose verifies them. This file adds the checks
 * that jose leaves to its caller: size and shape before parsing, no repeated members, only the
 * algorithm of the key, only the types of the purpose (RFC 8725). What claims mean is left to the
 * callers.
 */
import { constants, createHmac, type KeyObject, sign } from 'node:crypto';
import { type CryptoKey, compactVerify, errors } from 'jose';

/**
 * Why a JWT was refused. `malformed`: it is not a well-formed JWT, or uses unsupported extensions.
 * `claim`: a required claim is missing, or a claim has the wrong form. The others name the check
 * that failed.
 */
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

/** A JWT was refused. `problem` says why in one word, `message` in a phrase for operators. */
export class JwtError extends Error {
  /** Always `JwtError`. */
  override readonly name = 'JwtError';
  /** The check that failed. */
  readonly problem: JwtProblem;

  /**
   * A refusal of a JWT.
   * @param problem the check that failed
   * @param message a phrase for operators
   * @param cause the error behind it
   */
  constructor(problem: JwtProblem, message: string, cause?: unknown) {
    super(message, { cause });
    this.problem = problem;
  }
}

/** The header parameters that we read and write (RFC 7515 §4.1). */
export interface JwtHeader {
  readonly alg: string;
  readonly typ?: string;
  readonly kid?: string;
}

/** The claims of a JWT, by name. */
export type JwtClaims = Readonly<Record<string, unknown>>;

/** A key, and the only algorithm that it may be used with. */
export interface JwtKey {
  /** The only algorithm that the key may be used with. */
  readonly alg: string;
  /** The key; bytes for HS256. */
  readonly key: KeyObject | CryptoKey | Uint8Array;
}

const MOST_CHARACTERS = 16 * 1024;
const DEEPEST = 20;
const SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/**
 * Signs bytes outside of this process, with a key that it does not hold. The signature has the form
 * of RFC 7518 §3: for ECDSA the two numbers, each as long as the curve.
 */
export type OutsideSignature = (data: Uint8Array) => Promise<Uint8Array>;

/**
 * Signs claims (JWS compact serialization, RFC 7515 §7.1).
 * @param key the private key of the algorithm in the header, or what signs with it; bytes for HS256
 */
export async function signJwt(
  header: JwtHeader,
  claims: JwtClaims,
  key: KeyObject | Uint8Array | OutsideSignature,
): Promise<string> {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${await signatureOf(header.alg, input, key)}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** The signature of a text (RFC 7518 §3.1, RFC 8037 §3.1), base64url. */
async function signatureOf(
  alg: string,
  input: string,
  key: KeyObject | Uint8Array | OutsideSignature,
): Promise<string> {
  if (typeof key === 'function')
    return Buffer.from(await key(Buffer.from(input))).toString('base64url');
  if (key instanceof Uint8Array) {
    if (alg !== 'HS256') throw new Error(`${alg} does not sign with bytes.`);
    return createHmac('sha256', key).update(input).digest('base64url');
  }
  const data = Buffer.from(input);
  const digest = `sha${alg.slice(-3)}`;
  switch (alg.slice(0, 2)) {
    // RSA is slow: another thread signs. The others sign faster than a thread is reached.
    case 'RS':
      return await signElsewhere(digest, data, { key });
    case 'PS':
      return await signElsewhere(digest, data, {
        key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      });
    case 'ES':
      return sign(digest, data, { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
    case 'Ed':
      return sign(null, data, key).toString('base64url');
    default:
      throw new Error(`${alg} is not an algorithm of ours.`);
  }
}

function signElsewhere(
  digest: string,
  data: Buffer,
  key: Parameters<typeof sign>[2],
): Promise<string> {
  return new Promise((resolve, reject) => {
    sign(digest, data, key, (error, signature) => {
      if (error === null) resolve(signature.toString('base64url'));
      else reject(error);
    });
  });
}

/**
 * The header and the claims of a JWT without a check of its signature. Use them only to find the
 * key.
 * @throws JwtError `malformed`
 */
export function peekJwt(jwt: string): { readonly header: JwtHeader; readonly claims: JwtClaims } {
  const { header, payload } = readJws(jwt);
  return { header, claims: parseObject(payload) };
}

/** The parts of a JWS in compact form. @throws JwtError `malformed` */
function readJws(jwt: string): { readonly header: JwtHeader; readonly payload: string } {
  // RFC 8725 §3.11 and our own limit: size and shape are checked before anything is parsed.
  if (jwt.length > MOST_CHARACTERS || !SHAPE.test(jwt))
    throw new JwtError('malformed', 'the JWT is not in compact form, or is too long');
  const [head = '', payload = '', signature = ''] = jwt.split('.');
  for (const part of [payload, signature]) decode(part);
  const header = parseObject(head);
  if (typeof header['alg'] !== 'string')
    throw new JwtError('malformed', 'the JWT has no header parameter alg');
  // RFC 7515 §4.1.11: unknown extensions must be refused. We know none, and not b64 either.
  if ('crit' in header || 'b64' in header)
    throw new JwtError('malformed', 'critical header parameters are not supported');
  for (const name of ['kid', 'typ']) {
    if (name in header && (typeof header[name] !== 'string' || String(header[name]).length > 255)) {
      throw new JwtError('malformed', `${name} must be a string of at most 255 characters`);
    }
  }
  return { header: header as unknown as JwtHeader, payload };
}

/**
 * The claims of a JWT, after a check of its signature with this key and algorithm, and of its type.
 * Times are checked by `checkTimes`.
 * @param types accepted values of `typ`, in lower case without `application/`; '' accepts a JWT
 * without `typ`
 * @throws JwtError `malformed`, `algorithm`, `type` or `signature`
 */
export async function verifyJwt(
  jwt: string,
  expected: JwtKey,
  types: readonly string[],
): Promise<JwtClaims> {
  const { header, claims } = peekJwt(jwt);
  // RFC 8725 §3.11: an explicit type prevents that one kind of JWT is accepted as another.
  const type = (header.typ ?? '').toLowerCase().replace(/^application\//, '');
  if (!types.includes(type)) throw new JwtError('type', 'the JWT is not of the expected type');
  await verifyJws(jwt, expected);
  return claims;
}

/**
 * Checks the signature of a JWS with this key and algorithm.
 * @throws JwtError `malformed`, `algorithm` or `signature`
 */
export async function verifyJws(jwt: string, expected: JwtKey): Promise<void> {
  // RFC 8725 §3.1: the caller chooses the algorithm, not the token.
  if (readJws(jwt).header.alg !== expected.alg)
    throw new JwtError('algorithm', 'the JWT is signed with another algorithm than expected');
  try {
    await compactVerify(jwt, expected.key as CryptoKey, { algorithms: [expected.alg] });
  } catch (cause) {
    if (cause instanceof errors.JOSEError)
      throw new JwtError('signature', 'the signature of the JWT is not valid', cause);
    throw cause;
  }
}

const LONGEST_JTI = 255;

/**
 * The `jti` of a JWT whose use is remembered (RFC 7519 §4.1.7).
 * @throws JwtError `claim` when there is none, or it is too long
 */
export function requireJti({ jti }: JwtClaims): string {
  if (typeof jti === 'string' && jti !== '' && jti.length <= LONGEST_JTI) return jti;
  throw new JwtError('claim', `jti must be a string of 1 to ${LONGEST_JTI} characters`);
}

/** The rules for the time in which a JWT is accepted. */
export interface TimeRules {
  /** The current time, in seconds since 1970. */
  readonly now: number;
  /** Seconds of clock difference that are tolerated. */
  readonly skew: number;
  /** True accepts a JWT after its `exp` (for `id_token_hint`). @default false */
  readonly allowExpired?: boolean;
  /** False accepts a JWT without `exp`. @default true */
  readonly needsEnd?: boolean;
}

/**
 * Checks that `exp`, `iat` and `nbf` are numbers if present, that `exp` is present where it has to
 * be, and that the JWT is valid now (RFC 7519 §4.1).
 * @throws JwtError `claim`, `expired` or `not_yet_valid`
 */
export function checkTimes(claims: JwtClaims, rules: TimeRules): void {
  for (const name of ['exp', 'iat', 'nbf']) {
    const value = claims[name];
    if (
      value === undefined
        ? name === 'exp' && rules.needsEnd !== false
        : typeof value !== 'number' || !Number.isFinite(value)
    ) {
      throw new JwtError('claim', `${name} must be a number`);
    }
  }
  const exp = (claims['exp'] as number | undefined) ?? Number.POSITIVE_INFINITY;
  const start = Math.max(
    (claims['nbf'] as number | undefined) ?? 0,
    (claims['iat'] as number | undefined) ?? 0,
  );
  // RFC 7519 §4.1.4: the JWT must not be accepted on or after exp.
  if (rules.allowExpired !== true && exp + rules.skew <= rules.now)
    throw new JwtError('expired', 'the JWT has expired');
  // RFC 7519 §4.1.5: the JWT must not be accepted before nbf.
  if (start - rules.skew > rules.now)
    throw new JwtError('not_yet_valid', 'the JWT is not valid yet');
}

function decode(segment: string): Buffer {
  const bytes = Buffer.from(segment, 'base64url');
  // RFC 7515 §2: each octet sequence has exactly one base64url form.
  if (bytes.toString('base64url') !== segment)
    throw new JwtError('malformed', 'a part of the JWT is not canonical base64url');
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
    throw new JwtError('malformed', 'a part of the JWT is not JSON', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new JwtError('malformed', 'a part of the JWT is not a JSON object');
  // RFC 7515 §4: header parameter names are unique; JSON.parse would silently keep the last.
  if (members !== countKeys(value))
    throw new JwtError('malformed', 'a member of the JWT is repeated');
  return value as Record<string, unknown>;
}

/** The number of members written in a JSON text: the colons outside strings. */
function countMembers(text: string): number {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1;
}

/**
 * The number of members in the parsed value.
 * @throws JwtError `malformed` when the value is nested deeper than any token of ours
 */
function countKeys(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth >= DEEPEST) throw new JwtError('malformed', 'the JWT is nested too deeply');
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce<number>((sum, item) => sum + countKeys(item, depth + 1), own);
}

/**
 * What is known of an access token, and where it comes from. A source says what a token is worth in
 * general; whether that is enough for a request is never its decision.
 */
import { JwtError } from 'valetkey';

/** What is known of a good access token. Frozen, with everything in it. */
export interface TokenFacts {
  /** Who issued it; null where the source does not say. */
  readonly iss: string | null;
  /** Whom it is about: a person, or the client itself (`isClientOnly`). */
  readonly sub: string | null;
  /** The client that it was issued to. */
  readonly clientId: string | null;
  /** What it allows. */
  readonly scopes: readonly string[];
  /** The APIs that it is for; empty where it names none. */
  readonly audience: readonly string[];
  /** When it ends, in seconds since 1970; null where the source does not say. */
  readonly expiresAt: number | null;
  /** When it was issued, in seconds since 1970. */
  readonly issuedAt: number | null;
  /** Authentication context of the sign-in (RFC 9470 §6). */
  readonly acr: string | null;
  /** Authentication methods of the sign-in (RFC 8176); empty if not known. */
  readonly amr: readonly string[];
  /** When the person proved who they are, in seconds since 1970 (RFC 9470 §6). */
  readonly authTime: number | null;
  /** What it is bound to (RFC 7800 §3.1); null when anybody who has it may use it. */
  readonly cnf: Readonly<Record<string, unknown>> | null;
  /** Who acts for the subject (RFC 8693 §4.1). */
  readonly act: Readonly<Record<string, unknown>> | null;
  /** Authorization details (RFC 9396 §9); empty without any. */
  readonly authorizationDetails: readonly Readonly<Record<string, unknown>>[];
  /** Name of the person for people to read (RFC 7662 §2.2). */
  readonly username: string | null;
  /** True when it acts for the client itself, and for no person. */
  readonly isClientOnly: boolean;
  /** All claims, as they came. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Where tokens are looked up. */
export interface TokenSource {
  /** Issuer identifier of the authorization server; the document of the API names it. */
  readonly issuer?: string;
  /**
   * What is known of a token; null when it is not a good access token.
   * @throws JwtError the same as null, and says why
   * @throws SourceUnavailable when nobody can say now
   */
  find(token: string): Promise<TokenFacts | null>;
}

/** Nobody can say now what a token is worth: 503, and never an answer about the token. */
export class SourceUnavailable extends Error {
  /** Always `SourceUnavailable`. */
  override readonly name = 'SourceUnavailable';

  /**
   * @param message a phrase for operators, without tokens and secrets
   * @param cause the error behind it
   */
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
  }
}

/** Levels of objects and lists in claims. */
const DEEPEST = 20;

/**
 * The facts in claims of a JWT (RFC 9068 §2.2), or in members of an introspection response (RFC
 * 7662 §2.2). For sources of your own.
 * @throws JwtError `claim` when a claim has the wrong form
 */
export function tokenFacts(given: Readonly<Record<string, unknown>>): TokenFacts {
  const claims = frozen(given, DEEPEST) as Readonly<Record<string, unknown>>;
  const [sub, clientId] = [textIn(claims, 'sub'), textIn(claims, 'client_id')];
  return Object.freeze({
    iss: textIn(claims, 'iss'),
    sub,
    clientId,
    scopes: Object.freeze([
      ...new Set((textIn(claims, 'scope') ?? '').split(' ').filter((one) => one !== '')),
    ]),
    audience: textsIn(claims, 'aud'),
    expiresAt: timeIn(claims, 'exp'),
    issuedAt: timeIn(claims, 'iat'),
    acr: textIn(claims, 'acr'),
    amr: textsIn(claims, 'amr'),
    authTime: timeIn(claims, 'auth_time'),
    cnf: objectIn(claims, 'cnf'),
    act: objectIn(claims, 'act'),
    authorizationDetails: objectsIn(claims, 'authorization_details'),
    username: textIn(claims, 'username'),
    // RFC 9068 §2.2: without a person the subject is the client.
    isClientOnly: sub === null || sub === clientId,
    claims,
  });
}

/** A copy that nobody can change. */
function frozen(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (levels === 0) throw new JwtError('claim', 'the claims are nested too deeply');
  if (Array.isArray(value)) return Object.freeze(value.map((one) => frozen(one, levels - 1)));
  const members = Object.entries(value).map(([name, one]) => [name, frozen(one, levels - 1)]);
  return Object.freeze(Object.fromEntries(members));
}

type Claims = Readonly<Record<string, unknown>>;

function textIn(claims: Claims, name: string): string | null {
  const value = claims[name];
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  throw new JwtError('claim', `${name} must be a text`);
}

function timeIn(claims: Claims, name: string): number | null {
  const value = claims[name];
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new JwtError('claim', `${name} must be a number`);
}

function textsIn(claims: Claims, name: string): readonly string[] {
  const value = claims[name] ?? [];
  if (typeof value === 'string') return Object.freeze([value]);
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw new JwtError('claim', `${name} must be a text or a list of texts`);
}

function objectIn(claims: Claims, name: string): Claims | null {
  const value = claims[name] ?? null;
  if (value === null || isObject(value)) return value;
  throw new JwtError('claim', `${name} must be an object`);
}

function objectsIn(claims: Claims, name: string): readonly Claims[] {
  const value = claims[name] ?? Object.freeze([]);
  if (Array.isArray(value) && value.every(isObject)) return value;
  throw new JwtError('claim', `${name} must be a list of objects`);
}

function isObject(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

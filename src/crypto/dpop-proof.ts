/**
 * A DPoP proof (RFC 9449 §4), checked as §4.3 has it: the one home of its rules, for the endpoints
 * of the provider and for APIs. It knows neither a store nor a clock; that a proof is used once is
 * left to the caller, who has `digest` and `expiresAt` for it.
 */
import { OAuthError, type RefusalHint } from '../protocol/errors.ts';
import { CLIENT_KEY_ALGS, fittingKeys, isPublicKey } from '../protocol/key-sets.ts';
import { sha256 } from './bytes.ts';
import { checkTimes, type JwtClaims, JwtError, peekJwt, requireJti, verifyJwt } from './jwt.ts';
import { importPublicKey, thumbprintOf } from './public-keys.ts';

/** Algorithms that may sign a proof. */
export const DPOP_ALGS: readonly string[] = CLIENT_KEY_ALGS;

/** Seconds for which a proof is good, and by which clocks may differ. */
const [LIFE, SKEW] = [60, 15];

/** What a proof has to fit. */
export interface DpopExpectation {
  /** Method of the request. */
  readonly method: string;
  /** Address of the request, as it is published. Query and fragment do not count. */
  readonly url: string;
  /** The access token that comes with it; null at an endpoint that issues some. */
  readonly accessToken: string | null;
  /** Now, in seconds. */
  readonly now: number;
  /** Clock difference that is forgiven, in seconds. @default 15 */
  readonly skew?: number;
  /**
   * True where the address means the same with and without a slash at its end.
   * @default false
   */
  readonly isSlashOptional?: boolean;
}

/** A proof that is good, if nobody used it before. */
export interface DpopProof {
  /** Thumbprint of the key that it proves (RFC 7638). */
  readonly thumbprint: string;
  /** Its claims. */
  readonly claims: JwtClaims;
  /** By this it is remembered that it was used. */
  readonly digest: string;
  /** Until then it has to be remembered, in seconds since 1970. */
  readonly expiresAt: number;
}

/**
 * Checks the proof of a request.
 * @param header the `DPoP` header, as a `Headers` object has it
 * @throws OAuthError `invalid_dpop_proof`
 */
export async function checkDpopProof(
  header: string,
  expected: DpopExpectation,
): Promise<DpopProof> {
  // RFC 9449 §4.3: not more than one header. Several are joined by commas, which no JWT has.
  if (header.includes(',')) throw refused('dpop_proof_several', { received: 'several proofs' });
  try {
    return await verified(header, expected);
  } catch (error) {
    if (!(error instanceof JwtError)) throw error;
    throw refused('dpop_proof_invalid', { expected: EXPECTED, received: error.message });
  }
}

const EXPECTED = 'a proof as RFC 9449 §4.2 has it, for this request, of the last minute';

type Reason =
  | 'dpop_proof_several'
  | 'dpop_proof_invalid'
  | 'dpop_proof_key'
  | 'dpop_proof_request'
  | 'dpop_proof_token';

function refused(reason: Reason, hint: RefusalHint): OAuthError {
  return new OAuthError('invalid_dpop_proof', reason, 'The DPoP proof is not valid.', { hint });
}

async function verified(proof: string, expected: DpopExpectation): Promise<DpopProof> {
  const { header } = peekJwt(proof);
  const jwk = (header as { readonly jwk?: unknown }).jwk;
  // RFC 9449 §4.3: the jwk is a public key, and an asymmetric one.
  if (!isPublicKey(jwk) || fittingKeys([jwk], header.alg, undefined).length === 0)
    throw refused('dpop_proof_key', { expected: 'a public key in jwk, for the algorithm in alg' });
  const key = importPublicKey(jwk);
  if (key === null) throw refused('dpop_proof_key', { expected: 'a key that is not weak' });
  const claims = await verifyJwt(proof, { alg: header.alg, key }, ['dpop+jwt']);
  checkRequest(claims, expected);
  const { accessToken, skew = SKEW } = expected;
  // RFC 9449 §4.3: with a token it has the hash of this token.
  if (accessToken !== null && claims['ath'] !== sha256(accessToken))
    throw refused('dpop_proof_token', { expected: 'ath of the access token' });
  const thumbprint = await thumbprintOf(key);
  const used = `${thumbprint}\n${String(claims['htu'])}\n${String(claims['jti'])}`;
  return {
    thumbprint,
    claims,
    digest: sha256(used),
    expiresAt: Math.ceil(Number(claims['iat'])) + LIFE + 2 * skew,
  };
}

function checkRequest(
  claims: JwtClaims,
  { method, url, now, skew = SKEW, isSlashOptional = false }: DpopExpectation,
): void {
  const { htm, htu, iat } = claims;
  if (htm !== method) throw refused('dpop_proof_request', { expected: `htm ${method}` });
  const address = typeof htu === 'string' ? bareAddress(htu, isSlashOptional) : null;
  if (address === null || address !== bareAddress(url, isSlashOptional))
    throw refused('dpop_proof_request', { expected: `htu ${url}` });
  if (typeof iat !== 'number') throw new JwtError('claim', 'iat must be a number');
  checkTimes({ ...claims, exp: iat + LIFE }, { now, skew });
  requireJti(claims);
}

/** RFC 9449 §4.3: without query and fragment, after normalisation (RFC 3986 §6.2.2, §6.2.3). */
function bareAddress(text: string, isSlashOptional: boolean): string | null {
  if (!URL.canParse(text)) return null;
  const { origin, pathname, username, password } = new URL(text);
  if (username !== '' || password !== '') return null;
  const path = pathname.replaceAll(/%[0-9a-f]{2}/gi, decodedOnce);
  return `${origin}${isSlashOptional ? path.replace(/\/$/, '') : path}`;
}

/** RFC 3986 §6.2.2: what needs no encoding is not encoded, the rest is in capitals. */
function decodedOnce(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
  return /[A-Za-z0-9._~-]/.test(character) ? character : encoded.toUpperCase();
}

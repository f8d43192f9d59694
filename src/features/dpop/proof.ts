/**
 * A DPoP proof (RFC 9449 §4): found in a request, and checked as §4.3 has it. A good one is used up
 * before it is worth anything, so that nobody who sees it uses it again.
 */
import { sha256 } from '../../crypto/bytes.ts';
import { checkTimes, type JwtClaims, JwtError, peekJwt, verifyJwt } from '../../crypto/jwt.ts';
import { importPublicKey, thumbprintOf } from '../../crypto/public-keys.ts';
import { useOnce } from '../../domain/one-time-records.ts';
import { OAuthError, type RefusalHint } from '../../protocol/errors.ts';
import { fittingKeys, isPublicKey } from '../../protocol/key-sets.ts';
import type { RequestContext } from '../../web/request.ts';

/** Kind of the records of used proofs. */
const USED = 'dpop-proof';
/** Seconds for which a proof is good, and by which clocks may differ. */
const [LIFE, SKEW] = [60, 15];
/** Seconds for which a nonce is given out; it is taken for twice as long. */
const NONCE_SLOT = 300;
const NONCE = 'dpop nonce';
const LONGEST_JTI = 255;

/** What a proof has to fit. */
export interface Expected {
  /** Name of the endpoint that is asked. */
  readonly endpoint: string;
  /** The access token that it comes with; null at an endpoint that issues some. */
  readonly accessToken: string | null;
  /** Whether it has to carry a nonce of ours (§8). */
  readonly needsNonce: boolean;
}

/** A proof that is good, if nobody used it before. */
export interface ProvenKey {
  /** Thumbprint of the key (RFC 7638). */
  readonly thumbprint: string;
  readonly claims: JwtClaims;
}

/**
 * The key that a request proves; null when it has no proof. It writes nothing.
 * @throws OAuthError `invalid_dpop_proof`, or `use_dpop_nonce` with a nonce
 */
export async function provenKey(
  ctx: RequestContext,
  expected: Expected,
): Promise<ProvenKey | null> {
  const header = ctx.request.headers.get('dpop');
  if (header === null) return null;
  // §4.3: not more than one header. Several are joined by commas, which no JWT has.
  if (header.includes(',')) throw refused('dpop_proof_several', { received: 'several proofs' });
  try {
    return await verified(ctx, header, expected);
  } catch (error) {
    if (!(error instanceof JwtError)) throw error;
    throw refused('dpop_proof_invalid', { expected: EXPECTED, received: error.message });
  }
}

const EXPECTED = 'a proof as RFC 9449 §4.2 has it, for this request, of the last minute';

function refused(reason: ProofReason, hint: RefusalHint): OAuthError {
  return new OAuthError('invalid_dpop_proof', reason, 'The DPoP proof is not valid.', { hint });
}

type ProofReason =
  | 'dpop_proof_several'
  | 'dpop_proof_invalid'
  | 'dpop_proof_key'
  | 'dpop_proof_request'
  | 'dpop_proof_token'
  | 'dpop_proof_replayed';

async function verified(
  ctx: RequestContext,
  proof: string,
  { endpoint, accessToken, needsNonce }: Expected,
): Promise<ProvenKey> {
  const { header } = peekJwt(proof);
  const jwk = (header as { readonly jwk?: unknown }).jwk;
  // §4.3: the jwk is a public key, and an asymmetric one.
  if (!isPublicKey(jwk) || fittingKeys([jwk], header.alg, undefined).length === 0)
    throw refused('dpop_proof_key', { expected: 'a public key in jwk, for the algorithm in alg' });
  const key = importPublicKey(jwk);
  if (key === null) throw refused('dpop_proof_key', { expected: 'a key that is not weak' });
  const claims = await verifyJwt(proof, { alg: header.alg, key }, ['dpop+jwt']);
  checkRequest(ctx, claims, endpoint);
  if (accessToken !== null && claims['ath'] !== sha256(accessToken))
    throw refused('dpop_proof_token', { expected: 'ath of the access token' });
  if (needsNonce) checkNonce(ctx, claims);
  return { thumbprint: await thumbprintOf(key), claims };
}

function checkRequest(ctx: RequestContext, claims: JwtClaims, endpoint: string): void {
  const { request } = ctx;
  const { htm, htu, iat, jti } = claims;
  if (htm !== request.method)
    throw refused('dpop_proof_request', { expected: `htm ${request.method}` });
  const address = typeof htu === 'string' ? bareAddress(htu) : null;
  // The address is the one that is published: a proxy may call this server by another one.
  if (address === null || address !== bareAddress(ctx.url(endpoint)))
    throw refused('dpop_proof_request', { expected: `htu ${ctx.url(endpoint)}` });
  const now = ctx.now();
  if (typeof iat !== 'number') throw new JwtError('claim', 'iat must be a number');
  checkTimes({ ...claims, exp: iat + LIFE }, { now, skew: SKEW });
  if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_JTI)
    throw new JwtError('claim', `jti must be a string of 1 to ${LONGEST_JTI} characters`);
}

/**
 * §4.3: without query and fragment, after normalisation (RFC 3986 §6.2.2, §6.2.3). The slash at the
 * end of our addresses is optional.
 */
function bareAddress(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { origin, pathname, username, password } = new URL(text);
  if (username !== '' || password !== '') return null;
  return `${origin}${pathname.replace(/\/$/, '')}`;
}

/** The nonce of this time (§8). It needs no store: any node makes the same, and knows it. */
function nonceAt(ctx: RequestContext, slot: number): string {
  return ctx.vault.mac(NONCE, String(slot));
}

function checkNonce(ctx: RequestContext, { nonce }: JwtClaims): void {
  const slot = Math.floor(ctx.now() / NONCE_SLOT);
  const isKnown = [slot, slot - 1, slot + 1].some(
    (one) => typeof nonce === 'string' && ctx.vault.matches(NONCE, String(one), nonce),
  );
  if (isKnown) return;
  throw new OAuthError(
    'use_dpop_nonce',
    'dpop_nonce',
    'The DPoP proof needs the nonce given here.',
    {
      headers: { 'DPoP-Nonce': nonceAt(ctx, slot) },
    },
  );
}

/**
 * §11.1: a proof is used once, of any number of requests at any number of nodes.
 * @throws OAuthError when another request used it
 */
export async function useProof(
  ctx: RequestContext,
  { thumbprint, claims }: ProvenKey,
): Promise<void> {
  const digest = sha256(`${thumbprint}\n${String(claims['htu'])}\n${String(claims['jti'])}`);
  const expiresAt = Math.ceil(Number(claims['iat'])) + LIFE + 2 * SKEW;
  if (!(await useOnce(ctx, ctx.request, { kind: USED, digest, expiresAt })))
    throw refused('dpop_proof_replayed', { expected: 'a new jti', received: 'one that was used' });
}

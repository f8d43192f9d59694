/**
 * The DPoP proof of a request to this provider: found in it, and held to its endpoint and nonce
 * (RFC 9449 §8); what a proof is, `crypto/dpop-proof.ts` says. A good one is used up before it is
 * worth anything, so that nobody who sees it uses it again.
 */
import { checkDpopProof, type DpopProof } from '../../crypto/dpop-proof.ts';
import type { JwtClaims } from '../../crypto/jwt.ts';
import { useOnce } from '../../domain/one-time-records.ts';
import { OAuthError } from '../../protocol/errors.ts';
import type { RequestContext } from '../../web/request.ts';

/** Kind of the records of used proofs. */
const USED = 'dpop-proof';
/** Seconds for which a nonce is given out; it is taken for twice as long. */
const NONCE_SLOT = 300;
const NONCE = 'dpop nonce';

/** What a proof has to fit. */
export interface Expected {
  /** Name of the endpoint that is asked. */
  readonly endpoint: string;
  /** The access token that it comes with; null at an endpoint that issues some. */
  readonly accessToken: string | null;
  /** Whether it has to carry a nonce of ours (§8). */
  readonly needsNonce: boolean;
}

/**
 * The proof of a request, which is good if nobody used it before; null when it has none. It writes
 * nothing.
 * @throws OAuthError `invalid_dpop_proof`, or `use_dpop_nonce` with a nonce
 */
export async function provenKey(
  ctx: RequestContext,
  { endpoint, accessToken, needsNonce }: Expected,
): Promise<DpopProof | null> {
  const header = ctx.request.headers.get('dpop');
  if (header === null) return null;
  const proven = await checkDpopProof(header, {
    method: ctx.request.method,
    // The address is the one that is published: a proxy may call this server by another one.
    url: ctx.url(endpoint),
    isSlashOptional: true,
    accessToken,
    now: ctx.now(),
  });
  if (needsNonce) checkNonce(ctx, proven.claims);
  return proven;
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
  { digest, expiresAt }: DpopProof,
): Promise<void> {
  if (await useOnce(ctx, ctx.request, { kind: USED, digest, expiresAt })) return;
  throw new OAuthError(
    'invalid_dpop_proof',
    'dpop_proof_replayed',
    'The DPoP proof is not valid.',
    { hint: { expected: 'a new jti', received: 'one that was used' } },
  );
}

/**
 * Holds tokens to what they are bound to: a key of the client by DPoP (RFC 9449 §7), its
 * certificate by mutual TLS (RFC 8705 §3). What cannot be checked here is refused.
 */
import {
  type ClientCertificate,
  certificateThumbprint,
  checkDpopProof,
  type DpopProof,
  OAuthError,
} from 'valetkey';
import type { ApiRequest, Presented } from './api-request.ts';
import type { ProofMemory } from './proof-memory.ts';
import { SourceUnavailable, type TokenFacts } from './token-facts.ts';

/** What a proof is checked against. */
export interface BindingCheck {
  readonly request: ApiRequest;
  /** Address of the request as it is published. */
  readonly url: string;
  readonly presented: Presented;
  readonly certificate: () => ClientCertificate | null;
  readonly proofs: ProofMemory;
  readonly isDpopRequired: boolean;
  readonly now: number;
}

/**
 * The token is presented as it is bound, and the request proves it.
 * @throws OAuthError `invalid_token` or `invalid_dpop_proof`
 */
export async function requireBinding(facts: TokenFacts, check: BindingCheck): Promise<void> {
  const { 'x5t#S256': certificate, jkt, ...others } = facts.cnf ?? {};
  // RFC 7800 §3.1: a token that is bound to something unknown proves nothing here.
  if (facts.cnf !== null && (Object.keys(others).length > 0 || isEmpty(facts.cnf)))
    throw invalidToken('confirmation_unknown', Object.keys(others).join(' ') || 'an empty cnf');
  const { scheme } = check.presented;
  // RFC 9449 §7.2: a bound token is not accepted as a bearer token, nor the other way round.
  if (scheme === 'bearer' && (jkt !== undefined || check.isDpopRequired))
    throw invalidToken('token_needs_dpop', 'the scheme Bearer');
  if (scheme === 'dpop' && jkt === undefined)
    throw invalidToken('token_not_bound', 'the scheme DPoP, for a token that is not bound');
  if (certificate !== undefined) requireCertificate(certificate, check.certificate());
  if (jkt !== undefined) await requireProof(jkt, check);
}

function isEmpty(cnf: object): boolean {
  return Object.keys(cnf).length === 0;
}

function requireCertificate(bound: unknown, shown: ClientCertificate | null): void {
  // RFC 8705 §3: the certificate of the connection is the one that the token is bound to.
  if (shown !== null && certificateThumbprint(shown) === bound) return;
  throw invalidToken(
    'token_certificate',
    shown === null ? 'no certificate' : 'another certificate',
  );
}

async function requireProof(bound: unknown, check: BindingCheck): Promise<void> {
  const { request, url, presented, now } = check;
  const header = request.headers.get('dpop');
  // RFC 9449 §7.1: the request has a proof.
  if (header === null) throw invalidToken('token_without_proof', 'no DPoP proof');
  const proof = await checkDpopProof(header, {
    method: request.method,
    url,
    accessToken: presented.text,
    now,
  });
  // RFC 9449 §7.1: by the key that the token is bound to.
  if (proof.thumbprint !== bound) throw invalidToken('token_of_another_key', 'another key');
  await useProof(check.proofs, proof);
}

/** RFC 9449 §11.1: a proof is used once. Only after all else is checked: others fill no memory. */
async function useProof(proofs: ProofMemory, { digest, expiresAt }: DpopProof): Promise<void> {
  let isUsed: boolean;
  try {
    isUsed = await proofs.used(digest, expiresAt);
  } catch (cause) {
    throw new SourceUnavailable('the memory of used proofs does not answer', cause);
  }
  if (!isUsed) return;
  throw new OAuthError(
    'invalid_dpop_proof',
    'dpop_proof_replayed',
    'The DPoP proof is not valid.',
    {
      hint: { expected: 'a new jti', received: 'one that was used' },
    },
  );
}

type Reason =
  | 'confirmation_unknown'
  | 'token_needs_dpop'
  | 'token_not_bound'
  | 'token_certificate'
  | 'token_without_proof'
  | 'token_of_another_key';

function invalidToken(reason: Reason, received: string): OAuthError {
  return new OAuthError('invalid_token', reason, 'The access token is invalid.', {
    hint: { received },
  });
}

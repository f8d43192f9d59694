/** Proof Key for Code Exchange (RFC 7636): the shapes. The comparison needs a hash and lives where codes are redeemed. */
import { OAuthError } from './errors.ts';

const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;
// RFC 7636 §4.1: 43 to 128 unreserved characters.
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/;

/**
 * Reads the challenge of an authorization request.
 * @returns the S256 challenge, or null when the request carries neither parameter
 * @throws OAuthError `invalid_request` for anything but a well-formed S256 challenge
 */
export function readChallenge(
  challenge: string | undefined,
  method: string | undefined,
): string | null {
  if (challenge === undefined) {
    if (method === undefined) return null;
    throw new OAuthError(
      'invalid_request',
      'code_challenge_missing',
      'A code_challenge_method came without code_challenge.',
    );
  }
  // RFC 7636 §4.3: an absent method means plain, which RFC 9700 §2.1.1 advises against; only S256 exists here.
  if (method !== 'S256') {
    throw new OAuthError(
      'invalid_request',
      'code_challenge_method',
      'The code_challenge_method must be S256.',
    );
  }
  // RFC 7636 §4.2: BASE64URL-ENCODE(SHA256(…)) is 43 characters.
  if (!CHALLENGE.test(challenge)) {
    throw new OAuthError(
      'invalid_request',
      'code_challenge_malformed',
      'The code_challenge is not an S256 challenge.',
    );
  }
  return challenge;
}

/** True for a verifier of the right length and alphabet (RFC 7636 §4.1). */
export function isVerifier(text: string): boolean {
  return VERIFIER.test(text);
}

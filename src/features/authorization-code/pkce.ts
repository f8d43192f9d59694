/**
 * Proof Key for Code Exchange (RFC 7636): the challenge of an authorization request, and the
 * verifier of a code exchange. Only S256 exists.
 */
import { equalSecrets, sha256 } from '../../crypto/bytes.ts';
import {
  type AuthorizationParameter,
  authorizationParameter,
} from '../../engine/contracts/parameter.ts';
import { isPublic } from '../../protocol/client-metadata-rules.ts';
import { OAuthError } from '../../protocol/errors.ts';
import type { Code } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

// RFC 7636 §4.2: BASE64URL-ENCODE(SHA256(…)) is 43 characters.
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;
// RFC 7636 §4.1: 43 to 128 unreserved characters.
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/;
/** Wrong verifiers that leave a code usable; one more ends it. */
const MOST_WRONG_VERIFIERS = 5;

/** `code_challenge`: the S256 challenge; null where it may be, and was, left out. */
export const codeChallenge: AuthorizationParameter<string | null> = authorizationParameter<
  string | null
>({
  names: ['code_challenge', 'code_challenge_method'],
  absent: null,
  read(ctx, { params, client }) {
    const challenge = readChallenge(
      params.get('code_challenge'),
      params.get('code_challenge_method'),
    );
    const optional = ctx.settings.allowMissingPkce && !isPublic(client);
    // RFC 7636 §4.4.1: the server requires a challenge. RFC 9700 §2.1.1: public clients always send
    // one.
    if (challenge === null && !optional) {
      throw new OAuthError(
        'invalid_request',
        'code_challenge_missing',
        'A code_challenge with method S256 is required.',
      );
    }
    return challenge;
  },
});

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
  // RFC 7636 §4.3: an absent method means plain, which RFC 9700 §2.1.1 advises against.
  if (method !== 'S256') {
    throw new OAuthError(
      'invalid_request',
      'code_challenge_method',
      'The code_challenge_method must be S256.',
    );
  }
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

/**
 * RFC 7636 §4.6: the hash of the verifier is the challenge of the authorization request.
 * @throws OAuthError `invalid_grant`
 */
export async function checkVerifier(
  ctx: RequestContext,
  code: Code,
  verifier: string | undefined,
): Promise<void> {
  if (code.codeChallenge === null) {
    // RFC 9700 §2.1.1: a verifier for a request without challenge is a downgrade attack.
    if (verifier === undefined) return;
    throw refused('code_verifier_unexpected', 'The authorization request had no code_challenge.');
  }
  if (verifier === undefined)
    throw refused('code_verifier_missing', 'The code_verifier is missing.');
  if (code.failedAttempts > MOST_WRONG_VERIFIERS) {
    throw refused(
      'code_burned',
      'The authorization code was presented with too many wrong verifiers.',
    );
  }
  if (!isVerifier(verifier))
    throw refused('code_verifier_malformed', 'The code_verifier is not well-formed.');
  if (equalSecrets(sha256(verifier), code.codeChallenge)) return;
  await ctx.store.codes.countFailure(code.digest);
  throw refused('code_verifier_wrong', 'The code_verifier does not fit the code_challenge.');
}

function refused(reason: string, description: string): OAuthError {
  return new OAuthError('invalid_grant', reason, description);
}

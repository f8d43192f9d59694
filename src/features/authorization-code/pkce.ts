/**
 * Proof Key for Code Exchange (RFC 7636): the challenge of an authorization request, and the
 * verifier of a code exchange. Only S256 exists.
 */
import { equalSecrets, sha256 } from '../../crypto/bytes.ts';
import { registeredItself } from '../../domain/client-rules.ts';
import { type ClientField, clientField } from '../../engine/contracts/client-field.ts';
import {
  type AuthorizationParameter,
  authorizationParameter,
  type ParameterReading,
} from '../../engine/contracts/parameter.ts';
import { FRONT_CHANNEL } from '../../engine/contracts/parameter-source.ts';
import { currentSession } from '../../engine/current-session.ts';
import { nonce, prompts } from '../../engine/parameters.ts';
import { isPublic } from '../../protocol/client-metadata-rules.ts';
import { OAuthError, type RefusalHint } from '../../protocol/errors.ts';
import { updateCommand } from '../../protocol/remedies.ts';
import type { Client, Code } from '../../store/records.ts';
import type { RequestContext } from '../../web/request.ts';

// RFC 7636 §4.2: BASE64URL-ENCODE(SHA256(…)) is 43 characters.
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;
// RFC 7636 §4.1: 43 to 128 unreserved characters.
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/;
/** Wrong verifiers that leave a code usable; one more ends it. */
const MOST_WRONG_VERIFIERS = 5;

/** Whether PKCE is required of a confidential client; null: unless it sends a nonce. */
export const requirePkce: ClientField<boolean | null> = clientField<boolean | null>({
  wireName: 'require_pkce',
  flag: 'require-pkce',
  kind: 'flag',
  nullable: true,
  default: null,
  setBy: 'operator',
  description: 'require PKCE; --no-require-pkce does without (default: PKCE or a nonce)',
});

/** `code_challenge`: the S256 challenge; null where it may be, and was, left out. */
export const codeChallenge: AuthorizationParameter<string | null> = authorizationParameter<
  string | null
>({
  names: ['code_challenge', 'code_challenge_method'],
  absent: null,
  async read(ctx, reading) {
    const { params, client } = reading;
    const challenge = readChallenge(
      params.get('code_challenge'),
      params.get('code_challenge_method'),
    );
    const isNeeded = reading.artifacts.includes('code');
    if (challenge !== null || !isNeeded || mayOmitChallenge(ctx, reading)) return challenge;
    await refuseSilently(ctx, reading);
    // RFC 7636 §4.4.1: the server requires a challenge. RFC 9700 §2.1.1: public clients always send
    // one.
    throw new OAuthError(
      'invalid_request',
      'code_challenge_missing',
      'A code_challenge with method S256 is required.',
      { hint: missingChallengeHint(client) },
    );
  },
});

/**
 * OAuth 2.1 §7.5.1: a confidential client that checks the nonce of OpenID Connect is protected
 * against injected codes as well. A client that registered itself gave nobody reason to rely on
 * that.
 */
function mayOmitChallenge(
  { settings }: RequestContext,
  { client, request }: ParameterReading,
): boolean {
  if (isPublic(client)) return false;
  const required = requirePkce(client);
  if (required !== null) return !required;
  if (settings.allowMissingPkce) return true;
  if (registeredItself(client)) return false;
  return request.scopes.includes('openid') && (nonce(request) ?? '') !== '';
}

/**
 * OIDC Core §3.1.2.6: who asks silently whether somebody is signed in, with a library that sends no
 * challenge then, hears that nobody is.
 */
async function refuseSilently(
  ctx: RequestContext,
  { source, request }: ParameterReading,
): Promise<void> {
  if (source !== FRONT_CHANNEL || !prompts(request).includes('none')) return;
  const { session } = await currentSession(ctx);
  if (session === null)
    throw new OAuthError('login_required', 'login_required', 'The user is not signed in.');
}

function missingChallengeHint(client: Client): RefusalHint {
  if (isPublic(client))
    return {
      expected: 'code_challenge and code_challenge_method=S256',
      received: 'neither',
      remedy: 'switch PKCE (S256) on in the application; a public client cannot do without it',
    };
  return {
    expected: 'code_challenge with S256, or scope openid and a nonce',
    received: 'neither',
    remedy: `switch PKCE (S256) on in the application, or: ${updateCommand(client.clientId, '--no-require-pkce')}`,
  };
}

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

/** The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.6): proves a code. Its single use is the store's. */
import { equalSecrets, sha256 } from '../crypto/bytes.ts';
import { parseHandle } from '../crypto/secrets.ts';
import { issuedToThis } from '../domain/clients.ts';
import type { Context } from '../domain/context.ts';
import { OAuthError } from '../protocol/errors.ts';
import { isVerifier } from '../protocol/pkce.ts';
import type { Client, Code } from '../store/records.ts';
import { defineGrant, type Grant } from './grant.ts';

interface CodeParams {
  readonly code: string;
  readonly redirectUri: string | undefined;
  readonly verifier: string | undefined;
}

/** Wrong verifiers that leave a code usable; one more burns it. */
const MOST_WRONG_VERIFIERS = 5;

export const authorizationCode: Grant = defineGrant<CodeParams>({
  type: 'authorization_code',

  params: (params) => ({
    code: params.need('code'),
    redirectUri: params.get('redirect_uri'),
    verifier: params.get('code_verifier'),
  }),

  async redeem(ctx, client, params) {
    const found =
      parseHandle('code', params.code) === null
        ? null
        : await ctx.store.codes.find(sha256(params.code));
    if (found === null)
      throw new OAuthError('invalid_grant', 'code_unknown', 'The authorization code is not valid.');
    const { code } = found;
    // RFC 6749 §4.1.3: the code was issued to the authenticated client.
    if (code.clientId !== client.clientId || !issuedToThis(client, code.createdAt)) {
      ctx.events.record('request.refused', {
        clientId: client.clientId,
        sub: code.sub,
        reason: 'code_foreign',
      });
      throw new OAuthError('invalid_grant', 'code_foreign', 'The authorization code is not valid.');
    }
    checkRedirectUri(code, client, params.redirectUri);
    await checkVerifier(ctx, code, params.verifier);
    if (!found.authorized)
      throw new OAuthError(
        'invalid_grant',
        'authorization_withdrawn',
        'The authorization was withdrawn.',
      );
    // RFC 6749 §4.1.2: a code is used at most once, and what was issued from a replayed one is revoked. Whoever gets here has proven
    // client, redirect URI and verifier; a replay without them revokes nothing (OAuth 2.1 §4.1.3).
    if (code.redeemedAt !== null) {
      if (code.familyId !== null) await revokeReplayed(ctx, code, code.familyId);
      throw new OAuthError(
        'invalid_grant',
        'code_replayed',
        'The authorization code was used before.',
      );
    }
    if (code.expiresAt <= ctx.now())
      throw new OAuthError('invalid_grant', 'code_expired', 'The authorization code has expired.');
    return {
      entitlement: code,
      scopes: code.scopes,
      nonce: code.nonce,
      refreshable: true,
      consumption: { kind: 'code', digest: code.digest },
    };
  },
});

async function revokeReplayed(ctx: Context, code: Code, familyId: string): Promise<void> {
  const { clientId, sub } = code;
  await ctx.events.act(
    'code.replayed',
    { clientId, sub, reason: 'code_replayed' },
    async (row) => await ctx.store.tokens.revokeFamily(familyId, ctx.now(), row),
  );
}

// RFC 6749 §4.1.3: redirect_uri is required, and identical, if it was part of the authorization request.
function checkRedirectUri(code: Code, client: Client, redirectUri: string | undefined): void {
  const matches =
    code.redirectUri === null
      ? redirectUri === undefined || client.redirectUris.includes(redirectUri)
      : redirectUri === code.redirectUri;
  if (!matches)
    throw new OAuthError(
      'invalid_grant',
      'code_redirect_uri',
      'The redirect_uri is not the one of the authorization request.',
    );
}

// RFC 7636 §4.6: the verifier's hash is the challenge of the authorization request.
async function checkVerifier(
  ctx: Context,
  code: Code,
  verifier: string | undefined,
): Promise<void> {
  if (code.codeChallenge === null) {
    // RFC 9700 §2.1.1: a verifier for a request without challenge is a downgrade attack.
    if (verifier === undefined) return;
    throw new OAuthError(
      'invalid_grant',
      'code_verifier_unexpected',
      'The authorization request had no code_challenge.',
    );
  }
  if (verifier === undefined)
    throw new OAuthError('invalid_grant', 'code_verifier_missing', 'The code_verifier is missing.');
  if (code.failedAttempts > MOST_WRONG_VERIFIERS) {
    throw new OAuthError(
      'invalid_grant',
      'code_burned',
      'The authorization code was presented with too many wrong verifiers.',
    );
  }
  if (!isVerifier(verifier))
    throw new OAuthError(
      'invalid_grant',
      'code_verifier_malformed',
      'The code_verifier is not well-formed.',
    );
  if (equalSecrets(sha256(verifier), code.codeChallenge)) return;
  await ctx.store.codes.countFailure(code.digest);
  throw new OAuthError(
    'invalid_grant',
    'code_verifier_wrong',
    'The code_verifier does not fit the code_challenge.',
  );
}

/** The parts of responses beside the code: an access token, an ID token, nothing. */
import { sha256 } from '../../crypto/bytes.ts';
import { idTokenClaims } from '../../domain/claims.ts';
import { frontChannelAccessToken, frontChannelIdToken } from '../../domain/front-channel-tokens.ts';
import { idTokenSigner } from '../../domain/id-tokens.ts';
import type { Artifact } from '../../engine/contracts/response-type.ts';
import { nonce } from '../../engine/parameters.ts';
import { OAuthError } from '../../protocol/errors.ts';
import { frontChannelArtifact } from './front-channel.ts';

/** An access token (RFC 6749 §4.2.2). */
export const token: Artifact = frontChannelArtifact({
  name: 'token',
  async check(_request, { isBound, accessToken }) {
    // A response of this endpoint proves no key, so its token would be of use to whoever sees it.
    if (isBound)
      throw new OAuthError(
        'invalid_request',
        'front_channel_unbound',
        'Access tokens that are bound to a key come from the token endpoint alone.',
      );
    // The second of two clicks gets the token of the first, whose signature nobody can repeat.
    if ((await accessToken()).format !== 'opaque')
      throw new OAuthError(
        'invalid_request',
        'front_channel_format',
        'Access tokens that are JWTs come from the token endpoint alone.',
      );
  },
  tokens: async (ctx, { accessToken }, facts) =>
    frontChannelAccessToken(ctx, facts, await accessToken()),
});

/** An ID token (OIDC Core §3.2.2.10, §3.3.2.11). */
export const idToken: Artifact = frontChannelArtifact({
  name: 'id_token',
  check(request) {
    // OIDC Core §3.2.2.1: without openid the request is no authentication request.
    if (!request.scopes.includes('openid'))
      throw new OAuthError(
        'invalid_scope',
        'id_token_without_openid',
        'An ID token needs the scope openid.',
      );
    // OIDC Core §3.2.2.1, §3.3.2.11: REQUIRED, against ID tokens that others replay.
    if ((nonce(request) ?? '') === '')
      throw new OAuthError('invalid_request', 'nonce_missing', 'The parameter nonce is missing.');
  },
  async ready(ctx, client) {
    await idTokenSigner(ctx, client);
  },
  async tokens(ctx, { account, client, request, destination, artifacts, details }, facts, made) {
    // OIDC Core §5.4: without an access token the claims of the scopes are here.
    const isAlone = artifacts.length === 1;
    const { scopes } = request;
    const claims = await idTokenClaims(ctx, { account, client, scopes, details }, isAlone);
    const accessToken = made['access_token'];
    return await frontChannelIdToken(ctx, facts, claims, {
      accessToken,
      code: made['code'],
      state: destination.state ?? undefined,
      accessTokenDigest: accessToken === undefined ? null : sha256(accessToken),
    });
  },
});

/** Nothing: the application may act, and gets no proof of it (OAuth Multiple Response Types §4). */
export const none: Artifact = frontChannelArtifact({
  name: 'none',
  tokens: async () => await Promise.resolve(null),
});

/** The refresh token grant (RFC 6749 §6): proves a refresh token. Rotation and its single use belong to the mint and the store. */

import { issuedToThis } from '../domain/clients.ts';
import type { Consumption } from '../domain/issuance.ts';
import { familyIdOf, judge } from '../domain/refresh-tokens.ts';
import { OAuthError } from '../protocol/errors.ts';
import { covers, parseScope } from '../protocol/scope.ts';
import { defineGrant, type Grant } from './grant.ts';

interface RefreshParams {
  readonly refreshToken: string;
  readonly scopes: readonly string[] | null;
}

const DEAD = {
  revoked: ['refresh_token_revoked', 'The refresh token was revoked.'],
  expired: ['refresh_token_expired', 'The refresh token has expired.'],
  authorization_withdrawn: ['authorization_withdrawn', 'The authorization was withdrawn.'],
} as const;

export const refreshToken: Grant = defineGrant<RefreshParams>({
  type: 'refresh_token',

  params(params) {
    const scope = params.get('scope');
    return {
      refreshToken: params.need('refresh_token'),
      scopes: scope === undefined ? null : parseScope(scope),
    };
  },

  async redeem(ctx, client, params) {
    const familyId = familyIdOf(params.refreshToken);
    const found = familyId === null ? null : await ctx.store.tokens.findFamily(familyId);
    if (found === null || !issuedToThis(client, found.family.createdAt))
      throw new OAuthError(
        'invalid_grant',
        'refresh_token_unknown',
        'The refresh token is not valid.',
      );
    // RFC 6749 §10.4: a refresh token is bound to the client it was issued to.
    if (found.family.clientId !== client.clientId) {
      ctx.events.record('request.refused', {
        clientId: client.clientId,
        sub: found.family.sub,
        reason: 'refresh_token_foreign',
      });
      throw new OAuthError(
        'invalid_grant',
        'refresh_token_foreign',
        'The refresh token is not valid.',
      );
    }
    const presented = judge(params.refreshToken, found, ctx.settings.refreshGrace, ctx.now());
    if (presented.is === 'dead') {
      const [reason, description] = DEAD[presented.because];
      throw new OAuthError('invalid_grant', reason, description);
    }
    const { family } = presented;
    // RFC 9700 §4.14.2: a token used after it was replaced is stolen or its successor is; both end.
    if (presented.is === 'replayed') {
      await ctx.events.act(
        'refresh_token.reused',
        { clientId: client.clientId, sub: family.sub, reason: 'refresh_token_replayed' },
        async (row) => await ctx.store.tokens.revokeFamily(family.id, ctx.now(), row),
      );
      throw new OAuthError(
        'invalid_grant',
        'refresh_token_replayed',
        'The refresh token was used before.',
      );
    }
    // RFC 6749 §6: the scope never grows beyond what was granted; a narrower one leaves the grant as it was.
    if (params.scopes !== null && !covers(family.scopes, params.scopes)) {
      throw new OAuthError(
        'invalid_scope',
        'scope_grew',
        'The scope is wider than what was granted.',
      );
    }
    const consumption: Consumption =
      presented.is === 'repeated'
        ? { kind: 'repeated_refresh_token', successor: presented.successor }
        : { kind: 'refresh_token', refreshToken: params.refreshToken, family };
    // OIDC Core §12.2: a refreshed ID token has no nonce of its own and the auth_time of the original sign-in.
    return {
      entitlement: family,
      scopes: params.scopes ?? family.scopes,
      nonce: null,
      refreshable: true,
      consumption,
    };
  },
});

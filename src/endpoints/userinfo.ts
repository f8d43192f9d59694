/** The UserInfo endpoint (OIDC Core §5.3): claims about the subject of an access token. */
import { findLiveAccessToken } from '../domain/access-tokens.ts';
import { findEnabledAccount } from '../domain/accounts.ts';
import { moreClaims } from '../domain/claims.ts';
import { releasedClaims } from '../protocol/claims.ts';
import { OAuthError } from '../protocol/errors.ts';
import { bearerToken } from '../web/requests.ts';
import { json } from '../web/respond.ts';
import type { Endpoint } from './endpoint.ts';

export const userinfo: Endpoint = {
  name: 'userinfo',
  methods: ['GET', 'POST'],
  refuses: 'json',
  cors: 'any',

  metadata: (ctx) => ({
    claims_supported: [
      ...new Set(['sub', ...[...ctx.settings.scopes.values()].flatMap(({ claims }) => claims)]),
    ],
  }),

  async handle(ctx, call) {
    const text = await bearerToken(call);
    // RFC 6750 §3.1: a request without any credentials gets the challenge without an error code.
    if (text === null) {
      throw new OAuthError('invalid_token', 'token_missing', 'An access token is required.', {
        headers: { 'WWW-Authenticate': 'Bearer realm="userinfo"' },
      });
    }
    const found = await findLiveAccessToken(ctx, text);
    if (found === null)
      throw challenge('invalid_token', 'token_invalid', 'The access token is invalid.');
    const { token } = found;
    // OIDC Core §5.3: the token was obtained by an OpenID Connect authentication request.
    if (token.sub === null || !token.scopes.includes('openid')) {
      throw challenge(
        'insufficient_scope',
        'openid_scope_missing',
        'The access token lacks the scope openid.',
        ', scope="openid"',
      );
    }
    const account = await findEnabledAccount(ctx.settings.accounts, token.sub);
    if (account === null)
      throw challenge('invalid_token', 'token_subject', 'The access token is invalid.');
    const claimsByScope = Object.fromEntries(
      [...ctx.settings.scopes.values()].map(({ name, claims }) => [name, claims]),
    );
    // OIDC Core §5.3.2: sub is always returned.
    const released = releasedClaims(account.claims, token.scopes, claimsByScope);
    const more = await moreClaims(ctx, {
      target: 'userinfo',
      account,
      client: found.client,
      scopes: token.scopes,
    });
    return json(200, { ...released, ...more, sub: token.sub });
  },
};

// RFC 6750 §3: the challenge repeats the error for clients that read headers only.
function challenge(
  code: 'invalid_token' | 'insufficient_scope',
  reason: 'token_invalid' | 'openid_scope_missing' | 'token_subject',
  description: string,
  more = '',
): OAuthError {
  return new OAuthError(code, reason, description, {
    headers: {
      'WWW-Authenticate': `Bearer realm="userinfo", error="${code}", error_description="${description}"${more}`,
    },
  });
}

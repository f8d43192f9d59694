/**
 * The refresh token grant (RFC 6749 §6): proves a refresh token. What one is worth is
 * `domain/refresh-tokens.ts`; rotation is issuance's, and single use the store's.
 */

import { requireSame } from '../../domain/confirmations.ts';
import { requestRefused } from '../../domain/event-definitions.ts';
import { issuedToThis } from '../../domain/former-clients.ts';
import type { Consumption } from '../../domain/redemption.ts';
import { familyIdOf, judge, type Presented } from '../../domain/refresh-tokens.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { defineGrant, type Grant } from '../../engine/contracts/grant.ts';
import { OAuthError } from '../../protocol/errors.ts';
import { covers, parseScope } from '../../protocol/scope.ts';
import type { Client, Family } from '../../store/records.ts';
import type { FoundFamily } from '../../store/store.ts';
import type { RequestContext } from '../../web/request.ts';

interface RefreshParams {
  readonly refreshToken: string;
  readonly scopes: readonly string[] | null;
}

/** A token that is worth something: the live one, or its predecessor within the grace. */
type Usable = Extract<Presented, { readonly is: 'live' | 'repeated' }>;

const DEAD = {
  revoked: ['refresh_token_revoked', 'The refresh token was revoked.'],
  expired: ['refresh_token_expired', 'The refresh token has expired.'],
  authorization_withdrawn: ['authorization_withdrawn', 'The authorization was withdrawn.'],
  client_disabled: ['client_disabled', 'The client is disabled.'],
} as const;

const grant: Grant = defineGrant<RefreshParams>({
  type: 'refresh_token',
  provesSubject: false,

  params(params) {
    const scope = params.get('scope');
    return {
      refreshToken: params.need('refresh_token'),
      scopes: scope === undefined ? null : parseScope(scope),
    };
  },

  async redeem(ctx, client, { refreshToken, scopes }, confirmation) {
    const found = await findFamily(ctx, client, refreshToken);
    requireSame(found.family.details, confirmation);
    const presented = await requireUsable(ctx, client, refreshToken, found);
    const { family } = presented;
    // RFC 6749 §6: the scope never grows beyond what was granted. A narrower one leaves the grant
    // as it was.
    if (scopes !== null && !covers(family.scopes, scopes)) {
      throw new OAuthError(
        'invalid_scope',
        'scope_grew',
        'The scope is wider than what was granted.',
      );
    }
    // OIDC Core §12.2: a refreshed ID token has no nonce of its own and the auth_time of the
    // sign-in.
    return {
      entitlement: family,
      scopes: scopes ?? family.scopes,
      nonce: null,
      refreshable: true,
      consumption: consumptionOf(presented, refreshToken),
    };
  },
});

function refused(reason: string, description: string): OAuthError {
  return new OAuthError('invalid_grant', reason, description);
}

async function findFamily(
  ctx: RequestContext,
  client: Client,
  refreshToken: string,
): Promise<FoundFamily> {
  const familyId = familyIdOf(refreshToken);
  const found = familyId === null ? null : await ctx.store.tokens.findFamily(familyId);
  if (found === null || !issuedToThis(client, found.family.createdAt))
    throw refused('refresh_token_unknown', 'The refresh token is not valid.');
  // RFC 6749 §10.4: a refresh token is bound to the client it was issued to.
  if (found.family.clientId === client.clientId) return found;
  const { clientId } = client;
  const { sub } = found.family;
  ctx.events.record(requestRefused, { clientId, sub, reason: 'refresh_token_foreign' });
  throw refused('refresh_token_foreign', 'The refresh token is not valid.');
}

async function requireUsable(
  ctx: RequestContext,
  client: Client,
  refreshToken: string,
  found: FoundFamily,
): Promise<Usable> {
  const presented = judge(refreshToken, found, ctx.settings.refreshTokens.grace, ctx.now());
  if (presented.is === 'dead') {
    const [reason, description] = DEAD[presented.because];
    throw refused(reason, description);
  }
  if (presented.is !== 'replayed') return presented;
  // RFC 9700 §4.14.2: a replaced token that is used again means that it or its successor was
  // stolen, so both end.
  await revokeReused(ctx, client, presented.family);
  throw refused('refresh_token_replayed', 'The refresh token was used before.');
}

/** A refresh token was used again. */
export const refreshTokenReused = {
  name: 'refresh_token.reused',
  description:
    'A refresh token was used again after it was replaced: it, or its successor, was stolen. All tokens of the same sign-in have ended.',
  sub: 'sometimes',
  client: 'always',
  reason: 'always',
} as const;

async function revokeReused(
  ctx: RequestContext,
  { clientId }: Client,
  { id, sub }: Family,
): Promise<void> {
  await ctx.events.act(
    refreshTokenReused,
    { clientId, sub, reason: 'refresh_token_replayed' },
    async (row) => await ctx.store.tokens.revokeFamily(id, ctx.now(), row),
  );
}

function consumptionOf(presented: Usable, refreshToken: string): Consumption {
  if (presented.is === 'repeated') {
    const { successor, clientVersion } = presented;
    return { kind: 'repeated_refresh_token', successor, clientVersion };
  }
  return { kind: 'refresh_token', refreshToken, family: presented.family };
}

/** The grant refresh_token (RFC 6749 §6). */
export const refreshToken: FeatureFactory = defineFeature({
  name: 'refresh-token',
  description: 'Refresh tokens (RFC 6749 §6)',
  options: {},
  create: () => ({ grants: [grant], events: [refreshTokenReused] }),
});

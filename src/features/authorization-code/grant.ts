/** The authorization code grant (RFC 6749 §4.1.3): proves a code. Its single use is the store's. */

import { sha256 } from '../../crypto/bytes.ts';
import { parseHandle } from '../../crypto/handles.ts';
import { requireSame } from '../../domain/confirmations.ts';
import { requestRefused } from '../../domain/event-definitions.ts';
import { issuedToThis } from '../../domain/former-clients.ts';
import { redirectUriRulesOf } from '../../domain/redirect-rules.ts';
import { defineGrant, type Grant } from '../../engine/contracts/grant.ts';
import { OAuthError } from '../../protocol/errors.ts';
import { matchesRedirectUri } from '../../protocol/redirect-uri.ts';
import type { Client, Code } from '../../store/records.ts';
import type { FoundCode } from '../../store/store.ts';
import type { RequestContext } from '../../web/request.ts';
import { checkVerifier } from './pkce.ts';

interface CodeParams {
  readonly code: string;
  readonly redirectUri: string | undefined;
  readonly verifier: string | undefined;
}

export const authorizationCodeGrant: Grant = defineGrant<CodeParams>({
  type: 'authorization_code',
  provesSubject: false,

  params: (params) => ({
    code: params.need('code'),
    redirectUri: params.get('redirect_uri'),
    verifier: params.get('code_verifier'),
  }),

  async redeem(ctx, client, params, confirmation) {
    const found = await findCode(ctx, params.code);
    const { code } = found;
    checkClient(ctx, code, client);
    checkRedirectUri(ctx, code, client, params.redirectUri);
    await checkVerifier(ctx, code, params.verifier);
    requireSame(code.details, confirmation);
    await checkState(ctx, found);
    return {
      entitlement: code,
      scopes: code.scopes,
      nonce: code.nonce,
      refreshable: true,
      consumption: { kind: 'code', digest: code.digest },
    };
  },
});

function refused(reason: string, description: string): OAuthError {
  return new OAuthError('invalid_grant', reason, description);
}

async function findCode(ctx: RequestContext, text: string): Promise<FoundCode> {
  const known = parseHandle('code', text) !== null;
  const found = known ? await ctx.store.codes.find(sha256(text)) : null;
  if (found === null) throw refused('code_unknown', 'The authorization code is not valid.');
  return found;
}

// RFC 6749 §4.1.3: the code was issued to the authenticated client.
function checkClient(ctx: RequestContext, code: Code, client: Client): void {
  const { clientId } = client;
  if (code.clientId === clientId && issuedToThis(client, code.createdAt)) return;
  ctx.events.record(requestRefused, { clientId, sub: code.sub, reason: 'code_foreign' });
  throw refused('code_foreign', 'The authorization code is not valid.');
}

// RFC 6749 §4.1.3: redirect_uri is required, and identical, if it was part of the authorization
// request.
function checkRedirectUri(
  ctx: RequestContext,
  code: Code,
  client: Client,
  redirectUri: string | undefined,
): void {
  const rules = redirectUriRulesOf(ctx.settings, client);
  const matches =
    code.redirectUri === null
      ? redirectUri === undefined || client.redirectUris.includes(redirectUri)
      : redirectUri === code.redirectUri &&
        // It may have been withdrawn since.
        client.redirectUris.some((uri) => matchesRedirectUri(redirectUri, uri, rules));
  if (matches) return;
  throw refused(
    'code_redirect_uri',
    'The redirect_uri is not the one of the authorization request.',
  );
}

/**
 * RFC 6749 §4.1.2: a code is used at most once, and what was issued from a replayed one is revoked.
 * Whoever gets here has proven client, redirect URI, verifier and key; a replay without them
 * revokes nothing (OAuth 2.1 §4.1.3).
 */
async function checkState(ctx: RequestContext, { code, authorized }: FoundCode): Promise<void> {
  if (!authorized) throw refused('authorization_withdrawn', 'The authorization was withdrawn.');
  if (code.consumedAt !== null) {
    // A code without a family was never redeemed: a logout or a revocation consumed it.
    if (code.familyId === null)
      throw refused('code_revoked', 'The authorization code was revoked.');
    await revokeReplayed(ctx, code, code.familyId);
    throw refused('code_replayed', 'The authorization code was used before.');
  }
  if (code.expiresAt <= ctx.now())
    throw refused('code_expired', 'The authorization code has expired.');
}

/** A code was used again. */
export const codeReplayed = {
  name: 'code.replayed',
  description:
    'A code was used again, by an application that proved all it has to prove. What was issued from it has ended.',
  sub: 'always',
  client: 'always',
  reason: 'always',
} as const;

async function revokeReplayed(ctx: RequestContext, code: Code, familyId: string): Promise<void> {
  const { clientId, sub } = code;
  await ctx.events.act(
    codeReplayed,
    { clientId, sub, reason: 'code_replayed' },
    async (row) => await ctx.store.tokens.revokeFamily(familyId, ctx.now(), row),
  );
}

/**
 * The token endpoint (RFC 6749 §3.2). It owns the phases all grants share, in this order: form →
 * grant type → its parameters → client → may this client use this grant → sender constraint → proof
 * by the grant → what was proved is within bounds → issuance.
 */

import { findEnabledAccount } from '../../domain/accounts.ts';
import { networkOf } from '../../domain/addresses.ts';
import { idTokenClaims, withoutClaims } from '../../domain/claims.ts';
import { requireSame } from '../../domain/confirmations.ts';
import { tokensIssued } from '../../domain/event-definitions.ts';
import { issueTokens } from '../../domain/issuance.ts';
import type { CheckedRedemption, Redemption, TokenResponse } from '../../domain/redemption.ts';
import { offeredScopes } from '../../domain/scopes.ts';
import { provenNow } from '../../domain/sessions.ts';
import { isPublic } from '../../protocol/client-metadata-rules.ts';
import { OAuthError, type RefusalHint } from '../../protocol/errors.ts';
import type { Params } from '../../protocol/params.ts';
import { updateCommand } from '../../protocol/remedies.ts';
import { covers } from '../../protocol/scope.ts';
import type { Client } from '../../store/records.ts';
import { StoreUnavailable } from '../../store/store.ts';
import { bodyParams } from '../../web/parameter-places.ts';
import { json } from '../../web/respond.ts';
import { accessTokenRules } from '../access-token-rules.ts';
import { authenticateClient } from '../authenticate-client.ts';
import type { EngineContext } from '../contracts/context.ts';
import type { Endpoint } from '../contracts/endpoint.ts';
import { grantTypesOf, named, nameOf } from '../contracts/engine.ts';
import type { Grant, GrantProof } from '../contracts/grant.ts';
import { confirmationOf, useProofs } from '../sender-constraint.ts';
import { tokenDetails } from '../token-parameters.ts';

/** How often a request is judged, if others are faster or another node changes the client. */
const MOST_ATTEMPTS = 3;

/** Refusals by what a client may have, which another node may have changed. */
const ABOUT_CLIENT: readonly string[] = ['invalid_scope', 'unauthorized_client'];

export const token: Endpoint = {
  name: 'token',
  path: 'token/',
  methods: ['POST'],
  errors: 'json',
  metadataName: 'token_endpoint',
  isForClients: true,
  cors: 'client',

  metadata: (engine) => ({
    grant_types_supported: grantTypesOf(engine),
    token_endpoint_auth_methods_supported: engine.clientAuthenticationMethods.map(nameOf),
  }),

  async handle(ctx) {
    const params = await bodyParams(ctx.request);
    const type = params.need('grant_type');
    const grant = named(ctx.engine.grants, type);
    // RFC 6749 §5.2: the grant type is not supported by the authorization server.
    if (grant === null) {
      throw new OAuthError(
        'unsupported_grant_type',
        'grant_type',
        'The grant_type is not supported.',
      );
    }
    const prove = grant.prepare(params);
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const { client } = await authenticateClient(ctx, params);
      const { clientId } = client;
      if (attempt === 0) countRequest(ctx, client);
      // RFC 6749 §5.2: the authenticated client is not authorized to use this grant type.
      if (!client.grantTypes.includes(type)) {
        // Another node may have allowed it. Its secret may be another one by now as well.
        if ((await ctx.clients.lookAgain(client)) !== null) continue;
        throw new OAuthError(
          'unauthorized_client',
          'grant_type_not_allowed',
          'The client may not use this grant_type.',
          { hint: grantTypeHint(client, type) },
        );
      }
      const issued = await issue(ctx, client, params, grant, prove).catch(
        async (error: unknown) => {
          const isAboutClient = error instanceof OAuthError && ABOUT_CLIENT.includes(error.code);
          if (!isAboutClient || (await ctx.clients.lookAgain(client)) === null) throw error;
          return 'client_changed' as const;
        },
      );
      if (issued !== 'client_changed') {
        const { response, sub } = issued;
        const detail = { grant_type: type, scope: response.scope ?? null };
        ctx.events.record(tokensIssued, { sub, clientId, detail });
        return json(200, response);
      }
      // Another node changed or deleted the client: it is judged as it is now.
      ctx.clients.forget(clientId);
    }
    throw new StoreUnavailable('The client kept changing.');
  },
};

/**
 * All people who use a public application share its client_id, so it is counted per network.
 * @throws OAuthError 429
 */
function countRequest({ rateLimiter, request, settings }: EngineContext, client: Client): void {
  const limit = settings.rateLimits.tokenRequests;
  const whose = isPublic(client) ? [networkOf(request.address)] : [];
  if (limit !== null) rateLimiter.takeHere([['token request', client.clientId, ...whose], limit]);
}

function grantTypeHint({ clientId, grantTypes }: Client, type: string): RefusalHint {
  return {
    expected: grantTypes.join(', ') || 'no grant type',
    received: type,
    remedy: `if the application may do this: ${updateCommand(clientId, '--grant-type', [...grantTypes, type])}`,
  };
}

interface IssuedTokens {
  readonly response: TokenResponse;
  readonly sub: string | null;
}

async function issue(
  ctx: EngineContext,
  client: Client,
  params: Params,
  { provesSubject }: Grant,
  prove: GrantProof,
): Promise<IssuedTokens | 'client_changed'> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    // RFC 9449 §5: what the request proves, before the grant is looked at.
    const confirmation = await confirmationOf(ctx, client);
    const before = provesSubject ? await provenNow(ctx) : null;
    const proven = await prove(ctx, client, confirmation);
    const proof = proven.proof ?? before;
    const { entitlement } = proven;
    const acting = entitlement === null ? 'for-client' : 'for-user';
    const details = await tokenDetails(ctx, { params, client, entitlement, acting });
    const checked = await withinBounds(ctx, client, { proven, proof, confirmation, details });
    await useProofs(ctx);
    const issued = await issueTokens(ctx, client, checked);
    if (issued.outcome === 'issued') {
      ctx.clients.used(client, null);
      return { response: issued.response, sub: entitlement?.sub ?? null };
    }
    if (issued.outcome === 'client_changed') return issued.outcome;
    if (issued.outcome === 'subject_revoked')
      throw new OAuthError('invalid_grant', 'subject_revoked', 'The access was revoked.');
    // Another request consumed it between proof and issuance: the next proof sees that and says
    // what it means.
  }
  throw new OAuthError(
    'invalid_grant',
    'used_concurrently',
    'The grant was used by another request.',
  );
}

/** What a grant proved, with what the request proves and asks beside it. */
interface ProvenRequest extends Pick<CheckedRedemption, 'proof' | 'confirmation' | 'details'> {
  readonly proven: Redemption;
}

/**
 * Holds what a grant proved to what holds for all of them, so that no grant type can forget it: the
 * entitlement is this client's, nobody gets more than they are entitled to or than the client may
 * have by now, and the account exists and is enabled.
 */
async function withinBounds(
  ctx: EngineContext,
  client: Client,
  asked: ProvenRequest,
): Promise<CheckedRedemption> {
  const { proven, proof, confirmation } = asked;
  const { entitlement } = proven;
  if (entitlement !== null) requireSame(entitlement.details, confirmation);
  const acting = entitlement === null ? 'for-client' : 'for-user';
  const scopes = await offeredScopes(ctx.settings, client, proven.scopes, acting);
  if (entitlement === null) {
    const { details } = asked;
    const accessToken = await accessTokenRules(ctx, { client, account: null, scopes, details });
    return { proven, scopes, proof, confirmation, details, accessToken, claims: {} };
  }
  if (entitlement.clientId !== client.clientId)
    throw new Error('The grant type proved what another client is entitled to.');
  // RFC 6749 §3.3: the scope of a token is what was granted, or less.
  if (!covers(entitlement.scopes, scopes))
    throw new Error('The grant type proved more scopes than the entitlement holds.');
  const account = await findEnabledAccount(ctx.settings.accounts, entitlement.sub);
  if (account === null)
    throw new OAuthError('invalid_grant', 'account_disabled', 'The account is not available.');
  // Who asks for less than was granted does not get single claims by name either.
  const isLess = !covers(scopes, entitlement.scopes);
  const details = isLess ? withoutClaims(entitlement.details, asked.details) : asked.details;
  const token = { account, client, scopes, details: { ...entitlement.details, ...details } };
  const accessToken = await accessTokenRules(ctx, token);
  const claims = scopes.includes('openid') ? await idTokenClaims(ctx, token) : {};
  return { proven, scopes, proof, confirmation, details, accessToken, claims };
}

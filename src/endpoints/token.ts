/**
 * The token endpoint (RFC 6749 §3.2). It owns the steps all grants share, in this order: form → grant type → its parameters → client →
 * may this client use this grant → proof by the grant → the mint.
 */
import { authenticateClient } from '../client-auth/client-auth.ts';
import type { Context } from '../domain/context.ts';
import type { Redemption } from '../domain/tokens.ts';
import { issueTokens, type TokenResponse } from '../domain/tokens.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { Client } from '../store/records.ts';
import { requireBodyOnly } from '../web/requests.ts';
import { json } from '../web/respond.ts';
import type { Endpoint } from './endpoint.ts';

/** How often a proof is made again because somebody else was faster. */
const MOST_ATTEMPTS = 3;

export const token: Endpoint = {
  name: 'token',
  methods: ['POST'],
  refuses: 'json',
  cors: 'client',

  metadata: (_ctx, plugins) => ({
    grant_types_supported: [...plugins.grants.keys()],
    token_endpoint_auth_methods_supported: plugins.clientAuthMethods.map(({ method }) => method),
  }),

  async handle(ctx, call, plugins) {
    requireBodyOnly(call);
    const params = await call.form();
    const type = params.need('grant_type');
    const grant = plugins.grants.get(type);
    // RFC 6749 §5.2: the grant type is not supported by the authorization server.
    if (grant === undefined) throw new OAuthError('unsupported_grant_type', 'grant_type', 'The grant_type is not supported.');
    const prove = grant.prepare(params);
    const { client } = await authenticateClient(ctx, plugins.clientAuthMethods, {
      authorization: call.headers.get('authorization'),
      params,
      ip: call.ip,
    });
    // RFC 6749 §5.2: the authenticated client is not authorized to use this grant type.
    if (!client.grantTypes.includes(type)) {
      throw new OAuthError('unauthorized_client', 'grant_type_not_allowed', 'The client may not use this grant_type.');
    }
    const response = await issue(ctx, client, prove);
    await ctx.events.tell('tokens.issued', { clientId: client.clientId, ip: call.ip, detail: { grant_type: type, scope: response.scope } });
    return json(200, response);
  },
};

async function issue(ctx: Context, client: Client, prove: (ctx: Context, client: Client) => Promise<Redemption>): Promise<TokenResponse> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const issued = await issueTokens(ctx, client, await prove(ctx, client));
    if (issued.outcome === 'issued') return issued.response;
    // Somebody used it up between proof and mint: the next proof sees that and says what it means.
  }
  throw new OAuthError('invalid_grant', 'used_concurrently', 'The grant was used by another request.');
}

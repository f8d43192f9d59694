/** Token revocation (RFC 7009). A refresh token ends its family; an access token ends the family it belongs to, or itself. */
import { endAccessToken } from '../domain/access-tokens.ts';
import type { Context } from '../domain/context.ts';
import { familyIdOf } from '../domain/refresh-tokens.ts';
import type { AuditEvent, Client } from '../store/records.ts';
import { empty } from '../web/respond.ts';
import { callingClient, clientForm } from './client-call.ts';
import type { Endpoint } from './endpoint.ts';

export const revocation: Endpoint = {
  name: 'revoke-token',
  methods: ['POST'],
  refuses: 'json',
  cors: 'client',

  metadata: (_ctx, plugins) => ({
    revocation_endpoint_auth_methods_supported: plugins.clientAuthMethods.map(
      ({ method }) => method,
    ),
  }),

  async handle(ctx, call, plugins) {
    const params = await clientForm(call);
    const { client } = await callingClient(ctx, call, params, plugins);
    const text = params.need('token');
    const { clientId } = client;
    await ctx.events.act(
      'token.revoked',
      { clientId, ip: call.ip },
      async (row) => await revoke(ctx, client, text, row),
    );
    // RFC 7009 §2.2: 200 for an invalid token as well, and nothing to tell it from a foreign one.
    return empty(200);
  },
};

async function revoke(
  ctx: Context,
  client: Client,
  text: string,
  audit: AuditEvent,
): Promise<boolean> {
  const familyId = familyIdOf(text);
  if (familyId === null) return await endAccessToken(ctx, client, text, audit);
  const found = await ctx.store.tokens.findFamily(familyId);
  // RFC 7009 §2.1: the token was issued to the client that asks.
  return (
    found?.family.clientId === client.clientId &&
    (await ctx.store.tokens.revokeFamily(familyId, ctx.now(), audit))
  );
}

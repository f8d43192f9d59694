/** Token introspection (RFC 7662): what a token is worth now, for those it concerns. */
import { findLiveAccessToken } from '../domain/access-tokens.ts';
import { findEnabledAccount } from '../domain/accounts.ts';
import { issuedToThis } from '../domain/clients.ts';
import type { Context } from '../domain/context.ts';
import { familyIdOf, judge } from '../domain/refresh-tokens.ts';
import { OAuthError } from '../protocol/errors.ts';
import { formatScope } from '../protocol/scope.ts';
import type { Client } from '../store/records.ts';
import { json } from '../web/respond.ts';
import { callingClient, clientForm } from './client-call.ts';
import type { Endpoint } from './endpoint.ts';

/** A client whose registration names this scope is a resource server: it may ask about every token. */
export const INTROSPECTION_SCOPE = 'introspection';
const INACTIVE = { active: false } as const;

export const introspection: Endpoint = {
  name: 'introspect',
  methods: ['POST'],
  refuses: 'json',

  metadata: (_ctx, plugins) => ({
    introspection_endpoint_auth_methods_supported: plugins.clientAuthMethods
      .map(({ method }) => method)
      .filter((method) => method !== 'none'),
  }),

  async handle(ctx, call, plugins) {
    const params = await clientForm(call);
    const { client } = await callingClient(ctx, call, params, plugins);
    // RFC 7662 §2.1: the endpoint requires authorization, against token scanning; a public client cannot prove who asks.
    if (client.clientType === 'public') {
      throw new OAuthError(
        'invalid_client',
        'client_not_confidential',
        'Client authentication failed.',
      );
    }
    const text = params.need('token');
    return json(200, (await describe(ctx, client, text)) ?? INACTIVE);
  },
};

// RFC 7662 §4: a token that does not concern the caller is inactive for it.
function mayKnow(caller: Client, clientId: string): boolean {
  return caller.clientId === clientId || (caller.scopes?.includes(INTROSPECTION_SCOPE) ?? false);
}

async function describe(ctx: Context, caller: Client, text: string): Promise<object | null> {
  const access = await findLiveAccessToken(ctx, text);
  if (access !== null) {
    const { token } = access;
    if (!mayKnow(caller, token.clientId)) return null;
    const person = token.sub === null ? {} : await describeAccount(ctx, token.sub);
    if (person === null) return null;
    return {
      active: true,
      scope: formatScope(token.scopes),
      client_id: token.clientId,
      ...person,
      token_type: 'Bearer',
      exp: token.expiresAt,
      iat: token.issuedAt,
      // A token of the client itself has its client_id as subject; `client_id` beside it tells the two kinds apart (RFC 9700 §4.15).
      sub: token.sub ?? token.clientId,
      iss: ctx.settings.issuer,
    };
  }
  return await describeRefreshToken(ctx, caller, text);
}

async function describeRefreshToken(
  ctx: Context,
  caller: Client,
  text: string,
): Promise<object | null> {
  const familyId = familyIdOf(text);
  const found = familyId === null ? null : await ctx.store.tokens.findFamily(familyId);
  if (found === null || !mayKnow(caller, found.family.clientId)) return null;
  // Looking is not using: an outdated token is only inactive here.
  const { is, family } = judge(text, found, 0, ctx.now());
  const client = await ctx.clients.findEnabled(family.clientId);
  const person = await describeAccount(ctx, family.sub);
  if (
    is !== 'live' ||
    client === null ||
    person === null ||
    !issuedToThis(client, family.createdAt)
  )
    return null;
  return {
    active: true,
    scope: formatScope(family.scopes),
    client_id: family.clientId,
    ...person,
    exp: family.refreshExpiresAt,
    iat: family.rotatedAt ?? family.createdAt,
    sub: family.sub,
    iss: ctx.settings.issuer,
  };
}

/** What a resource server calls the person (RFC 7662 §2.2 `username`), where the account says so; null when the account is not there or disabled. */
async function describeAccount(
  ctx: Context,
  sub: string,
): Promise<{ readonly username?: string } | null> {
  const account = await findEnabledAccount(ctx.settings.accounts, sub);
  if (account === null) return null;
  const username = account.claims['preferred_username'];
  return typeof username === 'string' && username !== '' ? { username } : {};
}

/** Token introspection (RFC 7662): what a token is worth now, for those it concerns. */
import { findLiveAccessToken } from '../../domain/access-tokens.ts';
import { findEnabledAccount } from '../../domain/accounts.ts';
import { confirmationIn, tokenTypeOf } from '../../domain/confirmations.ts';
import { issuedToThis } from '../../domain/former-clients.ts';
import { familyIdOf, judge } from '../../domain/refresh-tokens.ts';
import { clientEndpoint } from '../../engine/client-endpoint.ts';
import type { EngineContext } from '../../engine/contracts/context.ts';
import type { Endpoint } from '../../engine/contracts/endpoint.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { logRefusal } from '../../engine/refusals.ts';
import { introspectedDetails } from '../../engine/token-parameters.ts';
import { createCommand, updateCommand } from '../../protocol/remedies.ts';
import { formatScope } from '../../protocol/scope.ts';
import type { AccessToken, Client } from '../../store/records.ts';
import { json } from '../../web/respond.ts';

/**
 * A client whose registration names this scope is a resource server: it may ask about every token.
 */
const INTROSPECTION_SCOPE = 'introspection';
const INACTIVE = { active: false } as const;

const endpoint: Endpoint = clientEndpoint({
  name: 'introspect',
  path: 'introspect/',
  metadataName: 'introspection_endpoint',
  methodsMetadata: 'introspection_endpoint_auth_methods_supported',
  // RFC 7662 §2.1: the endpoint requires authorization, against token scanning. A public client
  // cannot prove who asks.
  publicClients: false,
  async handle(ctx, { client, params }) {
    const text = params.need('token');
    const access = await findLiveAccessToken(ctx, text);
    const description =
      access === null
        ? await describeRefreshToken(ctx, client, text)
        : await describeAccessToken(ctx, client, access);
    return json(200, description ?? INACTIVE);
  },
});

// RFC 7662 §4: a token that does not concern the caller is inactive for it.
async function mayKnow(ctx: EngineContext, caller: Client, clientId: string): Promise<boolean> {
  const { clientId: asking, scopes } = caller;
  if (asking === clientId || isResourceServer(caller)) return true;
  // Another node may have registered it as one.
  const changed = await ctx.clients.lookAgain(caller);
  if (changed !== null && changed.disabledAt === null && isResourceServer(changed)) return true;
  const command =
    scopes === null
      ? `register a new one: ${createCommand('resource-server')}`
      : updateCommand(asking, '--scope', [...scopes, INTROSPECTION_SCOPE]);
  const hint = {
    expected: 'a resource server, whose registration names the scope introspection',
    received: `a token of the client ${clientId}`,
    remedy: `only if this is an API that checks tokens: ${command}`,
  };
  logRefusal(ctx, 'introspect', { code: 'inactive', reason: 'token_of_another_client', hint });
  return false;
}

function isResourceServer({ scopes }: Client): boolean {
  return scopes?.includes(INTROSPECTION_SCOPE) ?? false;
}

async function describeAccessToken(
  ctx: EngineContext,
  caller: Client,
  { token, client }: { readonly token: AccessToken; readonly client: Client },
): Promise<object | null> {
  if (!(await mayKnow(ctx, caller, token.clientId))) return null;
  const cnf = confirmationIn(token.details);
  const person = token.sub === null ? {} : await describeAccount(ctx, token.sub);
  if (person === null) return null;
  return {
    active: true,
    ...scopeOf(token.scopes),
    client_id: token.clientId,
    ...person,
    token_type: tokenTypeOf(cnf),
    // RFC 9449 §6.2: what the resource server has to check.
    ...(Object.keys(cnf).length === 0 ? {} : { cnf }),
    ...introspectedDetails(ctx, token),
    exp: token.expiresAt,
    iat: token.issuedAt,
    // A token of the client itself has its client_id as subject; `client_id` beside it tells the
    // two kinds apart (RFC 9700 §4.15).
    sub: token.sub === null ? token.clientId : ctx.subjectOf(client, token.sub),
    iss: ctx.settings.issuer,
  };
}

async function describeRefreshToken(
  ctx: EngineContext,
  caller: Client,
  text: string,
): Promise<object | null> {
  const familyId = familyIdOf(text);
  const found = familyId === null ? null : await ctx.store.tokens.findFamily(familyId);
  if (found === null || !(await mayKnow(ctx, caller, found.family.clientId))) return null;
  // Looking is not using: an outdated token is only inactive here.
  const { is, family } = judge(text, found, 0, ctx.now());
  if (is !== 'live') return null;
  const client = await ctx.clients.findEnabled(family.clientId);
  if (client === null || !issuedToThis(client, family.createdAt)) return null;
  const person = await describeAccount(ctx, family.sub);
  if (person === null) return null;
  return {
    active: true,
    ...scopeOf(family.scopes),
    client_id: family.clientId,
    ...person,
    exp: family.refreshExpiresAt,
    iat: family.rotatedAt ?? family.createdAt,
    sub: ctx.subjectOf(client, family.sub),
    iss: ctx.settings.issuer,
  };
}

/** RFC 6749 §3.3: a scope has at least one value. */
function scopeOf(scopes: readonly string[]): { readonly scope?: string } {
  return scopes.length === 0 ? {} : { scope: formatScope(scopes) };
}

/**
 * What a resource server calls the person (RFC 7662 §2.2 `username`), where the account says so;
 * null when the account does not exist or is disabled.
 */
async function describeAccount(
  ctx: EngineContext,
  sub: string,
): Promise<{ readonly username?: string } | null> {
  const account = await findEnabledAccount(ctx.settings.accounts, sub);
  if (account === null) return null;
  const username = account.claims['preferred_username'];
  return typeof username === 'string' && username !== '' ? { username } : {};
}

/** The introspection endpoint (RFC 7662). */
export const introspection: FeatureFactory = defineFeature({
  name: 'introspection',
  description: 'Token introspection (RFC 7662)',
  options: {},
  create: () => ({ endpoints: [endpoint] }),
});

/** Token introspection (RFC 7662): what a token is worth now, for those it concerns. */
import { findLiveAccessToken } from '../../domain/access-tokens.ts';
import { issuedToThis } from '../../domain/former-clients.ts';
import { familyIdOf, judge } from '../../domain/refresh-tokens.ts';
import { clientEndpoint } from '../../engine/client-endpoint.ts';
import type { EngineContext } from '../../engine/contracts/context.ts';
import type { Endpoint } from '../../engine/contracts/endpoint.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { describeAccessToken, describeAccount, scopeOf } from '../../engine/described-token.ts';
import { logRefusal } from '../../engine/refusals.ts';
import { createCommand, updateCommand } from '../../protocol/remedies.ts';
import type { Client } from '../../store/records.ts';
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
    if (access === null)
      return json(200, (await describeRefreshToken(ctx, client, text)) ?? INACTIVE);
    const isKnown = await mayKnow(ctx, client, access.token.clientId);
    return json(200, (isKnown ? await describeAccessToken(ctx, access) : null) ?? INACTIVE);
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

/** The introspection endpoint (RFC 7662). */
export const introspection: FeatureFactory = defineFeature({
  name: 'introspection',
  description: 'Token introspection (RFC 7662)',
  options: {},
  create: () => ({ endpoints: [endpoint] }),
});

/** Token introspection (RFC 7662): what a token is worth now, for those it concerns. */
import { findLiveAccessToken, type LiveAccessToken } from '../../domain/access-tokens.ts';
import { findEnabledAccount } from '../../domain/accounts.ts';
import { END_OF_TIME } from '../../domain/families.ts';
import { issuedToThis } from '../../domain/former-clients.ts';
import { familyIdOf, judge } from '../../domain/refresh-tokens.ts';
import { isResourceUri, resourcesIn } from '../../domain/resources.ts';
import { clientEndpoint } from '../../engine/client-endpoint.ts';
import { clientField } from '../../engine/contracts/client-field.ts';
import type { EngineContext } from '../../engine/contracts/context.ts';
import type { Endpoint } from '../../engine/contracts/endpoint.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import { describeAccessToken, nameOf } from '../../engine/described-token.ts';
import { logRefusal } from '../../engine/refusals.ts';
import { createCommand, updateCommand } from '../../protocol/remedies.ts';
import { inOneSpelling } from '../../protocol/resource-identifier.ts';
import { formatScope } from '../../protocol/scope.ts';
import type { AccessToken, Client } from '../../store/records.ts';
import { json } from '../../web/respond.ts';
import { jwtResponseFor, jwtResponses } from './jwt-response.ts';

/**
 * A client whose registration names this scope is a resource server: it may ask about every token.
 */
const INTROSPECTION_SCOPE = 'introspection';
/** APIs that a resource server is; null: it may ask about tokens for any. */
const servedResources = clientField<readonly string[] | null>({
  wireName: 'resources',
  flag: 'resource',
  kind: 'texts',
  nullable: true,
  default: null,
  setBy: 'operator',
  description: 'APIs that a resource server is: it sees tokens for these alone (default: all)',
  check: (value) =>
    value === null || value.every(isResourceUri)
      ? null
      : 'must be absolute URIs without a fragment',
});
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
    const seal = await jwtResponseFor(ctx, client);
    const access = await findLiveAccessToken(ctx, text);
    const answer = (await describe(ctx, client, text, access)) ?? INACTIVE;
    return seal === null ? json(200, answer) : await seal(answer);
  },
});

async function describe(
  ctx: EngineContext,
  caller: Client,
  text: string,
  access: LiveAccessToken | null,
): Promise<object | null> {
  if (access === null) return await describeRefreshToken(ctx, caller, text);
  const isKnown = await mayKnow(ctx, caller, access.token);
  return isKnown ? await describeAccessToken(ctx, access) : null;
}

/** A token that somebody asks about. */
type AskedAbout = Pick<AccessToken, 'clientId' | 'details'>;

// RFC 7662 §4: a token that does not concern the caller is inactive for it.
async function mayKnow(ctx: EngineContext, caller: Client, token: AskedAbout): Promise<boolean> {
  const { clientId: asking, scopes } = caller;
  const { clientId } = token;
  if (asking === clientId || isItsServer(caller, token)) return true;
  // Another node may have registered it as one.
  const changed = await ctx.clients.lookAgain(caller);
  if (changed !== null && changed.disabledAt === null && isItsServer(changed, token)) return true;
  if (scopes?.includes(INTROSPECTION_SCOPE) === true) {
    const hint = {
      expected: `a token for ${servedResources(caller)?.join(' or ') ?? 'any API'}`,
      received: `a token for ${resourcesIn(token.details).join(' and ') || 'no API'}`,
      remedy: `if it is this API: ${updateCommand(asking, '--resource', resourcesIn(token.details))}`,
    };
    logRefusal(ctx, 'introspect', { code: 'inactive', reason: 'token_for_another_resource', hint });
    return false;
  }
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

/** True for a resource server that the token is for. */
function isItsServer(caller: Client, { details }: AskedAbout): boolean {
  if (caller.scopes?.includes(INTROSPECTION_SCOPE) !== true) return false;
  const own = servedResources(caller)
    ?.filter((one) => URL.canParse(one))
    .map(inOneSpelling);
  // RFC 9701 §5: a token for another API is inactive for this one.
  return own?.some((one) => resourcesIn(details).map(inOneSpelling).includes(one)) ?? true;
}

async function describeRefreshToken(
  ctx: EngineContext,
  caller: Client,
  text: string,
): Promise<object | null> {
  const familyId = familyIdOf(text);
  const found = familyId === null ? null : await ctx.store.tokens.findFamily(familyId);
  if (found === null || !(await mayKnow(ctx, caller, found.family))) return null;
  // Looking is not using: an outdated token is only inactive here.
  const { is, family } = judge(text, found, 0, ctx.now());
  if (is !== 'live') return null;
  const client = await ctx.clients.findEnabled(family.clientId);
  if (client === null || !issuedToThis(client, family.createdAt)) return null;
  const account = await findEnabledAccount(ctx.settings.accounts, family.sub);
  if (account === null) return null;
  return {
    active: true,
    ...scopeOf(family.scopes),
    client_id: family.clientId,
    ...nameOf(account),
    ...(family.refreshExpiresAt === END_OF_TIME ? {} : { exp: family.refreshExpiresAt }),
    iat: family.rotatedAt ?? family.createdAt,
    sub: ctx.subjectOf(client, family.sub),
    iss: ctx.settings.issuer,
  };
}

/** RFC 6749 §3.3: a scope has at least one value. */
function scopeOf(scopes: readonly string[]): { readonly scope?: string } {
  return scopes.length === 0 ? {} : { scope: formatScope(scopes) };
}

/** The introspection endpoint (RFC 7662). */
export const introspection: FeatureFactory = defineFeature({
  name: 'introspection',
  description: 'Token introspection (RFC 7662)',
  options: {},
  create: () => ({
    endpoints: [endpoint],
    clientFields: [servedResources, ...jwtResponses.clientFields],
    clientChecks: jwtResponses.clientChecks,
    metadata: jwtResponses.metadata,
  }),
});

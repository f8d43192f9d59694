/**
 * What the APIs that a token is for make of it (RFC 8707 §2): its scopes, its lifetime and its
 * format. The same for every grant.
 */
import type { AccessTokenBounds } from '../domain/access-tokens.ts';
import type { Account } from '../domain/accounts.ts';
import type { AccessTokenRules } from '../domain/redemption.ts';
import {
  type AccessTokenFormatName,
  type ResourceDefinition,
  resourcesIn,
} from '../domain/resources.ts';
import type { Settings } from '../domain/settings.ts';
import type { AuthorizationRequest } from '../protocol/authorization-request.ts';
import { STANDARD_SCOPES } from '../protocol/claims.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { Client, Details } from '../store/records.ts';
import type { EngineContext } from './contracts/context.ts';
import { type Engine, named } from './contracts/engine.ts';
import type { Refuse } from './contracts/options.ts';
import { detailsOf } from './contracts/parameter.ts';
import { accessTokenClaims } from './token-claims.ts';
import { toldOf } from './token-parameters.ts';

/** What is asked for. */
export interface AskedToken {
  readonly client: Client;
  /** Scopes of the request, all of which were granted. */
  readonly scopes: readonly string[];
  /** Details that the token will have. */
  readonly details: Details;
}

/**
 * The bounds of a token.
 * @throws OAuthError `invalid_target`, or `invalid_scope` when nothing is left for the APIs
 */
async function accessTokenBounds(
  ctx: EngineContext,
  asked: AskedToken,
): Promise<AccessTokenBounds> {
  return boundsAt(ctx, asked, await resourcesOf(ctx, asked.details));
}

/** The bounds of a token of an authorization response. @throws OAuthError as above */
export async function boundsOfRequest(
  ctx: EngineContext,
  request: AuthorizationRequest,
  client: Client,
): Promise<AccessTokenBounds> {
  const { engine, settings } = ctx;
  const details = detailsOf(engine.parameters, request, { client, settings });
  return await accessTokenBounds(ctx, { client, scopes: request.scopes, details });
}

/** The bounds of a token, and what writes it. @throws OAuthError as `accessTokenBounds` does */
export async function accessTokenRules(
  ctx: EngineContext,
  asked: AskedToken & { readonly account: Account | null },
): Promise<AccessTokenRules> {
  const { client, account, details } = asked;
  const resources = await resourcesOf(ctx, details);
  const bounds = boundsAt(ctx, asked, resources);
  const told = toldOf(ctx, details);
  const format = named(ctx.engine.accessTokenFormats, bounds.format);
  if (format === null) return { bounds, write: null, told };
  const write = await format.writer(ctx, {
    client,
    resources,
    claims: async (token, login) => await accessTokenClaims(ctx, { token, client, account, login }),
  });
  return { bounds, write, told };
}

function boundsAt(
  { engine, settings }: EngineContext,
  { client, scopes }: AskedToken,
  resources: readonly ResourceDefinition[],
): AccessTokenBounds {
  const format = formatFor(engine, client, resources);
  const lifetimes = [
    ...resources.flatMap(({ tokenLifetime }) => tokenLifetime ?? []),
    // The key that signed it is published for so long after its last use.
    ...(format === 'opaque' ? [] : [settings.keySchedule.keepAfter]),
  ];
  const lifetime = lifetimes.length === 0 ? null : Math.min(...lifetimes);
  return { scopes: scopesFor(resources, scopes), lifetime, format };
}

async function resourcesOf(
  { resources }: EngineContext,
  details: Details,
): Promise<readonly ResourceDefinition[]> {
  const found: ResourceDefinition[] = [];
  for (const identifier of resourcesIn(details)) {
    const one = await resources.find(identifier);
    if (one !== null) found.push(one);
  }
  return found;
}

/** RFC 8707 §2: the scopes that have a meaning at these APIs. */
function scopesFor(
  resources: readonly ResourceDefinition[],
  scopes: readonly string[],
): readonly string[] {
  if (resources.length === 0 || resources.some((one) => one.scopes === undefined)) return scopes;
  const known = resources.flatMap((one) => one.scopes ?? []);
  const kept = scopes.filter((scope) => known.includes(scope));
  // Scopes about the person are for the ID token and for userinfo, so they alone are no mistake.
  if (kept.length === 0 && scopes.some((scope) => !Object.hasOwn(STANDARD_SCOPES, scope)))
    throw new OAuthError(
      'invalid_scope',
      'scope_of_other_resource',
      'None of the scopes has a meaning at the resource.',
      {
        hint: {
          expected: `scopes of the resource: ${known.join(' ')}`,
          received: scopes.join(' '),
        },
      },
    );
  return kept;
}

function formatFor(
  { accessTokenFormats }: Engine,
  client: Client,
  resources: readonly ResourceDefinition[],
): AccessTokenFormatName {
  const usual = accessTokenFormats.find((one) => one.isUsual(client))?.name ?? 'opaque';
  const wanted = new Set(resources.map(({ tokenFormat }) => tokenFormat ?? usual));
  if (wanted.size > 1)
    throw new OAuthError(
      'invalid_target',
      'resources_differ',
      'The resources have tokens of different formats: ask for one of them.',
    );
  return [...wanted][0] ?? usual;
}

/** What registered APIs need that is not there. */
export function checkFit(
  resources: readonly ResourceDefinition[],
  engine: Engine,
  { idTokenAlgs }: Settings,
  refuse: Refuse,
): void {
  const wrong = (one: ResourceDefinition, problem: string, remedy: string): void =>
    refuse('resourceIndicators.resources', `${one.resource}: ${problem}`, remedy);
  for (const one of resources) {
    const { tokenFormat = 'opaque', tokenSigningAlg: alg } = one;
    if (tokenFormat !== 'opaque' && named(engine.accessTokenFormats, tokenFormat) === null)
      wrong(one, 'its tokenFormat needs a feature.', 'Switch jwtAccessTokens on.');
    if (alg !== undefined && !idTokenAlgs.includes(alg))
      wrong(one, `there is no key for ${alg}.`, `Choose among ${idTokenAlgs.join(', ')}.`);
  }
}

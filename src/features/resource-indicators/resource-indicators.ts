/**
 * Resource indicators (RFC 8707): a client says for which APIs it wants a token, and the token says
 * so too. A token for an API is not accepted by this provider.
 */
import {
  detailsOfResources,
  type ResourceDefinition,
  type Resources,
  requireResource,
  resourcesIn,
} from '../../domain/resources.ts';
import { checkResources } from '../../engine/check-resources.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import {
  type AuthorizationParameter,
  authorizationParameter,
} from '../../engine/contracts/parameter.ts';
import type { TokenParameter } from '../../engine/contracts/token-parameter.ts';
import { OAuthError } from '../../protocol/errors.ts';
import type { Params } from '../../protocol/params.ts';
import { inOneSpelling } from '../../protocol/resource-identifier.ts';

/** Options of resource indicators. */
export interface ResourceIndicatorOptions {
  /**
   * APIs for which tokens are issued: the identifier, or the identifier with what holds for its
   * tokens. Operators register others (`provider.resources`).
   * @default []
   */
  readonly resources: readonly (string | ResourceDefinition)[];
  /**
   * Any other address is an API as well, without rules of its own: for servers that do not know
   * their APIs, as those for MCP clients may.
   * @default false
   */
  readonly anyResource: boolean;
}

const NAME = 'resource';
/** APIs that one request may name. */
const MOST = 10;

/**
 * Identifiers of the APIs that a request names, as they are registered.
 * @throws OAuthError `invalid_target`
 */
async function named(resources: Resources, params: Params): Promise<readonly string[]> {
  const asked = params.all(NAME);
  if (asked.length > MOST)
    throw new OAuthError('invalid_target', 'too_many_resources', 'The request names too many.');
  return await registered(resources, asked);
}

async function registered(
  resources: Resources,
  identifiers: readonly string[],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const one of identifiers) found.push((await requireResource(resources, one)).resource);
  return [...new Set(found)];
}

/** `resource` of an authorization request (RFC 8707 §2.1), which may be repeated. */
const parameter: AuthorizationParameter<readonly string[]> = authorizationParameter<
  readonly string[]
>({
  names: [NAME],
  repeatable: true,
  absent: [],
  read: async ({ resources }, { params }) => await named(resources, params),
  details: detailsOfResources,
});

const tokenParameter: TokenParameter = {
  name: NAME,
  async details({ resources }, { params, entitlement }) {
    const asked = await named(resources, params);
    const granted = entitlement === null ? [] : resourcesIn(entitlement.details);
    // Some may have been taken out of the registry since.
    if (asked.length === 0) return detailsOfResources(await registered(resources, granted));
    const known = granted.map(inOneSpelling);
    // RFC 8707 §2.2: the resources are among those to which the grant is restricted.
    if (known.length > 0 && !asked.every((one) => known.includes(inOneSpelling(one))))
      throw new OAuthError(
        'invalid_target',
        'resource_not_granted',
        'The grant is for another resource.',
      );
    return detailsOfResources(asked);
  },
};

/** Resource indicators (RFC 8707). */
export const resourceIndicators: FeatureFactory<ResourceIndicatorOptions> =
  defineFeature<ResourceIndicatorOptions>({
    name: 'resource-indicators',
    description: 'Tokens for single APIs (RFC 8707)',
    enabled: false,
    options: {
      resources: {
        kind: 'entries',
        description: 'APIs for which tokens are issued, by their address',
        default: [],
        check: checkResources,
      },
      anyResource: {
        kind: 'flag',
        description: 'Any other address is an API as well',
        default: false,
      },
    },
    create: ({ resources, anyResource }) => ({
      anyResource,
      resources: resources.map((one) => (typeof one === 'string' ? { resource: one } : one)),
      parameters: [parameter],
      tokenParameters: [tokenParameter],
    }),
  });

/**
 * Resource indicators (RFC 8707): a client says for which APIs it wants a token, and the token says
 * so too. A token for an API is not accepted by this provider.
 */
import {
  detailsOfResources,
  type ResourceDefinition,
  requireGrantedResources,
  requireResources,
  resourcesIn,
} from '../../domain/resources.ts';
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import {
  type AuthorizationParameter,
  authorizationParameter,
} from '../../engine/contracts/parameter.ts';
import type { TokenParameter } from '../../engine/contracts/token-parameter.ts';
import { checkResources } from '../../engine/resource-fields.ts';

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

/** `resource` of an authorization request (RFC 8707 §2.1), which may be repeated. */
const parameter: AuthorizationParameter<readonly string[]> = authorizationParameter<
  readonly string[]
>({
  names: [NAME],
  repeatable: true,
  absent: [],
  read: async ({ resources }, { params }) => await requireResources(resources, params.all(NAME)),
  details: detailsOfResources,
});

const tokenParameter: TokenParameter = {
  name: NAME,
  async details({ resources }, { params, entitlement }) {
    const asked = await requireResources(resources, params.all(NAME));
    const granted = entitlement === null ? [] : resourcesIn(entitlement.details);
    // Some may have been taken out of the registry since.
    if (asked.length === 0) return detailsOfResources(await requireResources(resources, granted));
    if (granted.length > 0) requireGrantedResources(granted, asked);
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

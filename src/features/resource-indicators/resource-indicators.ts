/**
 * Resource indicators (RFC 8707): a client says for which API it wants a token, and the token says
 * so too. One resource for each token; a token for an API is not accepted by this provider.
 */
import { defineFeature, type FeatureFactory } from '../../engine/contracts/feature.ts';
import {
  type AuthorizationParameter,
  authorizationParameter,
} from '../../engine/contracts/parameter.ts';
import type { TokenParameter } from '../../engine/contracts/token-parameter.ts';
import { OAuthError } from '../../protocol/errors.ts';
import { nameForLog } from '../../protocol/remedies.ts';
import { inOneSpelling, isSameResource } from '../../protocol/resource-identifier.ts';
import type { Details } from '../../store/records.ts';

/** Options of resource indicators. */
export interface ResourceIndicatorOptions {
  /** APIs for which tokens are issued, by their address. Empty: any. @default [] */
  readonly resources: readonly string[];
}

const NAME = 'resource';

type Allowed = (resource: string) => boolean;

function allowedBy({ resources }: ResourceIndicatorOptions): Allowed {
  const known = new Set(resources.map(inOneSpelling));
  return (resource) => known.size === 0 || known.has(inOneSpelling(resource));
}

/** RFC 8707 §2: an absolute URI without a fragment, of an API that is served here. */
function checked(resource: string | undefined, isAllowed: Allowed): string | null {
  if (resource === undefined) return null;
  const isUri = URL.canParse(resource) && !resource.includes('#') && resource.length <= 2048;
  if (isUri && isAllowed(resource)) return resource;
  throw new OAuthError('invalid_target', 'resource', 'The resource is not served here.', {
    hint: {
      expected: 'one of the option resourceIndicators.resources',
      received: isUri ? nameForLog(resource) : 'no absolute URI without a fragment',
    },
  });
}

function resourceIn(details: Details): string | null {
  const value = details[NAME];
  return typeof value === 'string' ? value : null;
}

/** `resource` of an authorization request (RFC 8707 §2.1); null without one. */
function resourceParameter(isAllowed: Allowed): AuthorizationParameter<string | null> {
  return authorizationParameter<string | null>({
    names: [NAME],
    absent: null,
    read: (_ctx, { params }) => checked(params.get(NAME), isAllowed),
    details: (value) => (value === null ? {} : { [NAME]: value }),
  });
}

function tokenParameter(isAllowed: Allowed): TokenParameter {
  return {
    name: NAME,
    details(_ctx, { params, entitlement }) {
      const asked = checked(params.get(NAME), isAllowed);
      const granted = entitlement === null ? null : resourceIn(entitlement.details);
      if (asked === null) {
        // It may have been taken out of the list since.
        return granted === null ? {} : { [NAME]: checked(granted, isAllowed) };
      }
      // RFC 8707 §2.2: the resource is one to which the grant is restricted.
      if (granted !== null && !isSameResource(granted, asked))
        throw new OAuthError(
          'invalid_target',
          'resource_not_granted',
          'The grant is for another resource.',
        );
      return { [NAME]: granted ?? asked };
    },
    introspected(details) {
      const resource = resourceIn(details);
      return resource === null ? {} : { aud: resource };
    },
    isForUs({ settings }, details) {
      const resource = resourceIn(details);
      return resource === null || isSameResource(resource, settings.issuer);
    },
  };
}

/** Resource indicators (RFC 8707). */
export const resourceIndicators: FeatureFactory<ResourceIndicatorOptions> =
  defineFeature<ResourceIndicatorOptions>({
    name: 'resource-indicators',
    description: 'Tokens for one API (RFC 8707)',
    enabled: false,
    options: {
      resources: {
        kind: 'list',
        description: 'APIs for which tokens are issued, by their address',
        defaultText: 'any',
        default: [],
        check(value, option, refuse) {
          for (const [index, uri] of (value as readonly string[]).entries())
            if (!URL.canParse(uri) || uri.includes('#'))
              refuse(
                `${option}[${index}]`,
                'must be an absolute URI without a fragment.',
                'Write it like https://api.example.com/v1.',
              );
        },
      },
    },
    create(options) {
      const isAllowed = allowedBy(options);
      return {
        parameters: [resourceParameter(isAllowed)],
        tokenParameters: [tokenParameter(isAllowed)],
      };
    },
  });

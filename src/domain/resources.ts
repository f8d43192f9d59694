/**
 * APIs that tokens are issued for (RFC 8707): what is registered of each, and how tokens name them.
 * Who asks for which is in the feature `resource-indicators`.
 */
import { OAuthError } from '../protocol/errors.ts';
import type { SigningAlg } from '../protocol/names.ts';
import { nameForLog } from '../protocol/remedies.ts';
import type { Details, Seconds } from '../store/records.ts';

/** How an access token looks: a random text, or a JWT that APIs verify by themselves (RFC 9068). */
export type AccessTokenFormatName = 'opaque' | 'jwt';

/** Encryption of the access tokens of an API. Give its keys, or where they are. */
export interface ResourceEncryption {
  /** How the key of a token is encrypted, such as `RSA-OAEP-256`. */
  readonly alg: string;
  /** How a token is encrypted. @default 'A128CBC-HS256' */
  readonly enc?: string;
  /** Public keys of the API, a JWK Set. */
  readonly jwks?: Readonly<Record<string, unknown>>;
  /** Address of its JWK Set. */
  readonly jwksUri?: string;
}

/** An API that tokens are issued for. */
export interface ResourceDefinition {
  /**
   * Its identifier: an absolute URI without a fragment (RFC 8707 §2). Clients ask for it, and
   * tokens name it as their audience.
   */
  readonly resource: string;
  /**
   * Scopes that its tokens may have; others that were granted stay out of them. Without it: any.
   * @default any
   */
  readonly scopes?: readonly string[];
  /** The format of its access tokens. @default as the client is registered */
  readonly tokenFormat?: AccessTokenFormatName;
  /** Seconds that its access tokens live at most. @default as for the client */
  readonly tokenLifetime?: Seconds;
  /** Algorithm that signs its JWTs. @default as the client is registered, else RS256 */
  readonly tokenSigningAlg?: SigningAlg;
  /** Its JWTs are encrypted to a key of the API. @default not encrypted */
  readonly tokenEncryption?: ResourceEncryption;
}

/** The registered APIs. */
export interface Resources {
  /**
   * The API of an identifier, whatever its spelling; null when it is not served here. Without any
   * registered API every identifier is one.
   */
  find(identifier: string): Promise<ResourceDefinition | null>;
}

/** Characters of an identifier. */
const LONGEST = 2048;

/** The address in one spelling: with and without a slash at its end it is the same API. */
export function normalizedResource(uri: string): string {
  return new URL(uri).href.replace(/\/$/, '');
}

/** True for two spellings of one API. */
export function isSameResource(one: string, other: string): boolean {
  return isResourceUri(other) && normalizedResource(one) === normalizedResource(other);
}

/** RFC 8707 §2: an absolute URI without a fragment. */
export function isResourceUri(text: string): boolean {
  return URL.canParse(text) && !text.includes('#') && text.length <= LONGEST && !/\s/.test(text);
}

/** @param listed those of the configuration */
export function createResources(listed: readonly ResourceDefinition[]): Resources {
  const known = new Map(listed.map((one) => [normalizedResource(one.resource), one]));
  return {
    async find(identifier) {
      if (!isResourceUri(identifier)) return null;
      if (known.size === 0) return { resource: identifier };
      return known.get(normalizedResource(identifier)) ?? null;
    },
  };
}

/**
 * The API of an identifier that a request names.
 * @throws OAuthError `invalid_target`
 */
export async function requireResource(
  resources: Resources,
  identifier: string,
): Promise<ResourceDefinition> {
  const found = await resources.find(identifier);
  if (found !== null) return found;
  throw new OAuthError('invalid_target', 'resource', 'The resource is not served here.', {
    hint: {
      expected: 'one of the option resourceIndicators.resources',
      received: isResourceUri(identifier)
        ? nameForLog(identifier)
        : 'no absolute URI without a fragment',
    },
  });
}

const MEMBER = 'resource';

/** Identifiers of the APIs that these details name. */
export function resourcesIn(details: Details): readonly string[] {
  const value = details[MEMBER];
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

/** Details that name these APIs; one stands alone, as an earlier version knows it. */
export function detailsOfResources(identifiers: readonly string[]): Details {
  const [only] = identifiers;
  if (only === undefined) return {};
  return { [MEMBER]: identifiers.length === 1 ? only : identifiers };
}

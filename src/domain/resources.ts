/**
 * APIs that tokens are issued for (RFC 8707): what is registered of each, and how tokens name them.
 * Who asks for which is in the feature `resource-indicators`.
 */
import { OAuthError } from '../protocol/errors.ts';
import type { SigningAlg } from '../protocol/names.ts';
import { nameForLog } from '../protocol/remedies.ts';
import { inOneSpelling, isSameResource } from '../protocol/resource-identifier.ts';
import type { Details, Seconds } from '../store/records.ts';
import type { ResourceStore } from '../store/resources.ts';
import type { Ages, Moment } from './freshness.ts';

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
  /** The API of an identifier, whatever its spelling; null when it is not served here. */
  find(identifier: string): Promise<ResourceDefinition | null>;
}

/** Characters of an identifier. */
const LONGEST = 2048;

/** RFC 8707 §2: an absolute URI without a fragment. */
export function isResourceUri(text: string): boolean {
  return URL.canParse(text) && !text.includes('#') && text.length <= LONGEST && !/\s/.test(text);
}

/** The registered APIs, and what makes changes of them known. */
export interface KnownResources extends Resources {
  /** Those of the configuration, and those that operators registered. Read anew. */
  all(): Promise<readonly RegisteredResource[]>;
  /** Forgets what is in memory, after a change. */
  forget(): void;
}

/** A registered API, and where it is registered. */
export interface RegisteredResource extends ResourceDefinition {
  /** The configuration lists it, or operators registered it. */
  readonly source: 'configuration' | 'registry';
}

/** What finding APIs needs. */
export interface ResourceParts {
  /** Those of the configuration, which win over others of the same identifier. */
  readonly listed: readonly ResourceDefinition[];
  /** Whether an identifier that is not registered is an API as well. */
  readonly isOpen: boolean;
  readonly store: Pick<ResourceStore, 'list'>;
  readonly ages: Ages;
  /** Seconds for which those of the registry are kept in memory. */
  readonly seconds: Seconds;
}

/** Seconds for which the registry is not read again for an API that is not in it. */
const JUST_READ = 1;

/** The APIs of the configuration, and those of the registry, which are few and read together. */
export function createResources(parts: ResourceParts): KnownResources {
  const { listed, isOpen, store, ages, seconds } = parts;
  const configured = new Map(listed.map((one) => [inOneSpelling(one.resource), one]));
  // Most requests name an API as it is registered, which needs no parsing.
  const asRegistered = new Map(listed.map((one) => [one.resource, one]));
  let kept: { readonly known: Registry; readonly read: Moment } | null = null;
  let reading: Promise<Registry> | null = null;
  let changes = 0;
  const readNow = async (): Promise<Registry> => {
    const [read, before] = [ages.now(), changes];
    const stored = await store.list();
    const found = stored.map(({ definition }) => JSON.parse(definition) as ResourceDefinition);
    const known = new Map(found.map((one) => [inOneSpelling(one.resource), one]));
    // What was read while it changed is not kept.
    if (before === changes) kept = { known, read };
    return known;
  };
  // Requests that come together read once.
  const read = async (): Promise<Registry> => {
    reading ??= readNow().finally(() => {
      reading = null;
    });
    return await reading;
  };
  const registry = async (most: Seconds): Promise<Registry> =>
    kept !== null && ages.isWithin(kept.read, most) ? kept.known : await read();
  return {
    async find(identifier) {
      const same = asRegistered.get(identifier);
      if (same !== undefined) return same;
      if (!isResourceUri(identifier)) return null;
      const name = inOneSpelling(identifier);
      const own = configured.get(name);
      if (own !== undefined) return own;
      const known = (await registry(seconds)).get(name);
      // Another node may have registered it, or the first one, just now.
      const now = known === undefined ? await registry(JUST_READ) : null;
      const found = known ?? now?.get(name) ?? null;
      return found === null && isOpen ? { resource: identifier } : found;
    },
    async all() {
      const stored = await read();
      const others = [...stored].filter(([name]) => !configured.has(name));
      return [
        ...listed.map((one) => ({ ...one, source: 'configuration' }) as const),
        ...others.map(([, one]) => ({ ...one, source: 'registry' }) as const),
      ];
    },
    forget() {
      changes += 1;
      kept = null;
      reading = null;
    },
  };
}

type Registry = ReadonlyMap<string, ResourceDefinition>;

/** APIs that one request may name. */
const MOST = 10;

/**
 * The identifiers that a request names, as they are registered, each once.
 * @throws OAuthError `invalid_target` for one that is not served here, or for too many
 */
export async function requireResources(
  resources: Resources,
  identifiers: readonly string[],
): Promise<readonly string[]> {
  if (identifiers.length > MOST)
    throw new OAuthError('invalid_target', 'too_many_resources', 'The request names too many.');
  const found: string[] = [];
  for (const one of identifiers) found.push((await requireResource(resources, one)).resource);
  return [...new Set(found)];
}

/**
 * RFC 8707 §2.2: what is asked for is among that to which the grant is restricted.
 * @param granted none: nothing is allowed
 * @throws OAuthError `invalid_target`
 */
export function requireGrantedResources(
  granted: readonly string[],
  asked: readonly string[],
): void {
  const isGranted = (one: string): boolean => granted.some((other) => isSameResource(other, one));
  if (granted.length > 0 && asked.every(isGranted)) return;
  throw new OAuthError(
    'invalid_target',
    'resource_not_granted',
    'The grant is for another resource.',
  );
}

async function requireResource(
  resources: Resources,
  identifier: string,
): Promise<ResourceDefinition> {
  const found = await resources.find(identifier);
  if (found !== null) return found;
  const isUri = isResourceUri(identifier);
  throw new OAuthError('invalid_target', 'resource', 'The resource is not served here.', {
    hint: {
      expected: 'an API that is registered (resourceIndicators.resources, or the registry)',
      received: isUri ? nameForLog(identifier) : 'no absolute URI without a fragment',
      ...(isUri
        ? {
            remedy: `if it is one of yours: npx valetkey resource create --resource ${nameForLog(identifier)}`,
          }
        : {}),
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

/**
 * What clients that register themselves may be. What every client must meet is in
 * `domain/client-rules.ts`; here is what an operator grants to those whom nobody looked at. What
 * may be left out is left out (RFC 7591 §2: the server may replace requested values), what would
 * change the meaning of the registration is refused.
 */

import type { FeatureField } from '../protocol/client-fields.ts';
import { originsOf } from '../protocol/client-kinds.ts';
import type { ClientMetadata } from '../protocol/client-metadata.ts';
import type { MetadataProblem } from '../protocol/client-metadata-rules.ts';
import { OAuthError } from '../protocol/errors.ts';
import { redirectTarget } from '../protocol/redirect-uri.ts';
import { defaultResponseTypes, responseTypeName } from '../protocol/response-types.ts';
import { hasWildcard } from '../protocol/wildcards.ts';
import type { Client } from '../store/records.ts';
import type { Context } from './context.ts';
import type { RequestFacts } from './request-facts.ts';
import type { Settings } from './settings.ts';

/** What a policy of the host decides about. */
export interface RegistrationRequest {
  /** What the client would be registered as. */
  readonly metadata: ClientMetadata;
  /** The client that changes its registration; null for a new one. */
  readonly client: Client | null;
  /** Name of the initial access token that is used; null without one. */
  readonly initialAccessToken: string | null;
  /** Claims of its software statement, which was verified; null without one. */
  readonly softwareStatement: Readonly<Record<string, unknown>> | null;
  /** The request; null where a document is read without one. */
  readonly request: RequestFacts | null;
}

/** What a policy of the host decides. */
export type RegistrationDecision =
  | {
      /** Registers it as this instead; fields of operators may be set here. */
      readonly metadata: ClientMetadata;
    }
  | {
      /** Refuses it; a sentence that the client may read. */
      readonly refuse: string;
    }
  | null;

/** Decides about registrations after all other rules. Null leaves everything as it is. */
export type RegistrationPolicy = (
  request: RegistrationRequest,
) => RegistrationDecision | Promise<RegistrationDecision>;

/** What clients that register themselves may be. */
export interface RegistrationLimits {
  /** Grant types that they may have; others are left out. */
  readonly grantTypes: readonly string[];
  /** Scopes that they may have; others are left out. Null: all of this server. */
  readonly scopes: readonly string[] | null;
  /** Hosts of redirect URIs, and private-use schemes such as `com.example.app:`. Empty: any. */
  readonly redirectHosts: readonly string[];
  /** `web-and-loopback` refuses private-use schemes. @default any */
  readonly allowedSchemes?: 'any' | 'web-and-loopback';
  /** Origin that it comes from itself, whose keys and logo may be fetched. @default none */
  readonly ownOrigin?: string;
  /** Whether addresses at origins of `allowOutbound` are accepted. @default false */
  readonly allowInternalAddresses?: boolean;
}

/** Entries of a list, and characters of all metadata as JSON. */
const [MOST_ENTRIES, LONGEST] = [50, 16_384];
/** What this provider fetches. */
const FETCHED = ['jwksUri', 'logoUri'] as const;

/** Addresses in metadata that this provider calls, with those that the client had before. */
function called(
  fields: readonly FeatureField[],
  asked: Partial<ClientMetadata>,
  before: Client | null,
): readonly (readonly [field: string, uri: string, had: readonly unknown[]])[] {
  const own = FETCHED.map((field) => [field, asked[field], before?.[field]] as const);
  const added = fields
    .filter(({ isCalled }) => isCalled === true)
    .map(({ wireName: name }) => [name, asked.fields?.[name], before?.fields[name]] as const);
  return [...own, ...added].flatMap(([field, value, had]) =>
    [value ?? []].flat().map((uri) => [field, String(uri), [had].flat()] as const),
  );
}

/** What a client asked for, within limits, or what cannot be granted. */
export interface Limited {
  readonly metadata: ClientMetadata;
  readonly problems: readonly MetadataProblem[];
}

/**
 * Brings what a client asks for within the limits.
 * @param before the client that changes its registration, which keeps what it has; null for a new
 * one
 */
export function limited(
  { clients: { rules }, settings }: Pick<Context, 'clients' | 'settings'>,
  asked: Partial<ClientMetadata>,
  limits: RegistrationLimits,
  before: Client | null,
): Limited {
  const problems: MetadataProblem[] = [];
  const refuse = (field: string, problem: string, code: MetadataProblem['code']): void =>
    void problems.push({ field, problem, code });
  // RFC 7591 §2: grant_types is authorization_code where it is left out.
  const { grantTypes: askedGrants = ['authorization_code'], redirectUris = [] } = asked;
  const { grantTypes: offered } = rules;
  const grantTypes = askedGrants.filter(
    (type) =>
      offered.includes(type) &&
      (limits.grantTypes.includes(type) || before?.grantTypes.includes(type)),
  );
  if (grantTypes.length === 0) {
    const may = limits.grantTypes.filter((type) => offered.includes(type)).join(', ');
    refuse('grantTypes', `names none that may be registered (${may})`, 'invalid_client_metadata');
  }
  // RFC 7591 §2: response_types is code where it is left out.
  const usual = grantTypes.includes('authorization_code')
    ? ['code']
    : defaultResponseTypes(grantTypes, rules.responseTypes);
  const responseTypes = (asked.responseTypes ?? usual).filter((type) => {
    const needed = rules.responseTypes.get(responseTypeName(type));
    return needed?.every((one) => grantTypes.includes(one)) ?? false;
  });
  if (asked.responseTypes?.length && responseTypes.length === 0) {
    const may = [...rules.responseTypes.keys()].join(', ');
    refuse('responseTypes', `names none that is offered (${may})`, 'invalid_client_metadata');
  }
  for (const field of ['redirectUris', 'postLogoutRedirectUris'] as const) {
    const uris = (asked[field] ?? []).filter((uri) => !before?.[field].includes(uri));
    for (const uri of uris) {
      const problem = addressProblem(uri, limits);
      if (problem !== null)
        refuse(field, `${plainDescription(uri).slice(0, 200)} ${problem}`, 'invalid_redirect_uri');
    }
  }
  for (const [field, uri, had] of called(rules.fields, asked, before)) {
    // The operator named these for keys of known clients: strangers do not choose what is asked of
    // them.
    const isNamed = URL.canParse(uri) && isNamedOrigin(settings, limits, uri);
    if (isNamed && !had.includes(uri))
      refuse(field, 'is at an origin that operators alone may name', 'invalid_client_metadata');
  }
  const known = [...(limits.scopes ?? settings.scopes.keys()), ...(before?.scopes ?? [])];
  const scopes = asked.scopes?.filter((name) => known.includes(name)) ?? limits.scopes;
  if ((asked.scopes?.length ?? 0) > 0 && scopes?.length === 0) {
    const problem = `names none that may be registered (${known.join(' ')})`;
    refuse('scopes', problem, 'invalid_client_metadata');
  }
  const metadata: ClientMetadata = {
    ...asked,
    name: asked.name ?? nameFor(asked),
    // RFC 7591 §2, and what an operator may choose instead: the method is held to exactly.
    tokenEndpointAuthMethod: methodFor(asked, before),
    applicationType: typeFor(redirectUris, asked.applicationType),
    grantTypes,
    responseTypes,
    scopes,
    ...(before === null && asked.tokenEndpointAuthMethod === 'none'
      ? { allowedOrigins: originsOf(redirectUris) }
      : {}),
  };
  if (tooMuch(metadata)) {
    const problem = `has a list of more than ${MOST_ENTRIES} entries, or more than ${LONGEST} characters as JSON`;
    refuse('metadata', problem, 'invalid_client_metadata');
  }
  return { metadata, problems };
}

/** `client_secret` is our own name for two methods; a client that registers itself gets basic. */
function methodFor(
  { tokenEndpointAuthMethod: method = 'client_secret_basic' }: Partial<ClientMetadata>,
  before: Client | null,
): string {
  const isOurs = method === 'client_secret' && before?.tokenEndpointAuthMethod !== method;
  return isOurs ? 'client_secret_basic' : method;
}

function isNamedOrigin(
  { allowOutbound }: Settings,
  { ownOrigin, allowInternalAddresses = false }: RegistrationLimits,
  uri: string,
): boolean {
  const { origin } = new URL(uri);
  return !allowInternalAddresses && origin !== ownOrigin && allowOutbound.includes(origin);
}

/** Anybody may be able to store this, so its size has a limit. */
function tooMuch(metadata: ClientMetadata): boolean {
  const lists = Object.values(metadata).filter((value) => Array.isArray(value));
  return (
    lists.some(({ length }) => length > MOST_ENTRIES) || JSON.stringify(metadata).length > LONGEST
  );
}

/**
 * The decision of a host about metadata that passed all other rules.
 * @param code of its refusals
 * @throws OAuthError when it refuses
 */
export async function decided(
  policy: RegistrationPolicy | null,
  request: RegistrationRequest,
  code: 'invalid_client_metadata' | 'invalid_client' = 'invalid_client_metadata',
): Promise<ClientMetadata> {
  const decision = (await policy?.(request)) ?? null;
  if (decision === null) return request.metadata;
  if ('metadata' in decision) return decision.metadata;
  const text = plainDescription(decision.refuse);
  throw new OAuthError(code, 'registration_policy', text, { status: 400 });
}

/** RFC 6749 §5.2: a text in the characters of an error_description. */
export function plainDescription(text: string): string {
  return text
    .replaceAll('"', "'")
    .replaceAll(/[^\x20-\x5b\x5d-\x7e]/g, '?')
    .slice(0, 500);
}

/**
 * OIDC Registration §2 has `web` as default, and web applications have https redirect URIs alone;
 * a client that sends others without a type runs on the computer of its user. So does one that
 * says `web` with a private-use scheme and no https URI, as oidc-agent does: no web application can
 * receive a response that way. RFC 7591 §2: the server may replace what a client asks for.
 */
function typeFor(redirectUris: readonly string[], asked?: 'web' | 'native'): 'web' | 'native' {
  const isLocal = redirectUris.length > 0 && redirectUris.every((uri) => !/^https:/i.test(uri));
  const hasScheme = redirectUris.some(
    (uri) => /^[a-z][a-z0-9+.-]*:/i.test(uri) && !/^https?:/i.test(uri),
  );
  if (isLocal && (asked === undefined || hasScheme)) return 'native';
  return asked ?? 'web';
}

/** A name for people, where the client sends none: the host that gets the answers. */
function nameFor({ redirectUris = [], clientUri }: Partial<ClientMetadata>): string {
  const [first = clientUri ?? ''] = redirectUris;
  return URL.canParse(first) ? redirectTarget(first).host : 'Unnamed application';
}

/** Why a client may not register this redirect URI itself; null if the limits allow it. */
function addressProblem(
  uri: string,
  { redirectHosts, allowedSchemes }: RegistrationLimits,
): string | null {
  if (hasWildcard(uri)) return 'contains a wildcard';
  if (!isOnHosts(uri, redirectHosts)) return 'names a host that may not be registered';
  if (allowedSchemes === 'web-and-loopback' && !/^https?:/i.test(uri))
    return 'is neither https nor on loopback, and allowedSchemes of the server has no others';
  return null;
}

function isOnHosts(uri: string, hosts: readonly string[]): boolean {
  // What is no URI is refused by the rules for redirect URIs, which say why.
  if (hosts.length === 0 || !URL.canParse(uri)) return true;
  const { protocol, hostname } = new URL(uri);
  return hosts.includes(/^https?:$/.test(protocol) ? hostname : protocol);
}

/**
 * The rules for client metadata. They apply to every registration, whether it comes from the
 * command line, the API or a page. All functions are pure; identifiers, secrets and times are left
 * to `domain/clients.ts`.
 */
import { CLIENT_FIELDS } from './client-field-definitions.ts';
import { type FeatureField, kindProblem } from './client-fields.ts';
import type { ClientMember, ClientMetadata, CompleteClientMetadata } from './client-metadata.ts';
import { keySetProblem } from './key-sets.ts';
import { defaultSigningAlg, type IdTokenAlg } from './names.ts';
import {
  isHost,
  type RedirectUriRules,
  redirectUriProblem,
  rulesOfClient,
} from './redirect-uri.ts';
import { defaultResponseTypes, expandedGrantTypes, responseTypeName } from './response-types.ts';
import { isScopeToken } from './scope.ts';
import { exampleOf, hasWildcard, wildcardProblem } from './wildcards.ts';

/** One reason why a registration is refused. */
export interface MetadataProblem {
  /** The wrong member of `ClientMetadata`, or the wire name of a feature's field. */
  readonly field: string;
  /** The error code of RFC 7591 §3.2.2. */
  readonly code: 'invalid_redirect_uri' | 'invalid_client_metadata';
  /** A phrase that continues the name of the field, such as "is missing". */
  readonly problem: string;
}

/** The credential that an authentication method needs from a client. */
export type CredentialKind = 'none' | 'secret' | 'readable_secret' | 'keys' | 'certificate';

/** True for a method that needs a secret, hashed or readable. */
export function needsSecret(kind: CredentialKind | undefined): boolean {
  return kind === 'secret' || kind === 'readable_secret';
}

/** Looks at complete metadata; null when nothing is wrong. */
export type MetadataCheck = (
  metadata: CompleteClientMetadata,
  rules: MetadataRules,
) => MetadataProblem | null;

/** What this provider offers to clients. */
export interface MetadataRules extends RedirectUriRules {
  readonly grantTypes: readonly string[];
  /** The offered response types, each with the grant types that a client needs for it. */
  readonly responseTypes: ReadonlyMap<string, readonly string[]>;
  /** The offered client authentication methods, each with the credential that it needs. */
  readonly authMethods: ReadonlyMap<string, CredentialKind>;
  /** What a method asks of the metadata of its clients, by its name. */
  readonly methodProblems: ReadonlyMap<string, (metadata: CompleteClientMetadata) => string | null>;
  /** What features ask of the metadata as a whole. */
  readonly checks: readonly MetadataCheck[];
  readonly idTokenAlgs: readonly IdTokenAlg[];
  /** Algorithms of assertions, by the kind of credential that verifies them. */
  readonly assertionAlgs: readonly string[];
  /** Origins inside the network that the operator named (`allowOutbound`). */
  readonly outboundOrigins: readonly string[];
  /** The fields that features add. */
  readonly fields: readonly FeatureField[];
}

/** Control characters, ends of lines, and marks that change the direction of writing. */
const UNREADABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

/** Something that people see: a letter, a digit, a mark or a symbol. */
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;

const problemIn = (field: string, problem: string): MetadataProblem => ({
  field,
  code: 'invalid_client_metadata',
  problem,
});

/**
 * The problems that must be found before values can be checked: unknown fields, and values of the
 * wrong type.
 */
export function metadataTypeProblems(
  { fields, ...metadata }: ClientMetadata,
  known: readonly FeatureField[],
): MetadataProblem[] {
  const problems: MetadataProblem[] = [];
  if (metadata.name === undefined) problems.push(problemIn('name', 'is missing'));
  for (const [name, value] of Object.entries(metadata)) {
    const field = Object.hasOwn(CLIENT_FIELDS, name)
      ? CLIENT_FIELDS[name as ClientMember]
      : undefined;
    if (field === undefined) problems.push(problemIn(name, 'is not a field of a client'));
    else if (value !== undefined) {
      const problem = kindProblem(value, field);
      if (problem !== null) problems.push(problemIn(name, problem));
    }
  }
  return [...problems, ...featureFieldProblems(fields === undefined ? {} : fields, known)];
}

function featureFieldProblems(
  fields: Readonly<Record<string, unknown>>,
  known: readonly FeatureField[],
): readonly MetadataProblem[] {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    return [problemIn('fields', 'must be an object')];
  return Object.entries(fields).flatMap(([wireName, value]) => {
    const field = known.find((one) => one.wireName === wireName);
    if (field === undefined) return [problemIn(wireName, 'is not a field of a client')];
    const problem = kindProblem(value, field) ?? field.check?.(value) ?? null;
    return problem === null ? [] : [problemIn(wireName, problem)];
  });
}

/** Fills in the defaults of RFC 7591 §2 and OIDC Registration §2. */
export function completeMetadata(
  metadata: ClientMetadata,
  rules: Pick<MetadataRules, 'idTokenAlgs' | 'authMethods' | 'responseTypes'>,
): CompleteClientMetadata {
  const grantTypes = metadata.grantTypes ?? ['authorization_code', 'refresh_token'];
  const anySecret = rules.authMethods.has('client_secret')
    ? 'client_secret'
    : 'client_secret_basic';
  const defaultAlg = defaultSigningAlg(rules.idTokenAlgs);
  return {
    name: metadata.name.trim(),
    applicationType: metadata.applicationType ?? 'web',
    tokenEndpointAuthMethod:
      metadata.tokenEndpointAuthMethod ?? (metadata.clientType === 'public' ? 'none' : anySecret),
    redirectUris: metadata.redirectUris ?? [],
    postLogoutRedirectUris: metadata.postLogoutRedirectUris ?? [],
    allowedOrigins: metadata.allowedOrigins ?? [],
    grantTypes: expandedGrantTypes(grantTypes),
    responseTypes: metadata.responseTypes ?? defaultResponseTypes(grantTypes, rules.responseTypes),
    scopes: metadata.scopes ?? null,
    defaultScopes: metadata.defaultScopes ?? null,
    idTokenClaims: metadata.idTokenClaims ?? false,
    allowLocalhost: metadata.allowLocalhost ?? false,
    idTokenSignedResponseAlg: metadata.idTokenSignedResponseAlg ?? defaultAlg,
    jwks: metadata.jwks ?? null,
    jwksUri: metadata.jwksUri ?? null,
    tokenEndpointAuthSigningAlg: metadata.tokenEndpointAuthSigningAlg ?? null,
    defaultMaxAge: metadata.defaultMaxAge ?? null,
    requireAuthTime: metadata.requireAuthTime ?? false,
    defaultAcrValues: metadata.defaultAcrValues ?? [],
    initiateLoginUri: metadata.initiateLoginUri ?? null,
    softwareId: metadata.softwareId ?? null,
    softwareVersion: metadata.softwareVersion ?? null,
    codeLifetime: metadata.codeLifetime ?? null,
    accessTokenLifetime: metadata.accessTokenLifetime ?? null,
    idTokenLifetime: metadata.idTokenLifetime ?? null,
    refreshTokenIdleLifetime: metadata.refreshTokenIdleLifetime ?? null,
    refreshTokenAbsoluteLifetime: metadata.refreshTokenAbsoluteLifetime ?? null,
    rotateRefreshTokens: metadata.rotateRefreshTokens ?? null,
    skipConsent: metadata.skipConsent ?? false,
    partialConsent: metadata.partialConsent ?? false,
    clientUri: metadata.clientUri ?? null,
    logoUri: metadata.logoUri ?? null,
    policyUri: metadata.policyUri ?? null,
    tosUri: metadata.tosUri ?? null,
    contacts: metadata.contacts ?? [],
    owner: metadata.owner ?? null,
    fields: { ...metadata.fields },
  };
}

/** All problems of a registration; empty if it is allowed. */
export function metadataProblems(
  metadata: CompleteClientMetadata,
  rules: MetadataRules,
): readonly MetadataProblem[] {
  const problems: MetadataProblem[] = [];
  const refuse = (field: ClientMember, problem: string): void => {
    const uris = field === 'redirectUris' || field === 'postLogoutRedirectUris';
    const code = uris ? 'invalid_redirect_uri' : 'invalid_client_metadata';
    problems.push({ field, problem, code });
  };
  if (metadata.name === '' || metadata.name.length > 255)
    refuse('name', 'must be 1 to 255 characters long');
  // People read the name on the consent page, and these characters change what they read.
  if (UNREADABLE.test(metadata.name))
    refuse('name', 'must not contain control characters or marks of writing direction');
  if (metadata.name !== '' && !VISIBLE.test(metadata.name))
    refuse('name', 'must have a visible character');
  for (const field of ['contacts', 'defaultAcrValues'] as const)
    if (metadata[field].some((text) => text === '' || text.length > 255 || UNREADABLE.test(text)))
      refuse(field, 'must have entries of 1 to 255 readable characters');
  for (const field of ['softwareId', 'softwareVersion'] as const) {
    const text = metadata[field];
    if (text !== null && (text === '' || text.length > 255 || UNREADABLE.test(text)))
      refuse(field, 'must be 1 to 255 readable characters');
  }
  checkLifetimes(metadata, refuse);
  checkUris(metadata, rules, refuse);
  checkFlows(metadata, rules, refuse);
  checkCredentials(metadata, rules, refuse);
  checkCalled(metadata, rules, problems);
  for (const check of rules.checks) problems.push(...[check(metadata, rules) ?? []].flat());
  for (const field of ['scopes', 'defaultScopes'] as const) {
    for (const scope of metadata[field] ?? [])
      if (!isScopeToken(scope)) refuse(field, `${printable(scope)} is not a scope value`);
  }
  const { scopes } = metadata;
  const beyond = (metadata.defaultScopes ?? []).find((one) => scopes?.includes(one) === false);
  if (beyond !== undefined)
    refuse('defaultScopes', `${printable(beyond)} is not among the scopes that it may request`);
  return problems;
}

const LINKS = ['clientUri', 'logoUri', 'policyUri', 'tosUri', 'initiateLoginUri'] as const;

type Refuse = (field: ClientMember, problem: string) => void;

const LIFETIMES = [
  'codeLifetime',
  'accessTokenLifetime',
  'idTokenLifetime',
  'refreshTokenIdleLifetime',
  'refreshTokenAbsoluteLifetime',
] as const;

function checkLifetimes(metadata: CompleteClientMetadata, refuse: Refuse): void {
  for (const field of LIFETIMES)
    if (metadata[field] === 0) refuse(field, 'must be at least one second');
  // RFC 6749 §4.1.2: a maximum code lifetime of 10 minutes.
  if ((metadata.codeLifetime ?? 0) > 600) refuse('codeLifetime', 'must be at most 600 seconds');
}

function checkUris(metadata: CompleteClientMetadata, rules: MetadataRules, refuse: Refuse): void {
  const ofClient = rulesOfClient({ ...metadata, isPublic: isPublic(metadata) }, rules);
  for (const field of ['redirectUris', 'postLogoutRedirectUris'] as const) {
    for (const uri of metadata[field]) {
      const problem = redirectUriProblem(uri, metadata.applicationType, ofClient);
      if (problem !== null) refuse(field, `${printable(uri)} ${problem}`);
    }
  }
  for (const origin of metadata.allowedOrigins) {
    const isWild = rules.allowWildcards && hasWildcard(origin) && wildcardProblem(origin) === null;
    if (!isOrigin(isWild ? exampleOf(origin) : origin)) {
      const problem = 'is not an https origin such as https://app.example';
      refuse('allowedOrigins', `${printable(origin)} ${problem}`);
    }
  }
  for (const field of LINKS) {
    const uri = metadata[field];
    // The logo is fetched by this provider, the others by browsers.
    const named = field === 'logoUri' ? rules.outboundOrigins : [];
    if (uri !== null && !isFetchable(uri, named))
      refuse(field, field === 'logoUri' ? NOT_CALLED : 'is not an https URL');
  }
}

function checkFlows(metadata: CompleteClientMetadata, rules: MetadataRules, refuse: Refuse): void {
  const { grantTypes, responseTypes } = metadata;
  const offered = rules.grantTypes.join(', ');
  for (const type of grantTypes) {
    if (!rules.grantTypes.includes(type))
      refuse('grantTypes', `${printable(type)} is not offered here (offered: ${offered})`);
  }
  // A resource server has none: it only asks about tokens.
  if (grantTypes.length === 0 && metadata.redirectUris.length > 0)
    refuse('grantTypes', 'must not be empty');
  for (const type of responseTypes) {
    const needed = rules.responseTypes.get(responseTypeName(type));
    if (needed === undefined) {
      const offeredTypes = [...rules.responseTypes.keys()].join(', ');
      refuse('responseTypes', `${printable(type)} is not offered here (offered: ${offeredTypes})`);
    }
    // RFC 7591 §2.1, OIDC Registration §2: grant_types and response_types must be consistent.
    const lacks = needed?.filter((one) => !grantTypes.includes(one)) ?? [];
    if (lacks.length > 0)
      refuse('responseTypes', `${type} goes with the grant type ${lacks.join(' and ')} as well`);
  }
  const codes = grantTypes.includes('authorization_code');
  if (codes && !responseTypes.some((type) => type.split(' ').includes('code')))
    refuse('responseTypes', 'lacks code, for the grant type authorization_code');
  if (responseTypes.length > 0 && metadata.redirectUris.length === 0)
    refuse('redirectUris', `needs at least one URI for the response type ${responseTypes[0]}`);
}

function checkCredentials(
  metadata: CompleteClientMetadata,
  rules: MetadataRules,
  refuse: Refuse,
): void {
  const { tokenEndpointAuthMethod: method, idTokenSignedResponseAlg: alg } = metadata;
  const needs = rules.authMethods.get(method);
  if (needs === undefined) {
    const offered = [...rules.authMethods.keys()].join(', ');
    refuse('tokenEndpointAuthMethod', `is not offered here (offered: ${offered})`);
  }
  // RFC 6749 §4.4: the client credentials grant is for confidential clients only.
  if (isPublic(metadata) && metadata.grantTypes.includes('client_credentials'))
    refuse('grantTypes', 'client_credentials is for confidential clients only');
  if (!rules.idTokenAlgs.includes(alg)) {
    const offered = rules.idTokenAlgs.join(', ');
    refuse('idTokenSignedResponseAlg', `is not offered here (offered: ${offered})`);
  }
  // OIDC Core §10.1: a symmetric signature needs a secret that is confidential.
  if (needs !== undefined && !needsSecret(needs) && alg === 'HS256') {
    const problem = 'HS256 needs a client secret, which this client does not have';
    refuse('idTokenSignedResponseAlg', problem);
  }
  const lacks = rules.methodProblems.get(method)?.(metadata) ?? null;
  if (lacks !== null) refuse('tokenEndpointAuthMethod', lacks);
  checkKeys(metadata, rules, refuse);
}

function checkKeys(metadata: CompleteClientMetadata, rules: MetadataRules, refuse: Refuse): void {
  const { tokenEndpointAuthMethod: method, tokenEndpointAuthSigningAlg: alg } = metadata;
  const { jwks, jwksUri } = metadata;
  // RFC 7591 §2: jwks and jwks_uri must not both be present.
  if (jwks !== null && jwksUri !== null) refuse('jwks', 'must not stand beside jwks_uri');
  const problem = jwks === null ? null : keySetProblem(jwks);
  if (problem !== null) refuse('jwks', problem);
  if (jwksUri !== null && !isFetchable(jwksUri, rules.outboundOrigins))
    refuse('jwksUri', NOT_CALLED);
  if (rules.authMethods.get(method) === 'keys' && jwks === null && jwksUri === null)
    refuse('jwks', `is missing: ${method} needs jwks or jwks_uri`);
  if (alg !== null && !rules.assertionAlgs.includes(alg)) {
    const offered = rules.assertionAlgs.join(', ') || 'none';
    refuse('tokenEndpointAuthSigningAlg', `is not offered here (offered: ${offered})`);
  }
}

/** Addresses of features that this provider calls: they would be refused at each call. */
function checkCalled(
  { fields }: CompleteClientMetadata,
  rules: MetadataRules,
  problems: MetadataProblem[],
): void {
  for (const { wireName, isCalled } of rules.fields) {
    const uris = isCalled === true ? [fields[wireName] ?? []].flat() : [];
    // A fragment is no part of what is called (OIDC Core §6.2).
    const bad = uris.find(
      (uri) => !isFetchable(String(uri).replace(/#.*/, ''), rules.outboundOrigins),
    );
    if (bad !== undefined)
      problems.push(problemIn(wireName, `${printable(String(bad))} ${NOT_CALLED}`));
  }
}

/** Of an address that this provider calls. */
const NOT_CALLED = 'is not an https URL (the server can allow others by allowOutbound)';

function isFetchable(uri: string, named: readonly string[]): boolean {
  return isHttpsUrl(uri) || (URL.canParse(uri) && named.includes(new URL(uri).origin));
}

/** The problem if `clientType` and `tokenEndpointAuthMethod` contradict each other. */
export function clientTypeProblems(metadata: ClientMetadata): readonly MetadataProblem[] {
  const { clientType, tokenEndpointAuthMethod: method } = metadata;
  if (clientType === undefined || method === undefined) return [];
  if ((clientType === 'public') === (method === 'none')) return [];
  const problem = 'must be none for public clients, and another method for confidential clients';
  return [problemIn('tokenEndpointAuthMethod', problem)];
}

/** RFC 6749 §2.1: true for a public client, which has no credentials to authenticate with. */
export function isPublic(client: Pick<CompleteClientMetadata, 'tokenEndpointAuthMethod'>): boolean {
  return client.tokenEndpointAuthMethod === 'none';
}

function isOrigin(text: string): boolean {
  return (
    URL.canParse(text) &&
    new URL(text).origin === text &&
    isHost(new URL(text).hostname) &&
    (text.startsWith('https://') || /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:|$)/.test(text))
  );
}

function isHttpsUrl(text: string): boolean {
  if (text.length > 2048 || !/^https:\/\/[^/][!-~]*$/.test(text) || !URL.canParse(text))
    return false;
  // The pages show no link with user information, so the operator is told now.
  const { username, password } = new URL(text);
  return username === '' && password === '';
}

/** A value for a problem text. Such texts are shown and logged, so they must be printable. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200);
}

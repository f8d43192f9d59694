/**
 * What a client may be registered as: the rules that hold wherever a registration comes from
 * (command line, API, pages). Input and output are plain; `domain/clients.ts` adds identifiers,
 * secrets, times.
 */
import { type FeatureField, kindProblem } from './client-fields.ts';
import {
  CLIENT_FIELDS,
  type ClientMember,
  type ClientMetadata,
  type CompleteClientMetadata,
} from './client-metadata.ts';
import type { IdTokenAlg } from './names.ts';
import { type RedirectUriRules, redirectUriProblem } from './redirect-uri.ts';
import { isScopeToken } from './scope.ts';

/** One reason why a registration is refused; `code` is that of RFC 7591 §3.2.2. */
export interface MetadataProblem {
  /** The member that is wrong, or the wire name of a feature's field. */
  readonly field: string;
  readonly code: 'invalid_redirect_uri' | 'invalid_client_metadata';
  /** Continues the name of the field: "… is empty". */
  readonly problem: string;
}

/** What a client needs to use an authentication method. */
export type CredentialKind = 'none' | 'secret' | 'keys' | 'certificate';

/** What this provider can do for clients. */
export interface MetadataRules extends RedirectUriRules {
  readonly grantTypes: readonly string[];
  readonly responseTypes: readonly string[];
  /** Client authentication methods on offer, with what each needs. */
  readonly authMethods: ReadonlyMap<string, CredentialKind>;
  readonly idTokenAlgs: readonly IdTokenAlg[];
  /** Fields that features add. */
  readonly fields: readonly FeatureField[];
}

const problemIn = (field: string, problem: string): MetadataProblem => ({
  field,
  code: 'invalid_client_metadata',
  problem,
});

/** What is wrong before values can be looked at: unknown fields, values of the wrong kind. */
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
  return [...problems, ...featureFieldProblems(fields ?? {}, known)];
}

function featureFieldProblems(
  fields: Readonly<Record<string, unknown>>,
  known: readonly FeatureField[],
): readonly MetadataProblem[] {
  if (typeof fields !== 'object' || Array.isArray(fields))
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
  rules: Pick<MetadataRules, 'idTokenAlgs' | 'fields'>,
): CompleteClientMetadata {
  const grantTypes = metadata.grantTypes ?? ['authorization_code', 'refresh_token'];
  const codes = grantTypes.includes('authorization_code') ? ['code'] : [];
  const [firstAlg = 'RS256'] = rules.idTokenAlgs;
  const defaultAlg = rules.idTokenAlgs.includes('RS256') ? 'RS256' : firstAlg;
  return {
    name: metadata.name.trim(),
    applicationType: metadata.applicationType ?? 'web',
    tokenEndpointAuthMethod:
      metadata.tokenEndpointAuthMethod ??
      (metadata.clientType === 'public' ? 'none' : 'client_secret_basic'),
    redirectUris: metadata.redirectUris ?? [],
    postLogoutRedirectUris: metadata.postLogoutRedirectUris ?? [],
    allowedOrigins: metadata.allowedOrigins ?? [],
    grantTypes,
    responseTypes: metadata.responseTypes ?? codes,
    scopes: metadata.scopes ?? null,
    idTokenSignedResponseAlg: metadata.idTokenSignedResponseAlg ?? defaultAlg,
    skipConsent: metadata.skipConsent ?? false,
    clientUri: metadata.clientUri ?? null,
    logoUri: metadata.logoUri ?? null,
    policyUri: metadata.policyUri ?? null,
    tosUri: metadata.tosUri ?? null,
    contacts: metadata.contacts ?? [],
    owner: metadata.owner ?? null,
    fields: { ...metadata.fields },
  };
}

/** Everything wrong with a registration; empty when it is fine. */
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
    refuse('name', 'is empty or longer than 255 characters');
  checkUris(metadata, rules, refuse);
  checkFlows(metadata, rules, refuse);
  checkCredentials(metadata, rules, refuse);
  for (const scope of metadata.scopes ?? []) {
    if (!isScopeToken(scope)) refuse('scopes', `${printable(scope)} is not a scope value`);
  }
  return problems;
}

type Refuse = (field: ClientMember, problem: string) => void;

function checkUris(metadata: CompleteClientMetadata, rules: MetadataRules, refuse: Refuse): void {
  for (const field of ['redirectUris', 'postLogoutRedirectUris'] as const) {
    for (const uri of metadata[field]) {
      const problem = redirectUriProblem(uri, metadata.applicationType, rules);
      if (problem !== null) refuse(field, `${printable(uri)} ${problem}`);
    }
  }
  for (const origin of metadata.allowedOrigins) {
    if (!isOrigin(origin)) {
      const problem = 'is not an https origin such as https://app.example';
      refuse('allowedOrigins', `${printable(origin)} ${problem}`);
    }
  }
  for (const field of ['clientUri', 'logoUri', 'policyUri', 'tosUri'] as const) {
    const uri = metadata[field];
    if (uri !== null && !isHttpsUrl(uri)) refuse(field, 'is not an https URL');
  }
}

function checkFlows(metadata: CompleteClientMetadata, rules: MetadataRules, refuse: Refuse): void {
  const { grantTypes, responseTypes } = metadata;
  const offered = rules.grantTypes.join(', ');
  for (const type of grantTypes) {
    if (!rules.grantTypes.includes(type))
      refuse('grantTypes', `${printable(type)} is not offered here (${offered})`);
  }
  if (grantTypes.length === 0) refuse('grantTypes', 'is empty');
  for (const type of responseTypes) {
    if (!rules.responseTypes.includes(type))
      refuse('responseTypes', `${printable(type)} is not offered here`);
  }
  const codes = grantTypes.includes('authorization_code');
  // RFC 7591 §2.1: grant_types and response_types fit each other.
  if (responseTypes.some((type) => type.split(' ').includes('code')) !== codes) {
    const problem = 'code goes with the grant type authorization_code, and only with it';
    refuse('responseTypes', problem);
  }
  if (codes && metadata.redirectUris.length === 0)
    refuse('redirectUris', 'needs at least one URI for the grant type authorization_code');
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
    refuse('tokenEndpointAuthMethod', `is not offered here (${offered})`);
  }
  // RFC 6749 §4.4: the client credentials grant is for confidential clients only.
  if (isPublic(metadata) && metadata.grantTypes.includes('client_credentials'))
    refuse('grantTypes', 'client_credentials is for confidential clients');
  if (!rules.idTokenAlgs.includes(alg)) {
    const offered = rules.idTokenAlgs.join(', ');
    refuse('idTokenSignedResponseAlg', `is not offered here (${offered})`);
  }
  // OIDC Core §10.1: a symmetric signature needs a secret that is confidential.
  if (needs !== undefined && needs !== 'secret' && alg === 'HS256') {
    const problem = 'HS256 needs a client secret; this client has none';
    refuse('idTokenSignedResponseAlg', problem);
  }
}

/** What is wrong when a registration says twice, and differently, whether it is public. */
export function clientTypeProblems(metadata: ClientMetadata): readonly MetadataProblem[] {
  const { clientType, tokenEndpointAuthMethod: method } = metadata;
  if (clientType === undefined || method === undefined) return [];
  if ((clientType === 'public') === (method === 'none')) return [];
  const problem = 'is none for public clients, and only for them';
  return [problemIn('tokenEndpointAuthMethod', problem)];
}

/** RFC 6749 §2.1: a public client has no credentials to prove itself with. */
export function isPublic(client: Pick<CompleteClientMetadata, 'tokenEndpointAuthMethod'>): boolean {
  return client.tokenEndpointAuthMethod === 'none';
}

function isOrigin(text: string): boolean {
  return (
    URL.canParse(text) &&
    new URL(text).origin === text &&
    (text.startsWith('https://') || /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:|$)/.test(text))
  );
}

function isHttpsUrl(text: string): boolean {
  return text.length <= 2048 && /^https:\/\/[!-~]+$/.test(text) && URL.canParse(text);
}

/** Problem texts are shown and logged: nothing unprintable gets into them. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200);
}

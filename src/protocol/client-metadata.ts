/**
 * What a client may be registered as: the rules that hold wherever a registration comes from (CLI, API, admin pages).
 * Input and output are plain; identifiers, secrets and times are added in `domain/clients.ts`.
 */
import type { AuthMethod, IdTokenAlg, ResponseType } from './names.ts';
import { type RedirectUriRules, redirectUriProblem } from './redirect-uri.ts';
import { isScopeToken } from './scope.ts';

/** What whoever registers a client says about it; everything but the name has a default. */
export interface ClientMetadata {
  /** As people see it; 1 to 255 characters (`client_name`). */
  readonly name: string;
  /** Default: confidential; `tokenEndpointAuthMethod: 'none'` makes it public. */
  readonly clientType?: 'confidential' | 'public';
  /** Default `web`; private-use schemes in redirect URIs are for `native` (OIDC Registration §2). */
  readonly applicationType?: 'web' | 'native';
  /** Default `client_secret_basic`, or `none` for a public client. */
  readonly tokenEndpointAuthMethod?: AuthMethod;
  /** Where answers go: https, loopback, or a private scheme; compared exactly. */
  readonly redirectUris?: readonly string[];
  /** Where logout returns to (RP-Initiated Logout §3). */
  readonly postLogoutRedirectUris?: readonly string[];
  /** Origins of a browser application that may call the token and revocation endpoint. */
  readonly allowedOrigins?: readonly string[];
  /** Default authorization_code and refresh_token. */
  readonly grantTypes?: readonly string[];
  /** Default: what the grant types need. */
  readonly responseTypes?: readonly ResponseType[];
  /** Scopes the client may ask for; null or absent: all. */
  readonly scopes?: readonly string[] | null;
  /** Signs its ID tokens. Default RS256. */
  readonly idTokenSignedResponseAlg?: IdTokenAlg;
  /** The operator's own application: no consent page. */
  readonly skipConsent?: boolean;
  /** Its home page. */
  readonly clientUri?: string | null;
  /** Its logo. */
  readonly logoUri?: string | null;
  /** Its privacy policy. */
  readonly policyUri?: string | null;
  /** Its terms of service. */
  readonly tosUri?: string | null;
  /** Mail addresses of who is responsible. */
  readonly contacts?: readonly string[];
  /** Subject of the owner. */
  readonly owner?: string | null;
}

/** Metadata with every default filled in. */
export type CompleteClientMetadata = {
  readonly [Key in keyof ClientMetadata]-?: NonNullable<ClientMetadata[Key]> | NullIn<Key>;
};
type NullIn<Key extends keyof ClientMetadata> = null extends ClientMetadata[Key] ? null : never;

/** One reason why a registration is refused; `code` is that of RFC 7591 §3.2.2. */
export interface MetadataProblem {
  /** What is wrong. */
  readonly field: keyof ClientMetadata | 'clientId' | 'clientSecret';
  readonly code: 'invalid_redirect_uri' | 'invalid_client_metadata';
  /** Continues the name of the field: "… is empty". */
  readonly problem: string;
}

/** What this provider can do for clients. */
export interface MetadataRules extends RedirectUriRules {
  readonly grantTypes: readonly string[];
  readonly authMethods: readonly string[];
  readonly idTokenAlgs: readonly IdTokenAlg[];
}

type Kind = 'text' | 'texts' | 'flag' | readonly string[];

/** Every field there is, with what its value looks like; a list names the only values. */
const FIELDS: Readonly<Record<keyof ClientMetadata, Kind>> = {
  name: 'text',
  clientType: ['confidential', 'public'],
  applicationType: ['web', 'native'],
  tokenEndpointAuthMethod: 'text',
  redirectUris: 'texts',
  postLogoutRedirectUris: 'texts',
  allowedOrigins: 'texts',
  grantTypes: 'texts',
  responseTypes: 'texts',
  scopes: 'texts',
  idTokenSignedResponseAlg: 'text',
  skipConsent: 'flag',
  clientUri: 'text',
  logoUri: 'text',
  policyUri: 'text',
  tosUri: 'text',
  contacts: 'texts',
  owner: 'text',
};
const NULLABLE: readonly string[] = [
  'scopes',
  'clientUri',
  'logoUri',
  'policyUri',
  'tosUri',
  'owner',
];

/** Only what is metadata of a record that holds more. */
export function metadataOf<T extends ClientMetadata>(record: T): ClientMetadata {
  return Object.fromEntries(
    Object.entries(record).filter(([name]) => Object.hasOwn(FIELDS, name)),
  ) as unknown as ClientMetadata;
}

/** What is wrong with a registration before its values can be looked at: unknown fields, values of the wrong kind. */
export function metadataTypeProblems(metadata: ClientMetadata): MetadataProblem[] {
  const problems: MetadataProblem[] = [];
  const refuse = (field: string, problem: string): void =>
    void problems.push({
      field: field as keyof ClientMetadata,
      code: 'invalid_client_metadata',
      problem,
    });
  if (metadata.name === undefined) refuse('name', 'is missing');
  for (const [name, value] of Object.entries(metadata)) {
    const kind = Object.hasOwn(FIELDS, name) ? FIELDS[name as keyof ClientMetadata] : undefined;
    if (kind === undefined) refuse(name, 'is not a field of a client');
    else if (
      value !== undefined &&
      !(value === null && NULLABLE.includes(name)) &&
      !isOfKind(value, kind)
    ) {
      refuse(
        name,
        typeof kind === 'string' ? `is not ${WORDS[kind]}` : `is not ${kind.join(' or ')}`,
      );
    }
  }
  return problems;
}

const WORDS = { text: 'a text', texts: 'a list of texts', flag: 'true or false' } as const;

function isOfKind(value: unknown, kind: Kind): boolean {
  if (kind === 'text') return typeof value === 'string';
  if (kind === 'flag') return typeof value === 'boolean';
  if (kind === 'texts')
    return Array.isArray(value) && value.every((item) => typeof item === 'string');
  return typeof value === 'string' && kind.includes(value);
}

/** Fills in the defaults of RFC 7591 §2 and OIDC Registration §2. */
export function completeMetadata(
  metadata: ClientMetadata,
  rules: Pick<MetadataRules, 'idTokenAlgs'>,
): CompleteClientMetadata {
  const clientType =
    metadata.clientType ??
    (metadata.tokenEndpointAuthMethod === 'none' ? 'public' : 'confidential');
  const grantTypes = metadata.grantTypes ?? ['authorization_code', 'refresh_token'];
  return {
    name: metadata.name.trim(),
    clientType,
    applicationType: metadata.applicationType ?? 'web',
    tokenEndpointAuthMethod:
      metadata.tokenEndpointAuthMethod ??
      (clientType === 'public' ? 'none' : 'client_secret_basic'),
    redirectUris: metadata.redirectUris ?? [],
    postLogoutRedirectUris: metadata.postLogoutRedirectUris ?? [],
    allowedOrigins: metadata.allowedOrigins ?? [],
    grantTypes,
    responseTypes:
      metadata.responseTypes ?? (grantTypes.includes('authorization_code') ? ['code'] : []),
    scopes: metadata.scopes ?? null,
    idTokenSignedResponseAlg:
      metadata.idTokenSignedResponseAlg ??
      (rules.idTokenAlgs.includes('RS256') ? 'RS256' : (rules.idTokenAlgs[0] ?? 'RS256')),
    skipConsent: metadata.skipConsent ?? false,
    clientUri: metadata.clientUri ?? null,
    logoUri: metadata.logoUri ?? null,
    policyUri: metadata.policyUri ?? null,
    tosUri: metadata.tosUri ?? null,
    contacts: metadata.contacts ?? [],
    owner: metadata.owner ?? null,
  };
}

/** Everything wrong with a registration; empty when it is fine. */
export function metadataProblems(
  metadata: CompleteClientMetadata,
  rules: MetadataRules,
): readonly MetadataProblem[] {
  const problems: MetadataProblem[] = [];
  const refuse = (field: keyof ClientMetadata, problem: string): void => {
    const uris = field === 'redirectUris' || field === 'postLogoutRedirectUris';
    problems.push({
      field,
      problem,
      code: uris ? 'invalid_redirect_uri' : 'invalid_client_metadata',
    });
  };

  if (metadata.name === '' || metadata.name.length > 255)
    refuse('name', 'is empty or longer than 255 characters');
  for (const field of ['redirectUris', 'postLogoutRedirectUris'] as const) {
    for (const uri of metadata[field]) {
      const problem = redirectUriProblem(uri, metadata.applicationType, rules);
      if (problem !== null) refuse(field, `${printable(uri)} ${problem}`);
    }
  }
  for (const origin of metadata.allowedOrigins) {
    if (!isOrigin(origin))
      refuse(
        'allowedOrigins',
        `${printable(origin)} is not an https origin such as https://app.example`,
      );
  }
  for (const type of metadata.grantTypes) {
    if (!rules.grantTypes.includes(type))
      refuse(
        'grantTypes',
        `${printable(type)} is not offered here (${rules.grantTypes.join(', ')})`,
      );
  }
  if (metadata.grantTypes.length === 0) refuse('grantTypes', 'is empty');
  // RFC 7591 §2.1: grant_types and response_types fit each other.
  if (
    metadata.responseTypes.includes('code') !== metadata.grantTypes.includes('authorization_code')
  ) {
    refuse('responseTypes', 'code goes with the grant type authorization_code, and only with it');
  }
  if (metadata.grantTypes.includes('authorization_code') && metadata.redirectUris.length === 0) {
    refuse('redirectUris', 'needs at least one URI for the grant type authorization_code');
  }
  if (!rules.authMethods.includes(metadata.tokenEndpointAuthMethod)) {
    refuse('tokenEndpointAuthMethod', `is not offered here (${rules.authMethods.join(', ')})`);
  }
  if ((metadata.clientType === 'public') !== (metadata.tokenEndpointAuthMethod === 'none')) {
    refuse('tokenEndpointAuthMethod', 'is none for public clients, and only for them');
  }
  // RFC 6749 §4.4: the client credentials grant is for confidential clients only.
  if (metadata.clientType === 'public' && metadata.grantTypes.includes('client_credentials')) {
    refuse('grantTypes', 'client_credentials is for confidential clients');
  }
  if (!rules.idTokenAlgs.includes(metadata.idTokenSignedResponseAlg)) {
    refuse('idTokenSignedResponseAlg', `is not offered here (${rules.idTokenAlgs.join(', ')})`);
  }
  // OIDC Core §10.1: a symmetric signature needs a secret that is confidential.
  if (metadata.clientType === 'public' && metadata.idTokenSignedResponseAlg === 'HS256') {
    refuse('idTokenSignedResponseAlg', 'HS256 needs a client secret; a public client has none');
  }
  for (const scope of metadata.scopes ?? []) {
    if (!isScopeToken(scope)) refuse('scopes', `${printable(scope)} is not a scope value`);
  }
  for (const field of ['clientUri', 'logoUri', 'policyUri', 'tosUri'] as const) {
    const uri = metadata[field];
    if (uri !== null && !isHttpsUrl(uri)) refuse(field, 'is not an https URL');
  }
  return problems;
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

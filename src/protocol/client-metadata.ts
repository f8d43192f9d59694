/**
 * The metadata of a client: its members, and for each the entry that registration, command line,
 * forms and documentation read. What is allowed is in `client-metadata-rules.ts`.
 */
import type { FieldDefinition } from './client-fields.ts';
import type { ClientAuthenticationMethodName, IdTokenAlg } from './names.ts';

/** Client metadata as submitted. Everything but the name has a default. */
export interface ClientMetadata {
  /** As people see it; 1 to 255 characters (`client_name`). */
  readonly name: string;
  /**
   * `public` is another word for `tokenEndpointAuthMethod: 'none'`, `confidential` for any other
   * method. The record of a client keeps the method alone.
   * @default confidential, or public with the method `none`
   */
  readonly clientType?: 'confidential' | 'public';
  /**
   * Private-use schemes in redirect URIs are for `native` (OIDC Registration §2).
   * @default 'web'
   */
  readonly applicationType?: 'web' | 'native';
  /** How it proves itself. @default 'client_secret_basic', or 'none' for a public client */
  readonly tokenEndpointAuthMethod?: ClientAuthenticationMethodName;
  /** Where answers go: https, loopback, or a private scheme; compared exactly. @default [] */
  readonly redirectUris?: readonly string[];
  /** Where logout returns to (RP-Initiated Logout §3). @default [] */
  readonly postLogoutRedirectUris?: readonly string[];
  /** Origins of a browser application that may call the endpoints of clients. @default [] */
  readonly allowedOrigins?: readonly string[];
  /** @default ['authorization_code', 'refresh_token'] */
  readonly grantTypes?: readonly string[];
  /** @default what the grant types need */
  readonly responseTypes?: readonly string[];
  /** Scopes the client may ask for; null: all. @default null */
  readonly scopes?: readonly string[] | null;
  /** Signs its ID tokens. @default 'RS256' */
  readonly idTokenSignedResponseAlg?: IdTokenAlg;
  /** The operator's own application: no consent page. @default false */
  readonly skipConsent?: boolean;
  /** Its home page. @default null */
  readonly clientUri?: string | null;
  /** Its logo. @default null */
  readonly logoUri?: string | null;
  /** Its privacy policy. @default null */
  readonly policyUri?: string | null;
  /** Its terms of service. @default null */
  readonly tosUri?: string | null;
  /** Mail addresses of who is responsible. @default [] */
  readonly contacts?: readonly string[];
  /** Subject of the owner. @default null */
  readonly owner?: string | null;
  /** Fields that features add, by their wire names. @default {} */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Metadata with every default filled in. */
export type CompleteClientMetadata = {
  readonly [Key in Exclude<keyof ClientMetadata, 'clientType'>]-?:
    | NonNullable<ClientMetadata[Key]>
    | NullIn<Key>;
};
type NullIn<Key extends keyof ClientMetadata> = null extends ClientMetadata[Key] ? null : never;

/** A member that has an entry of its own. */
export type ClientMember = Exclude<keyof ClientMetadata, 'fields'>;

const URI_FLAG = { kind: 'text', nullable: true, setBy: 'client' } as const;

/** Every member of the metadata but `fields`, in the order in which people read them. */
export const CLIENT_FIELDS: Readonly<Record<ClientMember, FieldDefinition>> = {
  name: {
    wireName: 'client_name',
    kind: 'text',
    flag: 'name',
    setBy: 'client',
    description: 'as people see it',
  },
  clientType: {
    wireName: 'client_type',
    kind: ['confidential', 'public'],
    flag: 'client-type',
    setBy: 'operator',
    description: 'default: confidential',
  },
  applicationType: {
    wireName: 'application_type',
    kind: ['web', 'native'],
    flag: 'application-type',
    setBy: 'client',
    description: 'default: web',
  },
  tokenEndpointAuthMethod: {
    wireName: 'token_endpoint_auth_method',
    kind: 'text',
    flag: 'auth-method',
    setBy: 'client',
    description: 'how it proves itself (default: client_secret_basic)',
  },
  redirectUris: {
    wireName: 'redirect_uris',
    kind: 'texts',
    flag: 'redirect-uri',
    setBy: 'client',
    description: 'where answers go',
  },
  postLogoutRedirectUris: {
    wireName: 'post_logout_redirect_uris',
    kind: 'texts',
    flag: 'post-logout-redirect-uri',
    setBy: 'client',
    description: 'where logout returns to',
  },
  allowedOrigins: {
    wireName: 'allowed_origins',
    kind: 'texts',
    flag: 'allowed-origin',
    setBy: 'operator',
    description: 'origin of a browser application',
  },
  grantTypes: {
    wireName: 'grant_types',
    kind: 'texts',
    flag: 'grant-type',
    setBy: 'client',
    description: 'grant types it may use',
  },
  responseTypes: {
    wireName: 'response_types',
    kind: 'texts',
    flag: 'response-type',
    setBy: 'client',
    description: 'response types it may use (default: what the grant types need)',
  },
  scopes: {
    wireName: 'scope',
    kind: 'texts',
    nullable: true,
    flag: 'scope',
    setBy: 'client',
    description: 'scopes it may ask for (default: all)',
  },
  idTokenSignedResponseAlg: {
    wireName: 'id_token_signed_response_alg',
    kind: 'text',
    flag: 'algorithm',
    setBy: 'client',
    description: 'signs its ID tokens (default: RS256)',
  },
  skipConsent: {
    wireName: 'skip_consent',
    kind: 'flag',
    flag: 'skip-consent',
    setBy: 'operator',
    description: 'an application of your own: no consent page',
  },
  owner: {
    wireName: 'owner',
    kind: 'text',
    nullable: true,
    flag: 'owner',
    setBy: 'operator',
    description: 'subject of the user who owns it',
  },
  clientUri: {
    ...URI_FLAG,
    wireName: 'client_uri',
    flag: 'client-uri',
    description: 'its home page',
  },
  logoUri: { ...URI_FLAG, wireName: 'logo_uri', flag: 'logo-uri', description: 'its logo' },
  policyUri: {
    ...URI_FLAG,
    wireName: 'policy_uri',
    flag: 'policy-uri',
    description: 'its privacy policy',
  },
  tosUri: { ...URI_FLAG, wireName: 'tos_uri', flag: 'tos-uri', description: 'its terms' },
  contacts: {
    wireName: 'contacts',
    kind: 'texts',
    flag: 'contact',
    setBy: 'client',
    description: 'mail address of who is responsible',
  },
};

/** Only what is metadata of a record that holds more. */
export function metadataOf<T extends ClientMetadata>(record: T): ClientMetadata {
  const isMetadata = (name: string): boolean =>
    name === 'fields' || Object.hasOwn(CLIENT_FIELDS, name);
  return Object.fromEntries(
    Object.entries(record).filter(([name]) => isMetadata(name)),
  ) as unknown as ClientMetadata;
}

/**
 * The metadata of a client: its members, and for each the definition that registration, command
 * line, forms and documentation use. Which values are allowed is in `client-metadata-rules.ts`.
 */
import type { FieldDefinition } from './client-fields.ts';
import type { ClientAuthenticationMethodName, IdTokenAlg } from './names.ts';

/** Client metadata, as submitted. Every member except the name has a default. */
export interface ClientMetadata {
  /** The name that people see, 1 to 255 characters (`client_name`). */
  readonly name: string;
  /**
   * `public` means `tokenEndpointAuthMethod: 'none'`, `confidential` means any other method. The
   * stored client has only the method.
   * @default 'confidential', or 'public' with the method 'none'
   */
  readonly clientType?: 'confidential' | 'public';
  /**
   * Only `native` clients may have redirect URIs with private-use schemes (OIDC Registration §2).
   * @default 'web'
   */
  readonly applicationType?: 'web' | 'native';
  /**
   * How the client authenticates at the token endpoint. `client_secret` means its secret in the
   * Authorization header or in the body; any other name is held to exactly.
   * @default 'client_secret', or 'none' for a public client
   */
  readonly tokenEndpointAuthMethod?: ClientAuthenticationMethodName;
  /**
   * Redirect URIs: https, http on a loopback address, or a private-use scheme. They are compared as
   * strings.
   * @default []
   */
  readonly redirectUris?: readonly string[];
  /**
   * URIs that the browser may be sent to after logout (RP-Initiated Logout §3).
   * @default []
   */
  readonly postLogoutRedirectUris?: readonly string[];
  /**
   * Origins of a browser application that may call the endpoints for clients (CORS).
   * @default []
   */
  readonly allowedOrigins?: readonly string[];
  /**
   * Grant types that the client may use.
   * @default ['authorization_code', 'refresh_token']
   */
  readonly grantTypes?: readonly string[];
  /**
   * Response types that the client may use.
   * @default ['code'] with the grant type authorization_code, else []
   */
  readonly responseTypes?: readonly string[];
  /**
   * Scopes that the client may request; null allows all.
   * @default null
   */
  readonly scopes?: readonly string[] | null;
  /**
   * Scopes granted when a request of the client names none; null: those of the server.
   * @default null
   */
  readonly defaultScopes?: readonly string[] | null;
  /**
   * True puts the claims that the scopes request into the ID token of a token response too, for
   * clients that never ask the userinfo endpoint.
   * @default false
   */
  readonly idTokenClaims?: boolean;
  /**
   * True allows `http://localhost` in the redirect URIs of a web application; native ones may have
   * it anyway (RFC 8252 §8.3).
   * @default false
   */
  readonly allowLocalhost?: boolean;
  /**
   * The algorithm that signs the ID tokens of the client.
   * @default 'RS256', or the first algorithm of the provider if it does not offer RS256
   */
  readonly idTokenSignedResponseAlg?: IdTokenAlg;
  /**
   * Its public keys, as a JWK Set (RFC 7517 §5): for `private_key_jwt`. Not together with
   * `jwksUri`.
   * @default null
   */
  readonly jwks?: Readonly<Record<string, unknown>> | null;
  /**
   * URL of its public keys, https: keys may change there without a word to this provider.
   * @default null
   */
  readonly jwksUri?: string | null;
  /**
   * The one algorithm that signs its assertions at the token endpoint; null: any that fits its
   * keys.
   * @default null
   */
  readonly tokenEndpointAuthSigningAlg?: string | null;
  /**
   * True shows no consent page. Use it only for the operator's own applications.
   * @default false
   */
  readonly skipConsent?: boolean;
  /**
   * URL of its website, https.
   * @default null
   */
  readonly clientUri?: string | null;
  /**
   * URL of its logo, https: a PNG, JPEG, GIF or WebP of at most 200 KB. Pages show it through this
   * origin.
   * @default null
   */
  readonly logoUri?: string | null;
  /**
   * URL of its privacy policy, https.
   * @default null
   */
  readonly policyUri?: string | null;
  /**
   * URL of its terms of service, https.
   * @default null
   */
  readonly tosUri?: string | null;
  /**
   * Mail addresses of the people who are responsible for it.
   * @default []
   */
  readonly contacts?: readonly string[];
  /**
   * Subject of the person who owns it.
   * @default null
   */
  readonly owner?: string | null;
  /**
   * Fields that features add, by their wire names.
   * @default {}
   */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Client metadata with every default filled in. `clientType` is replaced by the method. */
export type CompleteClientMetadata = {
  readonly [Key in keyof Omit<ClientMetadata, 'clientType'>]-?:
    | NonNullable<ClientMetadata[Key]>
    | NullIn<Key>;
};
type NullIn<Key extends keyof ClientMetadata> = null extends ClientMetadata[Key] ? null : never;

/** A member of the metadata that has a definition. */
export type ClientMember = Exclude<keyof ClientMetadata, 'fields'>;

const URI_FLAG = { kind: 'text', nullable: true, setBy: 'client' } as const;

/** The definition of every member of the metadata except `fields`, in the order of display. */
export const CLIENT_FIELDS: Readonly<Record<ClientMember, FieldDefinition>> = {
  name: {
    wireName: 'client_name',
    kind: 'text',
    flag: 'name',
    setBy: 'client',
    description: 'name that people see',
  },
  clientType: {
    wireName: 'client_type',
    kind: ['confidential', 'public'],
    flag: 'client-type',
    setBy: 'operator',
    description: 'type of client (default: confidential)',
  },
  applicationType: {
    wireName: 'application_type',
    kind: ['web', 'native'],
    flag: 'application-type',
    setBy: 'client',
    description: 'type of application (default: web)',
  },
  tokenEndpointAuthMethod: {
    wireName: 'token_endpoint_auth_method',
    kind: 'text',
    flag: 'auth-method',
    setBy: 'client',
    description:
      'how it authenticates (default: client_secret, which is client_secret_basic or client_secret_post)',
  },
  jwks: {
    wireName: 'jwks',
    kind: 'json',
    nullable: true,
    flag: 'jwks',
    setBy: 'client',
    description: 'its public keys as a JWK Set, for private_key_jwt',
  },
  jwksUri: {
    wireName: 'jwks_uri',
    kind: 'text',
    nullable: true,
    flag: 'jwks-uri',
    setBy: 'client',
    description: 'URL of its public keys, for private_key_jwt',
  },
  tokenEndpointAuthSigningAlg: {
    wireName: 'token_endpoint_auth_signing_alg',
    kind: 'text',
    nullable: true,
    flag: 'auth-signing-alg',
    setBy: 'client',
    description: 'algorithm of its assertions (default: any that fits its keys)',
  },
  redirectUris: {
    wireName: 'redirect_uris',
    kind: 'texts',
    flag: 'redirect-uri',
    setBy: 'client',
    description: 'URI that receives authorization responses',
  },
  postLogoutRedirectUris: {
    wireName: 'post_logout_redirect_uris',
    kind: 'texts',
    flag: 'post-logout-redirect-uri',
    setBy: 'client',
    description: 'URI that the browser returns to after logout',
  },
  allowedOrigins: {
    wireName: 'allowed_origins',
    kind: 'texts',
    flag: 'allowed-origin',
    setBy: 'operator',
    description: 'origin of a browser application that may call this server',
  },
  grantTypes: {
    wireName: 'grant_types',
    kind: 'texts',
    flag: 'grant-type',
    setBy: 'client',
    description: 'grant type that it may use',
  },
  responseTypes: {
    wireName: 'response_types',
    kind: 'texts',
    flag: 'response-type',
    setBy: 'client',
    description: 'response type that it may use (default: as its grant types require)',
  },
  scopes: {
    wireName: 'scope',
    kind: 'texts',
    nullable: true,
    flag: 'scope',
    setBy: 'client',
    description: 'scope that it may request (default: all)',
  },
  defaultScopes: {
    wireName: 'default_scopes',
    kind: 'texts',
    nullable: true,
    flag: 'default-scope',
    setBy: 'operator',
    description: 'scope granted when a request names none (default: those of the server)',
  },
  idTokenClaims: {
    wireName: 'id_token_claims',
    kind: 'flag',
    flag: 'id-token-claims',
    setBy: 'operator',
    description: 'put name, email and the like into ID tokens as well',
  },
  allowLocalhost: {
    wireName: 'allow_localhost',
    kind: 'flag',
    flag: 'allow-localhost',
    setBy: 'operator',
    description: 'allow http://localhost in the redirect URIs of a web application',
  },
  idTokenSignedResponseAlg: {
    wireName: 'id_token_signed_response_alg',
    kind: 'text',
    flag: 'algorithm',
    setBy: 'client',
    description: 'algorithm that signs its ID tokens (default: RS256)',
  },
  skipConsent: {
    wireName: 'skip_consent',
    kind: 'flag',
    flag: 'skip-consent',
    setBy: 'operator',
    description: 'show no consent page, for an application of your own',
  },
  owner: {
    wireName: 'owner',
    kind: 'text',
    nullable: true,
    flag: 'owner',
    setBy: 'operator',
    description: 'subject of the person who owns it',
  },
  clientUri: {
    ...URI_FLAG,
    wireName: 'client_uri',
    flag: 'client-uri',
    description: 'URL of its website',
  },
  logoUri: { ...URI_FLAG, wireName: 'logo_uri', flag: 'logo-uri', description: 'URL of its logo' },
  policyUri: {
    ...URI_FLAG,
    wireName: 'policy_uri',
    flag: 'policy-uri',
    description: 'URL of its privacy policy',
  },
  tosUri: { ...URI_FLAG, wireName: 'tos_uri', flag: 'tos-uri', description: 'URL of its terms' },
  contacts: {
    wireName: 'contacts',
    kind: 'texts',
    flag: 'contact',
    setBy: 'client',
    description: 'mail address of a responsible person',
  },
};

/** The metadata in a record that has other members too. */
export function metadataOf<T extends ClientMetadata>(record: T): ClientMetadata {
  const isMetadata = (name: string): boolean =>
    name === 'fields' || Object.hasOwn(CLIENT_FIELDS, name);
  return Object.fromEntries(
    Object.entries(record).filter(([name]) => isMetadata(name)),
  ) as unknown as ClientMetadata;
}

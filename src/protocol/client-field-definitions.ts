/**
 * The definition of every field of a client, as registration, command line, forms and documentation
 * use it. What the fields mean is in `client-metadata.ts`.
 */
import type { FieldDefinition } from './client-fields.ts';
import type { ClientMember, ClientMetadata } from './client-metadata.ts';

const OPTIONAL_TEXT = { kind: 'text', nullable: true, setBy: 'client' } as const;

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
    protects: true,
    description:
      'how it authenticates (default: client_secret, which is client_secret_basic or client_secret_post)',
  },
  jwks: {
    wireName: 'jwks',
    kind: 'json',
    nullable: true,
    flag: 'jwks',
    setBy: 'client',
    protects: true,
    description:
      'its public keys as a JWK Set, for private_key_jwt and self_signed_tls_client_auth',
  },
  jwksUri: {
    wireName: 'jwks_uri',
    kind: 'text',
    nullable: true,
    flag: 'jwks-uri',
    setBy: 'client',
    protects: true,
    description: 'URL of its public keys, for private_key_jwt and self_signed_tls_client_auth',
  },
  tokenEndpointAuthSigningAlg: {
    wireName: 'token_endpoint_auth_signing_alg',
    kind: 'text',
    nullable: true,
    flag: 'auth-signing-alg',
    setBy: 'client',
    protects: true,
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
    protects: true,
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
    protects: true,
    description: 'algorithm that signs its ID tokens (default: RS256)',
  },
  defaultMaxAge: {
    wireName: 'default_max_age',
    kind: 'seconds',
    nullable: true,
    flag: 'default-max-age',
    setBy: 'client',
    protects: true,
    description: 'seconds after which people prove again who they are, where a request has none',
  },
  requireAuthTime: {
    wireName: 'require_auth_time',
    kind: 'flag',
    flag: 'require-auth-time',
    setBy: 'client',
    protects: true,
    description: 'it relies on auth_time, which ID tokens have anyway',
  },
  defaultAcrValues: {
    wireName: 'default_acr_values',
    kind: 'texts',
    flag: 'default-acr',
    setBy: 'client',
    protects: true,
    description: 'authentication context that it would like, where a request names none',
  },
  codeLifetime: {
    wireName: 'code_lifetime',
    kind: 'seconds',
    nullable: true,
    flag: 'code-lifetime',
    setBy: 'operator',
    description:
      'seconds that its authorization codes live, at most 600 (or default: as set for all)',
  },
  accessTokenLifetime: {
    wireName: 'access_token_lifetime',
    kind: 'seconds',
    nullable: true,
    flag: 'access-token-lifetime',
    setBy: 'operator',
    description: 'seconds that its access tokens live (or default: as set for all)',
  },
  idTokenLifetime: {
    wireName: 'id_token_lifetime',
    kind: 'seconds',
    nullable: true,
    flag: 'id-token-lifetime',
    setBy: 'operator',
    description: 'seconds that its ID tokens live (or default: as set for all)',
  },
  refreshTokenIdleLifetime: {
    wireName: 'refresh_token_idle_lifetime',
    kind: 'seconds',
    nullable: true,
    flag: 'refresh-token-idle-lifetime',
    setBy: 'operator',
    description: 'seconds that its refresh tokens live without use (or default: as set for all)',
  },
  refreshTokenAbsoluteLifetime: {
    wireName: 'refresh_token_absolute_lifetime',
    kind: 'seconds',
    nullable: true,
    flag: 'refresh-token-absolute-lifetime',
    setBy: 'operator',
    description: 'seconds that its refresh tokens live in all (or default: as set for all)',
  },
  rotateRefreshTokens: {
    wireName: 'rotate_refresh_tokens',
    kind: 'flag',
    nullable: true,
    flag: 'rotate-refresh-tokens',
    setBy: 'operator',
    description: 'replace its refresh tokens at each use (default: as set for all)',
  },
  skipConsent: {
    wireName: 'skip_consent',
    kind: 'flag',
    flag: 'skip-consent',
    setBy: 'operator',
    description: 'show no consent page, for an application of your own',
  },
  partialConsent: {
    wireName: 'partial_consent',
    kind: 'flag',
    flag: 'partial-consent',
    setBy: 'operator',
    description: 'people may refuse single scopes; it gets the others',
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
    ...OPTIONAL_TEXT,
    wireName: 'client_uri',
    flag: 'client-uri',
    description: 'URL of its website',
  },
  logoUri: {
    ...OPTIONAL_TEXT,
    wireName: 'logo_uri',
    flag: 'logo-uri',
    description: 'URL of its logo',
  },
  policyUri: {
    ...OPTIONAL_TEXT,
    wireName: 'policy_uri',
    flag: 'policy-uri',
    description: 'URL of its privacy policy',
  },
  tosUri: {
    ...OPTIONAL_TEXT,
    wireName: 'tos_uri',
    flag: 'tos-uri',
    description: 'URL of its terms',
  },
  initiateLoginUri: {
    ...OPTIONAL_TEXT,
    wireName: 'initiate_login_uri',
    flag: 'initiate-login-uri',
    description: 'URL that starts a sign-in which others begin',
  },
  softwareId: {
    ...OPTIONAL_TEXT,
    wireName: 'software_id',
    flag: 'software-id',
    description: 'identifier of the software, the same for all its installations',
  },
  softwareVersion: {
    ...OPTIONAL_TEXT,
    wireName: 'software_version',
    flag: 'software-version',
    description: 'version of the software',
  },
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

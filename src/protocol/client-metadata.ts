/**
 * The metadata of a client: its members, with what each means. The definition of each is in
 * `client-field-definitions.ts`; which values are allowed is in `client-metadata-rules.ts`.
 */
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
   * strings; with `allowRedirectUriWildcards` a host may begin with a wildcard.
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
   * Seconds since the user proved who they are, at most, where a request has no `max_age`.
   * @default null
   */
  readonly defaultMaxAge?: number | null;
  /**
   * True says that the client relies on the claim `auth_time`, which every ID token of a person
   * has.
   * @default false
   */
  readonly requireAuthTime?: boolean;
  /**
   * Authentication contexts the client would like where a request has no `acr_values`, best first.
   * @default []
   */
  readonly defaultAcrValues?: readonly string[];
  /**
   * URL where a sign-in that others begin is started (OIDC Core §4), https.
   * @default null
   */
  readonly initiateLoginUri?: string | null;
  /**
   * What the software is, the same for all its installations (RFC 7591 §2).
   * @default null
   */
  readonly softwareId?: string | null;
  /**
   * Version of the software (RFC 7591 §2).
   * @default null
   */
  readonly softwareVersion?: string | null;
  /**
   * Seconds that its authorization codes live, at most 600; null: those of the settings.
   * @default null
   */
  readonly codeLifetime?: number | null;
  /**
   * Seconds that its access tokens live; null: those of the settings.
   * @default null
   */
  readonly accessTokenLifetime?: number | null;
  /**
   * Seconds that its ID tokens live; null: those of the settings.
   * @default null
   */
  readonly idTokenLifetime?: number | null;
  /**
   * Seconds that its refresh tokens live without use; null: those of the settings.
   * @default null
   */
  readonly refreshTokenIdleLifetime?: number | null;
  /**
   * Seconds that its refresh tokens live in all; null: those of the settings.
   * @default null
   */
  readonly refreshTokenAbsoluteLifetime?: number | null;
  /**
   * Whether its refresh tokens are replaced at each use; null: as the settings say. Those of public
   * clients always are, unless they are bound to a key.
   * @default null
   */
  readonly rotateRefreshTokens?: boolean | null;
  /**
   * True shows no consent page. Use it only for the operator's own applications.
   * @default false
   */
  readonly skipConsent?: boolean;
  /**
   * True lets people refuse single scopes, all but `openid`. The application finds what it got in
   * the member `scope` of the token response (RFC 6749 §3.3).
   * @default false
   */
  readonly partialConsent?: boolean;
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

/**
 * The wire names of the specifications, once. Code elsewhere uses these types, so that a misspelt name does not compile.
 */

/** Client authentication methods (RFC 7591 §2 `token_endpoint_auth_method`) that are built in; plug-ins bring their own names. */
export type AuthMethod = 'client_secret_basic' | 'client_secret_post' | 'none' | (string & {});

/** Grant types (RFC 7591 §2 `grant_types`). Plug-ins bring their own names, hence a plain string. */
export type GrantType = string;

/** Response types (OAuth 2.0 Multiple Response Types) that are built in. */
export type ResponseType = 'code';

/** How authorization response parameters travel (OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode §2). */
export type ResponseMode = 'query' | 'fragment' | 'form_post';

/** Algorithms that may sign an ID token; per client, RS256 unless registered otherwise (OIDC Core §15.1). */
export type IdTokenAlg = 'RS256' | 'PS256' | 'ES256' | 'EdDSA' | 'HS256';

/** Algorithms with a key pair that the provider keeps for signing. */
export type SigningAlg = Exclude<IdTokenAlg, 'HS256'>;

/** Values of `prompt` (OIDC Core §3.1.2.1). */
export type Prompt = 'none' | 'login' | 'consent' | 'select_account';

export const SIGNING_ALGS: readonly SigningAlg[] = ['RS256', 'PS256', 'ES256', 'EdDSA'];
export const RESPONSE_MODES: readonly ResponseMode[] = ['query', 'fragment', 'form_post'];
export const PROMPTS: readonly Prompt[] = ['none', 'login', 'consent', 'select_account'];

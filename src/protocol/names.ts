/**
 * The names of the specifications, once. Code elsewhere uses these types, so that a misspelt name
 * does not compile.
 */

/** Client authentication methods (RFC 7591 §2); features bring their own names. */
export type ClientAuthenticationMethodName =
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'none'
  | (string & {});

/**
 * Algorithms that may sign an ID token; per client, RS256 unless registered otherwise (OIDC Core
 * §15.1).
 */
export type IdTokenAlg = 'RS256' | 'PS256' | 'ES256' | 'EdDSA' | 'HS256';

/** Algorithms with a key pair that the provider keeps for signing. */
export type SigningAlg = Exclude<IdTokenAlg, 'HS256'>;

/** Values of `prompt` (OIDC Core §3.1.2.1). */
export type Prompt = 'none' | 'login' | 'consent' | 'select_account';

export const SIGNING_ALGS: readonly SigningAlg[] = ['RS256', 'PS256', 'ES256', 'EdDSA'];
export const PROMPTS: readonly Prompt[] = ['none', 'login', 'consent', 'select_account'];

/**
 * Names that the specifications define, as types, so that a misspelt name does not compile. Names
 * that only one feature needs are in that feature.
 */

/** Client authentication methods (RFC 7591 §2). Features add names of their own. */
export type ClientAuthenticationMethodName =
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'none'
  | (string & {});

/**
 * Algorithms that may sign an ID token. Each client is registered for one; the default is RS256
 * (OIDC Core §15.1).
 */
export type IdTokenAlg = 'RS256' | 'PS256' | 'ES256' | 'EdDSA' | 'HS256';

/** Algorithms that sign with a key pair of the provider. HS256 signs with the client secret. */
export type SigningAlg = Exclude<IdTokenAlg, 'HS256'>;

/** Values of `prompt` (OIDC Core §3.1.2.1). */
export type Prompt = 'none' | 'login' | 'consent' | 'select_account';

/** All values of `SigningAlg`. */
export const SIGNING_ALGS: readonly SigningAlg[] = ['RS256', 'PS256', 'ES256', 'EdDSA'];
/** All values of `Prompt`. */
export const PROMPTS: readonly Prompt[] = ['none', 'login', 'consent', 'select_account'];

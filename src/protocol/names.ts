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
 * Algorithms that sign with a key pair of the provider (RFC 7518 §3.1, RFC 8037 §3.1). `Ed25519` is
 * what RFC 9864 calls `EdDSA` with that curve; each has a key of its own.
 */
export type SigningAlg =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519';

/**
 * Algorithms that may sign an ID token. Each client is registered for one; the default is RS256
 * (OIDC Core §15.1). HS256 signs with the client secret.
 */
export type IdTokenAlg = SigningAlg | 'HS256';

/** Algorithms that protect the key of encrypted content (RFC 7518 §4.1), for public keys. */
export type KeyEncryptionAlg =
  | 'RSA-OAEP'
  | 'RSA-OAEP-256'
  | 'ECDH-ES'
  | 'ECDH-ES+A128KW'
  | 'ECDH-ES+A256KW';

/** What a key of this provider is for: it signs, or it decrypts what clients encrypt. */
export type KeyAlg = SigningAlg | KeyEncryptionAlg;

/** All values of `KeyEncryptionAlg`. */
export const KEY_ENCRYPTION_ALGS: readonly KeyEncryptionAlg[] = [
  'RSA-OAEP',
  'RSA-OAEP-256',
  'ECDH-ES',
  'ECDH-ES+A128KW',
  'ECDH-ES+A256KW',
];

/** All values of `SigningAlg`. */
export const SIGNING_ALGS: readonly SigningAlg[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** Those for which a provider has keys unless it says otherwise. */
export const USUAL_SIGNING_ALGS: readonly SigningAlg[] = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/**
 * The algorithm where nobody chose one: RS256, the default of most specifications, else the first
 * that is offered.
 */
export function defaultSigningAlg<Alg extends string>(offered: readonly Alg[]): Alg | 'RS256' {
  const [first = 'RS256'] = offered;
  return offered.some((alg) => alg === 'RS256') ? 'RS256' : first;
}

/** Values of `prompt` (OIDC Core §3.1.2.1). Steps of features bring others. */
export const PROMPTS: readonly string[] = ['none', 'login', 'consent', 'select_account'];

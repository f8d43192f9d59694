/**
 * `verifyAccessToken()`: the checks that a resource server makes of an access token that is a JWT
 * (RFC 9068 §4). Needs no provider. Whether its sender is who it is bound to and whether its scopes
 * suffice, is left to the resource server: `valetkey/resource` does both.
 */
import { importJWK, type JSONWebKeySet, type JWK } from 'jose';
import { decryptText, isEncrypted } from './crypto/jwe.ts';
import { checkTimes, type JwtClaims, JwtError, peekJwt } from './crypto/jwt.ts';
import { signedBy, usableKeys } from './domain/client-keys.ts';
import { keysIn } from './protocol/key-sets.ts';
import type { SigningAlg } from './protocol/names.ts';
import { isSameResource } from './protocol/resource-identifier.ts';

/** What the resource server knows and expects. */
export interface VerifyAccessTokenOptions {
  /** Issuer identifier of the authorization server, exactly. */
  readonly issuer: string;
  /**
   * The resource server, or several names of it, of which the token has to name one. Null leaves
   * this check to the caller.
   */
  readonly audience: string | readonly string[] | null;
  /** The keys of the authorization server. */
  readonly jwks: JSONWebKeySet;
  /**
   * Algorithms that may sign a token. The token chooses among these alone.
   * @default ACCESS_TOKEN_ALGS
   */
  readonly algs?: readonly SigningAlg[];
  /**
   * The private key of the resource server, with its `alg`, when tokens are encrypted. A token that
   * is not encrypted is refused then.
   */
  readonly decryptionKey?: JWK;
  /** Now, in seconds. @default the system clock */
  readonly now?: number;
  /** Clock difference forgiven, in seconds. @default 10 */
  readonly skew?: number;
}

/** Algorithms that sign access tokens, unless a resource server says otherwise. */
export const ACCESS_TOKEN_ALGS: readonly SigningAlg[] = [
  'RS256',
  'PS256',
  'ES256',
  'EdDSA',
  'Ed25519',
];

/** RFC 9068 §2.1: with or without `application/`, which is taken off before. */
const TYPE = 'at+jwt';
/** RFC 9068 §2.2: claims that are required, and are texts. */
const REQUIRED = ['sub', 'client_id', 'jti'];

/**
 * Checks an access token that is a JWT, and returns its claims.
 * @throws JwtError whose `problem` names the failure: malformed, algorithm, type, signature,
 * unknown_key, issuer, audience, expired, not_yet_valid, claim
 */
export async function verifyAccessToken(
  token: string,
  options: VerifyAccessTokenOptions,
): Promise<JwtClaims> {
  const { algs = ACCESS_TOKEN_ALGS, skew = 10 } = options;
  const now = options.now ?? Math.floor(Date.now() / 1000);
  const signed = await decrypted(token, options.decryptionKey);
  const { header } = peekJwt(signed);
  // RFC 9068 §4: the algorithm is one that was agreed on, and never "none".
  if (!algs.some((alg) => alg === header.alg))
    throw new JwtError('algorithm', 'the algorithm is not among those that are accepted');
  const keys = usableKeys(keysIn(options.jwks) ?? [], { alg: header.alg, kid: header.kid });
  if (keys.length === 0)
    throw new JwtError('unknown_key', 'signed with a key that is not in the key set');
  // RFC 9068 §4: the type is at+jwt, so that no ID token passes for an access token.
  const found = await signedBy(keys, signed, header.alg, [TYPE]);
  if (found === null) throw new JwtError('signature', 'the signature of the JWT is not valid');
  const { claims } = found;
  // RFC 9068 §4: the issuer is exactly the one that is expected.
  if (claims['iss'] !== options.issuer) throw new JwtError('issuer', 'issued by somebody else');
  checkAudience(claims, options.audience);
  checkTimes(claims, { now, skew });
  checkRequired(claims);
  return claims;
}

/** The signed token in an encrypted one. */
async function decrypted(token: string, key: JWK | undefined): Promise<string> {
  if (key === undefined) {
    if (isEncrypted(token)) throw new JwtError('unknown_key', 'is encrypted, to no key of ours');
    return token;
  }
  // RFC 9068 §4: where encryption was agreed on, a token that is not encrypted is refused.
  if (!isEncrypted(token)) throw new JwtError('malformed', 'is not encrypted');
  const { alg } = key;
  if (alg === undefined) throw new JwtError('unknown_key', 'the decryption key names no alg');
  return await decryptText(token, { alg, key: await importJWK(key, alg) });
}

function checkAudience({ aud }: JwtClaims, accepted: VerifyAccessTokenOptions['audience']): void {
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (named.length === 0 || !named.every((one) => typeof one === 'string' && one !== ''))
    throw new JwtError('claim', 'aud must be a text or a list of texts');
  // RFC 9068 §4: the resource server is among those that the token is for.
  const isAccepted = (one: unknown): boolean =>
    [accepted].flat().some((mine) => isSameResource(String(mine), String(one)));
  if (accepted !== null && !named.some(isAccepted))
    throw new JwtError('audience', 'meant for another resource server');
}

function checkRequired(claims: JwtClaims): void {
  // RFC 9068 §2.2: iat is required, and so are sub, client_id and jti.
  if (typeof claims['iat'] !== 'number') throw new JwtError('claim', 'iat is missing');
  for (const name of REQUIRED) {
    const value = claims[name];
    if (typeof value !== 'string' || value === '')
      throw new JwtError('claim', `${name} is missing`);
  }
}

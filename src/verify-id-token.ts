/**
 * `verifyIdToken()`: the checks a relying party makes (OIDC Core §3.1.3.7), for relying parties and
 * tests. Needs no provider.
 */
import { importJWK, type JSONWebKeySet, type JWK } from 'jose';
import { halfHash } from './crypto/bytes.ts';
import { decryptText, isEncrypted } from './crypto/jwe.ts';
import { checkTimes, type JwtClaims, JwtError, peekJwt, verifyJwt } from './crypto/jwt.ts';
import type { IdTokenAlg } from './protocol/names.ts';

/** What the relying party knows and expects. */
export interface VerifyIdTokenOptions {
  /** The provider’s issuer identifier, exactly. */
  readonly issuer: string;
  /** Who the token is for. */
  readonly clientId: string;
  /** The algorithm the client registered. Default RS256. Never taken from the token. */
  readonly alg?: IdTokenAlg;
  /** The provider's keys; for every algorithm but HS256. */
  readonly jwks?: JSONWebKeySet;
  /** The client's secret; for HS256. */
  readonly clientSecret?: string;
  /**
   * The private key of the client, with its `alg`, when its ID tokens are encrypted. An ID token
   * that is not encrypted is refused then.
   */
  readonly decryptionKey?: JWK;
  /** The nonce that was sent; required in the token when given. */
  readonly nonce?: string;
  /** The access token beside it; checks `at_hash` when the token has one. */
  readonly accessToken?: string;
  /**
   * The code beside it in an authorization response, where `c_hash` is required (OIDC Core
   * §3.3.2.10).
   */
  readonly code?: string;
  /** The state of that response; checks `s_hash` when the token has one. */
  readonly state?: string;
  /** Seconds since the last sign-in that are accepted. */
  readonly maxAge?: number;
  /** Now, in seconds. Default: the system clock. */
  readonly now?: number;
  /** Clock difference forgiven, in seconds. Default 10. */
  readonly skew?: number;
}

/**
 * Checks an ID token and returns its claims.
 * @throws JwtError whose `problem` names the failure: malformed, algorithm, type, signature,
 * unknown_key, issuer, audience, expired, not_yet_valid, claim
 */
export async function verifyIdToken(
  idToken: string,
  options: VerifyIdTokenOptions,
): Promise<JwtClaims> {
  const { alg = 'RS256', now = Math.floor(Date.now() / 1000), skew = 10 } = options;
  if (options.decryptionKey !== undefined && !isEncrypted(idToken))
    throw new JwtError('malformed', 'is not encrypted');
  const signed = isEncrypted(idToken) ? await decrypted(idToken, options) : idToken;
  const { header } = peekJwt(signed);
  // OIDC Core §3.1.3.7: the alg is the one the client registered.
  if (header.alg !== alg)
    throw new JwtError('algorithm', `signed with ${header.alg}, expected ${alg}`);
  const claims = await verifyJwt(signed, { alg, key: await keyFor(alg, header.kid, options) }, [
    'jwt',
    '',
  ]);
  if (claims['iss'] !== options.issuer) throw new JwtError('issuer', 'issued by somebody else');
  checkAudience(claims, options.clientId);
  checkTimes(claims, { now, skew });
  // OIDC Core §2: iat is required.
  if (typeof claims['iat'] !== 'number') throw new JwtError('claim', 'iat is missing');
  if (typeof claims['sub'] !== 'string' || claims['sub'] === '')
    throw new JwtError('claim', 'sub is missing');
  if (options.nonce !== undefined && claims['nonce'] !== options.nonce)
    throw new JwtError('claim', 'nonce is not the one that was sent');
  checkHashes(claims, options, alg);
  if (options.maxAge !== undefined) {
    const authTime = claims['auth_time'];
    if (typeof authTime !== 'number' || now - authTime > options.maxAge + skew)
      throw new JwtError('claim', 'auth_time is too long ago');
  }
  return claims;
}

/** The signed ID token in an encrypted one (OIDC Core §16.14: signed, then encrypted). */
async function decrypted(
  idToken: string,
  { decryptionKey }: VerifyIdTokenOptions,
): Promise<string> {
  if (decryptionKey?.alg === undefined)
    throw new JwtError('unknown_key', 'is encrypted: the private key, with its alg, is missing');
  const { alg } = decryptionKey;
  return await decryptText(idToken, { alg, key: await importJWK(decryptionKey, alg) });
}

/** What was sent beside the token is what it was issued with (OIDC Core §3.2.2.9, §3.3.2.10). */
function checkHashes(
  claims: JwtClaims,
  { accessToken, code, state }: VerifyIdTokenOptions,
  alg: IdTokenAlg,
): void {
  const beside = [
    ['at_hash', accessToken],
    ['c_hash', code],
    ['s_hash', state],
  ] as const;
  for (const [name, text] of beside) {
    if (text === undefined || (name !== 'c_hash' && !(name in claims))) continue;
    if (claims[name] !== halfHash(text, alg))
      throw new JwtError('claim', `${name} does not fit what was sent beside the ID token`);
  }
}

function checkAudience(claims: JwtClaims, clientId: string): void {
  const aud = claims['aud'];
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(clientId)) throw new JwtError('audience', 'meant for another client');
  // OIDC Core §3.1.3.7: with several audiences azp is present, and it is this client.
  if ((audiences.length > 1 || claims['azp'] !== undefined) && claims['azp'] !== clientId)
    throw new JwtError('audience', 'azp is another client');
}

async function keyFor(
  alg: IdTokenAlg,
  kid: string | undefined,
  options: VerifyIdTokenOptions,
): Promise<Awaited<ReturnType<typeof importJWK>>> {
  if (alg === 'HS256') {
    if (options.clientSecret === undefined || options.clientSecret === '')
      throw new JwtError('unknown_key', 'HS256 needs the client secret');
    return new TextEncoder().encode(options.clientSecret);
  }
  const jwk: JWK | undefined = options.jwks?.keys.find(
    (key) => key.kid === kid && (key.alg === undefined || key.alg === alg),
  );
  if (jwk === undefined)
    throw new JwtError('unknown_key', 'signed with a key that is not in the key set');
  return await importJWK(jwk, alg);
}

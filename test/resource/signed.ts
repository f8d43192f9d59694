/** Access tokens that are JWTs (RFC 9068), made with jose as another authorization server would. */
import { randomUUID } from 'node:crypto';
import {
  CompactEncrypt,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  type JWK,
  type JWTHeaderParameters,
  SignJWT,
} from 'jose';

export const AS = 'https://as.example';
export const API = 'https://api.example/v1';
export const NOW = 1_800_000_000;

export interface Signer {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function newSigner(alg = 'ES256', kid: string = randomUUID()): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

export function keySet(...signers: readonly Signer[]): JSONWebKeySet {
  return { keys: signers.map(({ jwk }) => jwk) };
}

type Members = Readonly<Record<string, unknown>>;

/** The claims of a good token; those that are undefined are left out. */
export function goodClaims(changes: Members = {}): Record<string, unknown> {
  const all: Members = {
    iss: AS,
    aud: API,
    sub: 'alice-sub',
    client_id: 'printer',
    scope: 'photos.read photos.print',
    iat: NOW,
    exp: NOW + 300,
    jti: randomUUID(),
    ...changes,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Signs a token that is good unless told otherwise. */
export async function signToken(
  { alg, kid, privateKey }: Signer,
  claims: Members = {},
  header: Members = {},
): Promise<string> {
  const all = { alg, kid, typ: 'at+jwt', ...header };
  const kept = Object.entries(all).filter(([, value]) => value !== undefined);
  return await new SignJWT(goodClaims(claims))
    .setProtectedHeader(Object.fromEntries(kept) as unknown as JWTHeaderParameters)
    .sign(privateKey);
}

/** Encrypts a token to a key. */
export async function encryptToken(token: string, alg: string, key: CryptoKey): Promise<string> {
  return await new CompactEncrypt(new TextEncoder().encode(token))
    .setProtectedHeader({ alg, enc: 'A256GCM', cty: 'at+jwt' })
    .encrypt(key);
}

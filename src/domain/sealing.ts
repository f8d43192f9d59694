/**
 * What is signed and encrypted for a client (OIDC Core §10): its registration says with which
 * algorithms, and its keys with what. The fields are those of the features that send such objects.
 */
import { encryptText } from '../crypto/jwe.ts';
import { type JwtClaims, signJwt } from '../crypto/jwt.ts';
import type { CompleteClientMetadata } from '../protocol/client-metadata.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { IdTokenAlg } from '../protocol/names.ts';
import type { Client } from '../store/records.ts';
import { encryptionKey } from './client-keys.ts';
import { readableSecrets } from './client-secrets.ts';
import type { Context } from './context.ts';
import { OutboundError } from './outbound.ts';

/** Objects that a client may have encrypted; the names begin its fields. */
export type EncryptedObject = 'id_token' | 'userinfo' | 'authorization' | 'introspection';

/** Encrypts a JWT, or the text of a JSON object. */
export type Encrypter = (text: string, contents: 'JWT' | 'JSON') => Promise<string>;

/** The wire names of the two fields for an object (OIDC Registration §2). */
export function encryptionFieldNames(object: EncryptedObject): readonly [alg: string, enc: string] {
  return [`${object}_encrypted_response_alg`, `${object}_encrypted_response_enc`];
}

/** The wire name of the field for the algorithm that signs an object. */
export function signingFieldName(object: Exclude<EncryptedObject, 'id_token'>): string {
  return `${object}_signed_response_alg`;
}

/** Fields of a client by which its secret signs. */
export function signedBySecret(client: CompleteClientMetadata): readonly string[] {
  const others = (['userinfo', 'authorization', 'introspection'] as const)
    .map(signingFieldName)
    .filter((name) => client.fields[name] === 'HS256');
  return [
    ...(client.idTokenSignedResponseAlg === 'HS256' ? ['idTokenSignedResponseAlg'] : []),
    ...others,
  ];
}

/** What makes an object of claims. */
export type Sealer = (claims: JwtClaims) => Promise<string>;

/** An object for a client. */
export interface SealedObject {
  readonly object: EncryptedObject;
  readonly alg: IdTokenAlg;
  /** @default 'JWT' */
  readonly typ?: string;
}

/**
 * Signs, then encrypts where the client is registered so (OIDC Core §10.2). Get it before anything
 * is consumed, so that a missing key consumes nothing.
 * @throws OAuthError when no key of the client fits
 */
export async function sealerFor(
  ctx: Context,
  client: Client,
  { object, alg, typ }: SealedObject,
): Promise<Sealer> {
  const sign = await signerFor(ctx, client, alg, typ);
  const encrypt = await encrypterFor(ctx, client, object);
  return async (claims) => {
    const jwt = await sign(claims);
    return encrypt === null ? jwt : await encrypt(jwt, 'JWT');
  };
}

/** Signs claims for a client: with a key of the provider, or with its secret. */
export async function signerFor(
  ctx: Context,
  client: Client,
  alg: IdTokenAlg,
  typ = 'JWT',
): Promise<Sealer> {
  if (alg !== 'HS256') {
    const signer = await ctx.keys.signer(alg);
    return async (claims) => await signer.sign(typ, claims);
  }
  const [secret] = readableSecrets(client, ctx.vault, ctx.now());
  // OIDC Core §10.1: the octets of the client_secret are the key; a digest of it would be a secret
  // nobody else knows.
  if (secret === undefined)
    throw new Error(
      `Client ${client.clientId} has no readable secret for HS256: rotate its secret.`,
    );
  const key = new TextEncoder().encode(secret.text);
  return async (claims) => await signJwt({ alg, typ }, claims, key);
}

/**
 * Encrypts an object for a client; null for one that wants it as it is. Get it before anything is
 * consumed, so that a missing key consumes nothing.
 * @throws OAuthError when no key of the client fits
 */
export async function encrypterFor(
  ctx: Context,
  client: Client,
  object: EncryptedObject,
): Promise<Encrypter | null> {
  const [algName, encName] = encryptionFieldNames(object);
  const alg = client.fields[algName];
  if (typeof alg !== 'string') return null;
  const enc = client.fields[encName];
  return await encrypterTo(ctx, client, { alg, enc: typeof enc === 'string' ? enc : undefined });
}

/**
 * Encrypts to a key of somebody. Get it before anything is consumed, so that a missing key consumes
 * nothing.
 * @throws OAuthError when no key fits
 */
export async function encrypterTo(
  ctx: Context,
  owner: Parameters<typeof encryptionKey>[1],
  // OIDC Registration §2: A128CBC-HS256 where it is left out.
  { alg, enc = 'A128CBC-HS256' }: { readonly alg: string; readonly enc?: string | undefined },
): Promise<Encrypter> {
  const { key, kid } = await keyFor(ctx, owner, alg);
  return async (text, contents) =>
    await encryptText(text, { alg, enc, kid, ...(contents === 'JWT' ? { cty: 'JWT' } : {}) }, key);
}

async function keyFor(
  ctx: Context,
  owner: Parameters<typeof encryptionKey>[1],
  alg: string,
): Promise<NonNullable<Awaited<ReturnType<typeof encryptionKey>>>> {
  let received = 'none';
  try {
    const found = await encryptionKey(ctx, owner, alg);
    if (found !== null) return found;
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    received = error.message;
  }
  throw new OAuthError(
    'invalid_request',
    'encryption_key_missing',
    'No public key fits the registered encryption.',
    { hint: { expected: `a key for ${alg} in the jwks, or behind the jwks_uri`, received } },
  );
}

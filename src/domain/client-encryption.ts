/**
 * What is encrypted for a client (OIDC Core §10.2): its registration says with which algorithms,
 * and its keys with what. The fields are those of the features that send such objects.
 */
import { encryptText } from '../crypto/jwe.ts';
import type { CompleteClientMetadata } from '../protocol/client-metadata.ts';
import { OAuthError } from '../protocol/errors.ts';
import type { Client } from '../store/records.ts';
import { encryptionKey } from './client-keys.ts';
import type { Context } from './context.ts';
import { OutboundError } from './outbound.ts';

/** Objects that a client may have encrypted; the names begin its fields. */
export type EncryptedObject = 'id_token' | 'userinfo' | 'authorization';

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
  const others = (['userinfo', 'authorization'] as const)
    .map(signingFieldName)
    .filter((name) => client.fields[name] === 'HS256');
  return [
    ...(client.idTokenSignedResponseAlg === 'HS256' ? ['idTokenSignedResponseAlg'] : []),
    ...others,
  ];
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
  // OIDC Registration §2: A128CBC-HS256 where it is left out.
  const enc = String(client.fields[encName] ?? 'A128CBC-HS256');
  const { key, kid } = await keyFor(ctx, client, alg);
  return async (text, contents) =>
    await encryptText(text, { alg, enc, kid, ...(contents === 'JWT' ? { cty: 'JWT' } : {}) }, key);
}

async function keyFor(
  ctx: Context,
  client: Client,
  alg: string,
): Promise<NonNullable<Awaited<ReturnType<typeof encryptionKey>>>> {
  let received = 'none';
  try {
    const found = await encryptionKey(ctx, client, alg);
    if (found !== null) return found;
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error;
    received = error.message;
  }
  throw new OAuthError(
    'invalid_request',
    'encryption_key_missing',
    'No key of the client fits its registered encryption.',
    { hint: { expected: `a key for ${alg} in its jwks, or behind its jwks_uri`, received } },
  );
}

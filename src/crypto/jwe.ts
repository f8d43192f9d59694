/**
 * Encrypted JWTs (RFC 7516, compact serialization). jose does the work; this file says which
 * algorithms there are, and bounds what is decrypted.
 */
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';
import { JwtError, type JwtKey } from './jwt.ts';

/** Algorithms that encrypt the content (RFC 7518 §5.1). */
export const CONTENT_ENCRYPTION_ALGS: readonly string[] = [
  'A128CBC-HS256',
  'A256CBC-HS512',
  'A128GCM',
  'A256GCM',
];

const MOST_CHARACTERS = 32 * 1024;

/** What the header of an encrypted JWT says. */
export interface JweHeader {
  readonly alg: string;
  readonly enc: string;
  /** Of the key that decrypts. */
  readonly kid?: string | undefined;
  /** `JWT` where the content is one (RFC 7519 §5.2). */
  readonly cty?: string;
}

/** Encrypts a text for the owner of a public key. */
export async function encryptText(
  text: string,
  { kid, cty, ...header }: JweHeader,
  key: JwtKey['key'],
): Promise<string> {
  return await new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader({
      ...header,
      ...(kid === undefined ? {} : { kid }),
      ...(cty === undefined ? {} : { cty }),
    })
    .encrypt(key as Parameters<CompactEncrypt['encrypt']>[0]);
}

/** True for a text in the shape of an encrypted JWT: five parts. */
export function isEncrypted(text: string): boolean {
  return text.split('.', 6).length === 5;
}

/** The header of an encrypted JWT, unverified. @throws JwtError `malformed` */
export function peekJwe(jwe: string): JweHeader {
  try {
    if (jwe.length > MOST_CHARACTERS) throw new Error('too long');
    const { alg, enc, kid } = decodeProtectedHeader(jwe);
    if (typeof alg !== 'string' || typeof enc !== 'string') throw new Error('no alg, or no enc');
    return { alg, enc, kid };
  } catch (cause) {
    throw new JwtError('malformed', 'the encrypted JWT cannot be read', cause);
  }
}

/**
 * Decrypts with the key and the algorithm that was chosen for it.
 * @throws JwtError `malformed` or `algorithm`
 */
export async function decryptText(jwe: string, { alg, key }: JwtKey): Promise<string> {
  const { alg: used } = peekJwe(jwe);
  // RFC 7516 §5.2: the algorithm is one that the recipient accepts for this key.
  if (used !== alg) throw new JwtError('algorithm', `encrypted with ${used}, expected ${alg}`);
  try {
    const { plaintext } = await compactDecrypt(jwe, key as Parameters<typeof compactDecrypt>[1], {
      keyManagementAlgorithms: [alg],
      contentEncryptionAlgorithms: [...CONTENT_ENCRYPTION_ALGS],
    });
    return new TextDecoder().decode(plaintext);
  } catch (cause) {
    // A key in its header (epk) can be wrong in ways that are no errors of jose.
    throw new JwtError('malformed', 'the encrypted JWT cannot be decrypted', cause);
  }
}

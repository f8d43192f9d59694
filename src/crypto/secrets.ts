/**
 * Handles and seals. A handle is a random text we hand out and keep only as a digest; its prefix separates kinds, so that a code
 * can never be taken for a token; its checksum tells a damaged handle from a wrong one without asking the store.
 * A seal is AES-256-GCM under a key derived from the provider's secret, for one purpose.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { deriveKey, equalSecrets, sha256 } from './bytes.ts';

/** Source of randomness: `size` bytes. */
export type Random = (size: number) => Uint8Array;

/** Kinds of handles, by their prefix. */
export const HANDLE_PREFIX = {
  accessToken: 'vkat_',
  refreshToken: 'vkrt_',
  code: 'vkac_',
  session: 'vkss_',
  browser: 'vkbr_',
  interaction: 'vkin_',
  clientSecret: 'vkcs_',
} as const;
export type HandleKind = keyof typeof HANDLE_PREFIX;

const CHECKSUM_LENGTH = 6;
const BODY = /^[A-Za-z0-9_-]+$/;

function checksum(text: string): string {
  return sha256(text).slice(0, CHECKSUM_LENGTH);
}

/** Makes the text of a handle from its body. */
export function formatHandle(kind: HandleKind, body: string): string {
  const text = HANDLE_PREFIX[kind] + body;
  return text + checksum(text);
}

/** A new handle with 256 random bits. */
export function newHandle(kind: HandleKind, random: Random): string {
  return formatHandle(kind, base64url(random(32)));
}

/** The body of a well-formed handle of this kind, else null. */
export function parseHandle(kind: HandleKind, text: string): string | null {
  const prefix = HANDLE_PREFIX[kind];
  if (text.length > 256 || !text.startsWith(prefix)) return null;
  const rest = text.slice(prefix.length);
  const body = rest.slice(0, -CHECKSUM_LENGTH);
  if (!BODY.test(body) || rest.slice(-CHECKSUM_LENGTH) !== checksum(prefix + body)) return null;
  return body;
}

/**
 * A refresh token is a family part (128 bits, constant over the family) and a part of its own (256 bits). The family is found by the
 * digest of the first, so that an outdated token is still recognised as one of the family.
 */
export function newRefreshToken(familyPart: string, random: Random): string {
  return formatHandle('refreshToken', familyPart + base64url(random(32)));
}

/** The successor of a refresh token: same family part, new rest. */
export function nextRefreshToken(refreshToken: string, random: Random): string {
  const part = familyPart(refreshToken);
  if (part === null) throw new Error('not a refresh token');
  return newRefreshToken(part, random);
}

/** The family part for a new family: 22 characters. */
export function newFamilyPart(random: Random): string {
  return base64url(random(16));
}

/** The family part of a well-formed refresh token, else null. */
export function familyPart(refreshToken: string): string | null {
  const body = parseHandle('refreshToken', refreshToken);
  return body !== null && body.length === 22 + 43 ? body.slice(0, 22) : null;
}

/** Random bytes as base64url. */
export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/** Seals and MACs under the provider's secret, for named purposes. */
export interface Vault {
  /** Seals text for a purpose. */
  seal(purpose: string, plaintext: string): string;
  /** Opens what `seal` made for the same purpose, under the current or an earlier secret; null when it is anything else. */
  open(purpose: string, sealed: string): string | null;
  /** A keyed digest for a purpose, under the current secret. */
  mac(purpose: string, text: string): string;
  /** True when `presented` is the keyed digest of the text, under the current or an earlier secret. */
  matches(purpose: string, text: string, presented: string): boolean;
}

/**
 * @param secrets base64url or any text of at least 32 bytes of entropy, the current one first; the others only open
 * @param issuer what one issuer sealed no other opens, also under a secret they share
 */
export function createVault(secrets: readonly string[], issuer: string, random: Random): Vault {
  const keys = new Map<string, Buffer>();
  const keyFor = (secret: string, purpose: string): Buffer => {
    const name = `${purpose}\0${secret}`;
    let key = keys.get(name);
    if (key === undefined) {
      key = deriveKey(secret, `${issuer}\n${purpose}`);
      keys.set(name, key);
    }
    return key;
  };
  const [current] = secrets;
  if (current === undefined) throw new Error('a vault needs a secret');
  return {
    seal(purpose, plaintext) {
      // A key for each message: anybody can make us seal, and the nonces of one key are not without end.
      const salt = base64url(random(16));
      return (
        salt + sealWith(messageKey(keyFor(current, `seal ${purpose}`), salt), plaintext, random)
      );
    },
    open(purpose, sealed) {
      for (const secret of secrets) {
        const key = messageKey(keyFor(secret, `seal ${purpose}`), sealed.slice(0, SALT_LENGTH));
        const plaintext = openWith(key, sealed.slice(SALT_LENGTH));
        if (plaintext !== null) return plaintext;
      }
      return null;
    },
    mac: (purpose, text) => macWith(keyFor(current, `mac ${purpose}`), text),
    matches: (purpose, text, presented) =>
      secrets.some((secret) =>
        equalSecrets(macWith(keyFor(secret, `mac ${purpose}`), text), presented),
      ),
  };
}

/** 16 bytes in base64url. */
const SALT_LENGTH = 22;

function messageKey(key: Uint8Array, salt: string): Buffer {
  return createHmac('sha256', key).update(salt).digest();
}

function macWith(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

/** AES-256-GCM: base64url of nonce (12 bytes), tag (16 bytes), ciphertext. */
export function sealWith(key: Uint8Array, plaintext: string, random: Random): string {
  const nonce = random(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]).toString('base64url');
}

/** The plaintext, or null when key or text is not the right one. */
export function openWith(key: Uint8Array, sealed: string): string | null {
  if (!BODY.test(sealed)) return null;
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < 28) return null;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
  decipher.setAuthTag(bytes.subarray(12, 28));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

/**
 * Seals and keyed digests under the provider's secret. A seal is AES-256-GCM under a key that is
 * derived for one purpose, so that a text sealed for one purpose does not open for another. What is
 * sealed, and how long it is valid, is left to the callers.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { deriveKey, equalSecrets } from './bytes.ts';
import { base64url, type Random } from './handles.ts';

const SEALED = /^[A-Za-z0-9_-]+$/;

/**
 * Seals (authenticated encryption) and keyed digests under the provider's secret. A purpose is a
 * name: values for one purpose are not accepted for another.
 */
export interface Vault {
  /** Seals a text under the current secret. The result is base64url. */
  seal(purpose: string, plaintext: string): string;
  /**
   * The text that was sealed for the same purpose under the current or an earlier secret; null for
   * any other input.
   */
  open(purpose: string, sealed: string): string | null;
  /** The keyed digest of a text under the current secret: base64url, 43 characters. */
  mac(purpose: string, text: string): string;
  /**
   * The keyed digests of a text under every secret, the current one first. For lookups of records
   * that were stored under an earlier secret.
   */
  macs(purpose: string, text: string): readonly string[];
  /** True if `presented` is the keyed digest of the text under the current or an earlier secret. */
  matches(purpose: string, text: string, presented: string): boolean;
}

/**
 * A vault under these secrets.
 * @param secrets texts with at least 32 bytes of entropy. The first one seals; all of them open
 * @param issuer is part of every key, so that an issuer cannot open a text that another issuer
 * sealed under the same secret
 * @throws Error when `secrets` is empty
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
      // Each message gets a key of its own, because anybody can cause any number of seals, and one
      // key with random nonces is safe only for a limited number of messages.
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
    macs: (purpose, text) =>
      secrets.map((secret) => macWith(keyFor(secret, `mac ${purpose}`), text)),
    matches: (purpose, text, presented) =>
      secrets.some((secret) =>
        equalSecrets(macWith(keyFor(secret, `mac ${purpose}`), text), presented),
      ),
  };
}

/** Characters of a salt of 16 bytes in base64url. */
const SALT_LENGTH = 22;

function messageKey(key: Uint8Array, salt: string): Buffer {
  return createHmac('sha256', key).update(salt).digest();
}

function macWith(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

/**
 * Seals a text with a key of 32 bytes (AES-256-GCM). The result is the base64url of nonce (12
 * bytes), tag (16 bytes) and ciphertext.
 */
export function sealWith(key: Uint8Array, plaintext: string, random: Random): string {
  const nonce = random(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]).toString('base64url');
}

/** The text that `sealWith` sealed with this key; null if the key or the sealed text is wrong. */
export function openWith(key: Uint8Array, sealed: string): string | null {
  if (!SEALED.test(sealed)) return null;
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

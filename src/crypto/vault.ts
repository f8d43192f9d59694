/**
 * Seals and keyed digests under the provider's secret. A seal is AES-256-GCM under a key derived
 * for one purpose, so that nothing sealed for one purpose opens for another.
 */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { deriveKey, equalSecrets } from './bytes.ts';
import { base64url, type Random } from './handles.ts';

const SEALED = /^[A-Za-z0-9_-]+$/;

/** Seals and MACs under the provider's secret, for named purposes. */
export interface Vault {
  /** Seals text for a purpose. */
  seal(purpose: string, plaintext: string): string;
  /**
   * Opens what `seal` made for the same purpose, under the current or an earlier secret; null when
   * it is anything else.
   */
  open(purpose: string, sealed: string): string | null;
  /** A keyed digest for a purpose, under the current secret. */
  mac(purpose: string, text: string): string;
  /** The keyed digests for a purpose under every secret, the current one first: for look-ups. */
  macs(purpose: string, text: string): readonly string[];
  /**
   * True when `presented` is the keyed digest of the text, under the current or an earlier secret.
   */
  matches(purpose: string, text: string, presented: string): boolean;
}

/**
 * @param secrets texts of at least 32 bytes of entropy, the current one first; the others only open
 * @param issuer part of every key: no issuer opens what another one sealed under the same secret
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
      // A key for each message: anybody can make us seal, and the nonces of one key run out.
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

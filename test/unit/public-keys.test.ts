/** Which public keys of others may prove anything. */
import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { importPublicKey, thumbprintOf } from '../../src/crypto/public-keys.ts';

const jwk = (bits: number, publicExponent = 65_537): Record<string, unknown> => ({
  ...generateKeyPairSync('rsa', { modulusLength: bits, publicExponent }).publicKey.export({
    format: 'jwk',
  }),
});

it.each([
  ['a short modulus', () => jwk(1024)],
  ['a modulus that is slow to verify with', () => ({ ...jwk(2048), n: `_${'A'.repeat(1000)}w` })],
  ['the exponent 1', () => ({ ...jwk(2048), e: 'AQ' })],
  ['an even exponent', () => ({ ...jwk(2048), e: 'AQAA' })],
  [
    'an exponent as long as the modulus',
    () => ({ ...jwk(2048), e: Buffer.alloc(256, 0x7f).toString('base64url') }),
  ],
  ['an exponent of 33 bits', () => ({ ...jwk(2048), e: 'AQAAAAE' })],
])('[RFC8725 §3.2] JW-11 an RSA key with %s is refused', (_what, make) => {
  expect(importPublicKey(make())).toBeNull();
});

it('[RFC7638 §3] one key has one thumbprint, however its numbers are written', async () => {
  const plain = jwk(2048);
  const padded = { ...plain, n: Buffer.concat([Buffer.alloc(1), numberOf(plain['n'])]) };
  const spelled = { ...plain, n: padded.n.toString('base64url') };
  const keys = [importPublicKey(plain), importPublicKey(spelled)];
  const prints = await Promise.all(keys.map(async (key) => key && (await thumbprintOf(key))));
  expect(prints[0]).toMatch(/^[\w-]{43}$/);
  expect(prints[1]).toBe(prints[0]);
});

const numberOf = (text: unknown): Buffer => Buffer.from(String(text), 'base64url');

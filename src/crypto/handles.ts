/**
 * Handles: random texts that clients and browsers hold and that the store keeps only as digests.
 * The prefix separates the kinds, so that a code is never accepted as a token. The checksum detects
 * a damaged handle without a lookup in the store. What a handle stands for is left to `domain`.
 */
import { sha256 } from './bytes.ts';

/** A source of cryptographically secure random bytes. It returns `size` bytes. */
export type Random = (size: number) => Uint8Array;

/** The kinds of handles of the core, with their prefixes. */
export const HANDLE_PREFIX = {
  accessToken: 'vkat_',
  refreshToken: 'vkrt_',
  code: 'vkac_',
  session: 'vkss_',
  browser: 'vkbr_',
  interaction: 'vkin_',
  clientSecret: 'vkcs_',
} as const;

/**
 * A kind of the core, or the prefix of a kind that a feature adds: `vk`, two letters of its own,
 * then `_`.
 */
export type HandleKind = keyof typeof HANDLE_PREFIX | `vk${string}_`;

const CHECKSUM_LENGTH = 6;
const BODY = /^[A-Za-z0-9_-]+$/;

function prefixOf(kind: HandleKind): string {
  return kind in HANDLE_PREFIX ? HANDLE_PREFIX[kind as keyof typeof HANDLE_PREFIX] : kind;
}

function checksum(text: string): string {
  return sha256(text).slice(0, CHECKSUM_LENGTH);
}

/** The text of a handle: prefix, body, checksum. */
export function formatHandle(kind: HandleKind, body: string): string {
  const text = prefixOf(kind) + body;
  return text + checksum(text);
}

/** A new handle with 256 random bits: 54 characters with a prefix of 5 characters. */
export function newHandle(kind: HandleKind, random: Random): string {
  return formatHandle(kind, base64url(random(32)));
}

/**
 * The body of a well-formed handle of this kind; null for any other text. A well-formed handle may
 * still be unknown: look it up by its digest.
 */
export function parseHandle(kind: HandleKind, text: string): string | null {
  const prefix = prefixOf(kind);
  if (text.length > 256 || !text.startsWith(prefix)) return null;
  const rest = text.slice(prefix.length);
  const body = rest.slice(0, -CHECKSUM_LENGTH);
  if (!BODY.test(body) || rest.slice(-CHECKSUM_LENGTH) !== checksum(prefix + body)) return null;
  return body;
}

/**
 * A new refresh token. Its body is the family part (128 bits, the same in the whole family) and 256
 * random bits. The family is found by the digest of the family part, so that a replaced refresh
 * token is still recognised as one of its family.
 */
export function newRefreshToken(part: string, random: Random): string {
  return formatHandle('refreshToken', part + base64url(random(32)));
}

/**
 * The successor of a refresh token: the same family part with new random bits.
 * @throws Error when the text is not a refresh token
 */
export function nextRefreshToken(refreshToken: string, random: Random): string {
  const part = familyPart(refreshToken);
  if (part === null) throw new Error('not a refresh token');
  return newRefreshToken(part, random);
}

/** The family part of a new family: 22 characters, base64url. */
export function newFamilyPart(random: Random): string {
  return base64url(random(16));
}

/** The family part of a well-formed refresh token; null for any other text. */
export function familyPart(refreshToken: string): string | null {
  const body = parseHandle('refreshToken', refreshToken);
  return body !== null && body.length === 22 + 43 ? body.slice(0, 22) : null;
}

/** Bytes as base64url without padding. */
export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

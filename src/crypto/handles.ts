/**
 * Handles: random texts that we hand out and keep only as digests. The prefix separates kinds, so
 * that a code can never be taken for a token. The checksum tells a damaged handle from a wrong one
 * without asking the store.
 */
import { sha256 } from './bytes.ts';

/** Source of randomness: `size` bytes. */
export type Random = (size: number) => Uint8Array;

/** Kinds of handles with their prefixes. A feature chooses a prefix of its own for its kind. */
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
 * A kind of the core, or the prefix of a feature's own kind: `vk` and two letters, `_` at its end.
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

/** Makes the text of a handle from its body. */
export function formatHandle(kind: HandleKind, body: string): string {
  const text = prefixOf(kind) + body;
  return text + checksum(text);
}

/** A new handle with 256 random bits. */
export function newHandle(kind: HandleKind, random: Random): string {
  return formatHandle(kind, base64url(random(32)));
}

/** The body of a well-formed handle of this kind; null for anything else. */
export function parseHandle(kind: HandleKind, text: string): string | null {
  const prefix = prefixOf(kind);
  if (text.length > 256 || !text.startsWith(prefix)) return null;
  const rest = text.slice(prefix.length);
  const body = rest.slice(0, -CHECKSUM_LENGTH);
  if (!BODY.test(body) || rest.slice(-CHECKSUM_LENGTH) !== checksum(prefix + body)) return null;
  return body;
}

/**
 * A refresh token is a family part (128 bits, the same in the whole family) and a part of its own
 * (256 bits). The family is found by the digest of the first, so that an outdated token is still
 * recognised as one of the family.
 */
export function newRefreshToken(part: string, random: Random): string {
  return formatHandle('refreshToken', part + base64url(random(32)));
}

/** The successor of a refresh token: the same family part, a new rest. */
export function nextRefreshToken(refreshToken: string, random: Random): string {
  const part = familyPart(refreshToken);
  if (part === null) throw new Error('not a refresh token');
  return newRefreshToken(part, random);
}

/** The family part for a new family: 22 characters. */
export function newFamilyPart(random: Random): string {
  return base64url(random(16));
}

/** The family part of a well-formed refresh token; null for anything else. */
export function familyPart(refreshToken: string): string | null {
  const body = parseHandle('refreshToken', refreshToken);
  return body !== null && body.length === 22 + 43 ? body.slice(0, 22) : null;
}

/** Random bytes as base64url. */
export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/**
 * Records that are used at most once: making one, and whether one is still of use. The law is the
 * store's.
 */
import type { Digest, OneTimeRecord, Seconds } from '../store/records.ts';

/** What differs from record to record. */
export interface OneTimeFacts {
  /** Whose record it is: the name of a feature, or of one of its kinds. At most 64 characters. */
  readonly kind: string;
  /** Digest of the handle. */
  readonly digest: Digest;
  /** Digest of a second handle, where there is one. @default null */
  readonly secondKey?: Digest | null;
  /** What is kept in it; seal what is secret. @default '' */
  readonly payload?: string;
  /** When it expires. */
  readonly expiresAt: Seconds;
}

/** A record for `store.oneTime.put`. */
export function newOneTimeRecord({
  kind,
  digest,
  secondKey = null,
  payload = '',
  expiresAt,
}: OneTimeFacts): OneTimeRecord {
  return { kind, digest, secondKey, payload, version: 1, consumedAt: null, expiresAt };
}

/** True for a record that is there, not consumed and not expired. */
export function isUsable(record: OneTimeRecord | null, now: Seconds): record is OneTimeRecord {
  return record !== null && record.consumedAt === null && record.expiresAt > now;
}

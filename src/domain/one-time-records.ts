/**
 * Records that are used at most once: making one, and whether one is still of use. The law is the
 * store's.
 */
import type { Digest, OneTimeRecord, Seconds } from '../store/records.ts';
import type { Context } from './context.ts';

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

/** What was used in a request, by the request. */
const usedIn = new WeakMap<object, Set<string>>();

/**
 * Uses up what a client may send once, such as the `jti` of a JWT: of any number of requests at any
 * number of nodes one gets true. That one may ask several times, because it is judged again when
 * another node changes its client.
 * @param request the request that uses it
 */
export async function useOnce(
  { store }: Pick<Context, 'store'>,
  request: object,
  facts: Pick<OneTimeFacts, 'kind' | 'digest' | 'expiresAt'>,
): Promise<boolean> {
  const key = `${facts.kind} ${facts.digest}`;
  const used = usedIn.get(request) ?? new Set();
  if (used.has(key)) return true;
  if (!(await store.oneTime.put(newOneTimeRecord(facts)))) return false;
  usedIn.set(request, used.add(key));
  return true;
}

/** True for a record that is there, not consumed and not expired. */
export function isUsable(record: OneTimeRecord | null, now: Seconds): record is OneTimeRecord {
  return record !== null && record.consumedAt === null && record.expiresAt > now;
}

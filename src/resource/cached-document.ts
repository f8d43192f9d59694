/**
 * A document of an authorization server in memory: read once for all who wait, again when it is
 * old, and kept when the server does not answer for a while.
 */
import { SourceUnavailable } from './token-facts.ts';

/** What was read. */
export interface ReadDocument<Value> {
  readonly value: Value;
  /** Seconds for which it is fresh, as its headers say; null where they do not. */
  readonly freshFor: number | null;
}

/** A document in memory. */
export interface CachedDocument<Value> {
  /** The document. @throws SourceUnavailable when it was never read, or too long ago */
  get(): Promise<Value>;
  /**
   * The document, read again because something is missing in it; null when that happened a moment
   * ago, or does not succeed.
   */
  renewed(): Promise<Value | null>;
}

/** Seconds for which a document is fresh: at least, unless it says, at most. */
const [LEAST, USUAL, MOST] = [60, 600, 86_400];
/** Seconds for which an old document is kept while a new one cannot be read. */
const KEPT = 86_400;
/** Seconds between two attempts, after one that failed, and because something is missing. */
const [PAUSE, AGAIN] = [5, 30];

export function cachedDocument<Value>(
  read: () => Promise<ReadDocument<Value>>,
  now: () => number,
): CachedDocument<Value> {
  let known: { readonly value: Value; readonly readAt: number; readonly until: number } | null =
    null;
  let failed: { readonly at: number; readonly error: unknown } | null = null;
  let running: Promise<Value> | null = null;

  const load = async (): Promise<Value> => {
    try {
      const { value, freshFor } = await read();
      const seconds = Math.min(Math.max(freshFor ?? USUAL, LEAST), MOST);
      known = { value, readAt: now(), until: now() + seconds };
      failed = null;
      return value;
    } catch (error) {
      failed = { at: now(), error };
      throw error;
    } finally {
      running = null;
    }
  };
  const once = async (): Promise<Value> => {
    running ??= load();
    return await running;
  };
  const isPaused = (): boolean => failed !== null && now() - failed.at < PAUSE;

  return {
    async get() {
      if (known !== null && now() < known.until) return known.value;
      try {
        if (isPaused()) throw failed?.error;
        return await once();
      } catch (error) {
        if (known !== null && now() < known.until + KEPT) return known.value;
        throw error instanceof SourceUnavailable
          ? error
          : new SourceUnavailable('a document of the authorization server cannot be read', error);
      }
    },
    async renewed() {
      const readAt = known?.readAt ?? Number.NEGATIVE_INFINITY;
      const failedAt = failed?.at ?? Number.NEGATIVE_INFINITY;
      if (running === null && now() - Math.max(readAt, failedAt) < AGAIN) return null;
      return await once().catch(() => null);
    },
  };
}

/** The seconds for which `Cache-Control` and `Age` call an answer fresh (RFC 9111 §4.2). */
export function freshFor(headers: Headers): number | null {
  const control = (headers.get('cache-control') ?? '').toLowerCase();
  if (/(?:^|[\s,])no-(?:store|cache)(?:$|[\s,=])/.test(control)) return 0;
  const [, seconds] = /(?:^|[\s,])max-age="?(\d{1,9})/.exec(control) ?? [];
  if (seconds === undefined) return null;
  const age = Number(headers.get('age') ?? 0);
  return Number(seconds) - (Number.isFinite(age) && age > 0 ? age : 0);
}

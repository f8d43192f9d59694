/**
 * Documents in memory, those under way, and pauses after failures: what the HTTP client of the
 * provider (`outbound.ts`) keeps, so that nobody has it ask a host again and again.
 */
import { LRUCache } from 'lru-cache';
import type { Ages, Moment } from '../domain/freshness.ts';
import { isSilence, OutboundError, type OutboundProblem } from '../domain/outbound.ts';
import type { OutboundTarget } from './outbound-rules.ts';

/** Milliseconds from the request to the last byte. */
export const DEADLINE = 5000;
/** Documents of one kind under way at once: in all, and from one host. */
const MOST_AT_ONCE = 32;
export const MOST_FROM_HOST = 4;
/** Bytes of memory for the documents of one kind, and most of them. */
const [MEMORY, MOST_KEPT] = [16 * 1024 * 1024, 2000];
/** Seconds in which a document is fetched anew at most once. */
const AGAIN = 60;
/** Seconds for which a document is good beyond its time, while its host does not answer. */
const STALE = 3600;
/** Seconds of the first pause after a host did not answer, and of the longest. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [60, 900];
/** Seconds after a response that is no good document. */
const BAD_RESPONSE = 1;

/** What a response is read as. */
export interface Wanted<Value> {
  readonly accept: string;
  readonly mostBytes: number;
  readonly types?: readonly string[];
  /** Bytes of memory for a byte of the body. */
  readonly weight: number;
  readonly beforeFetch?: () => Promise<void>;
  /** Another one is another document. @default '' */
  readonly variant?: string;
  /** @throws OutboundError */
  read(body: Buffer): Value;
}

/** A document in memory. */
export interface Kept<Value> {
  readonly value: Value;
  readonly bytes: number;
  readonly fetched: Moment;
  readonly freshFor: number;
}

interface Failure {
  readonly problem: OutboundProblem;
  readonly message: string;
  readonly since: Moment;
  readonly seconds: number;
}

/** Fetches one document. @throws what went wrong */
export type FetchFrom = <Value>(
  target: OutboundTarget,
  wanted: Wanted<Value>,
) => Promise<Omit<Kept<Value>, 'fetched'>>;

interface Shelved<Value> {
  readonly value: Value;
  readonly isNew: boolean;
  readonly fetchedAt: number;
}

interface Shelf<Value> {
  /** From memory while it is fresh. */
  fresh(target: OutboundTarget, wanted: Wanted<Value>): Promise<Shelved<Value>>;
  /** From memory only if it was fetched just now. */
  again(target: OutboundTarget, wanted: Wanted<Value>): Promise<Shelved<Value>>;
}

/**
 * Documents of one kind: those in memory, those under way, and pauses after failures. Each kind has
 * its own, so that no JSON is ever taken for a picture, and pictures that are slow to come hold up
 * no keys.
 */
export function shelf<Value>(fetchFrom: FetchFrom, ages: Ages): Shelf<Value> {
  const kept = new LRUCache<string, Kept<Value>>({
    max: MOST_KEPT,
    maxSize: MEMORY,
    sizeCalculation: ({ bytes }) => bytes,
  });
  const failures = new LRUCache<string, Failure>({ max: 10_000 });
  const underWay = new Map<string, Promise<Kept<Value>>>();
  const perHost = new Map<string, number>();

  const refuseKnown = (key: string): void => {
    const failure = failures.get(key);
    if (failure !== undefined && ages.isWithin(failure.since, failure.seconds))
      throw new OutboundError(failure.problem, failure.message);
  };
  const failed = ({ url }: OutboundTarget, { problem, message, cause }: OutboundError): void => {
    if (problem === 'busy') return;
    // Behind one host may be the documents of many: what one address does says nothing of others.
    const key = problem === 'address' || isWithoutConnection(cause) ? url.host : url.href;
    const before = failures.get(key)?.seconds ?? 0;
    const seconds =
      problem === 'address' || isSilence(problem)
        ? Math.min(Math.max(2 * before, FIRST_PAUSE), LONGEST_PAUSE)
        : BAD_RESPONSE;
    failures.set(key, { problem, message, since: ages.now(), seconds });
  };
  const fetchNow = async (
    key: string,
    target: OutboundTarget,
    wanted: Wanted<Value>,
  ): Promise<Kept<Value>> => {
    const { host, href } = target.url;
    refuseKnown(host);
    refuseKnown(href);
    const here = perHost.get(host) ?? 0;
    if (underWay.size >= MOST_AT_ONCE || here >= MOST_FROM_HOST)
      throw new OutboundError('busy', 'too many documents are fetched at once');
    perHost.set(host, here + 1);
    try {
      const entry = { ...(await fetchFrom(target, wanted)), fetched: ages.now() };
      failures.delete(host);
      failures.delete(href);
      kept.set(key, entry);
      return entry;
    } catch (error) {
      const known = error instanceof OutboundError ? error : problemOf(error);
      failed(target, known);
      throw known;
    } finally {
      const left = (perHost.get(host) ?? 1) - 1;
      if (left === 0) perHost.delete(host);
      else perHost.set(host, left);
    }
  };
  /** One fetch for all that wait. */
  const shared = async (
    key: string,
    target: OutboundTarget,
    wanted: Wanted<Value>,
  ): Promise<Shelved<Value>> => {
    refuseKnown(target.url.host);
    refuseKnown(target.url.href);
    // Each caller is counted by its own limit, also one that waits for a fetch under way.
    await wanted.beforeFetch?.();
    let fetching = underWay.get(key);
    if (fetching === undefined) {
      fetching = fetchNow(key, target, wanted);
      underWay.set(key, fetching);
      // Who waits for it hears of a failure.
      fetching.catch(() => undefined).finally(() => underWay.delete(key));
    }
    const { value, fetched } = await fetching;
    return { value, isNew: true, fetchedAt: fetched.at };
  };
  return {
    async fresh(target, wanted) {
      const key = keyOf(target, wanted);
      const entry = kept.get(key);
      if (entry === undefined) return await shared(key, target, wanted);
      const { value, fetched } = entry;
      if (ages.isWithin(fetched, entry.freshFor))
        return { value, isNew: false, fetchedAt: fetched.at };
      return await shared(key, target, wanted).catch((error: unknown) => {
        const isSilent = error instanceof OutboundError && isSilence(error.problem);
        if (isSilent && ages.isWithin(fetched, entry.freshFor + STALE))
          return { value, isNew: false, fetchedAt: fetched.at };
        throw error;
      });
    },
    async again(target, wanted) {
      const key = keyOf(target, wanted);
      const entry = kept.get(key);
      if (entry !== undefined && ages.isWithin(entry.fetched, AGAIN))
        return { value: entry.value, isNew: false, fetchedAt: entry.fetched.at };
      return await shared(key, target, wanted);
    },
  };
}

/** What was read by other rules is another document. An address holds no space. */
function keyOf<Value>(
  { url }: OutboundTarget,
  { mostBytes, types = [], variant = '' }: Wanted<Value>,
): string {
  return [url.href, mostBytes, ...types, variant].join(' ');
}

/** Whether there was no connection at all, so that nothing else at the host can be had either. */
function isWithoutConnection(cause: unknown): boolean {
  const { code, syscall } = (cause ?? {}) as {
    readonly code?: unknown;
    readonly syscall?: unknown;
  };
  const isLookUpOrConnect = ['connect', 'getaddrinfo'].includes(String(syscall));
  return isLookUpOrConnect || code === 'UND_ERR_CONNECT_TIMEOUT' || /CERT|TLS/.test(String(code));
}

/** What a request without an answer means. */
export function problemOf(cause: unknown): OutboundError {
  const { code, name } = (cause ?? {}) as { readonly code?: unknown; readonly name?: unknown };
  const isLate = name === 'TimeoutError' || /TIMEOUT$/.test(String(code));
  return isLate
    ? new OutboundError(
        'timeout',
        `the host did not answer within ${DEADLINE / 1000} seconds`,
        cause,
      )
    : new OutboundError('unreachable', 'the host cannot be reached', cause);
}

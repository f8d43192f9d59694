/**
 * The one HTTP client of the provider. Others choose the addresses, so every host is resolved once,
 * each of its addresses is checked, and the connection goes to a checked one: a name that resolves
 * to something else a moment later gains nothing. No redirects, one deadline, one size.
 */
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { Agent, Dispatcher } from 'undici';
import type { Ages, Moment } from '../domain/freshness.ts';
import {
  type DocumentRules,
  type Outbound,
  OutboundError,
  type OutboundProblem,
  type Picture,
} from '../domain/outbound.ts';
import { freshFor, isPublic, type OutboundTarget, outboundTarget } from './outbound-rules.ts';
import { pictureType } from './pictures.ts';

/** Milliseconds from the request to the last byte. */
const DEADLINE = 5000;
const [MOST_BYTES, MOST_OF_PICTURE] = [65_536, 200_000];
/** Documents of one kind under way at once: in all, and from one host. */
const [MOST_AT_ONCE, MOST_FROM_HOST] = [32, 4];
/** Bytes of memory for the documents of one kind, and most of them. */
const [MEMORY, MOST_KEPT] = [16 * 1024 * 1024, 2000];
/** A JSON value takes more memory than its text. */
const VALUE_OF_TEXT = 8;
/** Seconds in which a document is fetched anew at most once. */
const AGAIN = 60;
/** Seconds for which a document is good beyond its time, while its host does not answer. */
const STALE = 3600;
const DOES_NOT_ANSWER = ['unreachable', 'timeout', 'busy'];
/** Seconds of the first pause after a host did not answer, and of the longest. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [60, 900];
/** Seconds after a response that is no good document. */
const BAD_RESPONSE = 1;

/** What a response is read as. */
interface Wanted<Value> {
  readonly accept: string;
  readonly mostBytes: number;
  readonly types?: readonly string[];
  /** Bytes of memory for a byte of the body. */
  readonly weight: number;
  readonly beforeFetch?: () => Promise<void>;
  /** @throws OutboundError */
  read(body: Buffer): Value;
}

const PICTURE: Wanted<Picture> = {
  accept: 'image/*',
  mostBytes: MOST_OF_PICTURE,
  weight: 1,
  read: readPicture,
};

function jsonOf({ mostBytes = MOST_BYTES, ...rules }: DocumentRules): Wanted<unknown> {
  const accept = 'application/json, */*;q=0.1';
  return { ...rules, accept, mostBytes, weight: VALUE_OF_TEXT, read: readJson };
}

interface Kept<Value> {
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

/** All addresses of a host name. */
export type Resolve = typeof systemLookup;

/** What the client is made of. */
export interface OutboundParts {
  /** Origins that the operator named: they may be inside the network, and http. */
  readonly allowed: readonly string[];
  readonly ages: Ages;
  /** @default the resolver of the system */
  readonly resolve?: Resolve;
}

export function createOutbound({ allowed, ages, resolve = systemLookup }: OutboundParts): Outbound {
  const agents = { named: agentOf(anyAddress(resolve)), public: agentOf(checked(resolve)) };
  const fetchFrom: FetchFrom = async (target, wanted) =>
    await fetchDocument(
      await (target.isNamed ? agents.named : agents.public)(),
      target.url,
      wanted,
    );
  const documents = shelf<unknown>(fetchFrom, ages);
  const pictures = shelf<Picture>(fetchFrom, ages);
  const targetOf = (url: string): OutboundTarget => outboundTarget(url, allowed);
  return {
    json: async (url, rules = {}) => await documents.fresh(targetOf(url), jsonOf(rules)),
    again: async (url, rules = {}) => await documents.again(targetOf(url), jsonOf(rules)),
    picture: async (url) => (await pictures.fresh(targetOf(url), PICTURE)).value,
    async close() {
      for (const agent of Object.values(agents)) await agent.close();
    },
  };
}

type FetchFrom = <Value>(
  target: OutboundTarget,
  wanted: Wanted<Value>,
) => Promise<Omit<Kept<Value>, 'fetched'>>;

interface Shelved<Value> {
  readonly value: Value;
  readonly isNew: boolean;
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
function shelf<Value>(fetchFrom: FetchFrom, ages: Ages): Shelf<Value> {
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
    const seconds = [...DOES_NOT_ANSWER, 'address'].includes(problem)
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
  const fetchAllowed: typeof fetchNow = async (key, target, wanted) => {
    refuseKnown(target.url.host);
    refuseKnown(target.url.href);
    await wanted.beforeFetch?.();
    return await fetchNow(key, target, wanted);
  };
  /** One fetch for all that wait. */
  const shared = async (
    key: string,
    target: OutboundTarget,
    wanted: Wanted<Value>,
  ): Promise<Shelved<Value>> => {
    let fetching = underWay.get(key);
    if (fetching === undefined) {
      fetching = fetchAllowed(key, target, wanted);
      underWay.set(key, fetching);
      // Who waits for it hears of a failure.
      fetching.catch(() => undefined).finally(() => underWay.delete(key));
    }
    return { value: (await fetching).value, isNew: true };
  };
  return {
    async fresh(target, wanted) {
      const key = keyOf(target, wanted);
      const entry = kept.get(key);
      if (entry === undefined) return await shared(key, target, wanted);
      const { value, fetched } = entry;
      if (ages.isWithin(fetched, entry.freshFor)) return { value, isNew: false };
      return await shared(key, target, wanted).catch((error: unknown) => {
        const isSilent = error instanceof OutboundError && DOES_NOT_ANSWER.includes(error.problem);
        if (isSilent && ages.isWithin(fetched, entry.freshFor + STALE))
          return { value, isNew: false };
        throw error;
      });
    },
    async again(target, wanted) {
      const key = keyOf(target, wanted);
      const entry = kept.get(key);
      if (entry !== undefined && ages.isWithin(entry.fetched, AGAIN))
        return { value: entry.value, isNew: false };
      return await shared(key, target, wanted);
    },
  };
}

/** What was read by other rules is another document. An address holds no space. */
function keyOf<Value>({ url }: OutboundTarget, { mostBytes, types = [] }: Wanted<Value>): string {
  return [url.href, mostBytes, ...types].join(' ');
}

/** An agent that is made when it is first needed: most providers fetch nothing. */
interface LazyAgent {
  (): Promise<Agent>;
  close(): Promise<void>;
}

function agentOf(lookup: LookupFunction): LazyAgent {
  let made: Promise<Agent> | null = null;
  let isClosed = false;
  const make = async (): Promise<Agent> => {
    const { Agent: UndiciAgent } = await import('undici');
    return new UndiciAgent({
      connect: { lookup, timeout: DEADLINE },
      // For both kinds of documents.
      connections: 2 * MOST_FROM_HOST,
      // No connection is kept: the host may close one just when it is used again.
      pipelining: 0,
      headersTimeout: DEADLINE,
      bodyTimeout: DEADLINE,
      maxHeaderSize: 16_384,
    });
  };
  const get = async (): Promise<Agent> => {
    if (isClosed) throw new OutboundError('busy', 'the provider was closed');
    made ??= make();
    return await made;
  };
  return Object.assign(get, {
    async close() {
      isClosed = true;
      if (made !== null) await (await made).close();
    },
  });
}

/** Resolves a name once, and connects to its addresses only if every one of them is public. */
function checked(resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, [], 0);
      if (addresses.length === 0 || !addresses.every(({ address }) => isPublic(address)))
        return callback(new OutboundError('address', 'the host is inside a network'), [], 0);
      answer(options.all === true, addresses, callback);
    });
  };
}

function anyAddress(resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, [], 0);
      answer(options.all === true, addresses, callback);
    });
  };
}

function answer(
  all: boolean,
  addresses: readonly { readonly address: string; readonly family: number }[],
  callback: Parameters<LookupFunction>[2],
): void {
  const [first] = addresses;
  if (all || first === undefined) callback(null, [...addresses], 0);
  else callback(null, first.address, first.family);
}

async function fetchDocument<Value>(
  agent: Agent,
  url: URL,
  { accept, mostBytes, types, weight, read }: Wanted<Value>,
): Promise<Omit<Kept<Value>, 'fetched'>> {
  const response = await agent.request({
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: 'GET',
    // What is not compressed cannot grow.
    headers: { accept, 'accept-encoding': 'identity' },
    signal: AbortSignal.timeout(DEADLINE),
  });
  try {
    checkHeaders(response, types);
    const body = await readBody(response, mostBytes);
    const seconds = freshFor(headerOf(response, 'cache-control'));
    return { value: read(body), bytes: weight * body.length + 1, freshFor: seconds };
  } catch (error) {
    // The rest is not read. Without a listener the end of the connection would end the process.
    response.body.on('error', () => undefined).destroy();
    throw error;
  }
}

function checkHeaders(
  response: Dispatcher.ResponseData,
  types: readonly string[] | undefined,
): void {
  const { statusCode } = response;
  // Redirects are refused as well: the address that was checked is the one that answers.
  if (statusCode !== 200)
    throw new OutboundError('status', `the response has the status ${statusCode}`);
  const encoding = headerOf(response, 'content-encoding') ?? 'identity';
  if (encoding !== 'identity') throw new OutboundError('type', 'the response is compressed');
  const [type = ''] = (headerOf(response, 'content-type') ?? '').toLowerCase().split(';');
  if (types !== undefined && !types.some((one) => isOfType(type.trim(), one)))
    throw new OutboundError('type', 'the response is of another type than JSON');
}

/** @param wanted a media type, or a suffix such as `application/*+json` */
function isOfType(type: string, wanted: string): boolean {
  const [start = '', end] = wanted.split('*');
  if (end === undefined) return type === wanted;
  return type.startsWith(start) && type.endsWith(end) && type.length > wanted.length - 1;
}

function headerOf({ headers }: Dispatcher.ResponseData, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value.join(', ') : value) ?? null;
}

async function readBody({ body }: Dispatcher.ResponseData, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBytes)
      throw new OutboundError('size', `the response has more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function readPicture(body: Buffer): Picture {
  const contentType = pictureType(body);
  if (contentType === null) throw new OutboundError('type', 'the response is no picture');
  return { contentType, body };
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new OutboundError('json', 'the response is not JSON', cause);
  }
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

function problemOf(cause: unknown): OutboundError {
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

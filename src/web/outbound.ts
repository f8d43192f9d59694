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
  type FetchedDocument,
  type Outbound,
  OutboundError,
  type Picture,
} from '../domain/outbound.ts';
import { freshFor, isPublic, type OutboundTarget, outboundTarget } from './outbound-rules.ts';
import { pictureType } from './pictures.ts';

/** Milliseconds from the request to the last byte. */
const DEADLINE = 5000;
const [MOST_BYTES, MOST_OF_PICTURE] = [65_536, 200_000];
/** Documents under way at once: in all, and from one host. */
const [MOST_AT_ONCE, MOST_FROM_HOST] = [32, 4];
/** Bytes of documents in memory. */
const MEMORY = 8 * 1024 * 1024;
/** Seconds in which a document is fetched anew at most once. */
const AGAIN = 60;
/** Seconds of the first pause after a host did not answer, and of the longest. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [60, 900];
/** Seconds after a response that is no good document. */
const BAD_RESPONSE = 1;

/** What a response is read as. */
interface Wanted {
  readonly accept: string;
  readonly mostBytes: number;
  readonly types?: readonly string[];
  /** @throws OutboundError */
  read(body: Buffer): unknown;
}

const PICTURE: Wanted = { accept: 'image/*', mostBytes: MOST_OF_PICTURE, read: readPicture };

function jsonOf({ mostBytes = MOST_BYTES, types }: DocumentRules): Wanted {
  const accept = 'application/json, */*;q=0.1';
  return { accept, mostBytes, read: readJson, ...(types === undefined ? {} : { types }) };
}

interface Kept {
  readonly value: unknown;
  readonly bytes: number;
  readonly fetched: Moment;
  readonly freshFor: number;
}

interface Failure {
  readonly error: OutboundError;
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

const fresh = (entry: Kept): number => entry.freshFor;

export function createOutbound({ allowed, ages, resolve = systemLookup }: OutboundParts): Outbound {
  const kept = new LRUCache<string, Kept>({
    maxSize: MEMORY,
    sizeCalculation: ({ bytes }) => bytes,
  });
  const failures = new LRUCache<string, Failure>({ max: 10_000 });
  const underWay = new Map<string, Promise<Kept>>();
  const perHost = new Map<string, number>();
  const agents = { named: agentOf(anyAddress(resolve)), public: agentOf(checked(resolve)) };

  const refuseKnown = (key: string): void => {
    const failure = failures.get(key);
    if (failure !== undefined && ages.isWithin(failure.since, failure.seconds)) throw failure.error;
  };
  const failed = (target: OutboundTarget, error: OutboundError): void => {
    const since = ages.now();
    const { host, href } = target.url;
    if (!['unreachable', 'timeout', 'address'].includes(error.problem)) {
      if (error.problem !== 'busy') failures.set(href, { error, since, seconds: BAD_RESPONSE });
      return;
    }
    const before = failures.get(host)?.seconds ?? 0;
    const seconds = Math.min(Math.max(2 * before, FIRST_PAUSE), LONGEST_PAUSE);
    failures.set(host, { error, since, seconds });
  };
  const fetchNow = async (target: OutboundTarget, wanted: Wanted): Promise<Kept> => {
    const { host, href } = target.url;
    refuseKnown(host);
    refuseKnown(href);
    const here = perHost.get(host) ?? 0;
    if (underWay.size >= MOST_AT_ONCE || here >= MOST_FROM_HOST)
      throw new OutboundError('busy', 'too many documents are fetched at once');
    perHost.set(host, here + 1);
    try {
      const agent = await (target.isNamed ? agents.named : agents.public)();
      const document = await fetchDocument(agent, target.url, wanted);
      const entry = { ...document, fetched: ages.now() };
      failures.delete(host);
      kept.set(href, entry);
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
  const shared = async (target: OutboundTarget, wanted: Wanted): Promise<FetchedDocument> => {
    const { href } = target.url;
    let fetching = underWay.get(href);
    if (fetching === undefined) {
      fetching = fetchNow(target, wanted);
      underWay.set(href, fetching);
      // Who waits for it hears of a failure.
      fetching.catch(() => undefined).finally(() => underWay.delete(href));
    }
    return { value: (await fetching).value, isNew: true };
  };
  const unlessWithin = async (
    text: string,
    wanted: Wanted,
    secondsOf: (entry: Kept) => number,
  ): Promise<FetchedDocument> => {
    const target = outboundTarget(text, allowed);
    const entry = kept.get(target.url.href);
    if (entry !== undefined && ages.isWithin(entry.fetched, secondsOf(entry)))
      return { value: entry.value, isNew: false };
    return await shared(target, wanted);
  };
  return {
    json: async (url, rules = {}) => await unlessWithin(url, jsonOf(rules), fresh),
    again: async (url, rules = {}) => await unlessWithin(url, jsonOf(rules), () => AGAIN),
    picture: async (url) => (await unlessWithin(url, PICTURE, fresh)).value as Picture,
    async close() {
      for (const agent of Object.values(agents)) await agent.close();
    },
  };
}

/** An agent that is made when it is first needed: most providers fetch nothing. */
interface LazyAgent {
  (): Promise<Agent>;
  close(): Promise<void>;
}

function agentOf(lookup: LookupFunction): LazyAgent {
  let made: Promise<Agent> | null = null;
  const make = async (): Promise<Agent> => {
    const { Agent: UndiciAgent } = await import('undici');
    return new UndiciAgent({
      connect: { lookup, timeout: DEADLINE },
      connections: MOST_FROM_HOST,
      pipelining: 1,
      headersTimeout: DEADLINE,
      bodyTimeout: DEADLINE,
      maxHeaderSize: 16_384,
    });
  };
  const get = async (): Promise<Agent> => {
    made ??= make();
    return await made;
  };
  return Object.assign(get, {
    async close() {
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

async function fetchDocument(
  agent: Agent,
  url: URL,
  { accept, mostBytes, types, read }: Wanted,
): Promise<Omit<Kept, 'fetched'>> {
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
    return { value: read(body), bytes: body.length + 1, freshFor: seconds };
  } catch (error) {
    // The rest is not read. Without a listener the end of the connection would end the process.
    response.body.on('error', () => undefined).destroy();
    throw error;
  }
}

function checkHeaders(response: Dispatcher.ResponseData, types: Wanted['types']): void {
  const { statusCode } = response;
  // Redirects are refused as well: the address that was checked is the one that answers.
  if (statusCode !== 200)
    throw new OutboundError('status', `the response has the status ${statusCode}`);
  const encoding = headerOf(response, 'content-encoding') ?? 'identity';
  if (encoding !== 'identity') throw new OutboundError('type', 'the response is compressed');
  const [type = ''] = (headerOf(response, 'content-type') ?? '').toLowerCase().split(';');
  if (types !== undefined && !types.includes(type.trim()))
    throw new OutboundError('type', 'the response is of another type than JSON');
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

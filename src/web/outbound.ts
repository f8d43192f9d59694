/**
 * The one HTTP client of the provider. Others choose the addresses, so every host is resolved once,
 * each of its addresses is checked, and the connection goes to a checked one: a name that resolves
 * to something else a moment later gains nothing. No redirects, one deadline, one size.
 */
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Agent, Dispatcher } from 'undici';
import type { Ages } from '../domain/freshness.ts';
import {
  type DocumentRules,
  type Outbound,
  OutboundError,
  type Picture,
} from '../domain/outbound.ts';
import { freshFor, isPublic, type OutboundTarget, outboundTarget } from './outbound-rules.ts';
import {
  DEADLINE,
  type FetchFrom,
  type Kept,
  MOST_FROM_HOST,
  problemOf,
  shelf,
  type Wanted,
} from './outbound-shelf.ts';
import { pictureType } from './pictures.ts';

const [MOST_BYTES, MOST_OF_PICTURE] = [65_536, 200_000];
/** A JSON value takes more memory than its text. */
const VALUE_OF_TEXT = 8;
/** Connections to one host at once for what is sent. */
const MOST_POSTS = 1000;
/** Statuses of a host that cannot answer now. */
const NOT_NOW = [408, 429, 500, 502, 503, 504];
const TEXT: Wanted<string> = {
  accept: 'application/oauth-authz-req+jwt, application/jwt, */*;q=0.1',
  mostBytes: MOST_BYTES,
  weight: 2,
  read: readText,
};
const PICTURE: Wanted<Picture> = {
  accept: 'image/*',
  mostBytes: MOST_OF_PICTURE,
  weight: 1,
  read: readPicture,
};

function jsonOf({ mostBytes = MOST_BYTES, shelf: _, ...rules }: DocumentRules): Wanted<unknown> {
  const accept = 'application/json, */*;q=0.1';
  return { ...rules, accept, mostBytes, weight: VALUE_OF_TEXT, read: readJson };
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
  const posting = {
    named: agentOf(anyAddress(resolve), MOST_POSTS),
    public: agentOf(checked(resolve), MOST_POSTS),
  };
  const fetchFrom: FetchFrom = async (target, wanted) =>
    await fetchDocument(
      await (target.isNamed ? agents.named : agents.public)(),
      target.url,
      wanted,
    );
  const documents = {
    clients: shelf<unknown>(fetchFrom, ages),
    strangers: shelf<unknown>(fetchFrom, ages),
  };
  const texts = {
    clients: shelf<string>(fetchFrom, ages),
    strangers: shelf<string>(fetchFrom, ages),
  };
  const pictures = shelf<Picture>(fetchFrom, ages);
  const targetOf = (url: string): OutboundTarget => outboundTarget(url, allowed);
  return {
    json: async (url, rules = {}) =>
      await documents[rules.shelf ?? 'clients'].fresh(targetOf(url), jsonOf(rules)),
    again: async (url, rules = {}) =>
      await documents[rules.shelf ?? 'clients'].again(targetOf(url), jsonOf(rules)),
    text: async (url, rules = {}) => {
      const [address = '', fragment = ''] = url.split('#', 2);
      const wanted = { ...TEXT, variant: fragment };
      return (await texts[rules.shelf ?? 'clients'].fresh(targetOf(address), wanted)).value;
    },
    picture: async (url) => (await pictures.fresh(targetOf(url), PICTURE)).value,
    async post(url, form) {
      const target = targetOf(url);
      await postForm(await (target.isNamed ? posting.named : posting.public)(), target.url, form);
    },
    async close() {
      for (const agent of [...Object.values(agents), ...Object.values(posting)])
        await agent.close();
    },
  };
}

/** An agent that is made when it is first needed: most providers fetch nothing. */
interface LazyAgent {
  (): Promise<Agent>;
  close(): Promise<void>;
}

/** @param connections to one host; each kind (documents, texts, pictures) has a share */
function agentOf(lookup: LookupFunction, connections = 4 * MOST_FROM_HOST): LazyAgent {
  let made: Promise<Agent> | null = null;
  let isClosed = false;
  const make = async (): Promise<Agent> => {
    const { Agent: UndiciAgent } = await import('undici');
    return new UndiciAgent({
      connect: { lookup, timeout: DEADLINE },
      connections,
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

async function postForm(
  agent: Agent,
  url: URL,
  form: Readonly<Record<string, string>>,
): Promise<void> {
  const response = await agent
    .request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: '*/*' },
      body: new URLSearchParams(form).toString(),
      signal: AbortSignal.timeout(DEADLINE),
    })
    .catch((error: unknown) => {
      throw error instanceof OutboundError ? error : problemOf(error);
    });
  // What it says beside its status is not read.
  response.body.on('error', () => undefined).destroy();
  if (response.statusCode !== 200 && response.statusCode !== 204)
    throw new OutboundError('status', `the response has the status ${response.statusCode}`);
}

function checkHeaders(
  response: Dispatcher.ResponseData,
  types: readonly string[] | undefined,
): void {
  const { statusCode } = response;
  // Redirects are refused as well: the address that was checked is the one that answers.
  if (NOT_NOW.includes(statusCode))
    throw new OutboundError('unavailable', `the response has the status ${statusCode}`);
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

function readText(body: Buffer): string {
  return new TextDecoder('utf-8').decode(body).trim();
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new OutboundError('json', 'the response is not JSON', cause);
  }
}

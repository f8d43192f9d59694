/**
 * `introspectedTokens()`: tokens that the introspection endpoint of an authorization server tells
 * about (RFC 7662). What it said is kept for seconds, by the digest of the whole token: facts
 * alone, never a decision about a request.
 */
import { LRUCache } from 'lru-cache';
import { JwtError, sha256 } from 'valetkey';
import { type Fetch, fetchJson, globalFetch } from './fetch-json.ts';
import { addressIn, issuerMetadata } from './issuer-metadata.ts';
import { FLAG, FUNCTION, type Kind, type Kinds, requireKnown, TEXT } from './known-options.ts';
import { requireSecure } from './secure-address.ts';
import { SourceUnavailable, type TokenFacts, type TokenSource, tokenFacts } from './token-facts.ts';

/** How an authorization server is asked about tokens. */
export interface IntrospectedTokenOptions {
  /** Issuer identifier of the authorization server. */
  readonly issuer: string;
  /** Its introspection endpoint. @default the one in the metadata of the issuer */
  readonly endpoint?: string;
  /** The name of this API at the authorization server. */
  readonly clientId: string;
  /** Its secret. */
  readonly clientSecret?: string;
  /** Where the secret stands: in the header, or in the form. @default 'basic' */
  readonly secretIn?: 'basic' | 'post';
  /** Makes a new assertion for each call, in place of a secret (RFC 7523 §2.2). */
  readonly clientAssertion?: () => string | Promise<string>;
  /**
   * Seconds for which an answer is kept: a token that is revoked works for so long. Never longer
   * than the token lives. 0 asks for each request.
   * @default 30
   */
  readonly cacheSeconds?: number;
  /**
   * Weakens: accepts answers without `token_type`, which some servers leave out. They may be about
   * a refresh token.
   * @default false
   */
  readonly allowMissingTokenType?: boolean;
  /** Calls the authorization server. Yours may show a certificate. @default the global `fetch` */
  readonly fetch?: Fetch;
  /** Now, in seconds. @default the system clock */
  readonly clock?: () => number;
}

/** Seconds for which it is kept that a token is worth nothing. */
const NOTHING_FOR = 5;
/** Answers that are kept, of each kind: junk takes no place from good ones. */
const MOST_KEPT = 10_000;
/** Calls at a time. */
const MOST_CALLS = 256;
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

interface Kept {
  readonly facts: TokenFacts | null;
  readonly until: number;
}

/**
 * Asks an authorization server about tokens.
 * @throws ConfigError when an option is wrong
 */
export function introspectedTokens(options: IntrospectedTokenOptions): TokenSource {
  requireOptions(options);
  const { issuer, cacheSeconds = 30 } = options;
  const now = options.clock ?? ((): number => Math.floor(Date.now() / 1000));
  const ask = asking(options, now);
  const good = new LRUCache<string, Kept>({ max: MOST_KEPT });
  const bad = new LRUCache<string, Kept>({ max: MOST_KEPT });
  const running = new Map<string, Promise<TokenFacts | null>>();

  const keep = (digest: string, facts: TokenFacts | null): void => {
    const until = now() + (facts === null ? Math.min(NOTHING_FOR, cacheSeconds) : cacheSeconds);
    const [own, other] = facts === null ? [bad, good] : [good, bad];
    // An answer of before must not hide this one.
    other.delete(digest);
    if (until > now()) own.set(digest, { facts, until });
  };
  const look = async (token: string, digest: string): Promise<TokenFacts | null> => {
    try {
      const facts = await ask(token);
      keep(digest, facts);
      return facts;
    } finally {
      running.delete(digest);
    }
  };
  return {
    issuer,
    async find(token) {
      const digest = sha256(token);
      const kept = good.get(digest) ?? bad.get(digest);
      const isOver = (kept?.facts?.expiresAt ?? Number.POSITIVE_INFINITY) <= now();
      if (kept !== undefined && now() < kept.until) return isOver ? null : kept.facts;
      const found = running.get(digest);
      if (found !== undefined) return await found;
      if (running.size >= MOST_CALLS)
        throw new SourceUnavailable('too many calls of the introspection endpoint at once');
      const looking = look(token, digest);
      running.set(digest, looking);
      return await looking;
    },
  };
}

/** A function that asks about one token. */
function asking(
  options: IntrospectedTokenOptions,
  now: () => number,
): (token: string) => Promise<TokenFacts | null> {
  const { issuer, endpoint, fetch = globalFetch } = options;
  const metadata = issuerMetadata(issuer, fetch, now);
  return async (token) => {
    const url = endpoint ?? addressIn(await metadata.get(), 'introspection_endpoint');
    const { headers, fields } = await credentials(options).catch((cause: unknown) => {
      throw new SourceUnavailable('the assertion of this API could not be made', cause);
    });
    // RFC 7662 §2.1: a form in a POST request.
    const answer = await fetchJson(fetch, url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams({ token, token_type_hint: 'access_token', ...fields }).toString(),
    });
    if (answer.status !== 200)
      throw new SourceUnavailable(`the introspection endpoint answers ${answer.status}`);
    const facts = factsIn(answer.value, options);
    return facts !== null && (facts.expiresAt ?? Number.POSITIVE_INFINITY) <= now() ? null : facts;
  };
}

function factsIn(value: unknown, options: IntrospectedTokenOptions): TokenFacts | null {
  const members = isObject(value) ? value : {};
  const { active } = members;
  // RFC 7662 §2.2: active is a boolean; anything else is no answer to the question.
  if (typeof active !== 'boolean') throw malformed('active is no boolean');
  if (!active) return null;
  const facts = readFacts(members);
  const type = members['token_type'];
  // RFC 7662 §2.2: a refresh token has no type by which it is presented.
  if (type === undefined || type === null)
    return options.allowMissingTokenType === true ? checkedFacts(facts, options) : null;
  if (typeof type !== 'string') throw malformed('token_type is no text');
  const lower = type.toLowerCase();
  if (lower !== 'bearer' && lower !== 'dpop') return null;
  if (lower === 'dpop' && facts.cnf?.['jkt'] === undefined)
    throw malformed('a DPoP token is bound to no key');
  return checkedFacts(facts, options);
}

function readFacts(members: Readonly<Record<string, unknown>>): TokenFacts {
  try {
    return tokenFacts(members);
  } catch (error) {
    throw error instanceof JwtError ? malformed(error.message) : error;
  }
}

/** A server that knows tokens of others as well says so, and those are not asked for. */
function checkedFacts(facts: TokenFacts, { issuer }: IntrospectedTokenOptions): TokenFacts | null {
  return facts.iss === null || facts.iss === issuer ? facts : null;
}

function malformed(what: string): SourceUnavailable {
  return new SourceUnavailable(`the answer of the introspection endpoint is malformed: ${what}`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Texts = Readonly<Record<string, string>>;

async function credentials({
  clientId,
  clientSecret,
  clientAssertion,
  secretIn = 'basic',
}: IntrospectedTokenOptions): Promise<{ readonly headers: Texts; readonly fields: Texts }> {
  const named = { client_id: clientId };
  if (clientAssertion !== undefined) {
    // RFC 7523 §2.2: the assertion takes the place of a secret.
    const assertion = await clientAssertion();
    const proof = { client_assertion_type: ASSERTION_TYPE, client_assertion: assertion };
    return { headers: {}, fields: { ...named, ...proof } };
  }
  if (clientSecret === undefined) return { headers: {}, fields: named };
  if (secretIn === 'post')
    return { headers: {}, fields: { ...named, client_secret: clientSecret } };
  // RFC 6749 §2.3.1: both are form-encoded before they are joined.
  const pair = [clientId, clientSecret].map(formEncoded).join(':');
  return {
    headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` },
    fields: {},
  };
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

const REGISTER =
  'Register this API: npx valetkey application create --kind resource-server --name "My API".';
const CREDENTIAL: Kind = {
  kind: 'code',
  check(value, option, refuse) {
    if (typeof value !== 'string' || value === '') refuse(option, 'is empty.', REGISTER);
  },
};
const KINDS: Kinds<IntrospectedTokenOptions> = {
  issuer: { ...TEXT, required: 'Write the issuer of the tokens.' },
  endpoint: TEXT,
  clientId: { ...CREDENTIAL, required: REGISTER },
  clientSecret: CREDENTIAL,
  secretIn: { ...TEXT, choices: ['basic', 'post'] },
  clientAssertion: FUNCTION,
  cacheSeconds: { kind: 'seconds', least: 0 },
  allowMissingTokenType: FLAG,
  fetch: FUNCTION,
  clock: FUNCTION,
};

function requireOptions(options: IntrospectedTokenOptions): void {
  requireKnown(KINDS, options, (_value, _option, refuse) => {
    const { clientSecret, clientAssertion } = options;
    if (clientSecret !== undefined && clientAssertion !== undefined)
      refuse('clientAssertion', 'stands beside a secret.', 'Name one of them.');
  });
  requireSecure('issuer', options.issuer);
  if (options.endpoint !== undefined) requireSecure('endpoint', options.endpoint);
}

/**
 * One provider in memory with a fixed clock, a confidential and a public client, and a user; and
 * the steps most tests need.
 */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  type Client,
  type Config,
  createProvider,
  type GivenPem,
  memoryDatabase,
  type Provider,
  type Store,
} from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import {
  memoryAccounts,
  readForm,
  type ScriptedBrowser,
  scriptedBrowser,
  type Visit,
} from 'valetkey/testing';

export const ISSUER = 'https://op.example';
export const REDIRECT_URI = 'https://rp.example/cb';
export const START = 1_800_000_000;

/**
 * Real keys, made once: making RSA keys for every world would be most of the time the tests take.
 */
const pem = (key: { export(options: { type: 'pkcs8'; format: 'pem' }): string | Buffer }): string =>
  key.export({ type: 'pkcs8', format: 'pem' }).toString();
export const SIGNING_KEYS: readonly GivenPem[] = [
  {
    alg: 'RS256',
    active: true,
    pem: pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
  },
  {
    alg: 'PS256',
    active: true,
    pem: pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
  },
  {
    alg: 'ES256',
    active: true,
    pem: pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
  },
  { alg: 'EdDSA', active: true, pem: pem(generateKeyPairSync('ed25519').privateKey) },
];

/** Reading RSA keys is slow, so most worlds have one. */
const USUAL_KEYS = SIGNING_KEYS.filter(({ alg }) => alg === 'RS256' || alg === 'ES256');

export interface World {
  readonly provider: Provider;
  /** The clock, in seconds. */
  now: number;
  readonly web: Client;
  readonly webSecret: string;
  readonly other: Client;
  readonly otherSecret: string;
  readonly spa: Client;
  readonly events: { readonly type: string; readonly reason: string | null }[];
  /** Reasons of refusals, as operators read them in the log, newest last. */
  readonly reasons: string[];
  /** What the log says of each refusal: reason, expected, received, remedy. */
  readonly refusals: Readonly<Record<string, unknown>>[];
  readonly accounts: ReturnType<typeof memoryAccounts>;
}

export const ALICE = {
  sub: 'alice-sub',
  username: 'alice',
  password: 'correct horse battery',
  claims: {
    name: 'Alice Example',
    given_name: 'Alice',
    family_name: 'Example',
    email: 'alice@example.com',
    email_verified: true,
    birthdate: '',
  },
};
export const BOB = {
  sub: 'bob-sub',
  username: 'bob',
  password: 'another long password',
  claims: { name: 'Bob Example' },
};

export async function makeWorld(options: Partial<Config> = {}): Promise<World> {
  const events: { type: string; reason: string | null }[] = [];
  const reasons: string[] = [];
  const refusals: Record<string, unknown>[] = [];
  const note = (facts: object): void => {
    if (!('reason' in facts)) return;
    reasons.push(String(facts.reason));
    refusals.push({ ...facts });
  };
  const accounts = memoryAccounts([ALICE, BOB]);
  const world = { now: START, events, reasons, refusals, accounts } as {
    -readonly [Key in keyof World]: World[Key];
  };
  const provider = createProvider({
    issuer: ISSUER,
    store: memoryDatabase(),
    accounts,
    pages: builtInPages(),
    scopes: { read: 'Read your things', write: 'Change your things' },
    signingKeys: USUAL_KEYS,
    // The rules about rotation are tested with a client that proves itself as well.
    refreshTokens: { rotation: true },
    clock: () => world.now,
    logger: { info: note, warn: note, error: note },
    onEvent: ({ type, reason }) => events.push({ type, reason }),
    ...options,
  });
  const redirectUris = [REDIRECT_URI, 'https://rp.example/other'];
  const postLogoutRedirectUris = ['https://rp.example/bye'];
  const grantTypes = ['authorization_code', 'refresh_token', 'client_credentials'];
  const web = await provider.clients.create({
    name: 'Web App',
    redirectUris,
    postLogoutRedirectUris,
    grantTypes,
    tokenEndpointAuthMethod: 'client_secret_basic',
  });
  const other = await provider.clients.create({
    name: 'Other App',
    redirectUris: ['https://other.example/cb'],
    tokenEndpointAuthMethod: 'client_secret_post',
  });
  const spa = await provider.clients.create({
    name: 'Browser App',
    redirectUris: ['https://spa.example/cb'],
    tokenEndpointAuthMethod: 'none',
  });
  Object.assign(world, {
    provider,
    web: web.client,
    webSecret: web.clientSecret,
    other: other.client,
    otherSecret: other.clientSecret,
    spa: spa.client,
  });
  return world;
}

export function browserOf(world: World, ip = '192.0.2.1'): ScriptedBrowser {
  return scriptedBrowser(
    async (request) => await world.provider.fetch(request, { ip }),
    (url) => url.origin === ISSUER,
  );
}

export interface Pkce {
  readonly verifier: string;
  readonly challenge: string;
}

export function pkce(): Pkce {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** A good authorization request of the web client; `changes` replace, null removes. */
export function authorizeParams(
  world: World,
  challenge: string,
  changes: Readonly<Record<string, string | null>> = {},
): URLSearchParams {
  const all: Record<string, string | null> = {
    client_id: world.web.clientId,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid profile email',
    state: 'the-state',
    nonce: 'the-nonce',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...changes,
  };
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(all)) if (value !== null) params.set(name, value);
  return params;
}

export function authorizeUrl(world: World, params: URLSearchParams | string): string {
  return `${world.provider.url('authorize')}?${params}`;
}

/** Opens the authorization endpoint with a good request of the web client, changed as told. */
export async function openAuthorize(
  world: World,
  browser: ScriptedBrowser,
  changes: Readonly<Record<string, string | null>> = {},
  proof: Pkce = pkce(),
): Promise<Visit> {
  return await browser.open(authorizeUrl(world, authorizeParams(world, proof.challenge, changes)));
}

export async function logIn(
  browser: ScriptedBrowser,
  visit: Visit,
  user: { readonly username: string; readonly password: string } = ALICE,
): Promise<Visit> {
  return await browser.submit(visit, {
    username: user.username,
    password: user.password,
    decision: 'login',
  });
}

export async function allow(browser: ScriptedBrowser, visit: Visit): Promise<Visit> {
  return await browser.submit(visit, { decision: 'allow' });
}

/** A parameter in the query of an answer to the relying party; null when there is none. */
export function paramOf(visit: Visit, name: string): string | null {
  return visit.leaves?.searchParams.get(name) ?? null;
}

/** The code in an answer to the relying party; null when there is none. */
export function codeOf(visit: Visit): string | null {
  return paramOf(visit, 'code');
}

/** What a JWT claims, unverified. */
export function claimsOf(jwt: unknown): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(jwt).split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
}

/** The text with one character changed. */
export function damaged(text: string, at = 40): string {
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
}

/** The Cookie header that a browser would send. */
export function cookieOf(browser: ScriptedBrowser): string {
  return [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
}

/** Notes which methods of the store are called from now on. */
export function watched(store: Store): string[] {
  const calls: string[] = [];
  for (const [area, methods] of Object.entries(store) as [string, unknown][]) {
    if (typeof methods !== 'object' || methods === null) continue;
    for (const [name, method] of Object.entries(methods) as [
      string,
      (...args: unknown[]) => unknown,
    ][]) {
      const noted = (...args: unknown[]): unknown => {
        calls.push(`${area}.${name}`);
        return method(...args);
      };
      Object.assign(methods, { [name]: noted });
    }
  }
  return calls;
}

/** Answers the form of a page and stays: the address that the answer sends the browser to. */
export async function decide(
  world: World,
  browser: ScriptedBrowser,
  visit: Visit,
  fields: Readonly<Record<string, string>>,
): Promise<string> {
  const { action, fields: hidden } = readForm(visit.html);
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    cookie: cookieOf(browser),
  };
  const body = new URLSearchParams({ ...hidden, ...fields });
  return (
    (
      await world.provider.fetch(new Request(action, { method: 'POST', headers, body }))
    ).headers.get('location') ?? ''
  );
}

/**
 * Which page is shown: the name of its form, `away` at the relying party, or the reason on an error
 * page.
 */
export function pageOf(visit: Visit): string {
  return (
    /id="(login|account|consent|logout)-form"/.exec(visit.html)?.[1] ??
    (visit.leaves === null ? `reason ${reasonOf(visit)}` : 'away')
  );
}

/** The reason on an error page. */
export function reasonOf(visit: Visit): string {
  return /id="error-reason"[^>]*>([^<]*)</.exec(visit.html)?.[1]?.trim() ?? '';
}

/** Login and consent for a new browser, to the code. */
export async function getCode(
  world: World,
  proof: Pkce,
  changes: Readonly<Record<string, string | null>> = {},
  browser: ScriptedBrowser = browserOf(world),
): Promise<string> {
  let visit = await browser.open(
    authorizeUrl(world, authorizeParams(world, proof.challenge, changes)),
  );
  if (visit.leaves === null && visit.html.includes('id="login-form"'))
    visit = await logIn(browser, visit);
  if (visit.leaves === null) visit = await allow(browser, visit);
  const code = visit.leaves?.searchParams.get('code');
  if (code === null || code === undefined)
    throw new Error(`no code: ${visit.leaves?.href ?? visit.html}`);
  return code;
}

export function basic(clientId: string, secret: string): string {
  const encode = (text: string): string => encodeURIComponent(text);
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(secret)}`).toString('base64')}`;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** Posts a form to an endpoint, as the web client unless told otherwise. */
export async function post(
  world: World,
  endpoint: 'token' | 'introspect' | 'revoke-token' | 'userinfo',
  fields: Readonly<Record<string, string>> | string,
  headers: Readonly<Record<string, string>> = {
    authorization: basic(world.web.clientId, world.webSecret),
  },
): Promise<Answer> {
  const body = typeof fields === 'string' ? fields : new URLSearchParams(fields).toString();
  const request = new Request(world.provider.url(endpoint), {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body,
  });
  return await read(await world.provider.fetch(request, { ip: '192.0.2.1' }));
}

export async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const json = (response.headers.get('content-type') ?? '').includes('json');
  return {
    status: response.status,
    headers: response.headers,
    body: json ? (JSON.parse(text) as Record<string, unknown>) : { text },
  };
}

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly id_token: string;
  readonly scope: string;
  readonly expires_in: number;
}

/** Redeems a code as the web client. */
export async function redeem(world: World, code: string, verifier: string): Promise<Answer> {
  return await post(world, 'token', {
    grant_type: 'authorization_code',
    code,
    redirect_uri: REDIRECT_URI,
    code_verifier: verifier,
  });
}

/** The whole flow to tokens. */
export async function getTokens(
  world: World,
  changes: Readonly<Record<string, string | null>> = {},
  browser?: ScriptedBrowser,
): Promise<Tokens> {
  const proof = pkce();
  const answer = await redeem(world, await getCode(world, proof, changes, browser), proof.verifier);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return answer.body as unknown as Tokens;
}

export async function isActive(world: World, token: string): Promise<boolean> {
  return (await post(world, 'introspect', { token })).body['active'] === true;
}

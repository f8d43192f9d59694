/**
 * What a module of the certification suite does: registers a client, sends a person through a
 * browser without scripts, and looks at what came back. The provider is the one that
 * `npm run conformance:server` starts, over HTTPS.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createLocalJWKSet,
  decodeJwt,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose';
import { Agent } from 'undici';
import { readForm, type ScriptedBrowser, scriptedBrowser, type Visit } from 'valetkey/testing';
import { expect } from 'vitest';
import { serverCertificate } from '../../tools/conformance/certificates.ts';
import {
  type ConformanceServer,
  startConformance,
} from '../../tools/conformance/conformance-server.ts';
import { PASSWORD, USERNAME } from '../../tools/conformance/person.ts';
import { freePort } from '../processes.ts';

type Json = Record<string, unknown>;

export const REDIRECT_URI = 'https://suite.example/callback';
export const BYE = 'https://suite.example/post_logout_redirect';

/** In what one run of a module differs from another. */
export interface Variant {
  readonly responseType: string;
  readonly responseMode: 'default' | 'form_post';
  readonly auth: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt';
}

/**
 * Where the suite itself listens, for what the provider fetches or calls. Over http: the authority
 * of a test cannot be trusted by a process that runs already.
 */
export interface SuiteHost {
  readonly origin: string;
  /** What is at a path. */
  readonly documents: Map<string, string>;
  /** Forms that were posted, by path. */
  readonly posted: Map<string, URLSearchParams>;
}

/** The provider, and the suite beside it. */
export interface Setup {
  readonly server: ConformanceServer;
  readonly host: SuiteHost;
  readonly metadata: Json;
  ask(url: string, init?: RequestInit): Promise<Response>;
  jwks(): Promise<JSONWebKeySet>;
  close(): Promise<void>;
}

export async function startSetup(): Promise<Setup> {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-conformance-'));
  const { caFile } = serverCertificate(folder, 'localhost');
  const documents = new Map<string, string>();
  const posted = new Map<string, URLSearchParams>();
  const listener = createServer((request, response) => {
    const path = request.url ?? '';
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      if (request.method === 'POST') posted.set(path, new URLSearchParams(body));
      const found = documents.get(path);
      response.writeHead(request.method === 'POST' || found !== undefined ? 200 : 404);
      response.end(found);
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const issuer = `https://localhost:${await freePort()}`;
  const server = await startConformance({ issuer, folder, suite: [origin] });
  // Connections are given up long before the server gives them up: no call meets one that closes.
  const idle = { keepAliveTimeout: 500, keepAliveMaxTimeout: 500 };
  const dispatcher = new Agent({ connect: { ca: readFileSync(caFile, 'utf8') }, ...idle });
  const ask = async (url: string | Request, init: RequestInit = {}): Promise<Response> =>
    await fetch(url, { ...init, dispatcher } as RequestInit);
  const json = async (url: string): Promise<Json> => (await (await ask(url)).json()) as Json;
  const metadata = await json(`${issuer}/.well-known/openid-configuration`);
  return {
    server,
    host: { origin, documents, posted },
    metadata,
    ask,
    jwks: async () => (await json(String(metadata['jwks_uri']))) as unknown as JSONWebKeySet,
    async close() {
      await server.close();
      await dispatcher.close();
      listener.closeAllConnections();
      listener.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The browser of a person. */
export function newBrowser(setup: Setup): ScriptedBrowser {
  const { issuer } = setup.server;
  return scriptedBrowser(
    async (request) => await setup.ask(request as unknown as string, { redirect: 'manual' }),
    (url) => url.origin === issuer,
  );
}

/** Signs in and allows, where pages ask for it. */
export async function throughPages(browser: ScriptedBrowser, visit: Visit): Promise<Visit> {
  let at = visit;
  if (at.html.includes('id="login-form"'))
    at = await browser.submit(at, { username: USERNAME, password: PASSWORD, decision: 'login' });
  if (at.html.includes('id="consent-form"')) at = await browser.submit(at, { decision: 'allow' });
  return at;
}

/** A client that registered itself for a variant, and what it does. */
export class Relying {
  readonly setup: Setup;
  readonly variant: Variant;
  client: Json = {};
  key: KeyObject;
  kid = 'key-1';
  verifier = '';

  constructor(setup: Setup, variant: Variant) {
    this.setup = setup;
    this.variant = variant;
    this.key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  }

  /** The public key, as the suite registers it. */
  jwks(): Json {
    const { kty, n, e } = this.key.export({ format: 'jwk' });
    return { keys: [{ kty, n, e, kid: this.kid, use: 'sig', alg: 'RS256' }] };
  }

  /** Registers; the answer is 201 with everything that the suite looks at. */
  async register(more: Json = {}): Promise<this> {
    const { responseType, auth } = this.variant;
    const words = responseType.split(' ');
    const isImplicit = words.includes('token') || words.includes('id_token');
    const response = await this.post('registration_endpoint', {
      client_name: 'conformance suite',
      contacts: ['certification@oidf.org'],
      redirect_uris: [REDIRECT_URI],
      response_types: [responseType],
      grant_types: [
        ...(words.includes('code') ? ['authorization_code', 'refresh_token'] : []),
        ...(isImplicit ? ['implicit'] : []),
      ],
      token_endpoint_auth_method: auth,
      ...('jwks_uri' in more ? {} : { jwks: this.jwks() }),
      ...more,
    });
    const client = (await response.json()) as Json;
    expect([response.status, client['error_description']]).toEqual([201, undefined]);
    expect(client['client_id']).toEqual(expect.any(String));
    if ('client_secret' in client) expect(client['client_secret_expires_at']).toBe(0);
    expect(String(client['registration_client_uri'])).toMatch(/^https:/);
    expect(client['registration_access_token']).toEqual(expect.any(String));
    this.client = client;
    return this;
  }

  async post(endpoint: string, body: Json): Promise<Response> {
    return await this.setup.ask(String(this.setup.metadata[endpoint]), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  /** The suite deletes what it registered: 204. */
  async remove(): Promise<void> {
    const { registration_client_uri: url, registration_access_token: token } = this.client;
    const headers = { authorization: `Bearer ${token}` };
    const { status } = await this.setup.ask(String(url), { method: 'DELETE', headers });
    expect(status).toBe(204);
  }

  has(word: 'code' | 'token' | 'id_token'): boolean {
    return this.variant.responseType.split(' ').includes(word);
  }

  params(changes: Readonly<Record<string, string | null>> = {}): URLSearchParams {
    const { responseType, responseMode } = this.variant;
    const all: Record<string, string | null> = {
      client_id: String(this.client['client_id']),
      redirect_uri: REDIRECT_URI,
      response_type: responseType,
      response_mode: responseMode === 'default' ? null : responseMode,
      scope: 'openid',
      state: randomUUID(),
      nonce: randomUUID(),
      ...changes,
    };
    const params = new URLSearchParams();
    for (const [name, value] of Object.entries(all)) if (value !== null) params.set(name, value);
    return params;
  }

  async open(browser: ScriptedBrowser, params: URLSearchParams): Promise<Visit> {
    return await browser.open(`${this.setup.metadata['authorization_endpoint']}?${params}`);
  }

  /** The response where its mode has it; checks that it is nowhere else. */
  received(visit: Visit, params: URLSearchParams): URLSearchParams {
    const { responseMode } = this.variant;
    const isInForm = visit.leaves === null;
    expect(isInForm, visit.leaves?.href ?? visit.html.slice(-600)).toBe(
      responseMode === 'form_post',
    );
    const { leaves } = visit;
    let response: URLSearchParams;
    if (leaves === null) {
      const { action, fields } = readForm(visit.html);
      expect(action).toBe(REDIRECT_URI);
      expect(visit.html).toContain('id="response-submit"');
      response = new URLSearchParams(fields);
    } else {
      const isFragment = this.has('token') || this.has('id_token');
      expect(isFragment ? leaves.search : leaves.hash).toBe('');
      response = new URLSearchParams(isFragment ? leaves.hash.slice(1) : leaves.search);
    }
    expect(response.get('state')).toBe(params.get('state'));
    expect(response.get('iss')).toBe(this.setup.server.issuer);
    if (response.has('error')) {
      const known = ['error', 'error_description', 'error_uri', 'state', 'iss', 'session_state'];
      expect([...response.keys()].filter((name) => !known.includes(name))).toEqual([]);
      expect(response.get('error_description')).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/);
    }
    return response;
  }

  /** Opens, goes through the pages, and reads the response. */
  async authorize(
    browser: ScriptedBrowser,
    changes: Readonly<Record<string, string | null>> = {},
  ): Promise<URLSearchParams> {
    const params = this.params(changes);
    return this.received(await throughPages(browser, await this.open(browser, params)), params);
  }

  async assertion(audience: string): Promise<string> {
    const id = String(this.client['client_id']);
    return await new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'RS256', kid: this.kid })
      .setIssuer(id)
      .setSubject(id)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime('60s')
      .sign(this.key);
  }

  /** A request to the token endpoint, authenticated as the variant says. */
  async token(fields: Readonly<Record<string, string>>, audience?: string): Promise<Response> {
    const url = String(this.setup.metadata['token_endpoint']);
    const { client_id: id, client_secret: secret } = this.client;
    const body = new URLSearchParams(fields);
    const headers: Record<string, string> = {};
    const { auth } = this.variant;
    if (auth === 'client_secret_basic')
      headers['authorization'] = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
    else if (auth === 'client_secret_post') {
      body.set('client_id', String(id));
      body.set('client_secret', String(secret));
    } else {
      body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
      body.set('client_assertion', await this.assertion(audience ?? url));
    }
    return await this.setup.ask(url, { method: 'POST', headers, body });
  }

  async redeem(code: string, more: Readonly<Record<string, string>> = {}): Promise<Response> {
    const fields = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT_URI };
    return await this.token({ ...fields, ...more });
  }

  /** The tokens that a response led to: its own, and those of its code. */
  async tokensOf(
    response: URLSearchParams,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Json> {
    const own = Object.fromEntries(response) as Json;
    if (!this.has('code')) return own;
    const answer = await this.redeem(response.get('code') ?? '', more);
    const body = (await answer.json()) as Json;
    expect([answer.status, body['error']]).toEqual([200, undefined]);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('cache-control')).toContain('no-store');
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: expect.any(Number) as number });
    return { ...own, ...body };
  }

  /** The claims of an ID token, once everything that the suite checks is right. */
  async idToken(jwt: unknown, nonce: string | null, alg = 'RS256'): Promise<JWTPayload> {
    const { payload, protectedHeader } = await jwtVerify(
      String(jwt),
      createLocalJWKSet(await this.setup.jwks()),
      { issuer: this.setup.server.issuer, audience: String(this.client['client_id']) },
    );
    expect(protectedHeader.alg).toBe(alg);
    expect(protectedHeader.kid).toEqual(expect.any(String));
    expect(payload['nonce'] ?? null).toBe(nonce);
    expect(Math.abs((payload.iat ?? 0) - Date.now() / 1000)).toBeLessThan(300);
    expect(payload['acr']).not.toBe('');
    return payload;
  }

  async userinfo(
    accessToken: unknown,
    how: 'get' | 'post-header' | 'post-body' = 'get',
  ): Promise<Json> {
    const headers: Record<string, string> =
      how === 'post-body' ? {} : { authorization: `Bearer ${accessToken}` };
    const response = await this.setup.ask(String(this.setup.metadata['userinfo_endpoint']), {
      method: how === 'get' ? 'GET' : 'POST',
      headers,
      ...(how === 'post-body'
        ? { body: new URLSearchParams({ access_token: String(accessToken) }) }
        : {}),
    });
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'application/json',
    ]);
    return (await response.json()) as Json;
  }
}

/** The left half of a SHA-256 digest. */
export function half(text: unknown): string {
  const digest = createHash('sha256').update(String(text)).digest();
  return digest.subarray(0, 16).toString('base64url');
}

/** Claims of a JWT, unverified. */
export function claimsOf(jwt: unknown): JWTPayload {
  return decodeJwt(String(jwt));
}

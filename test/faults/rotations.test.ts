/**
 * Rotations of the signing keys under load: two nodes on PostgreSQL, real sockets, and relying
 * parties that keep the key set exactly as long as its headers tell. The clock of the nodes and of
 * the relying parties runs fast, so that a day passes in four seconds.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { createProvider, type Provider, type SigningAlg } from 'valetkey';
import { nodeListener } from 'valetkey/node';
import { builtInPages } from 'valetkey/pages';
import { sqlDatabase } from 'valetkey/sql';
import { memoryAccounts, scriptedBrowser } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATABASES } from '../databases.ts';
import { freePort } from '../processes.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
/** Seconds of the clock in one second of the test. */
const PACE = DAY / 4;
const ALGS: readonly SigningAlg[] = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
const ROTATIONS = 120;
const REDIRECT_URI = 'https://rp.example/cb';
const ALICE = { sub: 'alice', username: 'alice', password: 'correct horse battery', claims: {} };

/** When the clock began to run fast; people sign in before that. */
let fastSince: number | null = null;
const now = (): number =>
  1_800_000_000 + (fastSince === null ? 0 : Math.floor(((Date.now() - fastSince) / 1000) * PACE));
const kind = DATABASES.find(({ name }) => name === 'PostgreSQL');
if (kind === undefined) throw new Error('There is no PostgreSQL.');

/** Keeps the key set as long as it is told, and never looks again before. */
class RelyingParty {
  #keys: JSONWebKeySet = { keys: [] };
  #until = 0;
  readonly #origin: string;
  readonly #issuer: string;

  constructor(origin: string, issuer: string) {
    this.#origin = origin;
    this.#issuer = issuer;
  }

  async verify(jwt: string, audience: string): Promise<string> {
    if (now() >= this.#until) {
      const asked = now();
      const response = await fetch(`${this.#origin}/.well-known/jwks.json`);
      const [, seconds = ''] =
        /max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '') ?? [];
      this.#keys = (await response.json()) as JSONWebKeySet;
      this.#until = asked + Number(seconds);
    }
    const keys = createLocalJWKSet(this.#keys);
    const currentDate = new Date(now() * 1000);
    const issuer = this.#issuer;
    const { protectedHeader } = await jwtVerify(jwt, keys, { issuer, audience, currentDate });
    return protectedHeader.kid ?? '';
  }
}

describe.skipIf(kind.missing)('rotations under load, on two nodes', () => {
  const database = kind.make();
  const stores = [sqlDatabase(database.options), sqlDatabase(database.options)];
  const closing: (() => void)[] = [];
  const nodes: { readonly origin: string; readonly provider: Provider }[] = [];
  let issuer = '';

  beforeAll(async () => {
    await stores[0]?.migrate();
    for (const store of stores) {
      const port = await freePort();
      if (issuer === '') issuer = `http://localhost:${port}`;
      const provider = createProvider({
        issuer,
        store,
        secret: 'a secret for tests, which is long enough for that',
        accounts: memoryAccounts([ALICE]),
        pages: builtInPages(),
        clock: now,
        publicMaxAge: HOUR,
        keySchedule: { algs: ALGS, rotateEvery: DAY, publishBefore: DAY / 2, keepAfter: DAY },
        lifetimes: {
          idToken: 8 * HOUR,
          accessToken: HOUR,
          sessionIdle: DAY,
          sessionAbsolute: DAY,
          refreshTokenIdle: 365 * DAY,
          refreshTokenAbsolute: 365 * DAY,
        },
      });
      const server = createServer(nodeListener(provider)).listen(port, '127.0.0.1');
      await once(server, 'listening');
      const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
      nodes.push({ origin, provider });
      closing.push(() => {
        server.closeAllConnections();
        server.close();
      });
    }
    await nodes[0]?.provider.maintain();
  }, 60_000);
  afterAll(async () => {
    for (const close of closing) close();
    for (const { provider } of nodes) await provider.close();
    for (const store of stores) await store.close();
    await database.remove();
  });

  async function tokenRequest(
    origin: string,
    body: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, string>>> {
    const form = new URLSearchParams(body);
    const response = await fetch(`${origin}/o/token/`, { method: 'POST', body: form });
    const answer = (await response.json()) as Record<string, string>;
    if (response.status !== 200) throw new Error(JSON.stringify(answer));
    return answer;
  }

  /** Somebody signs in to an application whose ID tokens have this algorithm. */
  async function signIn(alg: SigningAlg) {
    const { clients } = (nodes[0] as (typeof nodes)[number]).provider;
    const registered = await clients.create({
      name: alg,
      redirectUris: [REDIRECT_URI],
      tokenEndpointAuthMethod: 'client_secret_post',
      grantTypes: ['authorization_code', 'refresh_token'],
      idTokenSignedResponseAlg: alg,
      rotateRefreshTokens: false,
    });
    const credentials = {
      client_id: registered.client.clientId,
      client_secret: registered.clientSecret ?? '',
    };
    const browser = scriptedBrowser(fetch, ({ origin }) => origin === issuer);
    const asked = {
      client_id: credentials.client_id,
      response_type: 'code',
      scope: 'openid offline_access',
      nonce: 'n',
      prompt: 'consent',
      redirect_uri: REDIRECT_URI,
    };
    const login = await browser.open(`${issuer}/o/authorize/?${new URLSearchParams(asked)}`);
    const { username, password } = ALICE;
    const consent = await browser.submit(login, { username, password, decision: 'login' });
    const done = await browser.submit(consent, { decision: 'allow' });
    const code = done.leaves?.searchParams.get('code') ?? '';
    const grant = { grant_type: 'authorization_code', redirect_uri: REDIRECT_URI, code };
    const tokens = await tokenRequest(issuer, { ...credentials, ...grant });
    return { credentials, refreshToken: tokens['refresh_token'] ?? '' };
  }

  it('[OIDC Core §10.1.1] JW-10 MD-02 120 rotations fail no verification', async () => {
    const applications = await Promise.all(ALGS.map(signIn));
    fastSince = Date.now();
    const seen = new Set<string>();
    const failures: string[] = [];
    let verified = 0;
    let isOver = false;
    const maintaining = nodes.map(async ({ provider }) => {
      while (!isOver) {
        await provider.maintain();
        await sleep(50);
      }
    });
    const loads = applications.flatMap(({ credentials, refreshToken }) =>
      nodes.map(async ({ origin }, index) => {
        // The relying party reads the key set of the other node than the one that issues.
        const party = new RelyingParty(nodes[1 - index]?.origin ?? '', issuer);
        while (!isOver) {
          const grant = { grant_type: 'refresh_token', refresh_token: refreshToken };
          const tokens = await tokenRequest(origin, { ...credentials, ...grant });
          try {
            seen.add(await party.verify(tokens['id_token'] ?? '', credentials.client_id));
            verified += 1;
          } catch (error) {
            failures.push(`${new Date(now() * 1000).toISOString()} ${String(error)}`);
          }
          await sleep(5);
        }
      }),
    );
    // Every algorithm begins with one key.
    const end = Date.now() + 200_000;
    const ended = Promise.all(loads).finally(() => {
      isOver = true;
    });
    while (!isOver && seen.size < ROTATIONS + ALGS.length && Date.now() < end) await sleep(200);
    isOver = true;
    await Promise.all([ended, ...maintaining]);
    console.log(`${seen.size - ALGS.length} rotations, ${verified} verifications`);
    expect(failures).toEqual([]);
    expect(seen.size - ALGS.length).toBeGreaterThanOrEqual(ROTATIONS);
    expect(verified).toBeGreaterThan(ROTATIONS * 10);
  }, 300_000);
});

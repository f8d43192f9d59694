/**
 * A provider with every grant, served over HTTP on loopback, with one person, an issuer of
 * assertions that it trusts, and an API that verifies access tokens by oauth4webapi.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import {
  type AuthorizationDetail,
  authorizationDetailType,
  type Config,
  createProvider,
  dpop,
  jwtBearer,
  memoryDatabase,
  type Provider,
  passwordGrant,
  type ResourceDefinition,
  resourceIndicators,
  richAuthorizationRequests,
  tokenExchange,
} from 'valetkey';
import { nodeListener } from 'valetkey/node';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts, scriptedBrowser } from 'valetkey/testing';
import { freePort } from '../../processes.ts';

export const ALICE = {
  sub: 'alice-sub',
  username: 'alice',
  password: 'correct horse battery',
  claims: { name: 'Alice Example', email: 'alice@example.com' },
};
/** APIs with JWT access tokens. */
export const PRINTER = 'https://printer.example/api';
export const ARCHIVE = 'https://archive.example/api';
/** Where the browser arrives; nothing listens there. */
export const REDIRECT_URI = 'http://localhost:1/callback';

export interface Payment extends AuthorizationDetail {
  readonly type: 'payment';
  readonly amount: number;
}
const payment = authorizationDetailType<Payment>({
  type: 'payment',
  read: ({ amount }) =>
    typeof amount === 'number' ? { type: 'payment', amount } : 'amount must be a number',
  describe: ({ amount }) => `Pay ${amount} EUR`,
  covers: (granted, asked) => asked.amount <= granted.amount,
});

export interface GrantsProvider {
  readonly issuer: string;
  readonly provider: Provider;
  /** Address of the API, whose audience is `PRINTER`; it answers with the claims of a token. */
  readonly api: URL;
  /** An assertion about Alice by the issuer that is trusted. */
  assertion(): Promise<string>;
  /** Alice signs in and allows; resolves to the address where her browser ends. */
  browse(url: URL): Promise<URL>;
  /** Alice allows what a device asks for, with the code that it shows. */
  allowDevice(userCode: string): Promise<void>;
  close(): Promise<void>;
}

async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, 'localhost');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** @param resources APIs besides the two that are always there */
export async function openGrants(
  more: Partial<Config> = {},
  resources: readonly ResourceDefinition[] = [],
): Promise<GrantsProvider> {
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const trusted = await generateKeyPair('ES256');
  const TRUSTED = 'https://trusted.example';
  const provider = createProvider({
    issuer,
    store: memoryDatabase(),
    accounts: memoryAccounts([ALICE]),
    pages: builtInPages(),
    secret: randomUUID().repeat(2),
    scopes: { read: 'Read your things', write: 'Change your things' },
    keySchedule: { algs: ['RS256', 'ES256', 'PS256', 'EdDSA'] },
    features: [
      dpop({ requireNonce: true }),
      passwordGrant({ allowPasswordGrant: true }),
      tokenExchange({
        policy: () => ({ allow: true, resources: [PRINTER], allowBoundSubject: true }),
      }),
      jwtBearer({
        issuers: [{ issuer: TRUSTED, jwks: { keys: [await exportJWK(trusted.publicKey)] } }],
        subject: ({ claims }) => (claims['sub'] === 'alice@trusted' ? ALICE.sub : null),
      }),
      resourceIndicators({
        enabled: true,
        resources: [
          { resource: PRINTER, tokenFormat: 'jwt', scopes: ['read', 'write'] },
          { resource: ARCHIVE, tokenFormat: 'jwt', scopes: ['read'] },
          ...resources,
        ],
      }),
      richAuthorizationRequests({ enabled: true, types: [payment] }),
    ],
    ...more,
  });
  const server = createServer(nodeListener(provider));
  await listen(server, port);
  const api = createServer(apiListener(issuer));
  const apiPort = await listen(api);
  const newBrowser = () => scriptedBrowser(fetch, ({ origin }) => origin === issuer);
  const { username, password } = ALICE;
  return {
    issuer,
    provider,
    api: new URL(`http://localhost:${apiPort}/photos`),
    assertion: async () =>
      await new SignJWT({ jti: randomUUID(), sub: 'alice@trusted' })
        .setProtectedHeader({ alg: 'ES256' })
        .setIssuer(TRUSTED)
        .setAudience(issuer)
        .setIssuedAt()
        .setExpirationTime('2m')
        .sign(trusted.privateKey),
    async browse(url) {
      const browser = newBrowser();
      const login = await browser.open(url.href);
      let visit = await browser.submit(login, { username, password, decision: 'login' });
      // What she allowed before is not asked again.
      if (visit.leaves === null) visit = await browser.submit(visit, { decision: 'allow' });
      if (visit.leaves === null) throw new Error(visit.html);
      return visit.leaves;
    },
    async allowDevice(user_code) {
      const browser = newBrowser();
      const page = await browser.open(`${issuer}/o/device/`);
      const entry = await browser.submit(page, { user_code });
      const question = await browser.submit(entry, { username, password, decision: 'login' });
      const { html } = await browser.submit(question, { decision: 'allow' });
      if (!html.includes('id="device-allowed"')) throw new Error(html);
    },
    async close() {
      for (const one of [server, api]) {
        one.close();
        one.closeAllConnections();
      }
      await provider.close();
    },
  };
}

/**
 * An API as oauth4webapi protects one: it reads the key set, and asks the provider nothing else.
 */
function apiListener(issuer: string): Parameters<typeof createServer>[1] {
  return (incoming, response) => {
    const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host}`);
    const headers = new Headers(incoming.headers as Record<string, string>);
    const request = new Request(url, { method: incoming.method ?? 'GET', headers });
    discovered(issuer)
      .then(
        async (as) =>
          await oauth.validateJwtAccessToken(as, request, PRINTER, {
            [oauth.allowInsecureRequests]: true,
          }),
      )
      .then(
        (claims) => response.end(JSON.stringify(claims)),
        (problem: Error) => response.writeHead(401).end(problem.message),
      );
  };
}

/** The metadata as oauth4webapi reads it. */
export async function discovered(issuer: string): Promise<oauth.AuthorizationServer> {
  const url = new URL(issuer);
  const response = await oauth.discoveryRequest(url, { [oauth.allowInsecureRequests]: true });
  return await oauth.processDiscoveryResponse(url, response);
}

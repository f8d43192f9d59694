/**
 * A relying party as applications implement one: openid-client, and a small server that waits for
 * the callback.
 */
import { createServer, type Server } from 'node:http';
import * as client from 'openid-client';

export interface RelyingParty {
  readonly origin: string;
  readonly redirectUri: string;
  readonly postLogoutRedirectUri: string;
  /** Discovers the provider and builds an authorization request for the browser. */
  begin(
    issuer: string,
    clientId: string,
    clientSecret: string,
  ): Promise<{
    readonly config: client.Configuration;
    readonly url: string;
    readonly verifier: string;
    readonly state: string;
    readonly nonce: string;
  }>;
  /** Resolves to the URL of the callback when the browser arrives there. */
  callback(): Promise<URL>;
  close(): void;
}

export async function relyingParty(): Promise<RelyingParty> {
  const waiting: ((url: URL) => void)[] = [];
  const arrived: URL[] = [];
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', origin);
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<!doctype html><title>RP</title><h1 id="rp">${url.pathname}</h1>`);
    if (url.pathname !== '/callback') return;
    const take = waiting.shift();
    if (take === undefined) arrived.push(url);
    else take(url);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  return {
    origin,
    redirectUri: `${origin}/callback`,
    postLogoutRedirectUri: `${origin}/bye`,
    async begin(issuer, clientId, clientSecret) {
      const config = await client.discovery(
        new URL(issuer),
        clientId,
        undefined,
        client.ClientSecretBasic(clientSecret),
        {
          execute: [client.allowInsecureRequests],
        },
      );
      const verifier = client.randomPKCECodeVerifier();
      const state = client.randomState();
      const nonce = client.randomNonce();
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: `${origin}/callback`,
        scope: 'openid profile email',
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
      });
      return { config, url: url.href, verifier, state, nonce };
    },
    callback: async () =>
      arrived.shift() ?? (await new Promise<URL>((resolve) => waiting.push(resolve))),
    close: () => void server.close(),
  };
}

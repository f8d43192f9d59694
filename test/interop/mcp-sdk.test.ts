/**
 * The MCP SDK on both sides: its client finds the provider by the metadata of an MCP server, gets
 * tokens, and calls a tool of that server, which introspects them.
 */
import { Client } from '@modelcontextprotocol/sdk/client';
import { auth, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { mcpAuthMetadataRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { OAuthMetadata, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { freePort } from '../processes.ts';
import { services } from '../services.ts';
import { ALICE, type OpenProvider, openPage, openProvider, serve, signIn } from './provider.ts';

interface Introspected {
  readonly active: boolean;
  readonly client_id: string;
  readonly exp: number;
  readonly username: string;
}

/** An MCP server with one tool. Resolves to its address. */
async function mcpServer(op: OpenProvider): Promise<URL> {
  const port = await freePort();
  const url = new URL(`http://localhost:${port}/mcp`);
  const { clientId, clientSecret } = await op.register('resource-server', {});
  const discovery = await fetch(`${op.issuer}/.well-known/openid-configuration`);
  const metadata = (await discovery.json()) as OAuthMetadata;
  const verifyAccessToken = async (token: string): Promise<AuthInfo> => {
    const response = await fetch(String(metadata.introspection_endpoint), {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
      body: new URLSearchParams({ token }),
    });
    const { active, client_id, exp, username } = (await response.json()) as Introspected;
    if (!active) throw new InvalidTokenError('not active');
    return { token, clientId: client_id, scopes: [], expiresAt: exp, extra: { username } };
  };
  const app = express();
  app.use(mcpAuthMetadataRouter({ oauthMetadata: metadata, resourceServerUrl: url }));
  const resourceMetadataUrl = `${url.origin}/.well-known/oauth-protected-resource/mcp`;
  app.use(requireBearerAuth({ verifier: { verifyAccessToken }, resourceMetadataUrl }));
  app.post('/mcp', express.json(), async (request, response) => {
    const server = new McpServer({ name: 'photos', version: '1.0.0' });
    server.registerTool('who', {}, ({ authInfo }) => ({
      content: [{ type: 'text', text: String(authInfo?.extra?.['username']) }],
    }));
    const transport = new StreamableHTTPServerTransport({});
    await server.connect(transport);
    await transport.handleRequest(request, response, request.body);
  });
  await serve(port, app);
  return url;
}

/** What the MCP client keeps, in memory. */
class Kept implements OAuthClientProvider {
  readonly redirectUrl: string;
  readonly clientMetadata: OAuthClientProvider['clientMetadata'];
  readonly #clientId: string;
  #tokens: OAuthTokens | undefined;
  #verifier = '';
  opened: URL | null = null;

  constructor(redirectUrl: string, clientId: string) {
    this.redirectUrl = redirectUrl;
    this.clientMetadata = { redirect_uris: [redirectUrl] };
    this.#clientId = clientId;
  }
  clientInformation(): { client_id: string } {
    return { client_id: this.#clientId };
  }
  tokens(): OAuthTokens | undefined {
    return this.#tokens;
  }
  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens;
  }
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }
  codeVerifier(): string {
    return this.#verifier;
  }
  redirectToAuthorization(url: URL): void {
    this.opened = url;
  }
}

describe.skipIf(services.chromium === null)('the MCP SDK', () => {
  it('signs a person in to an MCP server, calls its tool, and renews the tokens', async () => {
    const op = await openProvider();
    const url = await mcpServer(op);
    const port = await freePort();
    // A client on the person's computer takes a port that is free at that time.
    const { clientId } = await op.register('native', {
      redirectUris: ['http://localhost/callback'],
    });
    await serve(port, (_, response) => void response.end('Return to the application.'));
    const kept = new Kept(`http://localhost:${port}/callback`, clientId);
    const refused = new StreamableHTTPClientTransport(url, { authProvider: kept });
    const client = new Client({ name: 'photo printer', version: '1.0.0' });
    await expect(client.connect(refused)).rejects.toThrow('Unauthorized');

    const page = await openPage();
    await page.goto(String(kept.opened));
    await signIn(page);
    await page.waitForURL(/\/callback\?/);
    await refused.finishAuth(new URL(page.url()).searchParams.get('code') ?? '');
    const transport = new StreamableHTTPClientTransport(url, { authProvider: kept });
    await client.connect(transport);
    const name = { content: [{ type: 'text', text: ALICE.username }] };
    expect(await client.callTool({ name: 'who' })).toMatchObject(name);

    const before = kept.tokens();
    expect(await auth(kept, { serverUrl: url })).toBe('AUTHORIZED');
    expect(kept.tokens()?.access_token).not.toBe(before?.access_token);
    expect(await client.callTool({ name: 'who' })).toMatchObject(name);
    await client.close();
  });
});

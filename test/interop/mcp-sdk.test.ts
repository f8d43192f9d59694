/**
 * The client of the MCP SDK finds the provider by the metadata of an MCP server, gets tokens, and
 * calls a tool of that server: one by the SDK alone, and the one of docs/guides/mcp.md.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client';
import { auth, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { mcpAuthMetadataRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type {
  OAuthClientInformationMixed,
  OAuthMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import express from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, start, stop, untilPrinted } from '../processes.ts';
import { makeCertificate } from '../server/proxied.ts';
import { services } from '../services.ts';
import { ALICE, openPage, openProvider, serve, signIn } from './provider.ts';
import { type Standalone, standalone } from './standalone.ts';

interface Introspected {
  readonly active: boolean;
  readonly client_id: string;
  readonly exp: number;
  readonly username: string;
}

/** The credentials by which an MCP server asks about tokens. */
interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** The MCP server of the guide, on `valetkey/resource`. */
async function exampleServer(
  issuer: string,
  { clientId, clientSecret }: Credentials,
): Promise<URL> {
  const port = await freePort();
  const program = start('examples/mcp-server.ts', [], {
    PORT: String(port),
    ISSUER: issuer,
    CLIENT_ID: clientId,
    CLIENT_SECRET: clientSecret,
  });
  onTestFinished(async () => void (await stop(program)));
  await untilPrinted(program, 'listening');
  const url = new URL(`http://localhost:${port}/mcp`);
  // Streamable HTTP of MCP: a server without a stream of its own answers GET with 405.
  expect((await fetch(url)).status).toBe(405);
  // A name of somebody else that leads to this computer (DNS rebinding).
  expect(await statusAt(url, 'evil.example')).toBe(403);
  return url;
}

/** An MCP server with one tool, by nothing but the SDK. */
async function mcpServer(issuer: string, { clientId, clientSecret }: Credentials): Promise<URL> {
  const port = await freePort();
  const url = new URL(`http://localhost:${port}/mcp`);
  const discovery = await fetch(`${issuer}/.well-known/openid-configuration`);
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
  readonly clientMetadataUrl?: string;
  client: OAuthClientInformationMixed | undefined;
  #tokens: OAuthTokens | undefined;
  #verifier = '';
  opened: URL | null = null;

  /** @param known its client_id, or the address of its document; without one it registers itself */
  constructor(redirectUrl: string, known: { clientId?: string; document?: string } = {}) {
    this.redirectUrl = redirectUrl;
    this.clientMetadata = {
      client_name: 'Photo assistant',
      redirect_uris: [redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'none',
    };
    if (known.document !== undefined) this.clientMetadataUrl = known.document;
    if (known.clientId !== undefined) this.client = { client_id: known.clientId };
  }
  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.client;
  }
  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.client = client;
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
    const url = await mcpServer(op.issuer, await op.register('resource-server', {}));
    const port = await freePort();
    // A client on the person's computer takes a port that is free at that time.
    const { clientId } = await op.register('native', {
      redirectUris: ['http://localhost/callback'],
    });
    await serve(port, (_, response) => void response.end('Return to the application.'));
    const kept = new Kept(`http://localhost:${port}/callback`, { clientId });
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

  describe.each([
    ['a metadata document at its address', {}],
    [
      'no document, so that it registers itself',
      { VALETKEY_DYNAMIC_REGISTRATION_ALLOW_OPEN_REGISTRATION: 'true' },
    ],
  ])('with the server’s setting for MCP and %s', (_what, env) => {
    it('finds everything itself, signs in, calls a tool with a token for it, and renews it', async () => {
      const port = await freePort();
      const redirect = `http://localhost:${port}/callback`;
      await serve(port, (_, response) => void response.end('Return to the application.'));
      const isDocument = Object.keys(env).length === 0;
      const host = await documentHost(redirect);
      const op = await standalone({
        VALETKEY_MCP: 'true',
        ...env,
        ...(isDocument
          ? {
              NODE_EXTRA_CA_CERTS: host.certificate,
              VALETKEY_ALLOW_OUTBOUND: host.origin,
              VALETKEY_CLIENT_ID_METADATA_DOCUMENTS_ALLOW_INTERNAL_DOCUMENTS: host.origin,
            }
          : {}),
      });
      onTestFinished(async () => await op.stop());
      const api = await op.command(
        'application',
        'create',
        '--name',
        'Photos',
        '--kind',
        'resource-server',
      );
      const credentials = {
        clientId: api['client_id'] ?? '',
        clientSecret: api['client_secret'] ?? '',
      };
      const url = await exampleServer(op.issuer, credentials);
      // Its tools are for people.
      expect(await statusForService(op, url)).toBe(403);

      const kept = new Kept(redirect, isDocument ? { document: host.document } : {});
      const refused = new StreamableHTTPClientTransport(url, { authProvider: kept });
      const client = new Client({ name: 'assistant', version: '1.0.0' });
      await expect(client.connect(refused)).rejects.toThrow('Unauthorized');
      if (isDocument) expect(kept.client?.client_id).toBe(host.document);

      const page = await openPage();
      await page.goto(String(kept.opened));
      await page.fill('#username', ALICE.username);
      await page.fill('#password', ALICE.password);
      await page.click('#login-submit');
      expect(await page.textContent('#client-note')).toContain('your computer');
      await page.click('#consent-allow');
      await page.waitForURL(/\/callback\?/);
      await refused.finishAuth(new URL(page.url()).searchParams.get('code') ?? '');
      await client.connect(new StreamableHTTPClientTransport(url, { authProvider: kept }));
      const name = { content: [{ type: 'text', text: ALICE.username }] };
      expect(await client.callTool({ name: 'who' })).toMatchObject(name);

      const before = kept.tokens();
      expect(await auth(kept, { serverUrl: url })).toBe('AUTHORIZED');
      expect(kept.tokens()?.access_token).not.toBe(before?.access_token);
      expect(await client.callTool({ name: 'who' })).toMatchObject(name);
      await client.close();
    });
  });
});

/** The status of a request that names another host: fetch cannot. */
async function statusAt(url: URL, host: string): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const sent = get(url, { headers: { host } }, ({ statusCode }) => resolve(statusCode));
    sent.on('error', reject);
  });
}

/** What a service gets that calls the MCP server for itself. */
async function statusForService({ issuer, command }: Standalone, url: URL): Promise<number> {
  const made = await command('application', 'create', '--name', 'Job', '--kind', 'service');
  const fields = { grant_type: 'client_credentials', resource: url.href };
  const credentials = btoa(`${made['client_id']}:${made['client_secret']}`);
  const issued = await fetch(`${issuer}/o/token/`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams(fields),
  });
  const { access_token: token } = (await issued.json()) as Readonly<Record<string, string>>;
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(url, { method: 'POST', headers })).status;
}

/** A host with a certificate of its own, and the document of a client on the reader's computer. */
async function documentHost(
  redirect: string,
): Promise<{ readonly origin: string; readonly document: string; readonly certificate: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-mcp-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const cert = makeCertificate(folder);
  const port = await freePort();
  const origin = `https://localhost:${port}`;
  const document = `${origin}/client.json`;
  const metadata = {
    client_id: document,
    client_name: 'Photo assistant',
    redirect_uris: [redirect],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  };
  const tls = { key: readFileSync(join(folder, 'privkey.pem')), cert };
  const server = createServer(tls, (_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(metadata));
  });
  await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { origin, document, certificate: join(folder, 'fullchain.pem') };
}

/**
 * A host that signs people in itself: an Express application with its own login page and the
 * built-in pages for the rest.
 */
import { createServer, type Server } from 'node:http';
import express from 'express';
import { createProvider, memoryDatabase, type Provider } from 'valetkey';
import { expressValetkey } from 'valetkey/express';
import { sendResponse, toRequest } from 'valetkey/node';
import { builtInPages } from 'valetkey/pages';
import { scriptedBrowser } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../processes.ts';
import { pkce, SIGNING_KEYS } from '../spec/setup.ts';

describe('a login page of the host', () => {
  let server: Server;
  let issuer = '';
  let provider: Provider;
  let clientId = '';
  const ips: (string | null)[] = [];

  beforeAll(async () => {
    const port = await freePort();
    issuer = `http://localhost:${port}`;
    provider = createProvider({
      issuer,
      store: memoryDatabase(),
      accounts: {
        find: async (sub) => ({
          sub,
          enabled: sub !== 'locked',
          claims: { name: `Person ${sub}` },
        }),
      },
      pages: builtInPages({ login: '/login' }),
      signingKeys: SIGNING_KEYS,
      onEvent: ({ type, ip }) => {
        if (type === 'login.succeeded') ips.push(ip);
      },
    });
    const made = await provider.clients.create({
      name: 'App',
      redirectUris: ['https://rp.example/cb'],
    });
    clientId = made.client.clientId;
    const app = express().use(expressValetkey(provider)).use(express.urlencoded());
    app.get('/login', async (request, response) => {
      const { client, loginHint, because } = await provider.interactions.details(
        toRequest(request, issuer),
      );
      response.send(
        `<h1>${client.name} ${loginHint} ${because}</h1><form method="post" action="${request.originalUrl.replaceAll('&', '&amp;')}"></form>`,
      );
    });
    app.post('/login', async (request, response) => {
      const { sub } = request.body as { sub: string };
      const answer = await provider.interactions.login(
        toRequest(request, issuer),
        { sub, amr: ['hwk'] },
        { ip: request.ip },
      );
      response.cookie('host', 'its own');
      await sendResponse(answer, response);
    });
    app.use(
      (
        error: Error & { reason?: string },
        _request: express.Request,
        response: express.Response,
        _next: express.NextFunction,
      ) => {
        response.status(400).send(error.reason ?? 'unknown');
      },
    );
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve));
  });
  afterAll(() => void server.close());

  const open = async (browser = scriptedBrowser(fetch, (url) => url.origin === issuer)) => {
    const params = new URLSearchParams({
      client_id: clientId,
      redirect_uri: 'https://rp.example/cb',
      response_type: 'code',
      scope: 'openid',
      code_challenge: pkce().challenge,
      code_challenge_method: 'S256',
      login_hint: 'ann',
    });
    return { browser, visit: await browser.open(`${issuer}/o/authorize/?${params}`) };
  };

  it('[RFC9700 §4.7] gets no details in another browser, and cannot sign a locked account in', async () => {
    const { browser, visit } = await open();
    const other = await scriptedBrowser(fetch, () => true).open(visit.url);
    expect([other.status, other.html]).toEqual([400, 'interaction_other_browser']);
    expect((await browser.submit(visit, { sub: 'locked' })).html).toBe('login_account');
  });
  it('signs a person in; the built-in consent page follows, and events have the address of the peer', async () => {
    const { browser, visit } = await open();
    expect(visit.html).toContain('<h1>App ann no_session</h1>');
    const consent = await browser.submit(visit, { sub: 'ann' });
    expect(consent.html).toContain('Person ann');
    expect(
      (await browser.submit(consent, { decision: 'allow' })).leaves?.searchParams.get('code'),
    ).toMatch(/^vkac_/);
    expect([browser.cookies.size, browser.cookies.get('host'), ips.at(-1)]).toEqual([
      3,
      'its own',
      expect.stringMatching(/127\.0\.0\.1|::1/),
    ]);
  });
});

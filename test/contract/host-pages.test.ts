/**
 * A host that signs people in itself: an Express application with its own login page and the
 * built-in pages for the rest.
 */
import { createServer, type Server } from 'node:http';
import express from 'express';
import { createProvider, memoryDatabase, type Provider } from 'valetkey';
import { expressInteractions, expressValetkey } from 'valetkey/express';
import { builtInPages } from 'valetkey/pages';
import { readForm, scriptedBrowser } from 'valetkey/testing';
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
    const interactions = expressInteractions(provider);
    app.get('/login', async (request, response) => {
      const { client, loginHint, because } = await interactions.details(request);
      response.send(
        `<h1>${client.name} ${loginHint} ${because}</h1><form method="post" action="${request.originalUrl.replaceAll('&', '&amp;')}"></form>`,
      );
    });
    app.post('/login', async (request, response) => {
      const { sub } = request.body as { sub: string };
      response.cookie('host', 'its own');
      await interactions.login(request, response, { sub, amr: ['hwk'] });
    });
    app.post('/consent', async (request, response) => {
      const { decision } = request.body as { decision: string };
      if (decision === 'some') await interactions.consent(request, response, []);
      else if (decision === 'allow') await interactions.consent(request, response);
      else if (decision === 'answer')
        await interactions.answer(request, response, 'consent', 'allow');
      else await interactions.deny(request, response);
    });
    app.post('/logout', async (request, response) => {
      response.cookie('host', 'gone');
      await interactions.logout(request, response);
      response.send('bye');
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
  it.each([
    ['allow', 'code'],
    ['answer', 'code'],
    ['some', 'error'],
    ['deny', 'error'],
  ])(
    'gives the answer %s of its own consent page, in the types of Express',
    async (decision, got) => {
      const { browser, visit } = await open();
      const consent = await browser.submit(visit, { sub: `ann ${decision}` });
      // As the browser is sent to a page of the host: the page was shown to this person.
      const { interaction = '' } = readForm(consent.html).fields;
      const html = `<form method="post" action="${issuer}/consent?interaction=${interaction}"></form>`;
      const answer = await browser.submit({ ...consent, html }, { decision });
      expect(answer.leaves?.searchParams.has(got)).toBe(true);
      const cookie = [...browser.cookies].map((pair) => pair.join('=')).join('; ');
      const bye = await fetch(`${issuer}/logout`, { method: 'POST', headers: { cookie } });
      const cookies = bye.headers.getSetCookie();
      expect(cookies).toEqual([
        expect.stringMatching(/^host=gone/),
        expect.stringMatching(/session.*Max-Age=0/),
      ]);
    },
  );
});

/**
 * A single-page application with oidc-client-ts, in Chromium, over HTTPS. The provider is on
 * another registrable domain: in the hidden frames of the library its cookies are third-party ones.
 * The profile of the browser allows those, because Debian's Chromium blocks them.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import {
  type Config,
  createProvider,
  memoryDatabase,
  metadataOfKind,
  sessionManagement,
} from 'valetkey';
import { nodeListener } from 'valetkey/node';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type ServerCertificate, serverCertificate } from '../../tools/conformance/certificates.ts';
import { services } from '../services.ts';
import { ARGUMENTS } from './browser.ts';
import { ALICE, signIn } from './provider.ts';

const LIBRARY = readFileSync(
  new URL('../../node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js', import.meta.url),
);
const [OP_HOST, APP_HOST] = ['id.valetkey-op.test', 'app.photo-printer.test'];
/** No third-party cookie is blocked; no argument of the browser says the same. */
const PREFERENCES = { profile: { cookie_controls_mode: 0 } };

/** One page for every address of the application. */
function html(authority: string, clientId: string): string {
  return `<!doctype html><title>Photo Printer</title>
<button id="redirect">Sign in</button><button id="again">Sign in again</button>
<button id="renew">Renew</button><button id="out">Sign out</button>
<pre id="user"></pre><p id="events"></p><p id="answers"></p>
<script src="/oidc-client-ts.js"></script>
<script>
  const manager = new oidc.UserManager({
    authority: '${authority}',
    client_id: '${clientId}',
    redirect_uri: location.origin + '/callback',
    silent_redirect_uri: location.origin + '/silent',
    post_logout_redirect_uri: location.origin + '/bye',
    scope: 'openid profile email',
    monitorSession: parent === window,
    checkSessionIntervalInSeconds: 1,
  });
  const element = (id) => document.querySelector(id);
  const show = (user) => (element('#user').textContent = JSON.stringify(user));
  const fail = (error) => show({ error: error.error ?? String(error) });
  const on = (id, work) => (element(id).onclick = () => work().catch(fail));
  on('#redirect', () => manager.signinRedirect());
  on('#again', () => manager.signinRedirect({ prompt: 'login' }));
  on('#renew', () => manager.signinSilent().then(show));
  on('#out', () => manager.signoutRedirect());
  const note = (id, text) => (element(id).textContent += text + ';');
  manager.events.addUserSignedOut(() => note('#events', 'signed out'));
  manager.events.addUserSessionChanged(() => note('#events', 'session changed'));
  addEventListener('message', ({ origin, data }) => {
    if (origin === '${authority}') note('#answers', data);
  });
  if (location.search.includes('state=')) manager.signinCallback().then(show, fail);
  else manager.getUser().then(show);
</script>`;
}

type User = Readonly<{ access_token: string }>;

/** Waits until an element of the application has such a text. */
async function shows(page: Page, id: string, expected: RegExp): Promise<void> {
  await expect.poll(() => page.textContent(id), { timeout: 15_000 }).toMatch(expected);
}

/** The user that the application shows once that is something else than before. */
async function shownUser(page: Page, before = ''): Promise<User | null> {
  await expect.poll(() => page.textContent('#user'), { timeout: 15_000 }).not.toBe(before);
  return JSON.parse((await page.textContent('#user')) ?? '') as User | null;
}

describe.skipIf(services.chromium === null)('oidc-client-ts on another site, over HTTPS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-cross-site-'));
  let certificate: ServerCertificate;
  let context: BrowserContext;

  beforeAll(async () => {
    certificate = serverCertificate(folder, OP_HOST);
    const { publicKey } = new X509Certificate(certificate.cert);
    const spki = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' }));
    mkdirSync(join(folder, 'profile', 'Default'), { recursive: true });
    writeFileSync(join(folder, 'profile/Default/Preferences'), JSON.stringify(PREFERENCES));
    context = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath: services.chromium ?? '',
      args: [
        ...ARGUMENTS,
        `--host-resolver-rules=MAP ${OP_HOST} 127.0.0.1,MAP ${APP_HOST} 127.0.0.1`,
        `--ignore-certificate-errors-spki-list=${spki.digest('base64')}`,
      ],
    });
    context.setDefaultTimeout(15_000);
  });
  afterAll(async () => {
    await context?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function listen(host: string): Promise<{ server: Server; origin: string }> {
    const server = createServer(certificate).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { server, origin: `https://${host}:${(server.address() as AddressInfo).port}` };
  }

  /** A tab of the one browser. Origins and cookies are new for each test, by their ports. */
  async function openTab(url: string): Promise<Page> {
    const page = await context.newPage();
    onTestFinished(async () => await page.close());
    await page.goto(url);
    return page;
  }

  type Opened = Readonly<{ issuer: string; app: string; page: Page }>;

  /** @param options what differs from the defaults */
  async function openApplication(options: Partial<Config> = {}): Promise<Opened> {
    const { server: op, origin: issuer } = await listen(OP_HOST);
    const { server, origin: app } = await listen(APP_HOST);
    const { username, password, name, email } = ALICE;
    const claims = { name, email, email_verified: true };
    const accounts = memoryAccounts([{ sub: 'alice-sub', username, password, claims }]);
    const own = { issuer, store: memoryDatabase(), accounts, pages: builtInPages() };
    const provider = createProvider({ ...own, ...options });
    onTestFinished(async () => await provider.close());
    op.on('request', nodeListener(provider));
    const { client } = await provider.clients.create(
      metadataOfKind('spa', {
        name: 'Photo Printer',
        redirectUris: [`${app}/callback`, `${app}/silent`],
        postLogoutRedirectUris: [`${app}/bye`],
        // Without a refresh token the library renews in a frame.
        grantTypes: ['authorization_code'],
      }),
    );
    server.on('request', (request, response) => {
      if (request.url === '/oidc-client-ts.js')
        response.setHeader('content-type', 'text/javascript').end(LIBRARY);
      else response.setHeader('content-type', 'text/html').end(html(issuer, client.clientId));
    });
    return { issuer, app, page: await openTab(app) };
  }

  async function signedIn(page: Page): Promise<User> {
    await page.click('#redirect');
    await signIn(page);
    await page.waitForURL(/\/callback\?/);
    const user = await shownUser(page);
    expect(user).toMatchObject({ profile: { name: ALICE.name, email: ALICE.email } });
    expect(user).not.toHaveProperty('refresh_token');
    return user!;
  }

  /** Renews in a frame, which the browser calls one of another site, and gives its cookies. */
  async function renew(page: Page, before: User): Promise<User | null> {
    const asked = page.waitForRequest((request) => request.url().includes('prompt=none'));
    await page.click('#renew');
    expect(await (await asked).allHeaders()).toMatchObject({
      'sec-fetch-dest': 'iframe',
      'sec-fetch-site': 'cross-site',
      'sec-fetch-storage-access': 'active',
    });
    return await shownUser(page, JSON.stringify(before));
  }

  /** Signs in to an application that watches, and waits until it heard twice of no change. */
  async function watched(options: Partial<Config>): Promise<Opened> {
    const features = [sessionManagement({ enabled: true })];
    const opened = await openApplication({ ...options, features });
    await signedIn(opened.page);
    await shows(opened.page, '#answers', /^(unchanged;){2,}$/);
    expect(await opened.page.textContent('#events')).toBe('');
    return opened;
  }

  it('[RFC 7636 §4.3] signs a person in through the pages, with PKCE', async () => {
    const { page, issuer } = await openApplication();
    const asked = page.waitForRequest(/code_challenge_method=S256/);
    const redeemed = page.waitForResponse(`${issuer}/o/token/`);
    await signedIn(page);
    expect((await asked).url()).toContain(`${issuer}/o/authorize/?`);
    expect((await redeemed).request().postData()).toMatch(/code_verifier=.{43}/);
  });

  it('[OIDC Core §3.1.2.1] renews in a hidden frame with allowCrossSiteSession', async () => {
    const { page } = await openApplication({ allowCrossSiteSession: true });
    const user = await signedIn(page);
    const renewed = await renew(page, user);
    expect(renewed).toMatchObject({ profile: { sub: 'alice-sub', name: ALICE.name } });
    expect(renewed?.access_token).not.toBe(user.access_token);
  });

  it('[OIDC Core §3.1.2.6] gets login_required in a hidden frame by default', async () => {
    const { page } = await openApplication();
    expect(await renew(page, await signedIn(page))).toEqual({ error: 'login_required' });
  });

  const LEARNS =
    '[Session Management §3.1] learns of a logout in another tab, and of nothing before';
  it.each([true, false])(`${LEARNS}; allowCrossSiteSession: %s`, async (allowCrossSiteSession) => {
    const { page, issuer } = await watched({ allowCrossSiteSession });
    const tab = await openTab(`${issuer}/o/logout/`);
    await tab.click('#logout-confirm');
    await shows(page, '#events', /^signed out;$/);
    expect(await page.textContent('#answers')).toMatch(/^(unchanged;)+changed;$/);
  });

  it('[Session Management §3.1] does not take a new login of the same person for a logout', async () => {
    const { page, app } = await watched({ allowCrossSiteSession: true });
    const tab = await openTab(app);
    await tab.click('#again');
    await tab.fill('#username', ALICE.username);
    await tab.fill('#password', ALICE.password);
    await tab.click('#login-submit');
    await tab.waitForURL(/\/callback\?/);
    await shows(page, '#answers', /;changed;(unchanged;)+$/);
    expect(await page.textContent('#events')).toBe('session changed;');
  });

  it('[RP-Initiated Logout §2, §3] signs the person out, who comes back', async () => {
    const { page, app } = await openApplication();
    await signedIn(page);
    await page.click('#out');
    await page.click('#logout-confirm');
    await page.waitForURL(`${app}/bye`);
    expect(await shownUser(page)).toBeNull();
    await page.click('#redirect');
    await page.waitForSelector('#login-form');
  });
});

/**
 * A single-page application with oidc-client-ts, in Chromium. Its origin is another than the
 * provider's, so that CORS and the policies for popups have to be right.
 */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { freePort } from '../processes.ts';
import { services } from '../services.ts';
import { ALICE, openPage, openProvider, serve, signIn } from './provider.ts';

const LIBRARY = new URL(
  '../../node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js',
  import.meta.url,
);

/** One page for every address of the application, as such applications have. */
function html(authority: string, clientId: string): string {
  return `<!doctype html><title>Photo Printer</title>
<button id="redirect">Sign in</button>
<button id="popup">Sign in, in a popup</button>
<button id="renew">Renew</button>
<button id="out">Sign out</button>
<pre id="user"></pre>
<script src="/oidc-client-ts.js"></script>
<script>
  const manager = new oidc.UserManager({
    authority: '${authority}',
    client_id: '${clientId}',
    redirect_uri: location.origin + '/callback',
    popup_redirect_uri: location.origin + '/popup',
    post_logout_redirect_uri: location.origin + '/',
    scope: 'openid profile email',
  });
  const show = (user) => (document.querySelector('#user').textContent = JSON.stringify(user));
  const fail = (error) => show({ error: String(error) });
  const on = (id, work) => (document.querySelector(id).onclick = () => work().catch(fail));
  on('#redirect', () => manager.signinRedirect());
  on('#popup', () => manager.signinPopup().then(show));
  on('#renew', () => manager.signinSilent().then(show));
  on('#out', () => manager.signoutRedirect());
  if (location.pathname === '/') manager.getUser().then(show);
  else manager.signinCallback().then(show, fail);
</script>`;
}

interface User {
  readonly error?: string;
  readonly profile: Readonly<Record<string, unknown>>;
  readonly access_token: string;
}

/** What the page shows once that is something else than before. */
async function shownUser(page: Page, before = ''): Promise<User | null> {
  const text = async (): Promise<string> => (await page.textContent('#user')) ?? '';
  await expect.poll(text, { timeout: 10_000 }).not.toBe(before);
  return JSON.parse(await text()) as User | null;
}

async function openApplication(): Promise<{ readonly page: Page; readonly app: string }> {
  const port = await freePort();
  const app = `http://localhost:${port}`;
  const op = await openProvider();
  const { clientId } = await op.register('spa', {
    redirectUris: [`${app}/callback`, `${app}/popup`],
    postLogoutRedirectUris: [`${app}/`],
  });
  const library = readFileSync(LIBRARY);
  await serve(port, (request, response) => {
    if (request.url === '/oidc-client-ts.js')
      response.setHeader('content-type', 'text/javascript').end(library);
    else response.setHeader('content-type', 'text/html').end(html(op.issuer, clientId));
  });
  const page = await openPage();
  await page.goto(app);
  return { page, app };
}

describe.skipIf(services.chromium === null)('oidc-client-ts', () => {
  const isAlice = { profile: { name: ALICE.name, email: ALICE.email } };

  it('signs a person in by redirect, renews by refresh token, and signs them out', async () => {
    const { page, app } = await openApplication();
    await page.click('#redirect');
    await signIn(page);
    await page.waitForURL(/\/callback\?/);
    const user = await shownUser(page);
    expect(user).toMatchObject(isAlice);

    const refresh = page.waitForRequest((request) =>
      (request.postData() ?? '').includes('grant_type=refresh_token'),
    );
    await page.click('#renew');
    await refresh;
    const renewed = await shownUser(page, JSON.stringify(user));
    expect(renewed).toMatchObject(isAlice);
    expect(renewed?.access_token).not.toBe(user?.access_token);

    await page.click('#out');
    await page.click('#logout-confirm');
    await page.waitForURL(`${app}/`);
    expect(await shownUser(page)).toBeNull();
  });

  it('signs a person in with a popup, which reaches the page that opened it', async () => {
    const { page } = await openApplication();
    const opened = page.waitForEvent('popup');
    await page.click('#popup');
    const popup = await opened;
    const closed = popup.waitForEvent('close');
    await popup.waitForSelector('#login-form');
    // Cross-Origin-Opener-Policy would cut it off here. Other libraries have no other way back.
    expect(await popup.evaluate('opener !== null')).toBe(true);
    await signIn(popup);
    expect(await shownUser(page, 'null')).toMatchObject(isAlice);
    await closed;
  });
});

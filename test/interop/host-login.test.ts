/**
 * A host with its own login in a real browser: `examples/host-login.ts` and a partner that uses
 * openid-client. The provider follows the session of the host when either side changes it.
 */
import * as client from 'openid-client';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort, type Program, start, stop, untilPrinted, untilUp } from '../processes.ts';
import { services } from '../services.ts';
import { launch } from './browser.ts';
import { type RelyingParty, relyingParty } from './relying-party.ts';

describe.skipIf(services.chromium === null)('a host with its own login, in Chromium', () => {
  let browser: Browser;
  let page: Page;
  let partner: RelyingParty;
  let host: Program;
  let issuer = '';
  let id = '';
  let secret = '';

  beforeAll(async () => {
    partner = await relyingParty();
    const port = await freePort();
    issuer = `http://localhost:${port}`;
    const env = { PORT: String(port), REDIRECT_URI: partner.redirectUri };
    host = start('examples/host-login.ts', [], env);
    await untilUp(`${issuer}/.well-known/openid-configuration`, host);
    const text = await untilPrinted(host, 'client_secret');
    [, id = ''] = /client_id (\S+)/.exec(text) ?? [];
    [, secret = ''] = /client_secret (\S+)/.exec(text) ?? [];
    browser = await launch();
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    partner.close();
    await stop(host);
  });
  beforeEach(async () => {
    page = await (await browser.newContext()).newPage();
  });

  const enter = async (user: 'bob' | 'carol'): Promise<void> => {
    await page.fill('#user', user);
    await page.fill('#word', user === 'bob' ? 'builder' : 'singer');
    await page.click('#in');
  };
  const signInToHost = async (user: 'bob' | 'carol'): Promise<void> => {
    await page.goto(`${issuer}/login`);
    await enter(user);
    await expect.poll(async () => await page.textContent('#who')).toBe(user);
  };
  const signOutOfHost = async (): Promise<void> => {
    await page.goto(issuer);
    await page.click('#out');
    await expect.poll(async () => await page.textContent('#who')).toBe('nobody');
  };
  type Begun = Awaited<ReturnType<RelyingParty['begin']>>;
  /** Begins a sign-in at the partner, with additional parameters. */
  const open = async (more: Readonly<Record<string, string>> = {}): Promise<Begun> => {
    const begun = await partner.begin(issuer, id, secret);
    const url = new URL(begun.url);
    for (const [name, value] of Object.entries(more)) url.searchParams.set(name, value);
    await page.goto(url.href);
    return begun;
  };
  type Tokens = Awaited<ReturnType<typeof client.authorizationCodeGrant>>;
  const finish = async ({ config, verifier, state, nonce }: Begun): Promise<Tokens> => {
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
    return await client.authorizationCodeGrant(config, await partner.callback(), checks);
  };
  const subOf = (tokens: Tokens): unknown => tokens.claims()?.sub;
  const allowIfAsked = async (): Promise<void> => {
    await page.waitForSelector('#rp, #consent-allow');
    if ((await page.$('#consent-allow')) !== null) await page.click('#consent-allow');
  };
  const signIn = async (more: Readonly<Record<string, string>> = {}): Promise<Tokens> => {
    const begun = await open(more);
    await allowIfAsked();
    return await finish(begun);
  };
  const isActive = async ({ config }: Begun, token: string): Promise<boolean> =>
    (await client.tokenIntrospection(config, token)).active;

  it('the partner gets Bob, and after a change of the login at the host it gets Carol', async () => {
    const first = await open();
    await page.waitForSelector('#user');
    await enter('bob');
    await allowIfAsked();
    const bob = await finish(first);
    expect(subOf(bob)).toBe('bob');
    await signOutOfHost();
    expect(await isActive(first, bob.access_token)).toBe(false);
    await signInToHost('carol');
    expect(subOf(await signIn())).toBe('carol');
  });

  it('[OIDC Core §3.1.2.1] prompt=login leads to a new login at the host, without a redirect loop', async () => {
    await signInToHost('bob');
    const before = (await signIn()).claims()?.auth_time;
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const begun = await open({ prompt: 'login' });
    await page.waitForSelector('#user');
    await enter('bob');
    await allowIfAsked();
    const after = (await finish(begun)).claims()?.auth_time;
    expect(Number(after)).toBeGreaterThan(Number(before));
  });

  it('[OIDC Core §3.1.2.6] prompt=none returns the person who is signed in to the host, or login_required', async () => {
    await open({ prompt: 'none' });
    expect((await partner.callback()).searchParams.get('error')).toBe('login_required');
    await signInToHost('carol');
    await signIn();
    const begun = await open({ prompt: 'none' });
    expect(subOf(await finish(begun))).toBe('carol');
  });

  it('[OIDC Core §3.1.2.1] an exceeded max_age leads to a new login, and one that is not exceeded shows no page', async () => {
    await signInToHost('bob');
    await signIn();
    await new Promise((resolve) => setTimeout(resolve, 2100));
    expect(subOf(await signIn({ max_age: '3600' }))).toBe('bob');
    const begun = await open({ max_age: '1' });
    await page.waitForSelector('#user');
    await enter('bob');
    await allowIfAsked();
    expect(subOf(await finish(begun))).toBe('bob');
  });

  it('a logout at the provider also ends the session of the host', async () => {
    await signInToHost('bob');
    const begun = await open();
    await allowIfAsked();
    const tokens = await finish(begun);
    const logout = client.buildEndSessionUrl(begun.config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: partner.postLogoutRedirectUri,
    });
    await page.goto(logout.href);
    await page.click('#logout-confirm');
    await page.waitForURL(partner.postLogoutRedirectUri);
    await page.goto(issuer);
    expect(await page.textContent('#who')).toBe('nobody');
    expect(await isActive(begun, tokens.access_token)).toBe(false);
  });

  it('when the session changes while the consent page is open, the page asks again for the new person', async () => {
    await signInToHost('bob');
    const begun = await open({ prompt: 'consent' });
    await page.waitForSelector('#consent-form');
    expect(await page.textContent('main')).toContain('Mx bob');
    const other = await page.context().newPage();
    await other.goto(issuer);
    await other.click('#out');
    await other.goto(`${issuer}/login`);
    await other.fill('#user', 'carol');
    await other.fill('#word', 'singer');
    await other.click('#in');
    await other.waitForSelector('#who');
    await page.click('#consent-allow');
    await page.waitForSelector('#consent-form');
    expect(await page.textContent('main')).toContain('Mx carol');
    await page.click('#consent-allow');
    expect(subOf(await finish(begun))).toBe('carol');
  });
});

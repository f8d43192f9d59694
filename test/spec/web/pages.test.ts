/** What every page may load, show and be shown in. Rules UI. */

import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage } from '../refusals.ts';
import {
  authorizeUrl,
  browserOf,
  ISSUER,
  logIn,
  makeWorld,
  openAuthorize,
  type Pkce,
  pkce,
  type World,
} from '../setup.ts';

let world: World;
let browser: ScriptedBrowser;
let proof: Pkce;
beforeEach(async () => {
  world = await makeWorld();
  browser = browserOf(world);
  proof = pkce();
});
const start = async (
  changes: Readonly<Record<string, string | null>> = {},
  who: ScriptedBrowser = browser,
): Promise<Visit> => await openAuthorize(world, who, changes, proof);

describe('headers of pages', () => {
  it('[RFC9700 §4.16] UI-02 UI-06 forbid framing, inline scripts and caches', async () => {
    const login = await start();
    const consent = await logIn(browser, login);
    const error = await browser.open(`${ISSUER}/o/interaction/`);
    for (const visit of [login, consent, error]) {
      const policy = visit.headers.get('content-security-policy') ?? '';
      const scripts = visit === error ? "'none'" : "'self'";
      expect(policy).toContain(`default-src 'none'; script-src ${scripts}; style-src 'self'`);
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain("base-uri 'none'");
      expect(visit.headers.get('x-frame-options')).toBe('DENY');
      expect(visit.headers.get('x-content-type-options')).toBe('nosniff');
      expect(visit.headers.get('cache-control')).toBe('no-store');
      expect(visit.headers.get('strict-transport-security')).toBe('max-age=63072000');
    }
    // The window that a page of an application opened stays connected to that page.
    expect(
      [login, consent, error].map(({ headers }) => headers.get('cross-origin-opener-policy')),
    ).toEqual([null, null, 'same-origin']);
    const others = [
      await browser.open(world.provider.url('device')),
      await browser.open(world.provider.url('rp-initiated-logout')),
    ];
    for (const { headers } of others)
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(login.headers.get('content-security-policy')).toContain(
      "form-action 'self' https://rp.example",
    );
    expect(login.headers.get('referrer-policy')).toBe('same-origin');
    expect(error.headers.get('content-security-policy')).toContain("form-action 'none'");
    expect(error.headers.get('referrer-policy')).toBe('no-referrer');
  });
  it('[RFC9700 §4.16] UI-02 hold no host that would end a directive', async () => {
    const uri = 'https://a;frame-ancestors/cb';
    await world.provider.store.clients.insert(
      {
        ...world.web,
        clientId: 'bad',
        redirectUris: [uri],
      },
      null,
    );
    const visit = await start({ client_id: 'bad', redirect_uri: uri });
    const policy = visit.headers.get('content-security-policy') ?? '';
    expect(
      policy.split('; ').filter((directive) => directive.startsWith('frame-ancestors')),
    ).toEqual(["frame-ancestors 'none'"]);
    expect(policy).toMatch(/; form-action 'self'$/);
  });
});

describe('pages', () => {
  it('AZ-26 load nothing from elsewhere and hold no code or token in their addresses', async () => {
    const login = await start();
    const consent = await logIn(browser, login);
    const error = await browser.open(authorizeUrl(world, 'client_id=nope'));
    for (const { html, url } of [login, consent, error]) {
      for (const [, address = ''] of html.matchAll(
        /<(?:link|img|script)[^>]*(?:href|src)="([^"]*)"/g,
      )) {
        expect(new URL(address, ISSUER).origin).toBe(ISSUER);
      }
      expect(url).not.toMatch(/vk(ac|at|rt|ss)_/);
    }
  });
});

describe('files of the pages', () => {
  it('are served, and nothing else', async () => {
    const address = /<link[^>]*href="([^"]*)"/.exec((await start()).html)?.[1] ?? '';
    const known = await world.provider.fetch(new Request(new URL(address, ISSUER)));
    expect([address.startsWith(world.provider.url('assets')), known.status]).toEqual([true, 200]);
    expectErrorPage(await browser.open(`${world.provider.url('assets')}nothing.css`), {
      status: 404,
      code: 'invalid_request',
      reason: 'asset_unknown',
    });
  });
});

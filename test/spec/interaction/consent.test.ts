/** When consent is asked for, and what it allows. Rules UI. */

import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage, expectRefusedRedirect } from '../refusals.ts';
import {
  allow,
  browserOf,
  codeOf,
  logIn,
  makeWorld,
  openAuthorize,
  type Pkce,
  pageOf,
  paramOf,
  pkce,
  REDIRECT_URI,
  redeem,
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

const signedIn = async (who = browser): Promise<Visit> =>
  await allow(who, await logIn(who, await start({}, who)));

describe('consent', () => {
  it('[OIDC Core §3.1.2.1] is remembered: a second request in the same session shows no page', async () => {
    await signedIn();
    expect(paramOf(await start(), 'code')).not.toBeNull();
  });
  it('is asked again for new scopes only', async () => {
    await signedIn();
    expect(pageOf(await start({ scope: 'openid read' }))).toBe('consent');
    await allow(browser, await start({ scope: 'openid read' }));
    expect(paramOf(await start({ scope: 'openid profile email read' }), 'code')).not.toBeNull();
  });
  it('is not asked for the operator’s own application', async () => {
    await world.provider.clients.update(world.web.clientId, { skipConsent: true });
    expect(paramOf(await logIn(browser, await start()), 'code')).not.toBeNull();
  });
  it('is asked of an application that was the operator’s own and is no longer', async () => {
    await world.provider.clients.update(world.web.clientId, { skipConsent: true });
    expect(paramOf(await logIn(browser, await start()), 'code')).not.toBeNull();
    await world.provider.clients.update(world.web.clientId, { skipConsent: false });
    expect(pageOf(await start())).toBe('consent');
  });
  it('is asked, even for no scope, of an application that is no longer the operator’s own', async () => {
    await world.provider.clients.update(world.web.clientId, { skipConsent: true });
    expect(
      codeOf(await logIn(browser, await start({ scope: null, redirect_uri: REDIRECT_URI }))),
    ).not.toBeNull();
    await world.provider.clients.update(world.web.clientId, { skipConsent: false });
    expect((await start({ scope: null })).html).toContain('id="consent-form"');
  });
});

describe('a decision', () => {
  it('[RFC6749 §4.1.2.1] goes to the client as access_denied when the user declines', async () => {
    const done = await browser.submit(await logIn(browser, await start()), { decision: 'deny' });
    const received = expectRefusedRedirect(world, done, {
      error: 'access_denied',
      reason: 'user_declined',
    });
    expect(received.get('state')).toBe('the-state');
    expect(world.events.at(-1)?.type).toBe('authorization.denied');
  });
  it('UI-04 is all that a consent form can change, not the request', async () => {
    const consent = await logIn(browser, await start({ scope: 'openid' }));
    const done = await browser.submit(consent, {
      decision: 'allow',
      scope: 'openid write',
      redirect_uri: 'https://evil.example',
      client_id: world.other.clientId,
    });
    expect(done.leaves?.origin).toBe('https://rp.example');
    expect((await redeem(world, paramOf(done, 'code') ?? '', proof.verifier)).body['scope']).toBe(
      'openid',
    );
  });
  it('UI-04 does not cover scopes that the client got while the page was open', async () => {
    await world.provider.clients.update(world.web.clientId, { scopes: ['openid', 'read'] });
    const consent = await logIn(browser, await start({ scope: 'openid read write' }));
    expect(consent.html).not.toContain('Change your things');
    await world.provider.clients.update(world.web.clientId, { scopes: null });
    const again = await allow(browser, consent);
    expect([again.leaves, again.html.includes('Change your things')]).toEqual([null, true]);
  });
  it('UI-04 does not cover new scopes either when the page was open for an hour', async () => {
    await world.provider.clients.update(world.web.clientId, { scopes: ['openid', 'read'] });
    const consent = await logIn(browser, await start({ scope: 'openid read write' }));
    await world.provider.clients.update(world.web.clientId, { scopes: null });
    world.now += 3600;
    const again = await allow(browser, consent);
    expect([pageOf(again), again.html.includes('Change your things')]).toEqual(['consent', true]);
  });
  it('sends nothing to a redirect_uri that the client gave up meanwhile', async () => {
    const consent = await logIn(browser, await start());
    await world.provider.clients.update(world.web.clientId, {
      redirectUris: ['https://rp.example/new'],
    });
    expectErrorPage(await allow(browser, consent), {
      status: 400,
      code: 'invalid_request',
      reason: 'redirect_uri_mismatch',
    });
  });
});

describe('what lets an application change something is marked', () => {
  it.each([
    ['by its name', {}, ['Write a', 'Write b', 'Write c']],
    [
      'or as the configuration says',
      {
        'a.write': { description: 'Write a', writes: false },
        admin: { description: 'Run it', writes: true },
      },
      ['Write b', 'Write c', 'Run it'],
    ],
  ])('%s', async (_, scopes, marked) => {
    const all = {
      'a.write': 'Write a',
      'b:write': 'Write b',
      write: 'Write c',
      writer: 'Read who wrote',
      admin: 'Run it',
      ...scopes,
    };
    const place = await makeWorld({ scopes: all });
    const who = browserOf(place);
    const scope = `openid ${Object.keys(all).join(' ')}`;
    const { html } = await logIn(who, await openAuthorize(place, who, { scope }));
    const found = [
      ...html.matchAll(/<li class="writes">([^<]*) <span class="tag">can change data/g),
    ];
    expect(found.map(([, text]) => text)).toEqual(marked);
  });
});

describe('what was allowed before', () => {
  it('is asked again after the time that the operator sets, and then counts again', async () => {
    world = await makeWorld({
      lifetimes: { consent: 1000, sessionAbsolute: 100_000, sessionIdle: 100_000 },
    });
    browser = browserOf(world);
    const ask = async (changes = {}): Promise<string> =>
      pageOf(await openAuthorize(world, browser, changes));
    await allow(browser, await logIn(browser, await openAuthorize(world, browser)));
    world.now += 999;
    expect(await ask()).toBe('away');
    world.now += 1;
    expect(await ask()).toBe('consent');
    const silent = await openAuthorize(world, browser, { prompt: 'none' });
    expect(silent.leaves?.searchParams.get('error')).toBe('consent_required');
    await allow(browser, await openAuthorize(world, browser));
    expect(await ask()).toBe('away');
  });

  it.each([
    ['force', 'consent'],
    ['auto', 'away'],
    ['other', 'away'],
  ])('is asked again with approval_prompt=%s of Django OAuth Toolkit: %s', async (value, page) => {
    world = await makeWorld();
    browser = browserOf(world);
    await allow(browser, await logIn(browser, await openAuthorize(world, browser)));
    const again = await openAuthorize(world, browser, { approval_prompt: value });
    expect(pageOf(again)).toBe(page);
  });
});

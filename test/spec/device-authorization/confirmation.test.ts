/** The page that asks whether a device may have access (RFC 8628 §3.3, §5.4). Rules DV. */

import type { ScriptedBrowser } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage, expectRefusal } from '../refusals.ts';
import {
  ALICE,
  BOB,
  browserOf,
  claimsOf,
  cookieOf,
  decide,
  ISSUER,
  logIn,
  openAuthorize,
  type World,
} from '../setup.ts';
import {
  asWeb,
  type Device,
  decideOn,
  enterCode,
  makeDeviceWorld,
  poll,
  pollLater,
  send,
  shows,
  startDevice,
  toConfirmation,
} from './device.ts';

let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  world = await makeDeviceWorld();
  browser = browserOf(world);
});

describe('the page', () => {
  it('[RFC8628 §3.3] [RFC8628 §5.4] DV-06 shows application, account, code, place and scopes, and warns', async () => {
    const device = await startDevice(world, { scope: 'openid read offline_access' });
    const { html } = await toConfirmation(browser, device);
    for (const text of [
      'Web App',
      'Alice Example',
      device.user_code,
      '198.51.100.7',
      'Read your things',
    ])
      expect(html).toContain(text);
    for (const text of ['another network than yours', 'while you are away', 'choose Deny'])
      expect(html).toContain(text);
  });
  it('DV-06 tells that device and browser share a network, and names places as the host does', async () => {
    world = await makeDeviceWorld({
      place: async (address) => (address === '192.0.2.1' ? 'Utrecht' : null),
    });
    browser = browserOf(world);
    const { body } = await send(
      world,
      'device_authorization/',
      { scope: 'read' },
      asWeb(world),
      '192.0.2.1',
    );
    const { html } = await toConfirmation(browser, body as unknown as Device);
    expect(html).toContain('Utrecht');
    expect(html).toContain('the same network as you');
  });
  it('[RFC8628 §5.4] is shown every time, though the application was allowed before and needs no consent', async () => {
    await world.provider.clients.update(world.web.clientId, { skipConsent: true });
    await decideOn(browser, await startDevice(world));
    expect(shows(await enterCode(browser, (await startDevice(world)).user_code))).toBe(
      'device-confirmation-form',
    );
  });
  it('can be one of the host, which learns what is asked and answers it', async () => {
    const device = await startDevice(world);
    const page = await toConfirmation(browser, device);
    const url = new URL(`${ISSUER}/mine`);
    const sealed = /name="interaction" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
    url.searchParams.set('interaction', sealed);
    const request = (): Request => new Request(url, { headers: { cookie: cookieOf(browser) } });
    const { interactions } = world.provider;
    expect(await interactions.details(request())).toMatchObject({
      step: 'device-confirmation',
      client: { name: 'Web App', host: 'rp.example' },
      sub: ALICE.sub,
    });
    const answer = await interactions.answer(request(), 'device-confirmation', 'allow');
    const done = await browser.open(answer.headers.get('location') ?? '');
    expect(shows(done)).toBe('device-allowed');
    expect((await poll(world, device)).status).toBe(200);
  });
});

describe('an answer', () => {
  it('is refused when it is of no known kind', async () => {
    const visit = await browser.submit(await toConfirmation(browser, await startDevice(world)), {
      decision: 'maybe',
    });
    expectErrorPage(visit, { status: 400, code: 'invalid_request', reason: 'decision' });
  });
  it('[RFC6749 §10.12] DV-05 is refused from another session or browser, and without its form', async () => {
    const device = await startDevice(world);
    const page = await toConfirmation(browser, device);
    const stranger = browserOf(world);
    expectErrorPage(await stranger.submit(page, { decision: 'allow' }), {
      status: 400,
      code: 'invalid_request',
      reason: 'interaction_other_browser',
    });
    expectErrorPage(await browser.submit(page, { decision: 'allow', token: 'x' }), {
      status: 403,
      code: 'invalid_request',
      reason: 'form_token',
    });
    // Bob takes this browser over while the page of Alice is open.
    const login = await openAuthorize(world, browser, { prompt: 'login' });
    await logIn(browser, login, BOB);
    const taken = await browser.submit(page, { decision: 'allow' });
    expectErrorPage(taken, { status: 403, code: 'invalid_request', reason: 'form_token' });
    expectRefusal(world, await poll(world, device), {
      status: 400,
      error: 'authorization_pending',
      reason: 'device_pending',
    });
  });
  it('DV-05 counts once: the second of two people who typed one code is told so', async () => {
    const device = await startDevice(world);
    const page = await toConfirmation(browser, device);
    const bob = browserOf(world);
    const other = await logIn(bob, await enterCode(bob, device.user_code), BOB);
    expect(shows(await browser.submit(page, { decision: 'allow' }))).toBe('device-allowed');
    for (const decision of ['allow', 'deny'])
      expectErrorPage(await bob.submit(other, { decision }), {
        status: 400,
        code: 'invalid_request',
        reason: 'device_request_answered',
      });
    expect(claimsOf((await poll(world, device)).body['id_token'])['sub']).toBe(ALICE.sub);
    expect(await world.provider.store.authorizations.listBySubject(BOB.sub)).toEqual([]);
  });
  it('counts once for two clicks and a reload', async () => {
    const device = await startDevice(world);
    const page = await toConfirmation(browser, device);
    const results = await Promise.all(
      ['allow', 'allow'].map(async (decision) => await browser.submit(page, { decision })),
    );
    expect(results.map(shows)).toEqual(['device-allowed', 'device-allowed']);
    const reload = await browser.open(results[0]?.url ?? '');
    expect(shows(reload)).toBe('device-allowed');
    expect(world.events.filter(({ type }) => type === 'authorization.granted')).toHaveLength(1);
    expect((await poll(world, device)).status).toBe(200);
  });
  it('[RFC8628 §3.5] is refused once the code has expired', async () => {
    const page = await toConfirmation(browser, await startDevice(world));
    world.now += 600;
    expectErrorPage(await browser.submit(page, { decision: 'allow' }), {
      status: 400,
      code: 'invalid_request',
      reason: 'device_request_expired',
    });
  });
  it('counts while the device polls', async () => {
    const device = await startDevice(world);
    const page = await toConfirmation(browser, device);
    const [visit] = await Promise.all([
      browser.submit(page, { decision: 'allow' }),
      ...Array.from({ length: 3 }, () => poll(world, device)),
    ]);
    expect(shows(visit)).toBe('device-allowed');
    expect((await pollLater(world, device)).status).toBe(200);
  });
  it('does not count when its address is opened a minute later: the page asks again', async () => {
    const device = await startDevice(world);
    const answer = await decide(world, browser, await toConfirmation(browser, device), {
      decision: 'allow',
    });
    world.now += 61;
    expect(shows(await browser.open(answer))).toBe('device-confirmation-form');
    expectRefusal(world, await poll(world, device), {
      status: 400,
      error: 'authorization_pending',
      reason: 'device_pending',
    });
  });
  it('is no when the user cancels the sign-in', async () => {
    const device = await startDevice(world);
    const login = await enterCode(browser, device.user_code);
    expect(shows(await browser.submit(login, { decision: 'cancel' }))).toBe('device-denied');
    expectRefusal(world, await poll(world, device), {
      status: 400,
      error: 'access_denied',
      reason: 'device_denied',
    });
  });
  it('can come from somebody else, who signs in for it and whose tokens the device gets', async () => {
    const device = await startDevice(world);
    const login = await browser.submit(await toConfirmation(browser, device), {
      decision: 'switch',
    });
    const again = await logIn(browser, login, BOB);
    expect(again.html).toContain('Bob Example');
    await browser.submit(again, { decision: 'allow' });
    expect(claimsOf((await poll(world, device)).body['id_token'])['sub']).toBe(BOB.sub);
  });
});

describe('what is allowed', () => {
  it('DV-07 is what the client may still have, and nothing once it is disabled', async () => {
    const device = await startDevice(world, { scope: 'openid read write' });
    const page = await toConfirmation(browser, device);
    const { clients } = world.provider;
    await clients.update(world.web.clientId, { scopes: ['openid', 'read'] });
    await browser.submit(page, { decision: 'allow' });
    await clients.update(world.web.clientId, { scopes: null });
    expect((await poll(world, device)).body['scope']).toBe('openid read');
    const other = await startDevice(world);
    const second = await enterCode(browser, other.user_code);
    await clients.update(world.web.clientId, { disabled: true });
    expectErrorPage(await browser.submit(second, { decision: 'allow' }), {
      status: 400,
      code: 'invalid_request',
      reason: 'device_client_disabled',
    });
  });
  it('is never more than was shown', async () => {
    const { clients } = world.provider;
    await clients.update(world.web.clientId, { scopes: ['openid', 'read', 'write'] });
    const device = await startDevice(world, { scope: 'openid read write' });
    await clients.update(world.web.clientId, { scopes: ['openid'] });
    const page = await toConfirmation(browser, device);
    await clients.update(world.web.clientId, { scopes: null });
    await browser.submit(page, { decision: 'allow' });
    expect((await poll(world, device)).body['scope']).toBe('openid');
  });
});

/** The page that asks whether a device may have access (RFC 8628 §3.3, §5.4). Rules DV. */

import { builtInPages } from 'valetkey/pages';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage, expectRefusal } from '../refusals.ts';
import {
  ALICE,
  BOB,
  browserOf,
  claimsOf,
  cookieOf,
  decide,
  logIn,
  openAuthorize,
  pageOf,
  type World,
} from '../setup.ts';
import {
  asWeb,
  DEVICE_GRANT,
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
  it('[RFC8628 §3.3] DV-06 says that a refresh token outlives the sign-out, whatever the scopes', async () => {
    const words = 'while you are away';
    const scope = 'openid read';
    const page = await toConfirmation(browser, await startDevice(world, { scope }));
    expect(page.html).toContain(words);
    const grantTypes = [DEVICE_GRANT, 'authorization_code'];
    await world.provider.clients.update(world.web.clientId, { grantTypes });
    const { html } = await enterCode(browser, (await startDevice(world, { scope })).user_code);
    expect(html).not.toContain(words);
  });
  it.each([
    ['10.0.0.5', '10.0.0.5', null],
    ['2001:db8:1:2::1', '2001:db8:1:2::9', 'the same network as you'],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', 'another network than yours'],
  ])('DV-06 compares the networks of %s and %s', async (deviceIp, browserIp, words) => {
    const fields = { scope: 'read' };
    const { body } = await send(world, 'device_authorization/', fields, asWeb(world), deviceIp);
    browser = browserOf(world, browserIp);
    const { html } = await toConfirmation(browser, body as unknown as Device);
    const shown = ['the same network as you', 'another network than yours'].filter((text) =>
      html.includes(text),
    );
    expect(shown).toEqual(words === null ? [] : [words]);
  });
  it('DV-06 shows the address when the host fails to find words for its place', async () => {
    const place = async (): Promise<string> => await Promise.reject(new Error('no such service'));
    world = await makeDeviceWorld({ place });
    browser = browserOf(world);
    const { html } = await toConfirmation(browser, await startDevice(world));
    expect(html).toContain('198.51.100.7');
  });
});

describe('a confirmation page of the host', () => {
  const toHost = async (): Promise<{ readonly device: Device; readonly page: Visit }> => {
    const pages = { ...builtInPages(), deviceConfirmation: '/mine' };
    world = await makeDeviceWorld({}, { pages });
    browser = browserOf(world);
    const device = await startDevice(world, { scope: 'openid read' });
    return { device, page: await toConfirmation(browser, device) };
  };
  const requestOf = ({ url }: Visit): Request =>
    new Request(url, { headers: { cookie: cookieOf(browser) } });
  const answer = async (page: Visit): Promise<Visit> => {
    const { interactions } = world.provider;
    const { headers } = await interactions.answer(requestOf(page), 'device-confirmation', 'allow');
    return await browser.open(headers.get('location') ?? '');
  };

  it('learns what the built-in page shows, and grants what was asked', async () => {
    const { device, page } = await toHost();
    expect(new URL(page.url).pathname).toBe('/mine');
    expect(await world.provider.interactions.details(requestOf(page))).toMatchObject({
      step: 'device-confirmation',
      client: { name: 'Web App', host: 'rp.example' },
      sub: ALICE.sub,
      view: { userCode: device.user_code, place: '198.51.100.7', sameNetwork: null },
    });
    expect(shows(await answer(page))).toBe('device-allowed');
    const { status, body } = await poll(world, device);
    expect([status, body['scope']]).toEqual([200, 'openid read']);
  });
  it('UI-01 DV-05 does not connect the device to somebody who signed in since', async () => {
    const { device, page } = await toHost();
    await logIn(browser, await openAuthorize(world, browser, { prompt: 'login' }), BOB);
    const next = await answer(page);
    expect(new URL(next.url).pathname).toBe('/mine');
    expect((await pollLater(world, device)).body['error']).toBe('authorization_pending');
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
  it('DV-05 cannot be turned round on the same page', async () => {
    const device = await startDevice(world);
    const page = await toConfirmation(browser, device);
    expect(shows(await browser.submit(page, { decision: 'allow' }))).toBe('device-allowed');
    expectErrorPage(await browser.submit(page, { decision: 'deny' }), {
      status: 400,
      code: 'invalid_request',
      reason: 'device_request_answered',
    });
    expect((await poll(world, device)).status).toBe(200);
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
  it('counts while the device polls without a pause, on a slow store', async () => {
    const device = await startDevice(world);
    const page = await toConfirmation(browser, device);
    const { oneTime } = world.provider.store;
    const { find } = oneTime;
    Object.assign(oneTime, {
      find: async (key: never) => {
        const found = await find(key);
        await new Promise((resolve) => setTimeout(resolve, 2));
        return found;
      },
    });
    let isOver = false;
    const hammer = async (): Promise<void> => {
      while (!isOver) await poll(world, device);
    };
    const polling = Array.from({ length: 12 }, hammer);
    const visit = await browser.submit(page, { decision: 'deny' });
    isOver = true;
    await Promise.all(polling);
    expect(shows(visit)).toBe('device-denied');
  });
  it('[store] R-4 does not survive a revocation of everything that runs at the same time', async () => {
    const device = await startDevice(world);
    const page = await toConfirmation(browser, device);
    const { authorizations } = world.provider.store;
    const { remember } = authorizations;
    Object.assign(authorizations, {
      remember: async (record: never, conditions: never) => {
        await world.provider.subjects.revoke(ALICE.sub);
        world.now += 1;
        return await remember(record, conditions);
      },
    });
    const visit = await browser.submit(page, { decision: 'allow' });
    expect(pageOf(visit)).toBe('login');
    const { status, body } = await pollLater(world, device);
    expect([status, body['error']]).toEqual([400, 'authorization_pending']);
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
  it.each([
    [
      'a client that may no longer connect devices',
      async () => {
        await world.provider.clients.update(world.web.clientId, {
          grantTypes: ['authorization_code'],
        });
      },
    ],
    [
      'a client that was deleted and registered anew',
      async () => {
        const { clientId } = world.web;
        await world.provider.clients.delete(clientId);
        world.now += 1;
        await world.provider.clients.create(
          {
            name: 'New',
            redirectUris: ['https://new.example/cb'],
            grantTypes: [DEVICE_GRANT, 'authorization_code'],
          },
          { clientId, clientSecret: world.webSecret },
        );
      },
    ],
  ])('DV-07 is nothing for %s', async (_what, change) => {
    const page = await toConfirmation(browser, await startDevice(world));
    await change();
    expectErrorPage(await browser.submit(page, { decision: 'allow' }), {
      status: 400,
      code: 'invalid_request',
      reason: 'device_client_disabled',
    });
    expect(await world.provider.store.authorizations.listBySubject(ALICE.sub)).toEqual([]);
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

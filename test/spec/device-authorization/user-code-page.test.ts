/** The page on which people type the code of a device (RFC 8628 §3.3). Rules DV. */

import { type ScriptedBrowser, scriptedBrowser, type Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage } from '../refusals.ts';
import { browserOf, ISSUER, type World } from '../setup.ts';
import { DEVICE_PAGE, decideOn, enterCode, makeDeviceWorld, shows, startDevice } from './device.ts';

let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  world = await makeDeviceWorld();
  browser = browserOf(world);
});

describe('a code', () => {
  it.each([
    (code: string) => code,
    (code: string) => code.toLowerCase(),
    (code: string) => code.replace('-', ''),
    (code: string) => ` ${code.replace('-', ' – ')} `,
  ])('[RFC8628 §6.1] is recognised however it is typed (%#)', async (typed) => {
    const { user_code } = await startDevice(world);
    expect(shows(await enterCode(browser, typed(user_code)))).toBe('login-form');
  });
  it('[RFC8628 §3.3] DV-08 gets the same answer whether it never was, has expired, or was used', async () => {
    const [used, expired] = [await startDevice(world), await startDevice(world)];
    await decideOn(browser, used);
    const page = (visit: Visit): readonly unknown[] => [
      visit.status,
      shows(visit),
      /id="device-problem"[^>]*>([^<]*)/.exec(visit.html)?.[1],
    ];
    const unknown = page(await enterCode(browser, 'BCDF-GHJK'));
    expect(unknown).toEqual([422, 'device-form', expect.stringContaining('not valid')]);
    expect(page(await enterCode(browser, used.user_code))).toEqual(unknown);
    world.now += 600;
    expect(page(await enterCode(browser, expired.user_code))).toEqual(unknown);
    expect(page(await enterCode(browser, ''))).toEqual(unknown);
  });
  it('[RFC8628 §3.3.1] DV-06 in a link is shown, and taken by the form alone', async () => {
    const { verification_uri_complete, user_code } = await startDevice(world);
    const visit = await browser.open(verification_uri_complete);
    expect([shows(visit), visit.html.includes(`value="${user_code}"`)]).toEqual([
      'device-form',
      true,
    ]);
    const odd = await browser.open(`${DEVICE_PAGE}?user_code=${encodeURIComponent('"><script>')}`);
    expect(odd.html).not.toContain('><script>');
    expect(odd.html).not.toMatch(/value="[^"]*script/);
  });
  it('[RFC6749 §10.12] is not taken from a form of another site or browser', async () => {
    const { user_code } = await startDevice(world);
    const page = await browser.open(DEVICE_PAGE);
    const forged = await browser.submit(page, { user_code, token: 'x' });
    expectErrorPage(forged, { status: 403, code: 'invalid_request', reason: 'form_token' });
    const other = await browserOf(world).submit(page, { user_code });
    expectErrorPage(other, {
      status: 400,
      code: 'invalid_request',
      reason: 'interaction_other_browser',
    });
    const bare = await browser.open(DEVICE_PAGE, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ user_code }).toString(),
    });
    expectErrorPage(bare, { status: 400, code: 'invalid_request', reason: 'interaction_missing' });
  });
});

describe('the limits for guessing', () => {
  it('[RFC8628 §5.1] DV-01 make a browser wait after five wrong codes, and ignore a right one meanwhile', async () => {
    const { user_code } = await startDevice(world);
    for (let count = 0; count < 5; count += 1)
      expect((await enterCode(browser, 'BCDF-GHJK')).status).toBe(422);
    const limited = await enterCode(browser, user_code);
    expect([limited.status, shows(limited), limited.headers.get('retry-after')]).toEqual([
      429,
      'device-form',
      '900',
    ]);
    world.now += 900;
    expect(shows(await enterCode(browser, (await startDevice(world)).user_code))).toBe(
      'login-form',
    );
  });
  it('[RFC8628 §5.1] DV-01 make a network wait after ten wrong codes, but no other network', async () => {
    const statuses = [];
    for (let count = 0; count < 12; count += 1)
      statuses.push((await enterCode(browserOf(world), 'BCDF-GHJK')).status);
    expect(statuses).toEqual([...Array(10).fill(422), 429, 429]);
    const elsewhere = scriptedBrowser(
      async (request) => await world.provider.fetch(request, { ip: '203.0.113.9' }),
      (url) => url.origin === ISSUER,
    );
    expect(shows(await enterCode(elsewhere, (await startDevice(world)).user_code))).toBe(
      'login-form',
    );
  });
  it('[RFC8628 §5.1] DV-01 hold in all, for callers whose addresses are not known', async () => {
    world = await makeDeviceWorld({ attemptsInAll: { limit: 3, seconds: 60 } });
    const nowhere = (): ScriptedBrowser =>
      scriptedBrowser(
        async (request) => await world.provider.fetch(request),
        (url) => url.origin === ISSUER,
      );
    const statuses = [];
    for (let count = 0; count < 5; count += 1)
      statuses.push((await enterCode(nowhere(), 'BCDF-GHJK')).status);
    expect(statuses).toEqual([422, 422, 422, 429, 429]);
  });
  it('do not count right codes', async () => {
    for (let count = 0; count < 12; count += 1)
      expect(shows(await enterCode(browser, (await startDevice(world)).user_code))).toBe(
        'login-form',
      );
  });
});

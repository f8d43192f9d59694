/** Pages that were left open for hours, and addresses that were kept. Rules UI. */

import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage } from '../refusals.ts';
import {
  allow,
  browserOf,
  codeOf,
  decide,
  getCode,
  logIn,
  makeWorld,
  openAuthorize,
  type Pkce,
  pageOf,
  paramOf,
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

describe('a page left open', () => {
  it('still signs in after hours, and the client gets its answer', async () => {
    const login = await start();
    world.now += 5 * 3600;
    const done = await allow(browser, await logIn(browser, login));
    expect([paramOf(done, 'state'), paramOf(done, 'code') === null]).toEqual(['the-state', false]);
  });
  it('UI-18 still counts after eleven minutes, and so does what led to it', async () => {
    const login = await start({ prompt: 'login consent' });
    const consent = await logIn(browser, login);
    world.now += 661;
    expect(codeOf(await allow(browser, consent))).not.toBeNull();
  });
  it('keeps no earlier decision for longer than its time, however late the last one came', async () => {
    world = await makeWorld({ lifetimes: { interaction: 600 } });
    browser = browserOf(world);
    await getCode(world, pkce(), {}, browser);
    const choice = await start({ prompt: 'select_account consent' });
    world.now += 590;
    const consent = await browser.submit(choice, { decision: 'continue' });
    expect(pageOf(consent)).toBe('consent');
    const allowed = await decide(world, browser, consent, { decision: 'allow' });
    world.now += 20;
    expect(pageOf(await browser.open(consent.url))).toBe('account');
    expect(pageOf(await browser.open(allowed))).toBe('account');
  });
});

describe('an address that was kept', () => {
  it('shows the login page again and says that it was idle', async () => {
    const login = await start();
    world.now += 5 * 3600;
    const again = await browser.open(login.url);
    expect(pageOf(again)).toBe('login');
    expect(again.html).toContain('id="login-problem"');
  });
  it('leads to the login page for weeks, in the same browser', async () => {
    const login = await start();
    world.now += 30 * 24 * 3600;
    const again = await browser.open(login.url);
    expect([pageOf(again), again.html.includes('id="login-problem"')]).toEqual(['login', true]);
    expect(paramOf(await allow(browser, await logIn(browser, again)), 'code')).not.toBeNull();
  });
  it.each([
    ['', 'interaction_missing'],
    ['?interaction=', 'interaction_missing'],
    ['?interaction=garbage', 'interaction_unknown'],
    [`?interaction=${'A'.repeat(80)}`, 'interaction_unknown'],
  ])('explains itself when it was cut: "%s"', async (query, reason) => {
    const seen = await browser.open(`${world.provider.url('interaction')}${query}`);
    expectErrorPage(seen, { status: 400, code: 'invalid_request', reason });
  });
});

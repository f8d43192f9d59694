/**
 * Tabs, double clicks and the history: one decision makes one code, whatever is repeated. Rules
 * UI.
 */

import type { Store } from 'valetkey';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage, expectRefusal } from '../refusals.ts';
import {
  ALICE,
  allow,
  browserOf,
  codeOf,
  cookieOf,
  decide,
  logIn,
  makeWorld,
  openAuthorize,
  type Pkce,
  pageOf,
  paramOf,
  pkce,
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

/** Runs `between` when a code is about to be stored. */
function beforeInsert(store: Store, between: () => Promise<unknown>): void {
  const { insert } = store.codes;
  Object.assign(store.codes, {
    insert: async (...args: Parameters<typeof insert>) => {
      Object.assign(store.codes, { insert });
      await between();
      return await insert(...args);
    },
  });
}

describe('two tabs', () => {
  it('can both sign in, and both clients get an answer', async () => {
    const first = await start({ state: 'one' });
    const second = await start({ state: 'two' });
    const one = await allow(browser, await logIn(browser, first));
    const two = await logIn(browser, second);
    expect([paramOf(one, 'state'), paramOf(two, 'state')]).toEqual(['one', 'two']);
    expect(paramOf(two, 'code')).not.toBeNull();
  });
  it('[RFC6749 §4.1.2] UI-18 make one code when they go on at once, and both get it', async () => {
    const allowed = await decide(world, browser, await logIn(browser, await start()), {
      decision: 'allow',
    });
    let first: string | null = null;
    beforeInsert(world.provider.store, async () => {
      first = codeOf(await browser.open(allowed));
    });
    expect(codeOf(await browser.open(allowed))).toBe(first);
    expect(world.events.filter(({ type }) => type === 'authorization.granted')).toHaveLength(1);
    expect((await redeem(world, first ?? '', proof.verifier)).status).toBe(200);
  });
  it('[RFC6749 §4.1.2] UI-18 show an error page, and no code, when that code was used meanwhile', async () => {
    const allowed = await decide(world, browser, await logIn(browser, await start()), {
      decision: 'allow',
    });
    beforeInsert(world.provider.store, async () => {
      expect(
        (await redeem(world, codeOf(await browser.open(allowed)) ?? '', proof.verifier)).status,
      ).toBe(200);
    });
    const late = await browser.open(allowed);
    expectErrorPage(late, { status: 400, code: 'invalid_request', reason: 'interaction_finished' });
  });
});

describe('a double click', () => {
  it('UI-18 makes one code, and an error page once that code was used', async () => {
    const consent = await logIn(browser, await start());
    const [first, second] = [await allow(browser, consent), await allow(browser, consent)];
    expect(paramOf(first, 'code')).toBe(paramOf(second, 'code'));
    expect((await redeem(world, paramOf(first, 'code') ?? '', proof.verifier)).status).toBe(200);
    const third = await allow(browser, consent);
    expectErrorPage(third, {
      status: 400,
      code: 'invalid_request',
      reason: 'interaction_finished',
    });
  });
  it('shows an error page when another answer consumed the request', async () => {
    Object.assign(world.provider.store.codes, { insert: async () => 'consumed' });
    const page = await start();
    const visit = await allow(browser, await logIn(browser, page));
    expectErrorPage(visit, { status: 400, code: 'invalid_request', reason: 'request_consumed' });
  });
});

describe('an address from the history', () => {
  it('[RFC6749 §4.1.2] UI-18 decides nothing, neither after the authorization was withdrawn nor once the code is gone', async () => {
    const consent = await logIn(browser, await start());
    const address = await decide(world, browser, consent, { decision: 'allow' });
    const first = await browser.open(address);
    expect((await redeem(world, paramOf(first, 'code') ?? '', proof.verifier)).status).toBe(200);
    await world.provider.subjects.withdraw(ALICE.sub, world.web.clientId);
    expectErrorPage(await browser.open(address), {
      status: 400,
      code: 'invalid_request',
      reason: 'interaction_finished',
    });
    expect(
      await world.provider.store.authorizations.find(ALICE.sub, world.web.clientId),
    ).toBeNull();
    world.now += 60;
    expect(pageOf(await browser.open(address))).toBe('consent');
    world.now += 1000;
    await world.provider.clear(1000);
    expect(pageOf(await browser.open(address))).toBe('consent');
  });
  it('carries no decision on a minute later', async () => {
    const consent = await logIn(browser, await start());
    const decided = new URL(await decide(world, browser, consent, { decision: 'allow' }))
      .searchParams;
    world.now += 60;
    const page = await browser.open(`${world.provider.url('interaction')}?${decided}`);
    expect([page.leaves, page.html.includes('id="consent-form"')]).toEqual([null, true]);
  });
  it('UI-18 does not keep a decision alive by passing it on', async () => {
    const consent = await logIn(browser, await start());
    let url = new URL(await decide(world, browser, consent, { decision: 'allow' }));
    for (let turn = 0; turn < 3; turn += 1) {
      world.now += 50;
      const { searchParams } = url;
      const cookie = cookieOf(browser);
      const answer = await world.provider.fetch(
        new Request(`${world.provider.url('interaction')}?${searchParams}`, {
          headers: { cookie },
        }),
      );
      const location = answer.headers.get('location');
      if (location === null) expect(await answer.text()).toContain('id="consent-form"');
      else url = new URL(location, url);
      expect(location === null).toBe(turn > 0);
    }
  });
});

describe('a form that is posted again', () => {
  it('TK-01 makes a new code, never the same, when the first code is forgotten', async () => {
    const consent = await logIn(browser, await start());
    const code = codeOf(await allow(browser, consent)) ?? '';
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
    expectErrorPage(await allow(browser, consent), {
      status: 400,
      code: 'invalid_request',
      reason: 'interaction_finished',
    });
    world.now += 660;
    await world.provider.store.clear(world.now, 100, 0);
    const again = codeOf(await allow(browser, consent));
    expect(again).toMatch(/^vkac_/);
    expect(again).not.toBe(code);
    expectRefusal(world, await redeem(world, code, proof.verifier), {
      status: 400,
      error: 'invalid_grant',
      reason: 'code_unknown',
    });
  });
});

/**
 * Sessions of people: how they begin and end, and what happens to what is under way. Rules UI, RT.
 */

import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage } from '../refusals.ts';
import {
  ALICE,
  allow,
  browserOf,
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

const signedIn = async (who = browser): Promise<Visit> =>
  await allow(who, await logIn(who, await start({}, who)));

describe('a session', () => {
  it('UI-03 gets a new handle at each login, and the old one is dead', async () => {
    await signedIn();
    const name = [...browser.cookies.keys()].find((cookie) => cookie.includes('session')) ?? '';
    const before = browser.cookies.get(name) ?? '';
    await logIn(browser, await start({ prompt: 'login' }));
    expect(browser.cookies.get(name)).not.toBe(before);
    const thief = browserOf(world);
    thief.cookies.set(name, before);
    expect(pageOf(await start({}, thief))).toBe('login');
    thief.cookies.set(name, 'chosen-by-attacker');
    expect(pageOf(await start({}, thief))).toBe('login');
  });
  it('ends after 8 hours without use and after 24 hours for good', async () => {
    await signedIn();
    for (let hours = 0; hours < 21; hours += 7) {
      world.now += 7 * 3600;
      expect(paramOf(await start(), 'code')).not.toBeNull();
    }
    world.now += 3 * 3600;
    expect(pageOf(await start())).toBe('login');
    await logIn(browser, await start());
    world.now += 8 * 3600;
    expect(pageOf(await start())).toBe('login');
  });
  it('takes its open consent form along when it ends', async () => {
    const consent = await logIn(browser, await start());
    await world.provider.subjects.revoke(ALICE.sub);
    const answer = await allow(browser, consent);
    expectErrorPage(answer, { status: 403, code: 'invalid_request', reason: 'form_token' });
  });
});

/** Runs `between` when a store method is called, before it does its work. */
function meanwhile(
  area: 'codes' | 'sessions',
  method: string,
  between: () => Promise<unknown>,
): void {
  const methods = world.provider.store[area] as unknown as Record<
    string,
    (...args: unknown[]) => Promise<unknown>
  >;
  const original = methods[method] as (...args: unknown[]) => Promise<unknown>;
  methods[method] = async (...args) => {
    methods[method] = original;
    await between();
    return await original(...args);
  };
}

describe('a race with an end', () => {
  it('RT-09 R-4 leaves no code when a logout comes before the code is stored', async () => {
    await getCode(world, pkce(), {}, browser);
    const [session] = await world.provider.store.sessions.listBySubject(ALICE.sub);
    if (session === undefined) throw new Error('no session');
    meanwhile(
      'codes',
      'insert',
      async () => await world.provider.store.sessions.end(session, world.now, true, null),
    );
    expect((await start()).html).toContain('id="login-form"');
    meanwhile('codes', 'insert', async () => await world.provider.subjects.revoke(ALICE.sub));
    world.now += 1;
    await getCode(world, pkce(), {}, browser).catch(() => undefined);
    expect(await world.provider.store.sessions.listBySubject(ALICE.sub)).toEqual([]);
  });
  it('RT-09 starts no session when everything of the subject is revoked during the login', async () => {
    const login = await start();
    meanwhile('sessions', 'start', async () => await world.provider.subjects.revoke(ALICE.sub));
    const visit = await logIn(browser, login);
    expectErrorPage(visit, { status: 403, code: 'access_denied', reason: 'login_revoked' });
    expect(await world.provider.store.sessions.listBySubject(ALICE.sub)).toEqual([]);
    world.now += 1;
    expect((await logIn(browser, await start())).html).toContain('id="consent-form"');
  });
});

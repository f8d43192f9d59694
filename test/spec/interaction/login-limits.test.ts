/** How guesses at passwords are limited: per account, per network and per browser. Rules UI. */

import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable } from 'valetkey';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { ALICE, allow, browserOf, logIn, makeWorld, openAuthorize, type World } from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
const start = async (
  browser: ScriptedBrowser,
  changes: Readonly<Record<string, string | null>> = {},
): Promise<Visit> => await openAuthorize(world, browser, changes);

const from = (ip: string): ScriptedBrowser => {
  const { fetch } = world.provider;
  return browserOf({
    ...world,
    provider: { ...world.provider, fetch: async (request) => await fetch(request, { ip }) },
  });
};

const attempt = async (ip: string, username: string, password: string): Promise<number> => {
  const browser = from(ip);
  return (await logIn(browser, await start(browser), { username, password })).status;
};

/** Counts the passwords that are evaluated from now on. */
const evaluated = (): { count: number } => {
  const counter = { count: 0 };
  const { authenticate } = world.accounts;
  Object.assign(world.accounts, {
    authenticate: async (credentials: { username: string; password: string }) => {
      counter.count += 1;
      return (await authenticate?.(credentials)) ?? null;
    },
  });
  return counter;
};

describe('the limit of an account', () => {
  it('UI-11 S-3 lets five of 100 parallel guesses through, however the name is spelt', async () => {
    const counter = evaluated();
    const browser = browserOf(world);
    const visit = await start(browser);
    const spellings = ['alice', 'ALICE', ' alice ', 'ａｌｉｃｅ'];
    const answers = await Promise.all(
      Array.from(
        { length: 100 },
        async (_, index) =>
          await logIn(browser, visit, {
            username: spellings[index % 4] ?? '',
            password: `guess ${index}`,
          }),
      ),
    );
    expect(counter.count).toBe(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(95);
    expect(answers.find(({ status }) => status === 429)?.headers.get('retry-after')).toBe('900');
  });
  it('IN-08 is one and the same, however the name is spelt', async () => {
    const browser = browserOf(world);
    let visit = await start(browser);
    for (const username of ['alice', 'ALICE', 'ａｌｉｃｅ', ' Alice ', 'aLiCe'])
      visit = await logIn(browser, visit, { username, password: 'wrong' });
    visit = await logIn(browser, visit, ALICE);
    expect([visit.status, Number(visit.headers.get('retry-after')) > 0]).toEqual([429, true]);
  });
  it('UI-11 is given back by a success', async () => {
    const browser = browserOf(world);
    for (let round = 0; round < 3; round += 1) {
      let visit = await start(browser, { prompt: 'login' });
      for (let guess = 0; guess < 4; guess += 1)
        visit = await logIn(browser, visit, { username: 'alice', password: 'wrong' });
      expect((await logIn(browser, visit)).status).not.toBe(429);
    }
  });
  it('UI-11 locks nobody out of a browser that they signed in with before', async () => {
    const home = browserOf(world);
    await allow(home, await logIn(home, await start(home)));
    const logout = await home.open(world.provider.url('rp-initiated-logout'));
    await home.submit(logout, { decision: 'logout' });
    for (let index = 0; index < 6; index += 1)
      await attempt(`198.51.100.${20 + index}`, ALICE.username, 'wrong');
    expect(await attempt('198.51.100.40', ALICE.username, ALICE.password)).toBe(429);
    expect((await logIn(home, await start(home))).leaves).not.toBeNull();
    // The cookie is good in that browser alone, and for that account alone.
    const thief = browserOf(world);
    const login = await start(thief);
    for (const [name, value] of home.cookies)
      if (name.includes('device')) thief.cookies.set(name, value);
    expect((await logIn(thief, login)).status).toBe(429);
    const guesses = await Promise.all(
      Array.from(
        { length: 8 },
        async () =>
          (await logIn(home, await start(home, { prompt: 'login' }), { ...ALICE, password: 'x' }))
            .status,
      ),
    );
    expect(guesses.filter((status) => status === 422)).toHaveLength(5);
  });
});

it('S-3 costs no look-up of an account once a network is known to be locked', async () => {
  for (let index = 0; index < 51; index += 1) await attempt('192.0.2.20', `name ${index}`, 'x');
  let asked = 0;
  const count = async (): Promise<string> => {
    asked += 1;
    return `key ${asked}`;
  };
  Object.assign(world.accounts, { canonical: count, authenticate: count });
  expect(await attempt('192.0.2.20', 'somebody', 'x')).toBe(429);
  expect(asked).toBe(0);
});

describe('what operators read of it', () => {
  it('UI-11 is one event and one line with the remedy, however many are refused', async () => {
    const lines: { facts: Record<string, unknown>; message: string }[] = [];
    const note = (facts: object, message: string): void =>
      void lines.push({ facts: { ...facts }, message });
    world = await makeWorld({ logger: { info: note, warn: note, error: note } });
    for (let guess = 0; guess < 8; guess += 1)
      await attempt('192.0.2.9', 'alice', `guess ${guess}`);
    const limited = lines.filter(({ facts }) => facts['reason'] === 'rate_limited');
    expect(limited).toMatchObject([
      {
        message: 'sign-in refused',
        facts: {
          expected: 'fewer wrong passwords for one account, or from one network',
          remedy:
            'it ends in 900 seconds, or for one account with: npx valetkey user unlock --username NAME',
        },
      },
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/alice|guess/);
    expect(world.events.filter(({ type }) => type === 'login.limited')).toEqual([
      { type: 'login.limited', reason: 'rate_limited' },
    ]);
    const { subjects } = world.provider;
    expect([await subjects.lockedUntil(' ALICE '), await subjects.lockedUntil('bob')]).toEqual([
      world.now + 900,
      null,
    ]);
    await subjects.unlock('alice');
    expect(await subjects.lockedUntil('alice')).toBeNull();
  });
  it('ST-05 writes no row for each of many names, where the host tells no address', async () => {
    world = await makeWorld({ rateLimits: { loginByAddress: { limit: 3, seconds: 900 } } });
    const { fetch } = world.provider;
    const browser = browserOf({
      ...world,
      provider: { ...world.provider, fetch: async (request) => await fetch(request) },
    });
    for (let name = 0; name < 8; name += 1)
      for (let guess = 0; guess < 7; guess += 1)
        await logIn(browser, await start(browser), { username: `name ${name}`, password: 'x' });
    await world.provider.close();
    const rows = await world.provider.store.audit.list({ limit: 100 });
    expect(rows.filter(({ type }) => type.startsWith('login.')).length).toBeLessThanOrEqual(3);
  });
  it('refuses all the same when the limit cannot be noted', async () => {
    for (let guess = 0; guess < 5; guess += 1)
      await attempt('192.0.2.30', 'alice', `guess ${guess}`);
    const { counters } = world.provider.store;
    Object.assign(counters, { hit: async () => await Promise.reject(new Error('full')) });
    expect(await attempt('192.0.2.30', 'alice', ALICE.password)).toBe(429);
  });
  it('ST-02 says that an account is disabled, which the page does not', async () => {
    world.accounts.setEnabled(ALICE.sub, false);
    const pages = [];
    for (const password of [ALICE.password, 'wrong']) {
      const browser = browserOf(world);
      pages.push((await logIn(browser, await start(browser), { ...ALICE, password })).status);
    }
    expect(pages).toEqual([422, 422]);
    const failed = world.events.filter(({ type }) => type === 'login.failed');
    expect(failed.map(({ reason }) => reason)).toEqual(['account_disabled', 'credentials']);
  });
});

/** Has every password checked by this function. */
const checkedBy = (check: (username: string) => Promise<boolean>): void => {
  Object.assign(world.accounts, {
    authenticate: async ({ username }: { username: string }) =>
      (await check(username))
        ? { account: { sub: ALICE.sub, enabled: true, claims: {} }, amr: ['pwd'] }
        : null,
  });
};

describe('proofs that were not evaluated, or were right', () => {
  it('70 people of one office sign in at once: all are in, and nobody is locked afterwards', async () => {
    checkedBy(async () => {
      await sleep(1);
      return true;
    });
    const people = Array.from({ length: 70 }, (_, index) => `person${index}`);
    const statuses = await Promise.all(
      people.map(async (name) => await attempt('198.51.100.12', name, 'right')),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await attempt('198.51.100.12', 'one more', 'right')).toBe(200);
  });
  it('a slow database, or a full queue, locks neither the account nor the office', async () => {
    checkedBy(async () => await Promise.reject(new StoreUnavailable('too slow')));
    for (let index = 0; index < 60; index += 1)
      expect(await attempt('198.51.100.13', ALICE.username, ALICE.password)).toBe(503);
    checkedBy(async () => true);
    expect(await attempt('198.51.100.13', ALICE.username, ALICE.password)).toBe(200);
  });
  it('a success forgives the wrong ones before, and none that is under way', async () => {
    const counter = { wrong: 0 };
    checkedBy(async (username) => {
      await sleep(20);
      if (username === 'alice') counter.wrong += 1;
      return username === 'Alice';
    });
    for (let index = 0; index < 4; index += 1) await attempt('198.51.100.14', 'alice', 'x');
    expect(await attempt('198.51.100.14', 'Alice', 'right')).toBe(200);
    await Promise.all(
      Array.from({ length: 20 }, async () => await attempt('198.51.100.14', 'alice', 'x')),
    );
    expect(counter.wrong).toBe(4 + 5);
  });
});

describe('the limit of a network', () => {
  it('UI-11 lets 50 of 80 parallel guesses through, whatever the names', async () => {
    const counter = evaluated();
    await Promise.all(
      Array.from(
        { length: 80 },
        async (_, index) => await attempt('198.51.100.9', `name${index}`, 'x'),
      ),
    );
    expect(counter.count).toBe(50);
    expect(await attempt('198.51.100.9', ALICE.username, ALICE.password)).toBe(429);
    expect(await attempt('198.51.100.10', ALICE.username, ALICE.password)).toBe(200);
  });
  it('UI-11 counts the addresses of one IPv6 customer, or both spellings of an IPv4 address, as one', async () => {
    const counter = evaluated();
    for (let index = 0; index < 60; index += 1)
      await attempt(`2001:db8:1:2::${index.toString(16)}`, `name${index}`, 'x');
    expect(counter.count).toBe(50);
    for (let index = 0; index < 60; index += 1)
      await attempt(index % 2 === 0 ? '203.0.113.5' : '::ffff:203.0.113.5', `other${index}`, 'x');
    expect(counter.count).toBe(100);
  });
  it('UI-11 is given back by a success', async () => {
    for (let index = 0; index < 60; index += 1)
      expect(await attempt('198.51.100.11', ALICE.username, ALICE.password)).toBe(200);
  });
  it('UI-11 is not used up by attempts on a locked account', async () => {
    for (let index = 0; index < 5; index += 1) await attempt('203.0.113.8', 'locked', 'x');
    for (let index = 0; index < 60; index += 1)
      expect(await attempt('203.0.113.8', 'locked', 'x')).toBe(429);
    expect(await attempt('203.0.113.8', ALICE.username, ALICE.password)).toBe(200);
  });
  it.each([
    'from 203.0.113.7',
    '203.0.113.7',
    '["login from","203.0.113.7"]',
    'login from 203.0.113.7',
  ])('UI-11 is not used up by attempts on an account named %s', async (username) => {
    for (let index = 0; index < 6; index += 1) await attempt(`198.51.100.${index}`, username, 'x');
    expect(await attempt('198.51.100.99', username, 'x')).toBe(429);
    expect(await attempt('203.0.113.7', ALICE.username, ALICE.password)).toBe(200);
  });
});

/**
 * The forms of the pages by themselves: what the login form takes, whose forms count, and the
 * headers that every page has. Rows UI.
 */

import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { readForm } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ALICE,
  allow,
  authorizeParams,
  authorizeUrl,
  browserOf,
  ISSUER,
  logIn,
  makeWorld,
  type Pkce,
  pageOf,
  pkce,
  reasonOf,
  redeem,
  type World,
} from './setup.ts';

let world: World;
let browser: ScriptedBrowser;
let proof: Pkce;
beforeEach(async () => {
  world = await makeWorld();
  browser = browserOf(world);
  proof = pkce();
});

const start = async (
  changes: Record<string, string | null> = {},
  who: ScriptedBrowser = browser,
): Promise<Visit> =>
  await who.open(authorizeUrl(world, authorizeParams(world, proof.challenge, changes)));
const param = (visit: Visit, name: string): string | null =>
  visit.leaves?.searchParams.get(name) ?? null;
const signedIn = async (who = browser): Promise<Visit> =>
  await allow(who, await logIn(who, await start({}, who)));

describe('the login form', () => {
  it('UI-10 a wrong password and an unknown name look alike', async () => {
    const wrong = await logIn(browser, await start(), { username: 'alice', password: 'wrong' });
    const unknown = await logIn(browser, await start(), { username: 'nobody', password: 'wrong' });
    expect([unknown.status, pageOf(unknown)]).toEqual([422, 'login']);
    const problem = (visit: Visit): string =>
      /id="login-problem"[^>]*>([\s\S]*?)<\//.exec(visit.html)?.[1] ?? 'none';
    expect(problem(unknown)).toBe(problem(wrong));
    expect(wrong.html).toContain('value="alice"');
    expect(wrong.html).not.toContain('value="wrong"');
  });
  it('UI-11 of 100 parallel guesses at most five are evaluated, however the name is spelt', async () => {
    let evaluated = 0;
    world = await makeWorld({
      accounts: {
        find: async () => null,
        authenticate: async () => {
          evaluated += 1;
          return null;
        },
      },
    });
    browser = browserOf(world);
    const visit = await start();
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
    expect(evaluated).toBe(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(95);
    expect(answers.find(({ status }) => status === 429)?.headers.get('retry-after')).toBe('900');
  });
  it('UI-11 a success gives the budget back', async () => {
    for (let round = 0; round < 3; round += 1) {
      let visit = await start({ prompt: 'login' });
      for (let guess = 0; guess < 4; guess += 1)
        visit = await logIn(browser, visit, { username: 'alice', password: 'wrong' });
      expect((await logIn(browser, visit)).status).not.toBe(429);
    }
  });
  it('UI-03 the session handle is new at login and the old one is dead', async () => {
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
  it('a disabled account cannot sign in, and its session ends', async () => {
    await signedIn();
    world.accounts.setEnabled(ALICE.sub, false);
    const login = await start();
    expect(pageOf(login)).toBe('login');
    expect((await logIn(browser, login)).status).toBe(422);
  });
  it('sessions end: idle after 8 hours, for good after 24', async () => {
    await signedIn();
    for (let hours = 0; hours < 21; hours += 7) {
      world.now += 7 * 3600;
      expect(param(await start(), 'code')).not.toBeNull();
    }
    world.now += 3 * 3600;
    expect(pageOf(await start())).toBe('login');
    await logIn(browser, await start());
    world.now += 8 * 3600;
    expect(pageOf(await start())).toBe('login');
  });
});

describe('forms of ours only', () => {
  const forms: [string, () => Promise<Visit>, Record<string, string>][] = [
    [
      'login',
      async () => await start(),
      { username: ALICE.username, password: ALICE.password, decision: 'login' },
    ],
    ['consent', async () => await logIn(browser, await start()), { decision: 'allow' }],
    [
      'account',
      async () => await signedIn().then(async () => await start({ prompt: 'select_account' })),
      { decision: 'continue' },
    ],
  ];
  it.each(forms)(
    '[RFC6749 §10.12] UI-01 the %s form without token, with another, or from another site: 403, no effect',
    async (_name, open, fields) => {
      const visit = await open();
      for (const token of [
        '',
        'x',
        readForm((await start({}, browserOf(world))).html).fields['token'] ?? '',
      ]) {
        const answer = await browser.submit(visit, { ...fields, token });
        expect([answer.status, reasonOf(answer)]).toEqual([403, 'form_token']);
      }
      const { action, fields: hidden } = readForm(visit.html);
      const crossSite = await browser.open(action, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': 'cross-site',
        },
        body: new URLSearchParams({ ...hidden, ...fields }).toString(),
      });
      expect([crossSite.status, reasonOf(crossSite)]).toEqual([403, 'form_cross_site']);
      expect((await browser.submit(visit, fields)).status).not.toBe(403);
    },
  );
  it('[RFC6749 §10.12] UI-01 a consent form of an ended session', async () => {
    const consent = await logIn(browser, await start());
    await logIn(browser, await start({ prompt: 'login' }));
    expect((await allow(browser, consent)).status).toBe(403);
  });
  it('UI-04 a consent form carries a decision, not a request', async () => {
    const consent = await logIn(browser, await start({ scope: 'openid' }));
    const done = await browser.submit(consent, {
      decision: 'allow',
      scope: 'openid write',
      redirect_uri: 'https://evil.example',
      client_id: world.other.clientId,
    });
    expect(done.leaves?.origin).toBe('https://rp.example');
    expect((await redeem(world, param(done, 'code') ?? '', proof.verifier)).body['scope']).toBe(
      'openid',
    );
  });
  it('an unknown decision', async () => {
    expect(reasonOf(await browser.submit(await start(), { decision: 'whatever' }))).toBe(
      'decision',
    );
  });
  it('[RFC6749 §4.1.2.1] the user declines', async () => {
    const done = await browser.submit(await logIn(browser, await start()), { decision: 'deny' });
    expect([param(done, 'error'), param(done, 'state'), param(done, 'iss')]).toEqual([
      'access_denied',
      'the-state',
      ISSUER,
    ]);
    expect(world.events.at(-1)).toMatchObject({
      type: 'authorization.denied',
      reason: 'user_declined',
    });
    expect(world.events.some(({ type }) => type === 'authorization.denied')).toBe(true);
  });
});

describe('headers of every page', () => {
  it('[RFC9700 §4.16] UI-02 UI-06 no framing, no script, no cache', async () => {
    const login = await start();
    const consent = await logIn(browser, login);
    const error = await browser.open(`${ISSUER}/o/interaction/`);
    for (const visit of [login, consent, error]) {
      const policy = visit.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'; script-src 'none'; style-src 'self'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).toContain("base-uri 'none'");
      expect(visit.headers.get('x-frame-options')).toBe('DENY');
      expect(visit.headers.get('x-content-type-options')).toBe('nosniff');
      expect(visit.headers.get('cache-control')).toBe('no-store');
      expect(visit.headers.get('strict-transport-security')).toBe('max-age=63072000');
      expect(visit.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    }
    expect(login.headers.get('content-security-policy')).toContain(
      "form-action 'self' https://rp.example",
    );
    expect(login.headers.get('referrer-policy')).toBe('same-origin');
    expect(error.headers.get('content-security-policy')).toContain("form-action 'none'");
    expect(error.headers.get('referrer-policy')).toBe('no-referrer');
  });
  it('cookies are __Host-, HttpOnly, Lax and carry nothing but random handles', async () => {
    const response = await world.provider.fetch(
      new Request(authorizeUrl(world, authorizeParams(world, proof.challenge))),
    );
    expect(response.headers.getSetCookie()).toHaveLength(1);
    expect(response.headers.getSetCookie()[0]).toMatch(
      /^__Host-vk_browser_[\w-]{6}=vkbr_[\w-]{49}; Max-Age=31536000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
  });
  it('errors are JSON for who asks for JSON', async () => {
    const response = await world.provider.fetch(
      new Request(`${ISSUER}/o/authorize/?client_id=nope`, {
        headers: { accept: 'application/json' },
      }),
    );
    expect([response.status, response.headers.get('content-type'), await response.json()]).toEqual([
      400,
      'application/json',
      { error: 'invalid_request', error_description: 'The application is not registered here.' },
    ]);
  });
  it('files of the pages, and only those', async () => {
    const response = await world.provider.fetch(
      new Request(`${world.provider.url('assets')}nothing.css`),
    );
    expect(response.status).toBe(404);
    expect(world.reasons.at(-1)).toBe('asset_unknown');
  });
});

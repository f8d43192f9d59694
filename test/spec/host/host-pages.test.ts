/** Pages that a host draws itself, and how it tells what people decided there (`interactions`). */

import type { Lifetimes, Login } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusedRedirect } from '../refusals.ts';
import {
  ALICE,
  allow,
  BOB,
  browserOf,
  claimsOf,
  codeOf,
  cookieOf,
  decide,
  ISSUER,
  logIn,
  makeWorld,
  openAuthorize,
  pageOf,
  pkce,
  redeem,
  START,
  type World,
} from '../setup.ts';

let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => await useLoginPageOfHost());

async function useLoginPageOfHost(lifetimes: Partial<Lifetimes> = {}): Promise<void> {
  world = await makeWorld({ pages: { ...builtInPages(), login: '/my/login' }, lifetimes });
  browser = browserOf(world);
}
const start = async (
  changes: Readonly<Record<string, string | null>> = {},
  proof = pkce(),
): Promise<Visit> => await openAuthorize(world, browser, changes, proof);
const requestOf = ({ url }: Pick<Visit, 'url'>): Request =>
  new Request(url, { headers: { cookie: cookieOf(browser) } });
/** The browser goes where an answer to a page of the host sends it. */
const follow = async ({ status, headers }: Response): Promise<Visit> => {
  const url = headers.get('location') ?? '';
  if (url.startsWith(ISSUER)) return await browser.open(url);
  return { url, status, headers, html: '', leaves: new URL(url) };
};

/** What a login page of the host does in the end. */
async function vouch(page: Visit, login: Login): Promise<Visit> {
  const answer = await world.provider.interactions.login(requestOf(page), login);
  for (const line of answer.headers.getSetCookie())
    browser.cookies.set(
      line.split('=')[0] ?? '',
      line.slice(line.indexOf('=') + 1, line.indexOf(';')),
    );
  return await follow(answer);
}

describe('login and consent pages of the host', () => {
  it('learn what is asked and answer it', async () => {
    world = await makeWorld({
      pages: { ...builtInPages(), login: '/my/login', consent: 'https://op.example/my/consent' },
    });
    browser = browserOf(world);
    const login = await start({ login_hint: 'alice' });
    expect([login.status, new URL(login.url).pathname]).toEqual([404, '/my/login']);
    const { interactions } = world.provider;
    expect(await interactions.details(requestOf(login))).toMatchObject({
      step: 'login',
      because: 'no_session',
      loginHint: 'alice',
      sub: null,
      client: { name: 'Web App', host: 'rp.example' },
    });
    await expect(interactions.details(new Request(login.url))).rejects.toMatchObject({
      reason: 'interaction_other_browser',
    });
    await expect(interactions.consent(requestOf(login))).resolves.toMatchObject({ status: 303 });

    const authTime = world.now - 50;
    const consent = await vouch(login, { sub: ALICE.sub, amr: ['hwk'], authTime });
    expect(new URL(consent.url).pathname).toBe('/my/consent');
    expect((await interactions.details(requestOf(consent))).scopes.map(({ name }) => name)).toEqual(
      ['openid', 'profile', 'email'],
    );
    const partly = await interactions.consent(requestOf(consent), ['openid']);
    expectRefusedRedirect(world, await follow(partly), {
      error: 'access_denied',
      reason: 'consent_partial',
    });
    const denied = await interactions.deny(requestOf(consent));
    expectRefusedRedirect(world, await follow(denied), {
      error: 'access_denied',
      reason: 'user_declined',
    });
    const allowed = await interactions.consent(requestOf(consent), [
      'openid',
      'profile',
      'email',
      'write',
    ]);
    expect(codeOf(await follow(allowed))).toMatch(/^vkac_/);
  });
  it('[RFC6749 §4.1.2.1] get login_required for a consent without a session', async () => {
    const answer = await world.provider.interactions.consent(requestOf(await start()));
    expectRefusedRedirect(world, await follow(answer), {
      error: 'login_required',
      reason: 'session_ended',
    });
  });
  it.each([300, 700])(
    'take an answer on a page that was open for %i s, as the built-in one does',
    async (seconds) => {
      world = await makeWorld({ pages: { ...builtInPages(), consent: '/my/consent' } });
      browser = browserOf(world);
      const page = await logIn(browser, await start({ prompt: 'login' }));
      expect(new URL(page.url).pathname).toBe('/my/consent');
      world.now += seconds;
      const answer = await world.provider.interactions.consent(requestOf(page));
      expect(codeOf(await follow(answer))).toMatch(/^vkac_/);
    },
  );
  it('UI-01 do not allow in the name of somebody who signed in since', async () => {
    world = await makeWorld({ pages: { ...builtInPages(), consent: '/my/consent' } });
    browser = browserOf(world);
    const page = await logIn(browser, await start());
    await logIn(browser, await start({ prompt: 'login' }), BOB);
    const { interactions } = world.provider;
    for (const answer of [interactions.consent, interactions.deny]) {
      const next = await follow(await answer(requestOf(page)));
      expect(new URL(next.url).pathname).toBe('/my/consent');
    }
    for (const { sub } of [ALICE, BOB])
      expect(await world.provider.store.authorizations.listBySubject(sub)).toEqual([]);
  });
  it('UI-18 get no second code for a decision out of the history', async () => {
    world = await makeWorld();
    browser = browserOf(world);
    const proof = pkce();
    const address = await decide(world, browser, await logIn(browser, await start({}, proof)), {
      decision: 'allow',
    });
    const code = codeOf(await browser.open(address)) ?? '';
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
    world.now += 660;
    await world.provider.store.clear(world.now, 100, 0);
    const again = await world.provider.interactions.consent(requestOf({ url: address }), [
      'openid',
      'profile',
      'email',
    ]);
    expect(codeOf(await follow(again))).not.toBe(code);
  });
});

describe('a login that the host vouches for', () => {
  it('[OIDC Core §3.1.2.1] counts as no new authentication when it is old, and is refused for an unknown account', async () => {
    const login = await start({ max_age: '10' });
    await expect(vouch(login, { sub: 'nobody', amr: [] })).rejects.toMatchObject({
      reason: 'login_account',
    });
    await expect(
      vouch(login, { sub: ALICE.sub, amr: ['pwd'], authTime: world.now - 5000 }),
    ).rejects.toMatchObject({ code: 'login_required', reason: 'login_too_old' });
    expect(await world.provider.store.sessions.listBySubject(ALICE.sub)).toEqual([]);
  });
  it.each([
    ['milliseconds', START * 1000],
    ['no number', Number.NaN],
    ['the far future', START + 5000],
  ])('[OIDC Core §3.1.2.1] AZ-20 is refused with a time that is %s', async (_what, authTime) => {
    const login = await start({ prompt: 'login' });
    await expect(vouch(login, { sub: ALICE.sub, amr: ['pwd'], authTime })).rejects.toThrow(
      'authTime must be a time in seconds',
    );
    expect(await world.provider.store.sessions.listBySubject(ALICE.sub)).toEqual([]);
  });
  it('[OIDC Core §2] has auth_time now at the latest', async () => {
    const proof = pkce();
    const login = await start({ max_age: '60' }, proof);
    const done = await allow(
      browser,
      await vouch(login, { sub: ALICE.sub, amr: ['hwk'], authTime: world.now + 30 }),
    );
    const tokens = await redeem(world, codeOf(done) ?? '', proof.verifier);
    expect(claimsOf(tokens.body['id_token'])['auth_time']).toBe(world.now);
    world.now += 61;
    expect(new URL((await start({ max_age: '60' })).url).pathname).toBe('/my/login');
  });
  it.each([300, 3600])(
    '[OIDC Core §3.1.2.1] AZ-20 satisfies prompt=login once, after %i s as well',
    async (interaction) => {
      await useLoginPageOfHost({ interaction });
      await vouch(await start(), { sub: ALICE.sub, amr: ['pwd'] });
      const login = await start({ prompt: 'login' });
      expect(new URL(login.url).pathname).toBe('/my/login');
      world.now += interaction;
      expect(pageOf(await vouch(login, { sub: ALICE.sub, amr: ['pwd'] }))).toBe('consent');
    },
  );
});

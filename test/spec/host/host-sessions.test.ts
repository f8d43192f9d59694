/**
 * Sessions that a host keeps (`accounts.current`): the provider follows them at the authorization
 * endpoint and at every page, and signs nobody in by a session of its own.
 */

import { memoryDatabase } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import type { ScriptedBrowser } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage, expectRefusedRedirect } from '../refusals.ts';
import {
  ALICE,
  BOB,
  browserOf,
  claimsOf,
  codeOf,
  cookieOf,
  isActive,
  makeWorld,
  openAuthorize,
  pageOf,
  START,
  type World,
} from '../setup.ts';
import {
  ask,
  goOn,
  type Host,
  isHostLogin,
  LOGIN,
  makeHost,
  requestOf,
  sessionOf,
  tokensFor,
} from './host.ts';

let host: Host;
let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  host = await makeHost();
  ({ world, browser } = host);
});

describe('a session of the host', () => {
  it('[OIDC Core §2] signs its person in, with the time and methods of the host and no cookie of ours', async () => {
    host.current = sessionOf(BOB.sub, { authTime: START - 500, amr: ['hwk'], acr: 'gold' });
    const claims = claimsOf((await tokensFor(host)).id_token);
    expect(claims).toMatchObject({
      sub: BOB.sub,
      auth_time: START - 500,
      amr: ['hwk'],
      acr: 'gold',
    });
    expect([...browser.cookies.keys()].filter((name) => name.includes('session'))).toEqual([]);
  });
  it('is followed: after Bob logs out and Alice logs in there, Alice signs in here', async () => {
    host.current = sessionOf(BOB.sub);
    expect(claimsOf((await tokensFor(host)).id_token)['sub']).toBe(BOB.sub);
    host.current = null;
    expect(isHostLogin(await ask(host))).toBe(true);
    host.current = sessionOf(ALICE.sub);
    expect(claimsOf((await tokensFor(host)).id_token)['sub']).toBe(ALICE.sub);
  });
  it('keeps one sid over requests and proofs, and another session has another', async () => {
    host.current = sessionOf(BOB.sub);
    const sid = async (): Promise<unknown> => claimsOf((await tokensFor(host)).id_token)['sid'];
    const first = await sid();
    host.current = sessionOf(BOB.sub, { authTime: START + 1 });
    world.now += 10;
    expect(await sid()).toBe(first);
    host.current = sessionOf(BOB.sub, { sessionId: 'another' });
    expect(await sid()).not.toBe(first);
  });
  it('ends what was issued in it before when another person comes under its id', async () => {
    host.current = sessionOf(BOB.sub);
    const { access_token } = await tokensFor(host);
    host.current = sessionOf(ALICE.sub, { sessionId: `session of ${BOB.sub}` });
    expect(claimsOf((await tokensFor(host)).id_token)['sub']).toBe(ALICE.sub);
    expect(await isActive(world, access_token)).toBe(false);
  });
  it('may last longer than a session of ours would', async () => {
    host.current = sessionOf(BOB.sub);
    await tokensFor(host);
    world.now += 48 * 3600;
    expect(claimsOf((await tokensFor(host)).id_token)['auth_time']).toBe(START);
  });
  it('signs nobody in whose account is disabled or unknown', async () => {
    host.current = sessionOf('nobody');
    expect(isHostLogin(await ask(host))).toBe(true);
    host.current = sessionOf(BOB.sub);
    host.people.setEnabled(BOB.sub, false);
    expect(isHostLogin(await ask(host))).toBe(true);
  });
  it.each([
    ['milliseconds', START * 1000],
    ['nothing', Number.NaN],
  ])(
    'signs nobody in when its time is in %s, which is a mistake of the host',
    async (_what, authTime) => {
      host.current = sessionOf(BOB.sub, { authTime });
      const visit = await ask(host);
      expectErrorPage(visit, { status: 500, code: 'server_error', reason: 'unexpected' });
    },
  );
  it('is known to the store by a digest of its id only', async () => {
    host = await makeHost({
      store: memoryDatabase(),
      secret: 'a secret of at least thirty-two characters',
    });
    host.current = sessionOf(BOB.sub);
    await tokensFor(host);
    const kept = await host.world.provider.store.sessions.listBySubject(BOB.sub);
    expect(kept).toHaveLength(1);
    expect(JSON.stringify(kept)).not.toContain('session of');
  });
});

describe('the login page of the host', () => {
  it('is opened when nobody is signed in, and leads on once somebody is', async () => {
    const login = await ask(host);
    expect(await world.provider.interactions.details(requestOf(host, login))).toMatchObject({
      step: 'login',
      because: 'no_session',
      reauthenticate: false,
    });
    await expect(
      world.provider.interactions.continue(requestOf(host, login)),
    ).rejects.toMatchObject({
      code: 'login_required',
      reason: 'login_missing',
    });
    host.current = sessionOf(ALICE.sub, { authTime: world.now });
    expect(pageOf(await goOn(host, login))).toBe('consent');
  });
  it('gets an error page when it sends people back without signing them in', async () => {
    const login = await ask(host);
    const back = `${world.provider.url('authorize')}?${new URL(login.url).searchParams}`;
    const visit = await browser.open(back);
    expectErrorPage(visit, { status: 400, code: 'login_required', reason: 'login_missing' });
  });
  it('calls interactions.continue where accounts.current is given, and interactions.login elsewhere', async () => {
    const login = await ask(host);
    const { interactions } = world.provider;
    await expect(
      interactions.login(requestOf(host, login), { sub: ALICE.sub, amr: [] }),
    ).rejects.toThrow(/interactions\.continue/);
    const other = await makeWorld({ pages: { ...builtInPages(), login: LOGIN } });
    const visitor = browserOf(other);
    const page = await openAuthorize(other, visitor);
    const asked = new Request(page.url, { headers: { cookie: cookieOf(visitor) } });
    await expect(other.provider.interactions.continue(asked)).rejects.toThrow(
      /interactions\.login/,
    );
  });
});

describe('[OIDC Core §3.1.2.1] a new proof', () => {
  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['prompt=login', { prompt: 'login' }, 'prompt_login'],
    ['max_age=0', { max_age: '0' }, 'max_age'],
    ['max_age that passed', { max_age: '60' }, 'max_age'],
  ])(
    'is asked of the host for %s, and a login from before is refused',
    async (_what, params, because) => {
      host.current = sessionOf(BOB.sub, { authTime: START - 100 });
      const login = await ask(host, params);
      expect(isHostLogin(login)).toBe(true);
      expect(await world.provider.interactions.details(requestOf(host, login))).toMatchObject({
        step: 'login',
        because,
        reauthenticate: true,
        sub: BOB.sub,
      });
      await expect(
        world.provider.interactions.continue(requestOf(host, login)),
      ).rejects.toMatchObject({
        code: 'login_required',
        reason: 'login_too_old',
      });
      world.now += 30;
      host.current = sessionOf(BOB.sub, { authTime: world.now });
      expect(pageOf(await goOn(host, login))).toBe('consent');
    },
  );
  it('is not asked for before max_age has passed', async () => {
    host.current = sessionOf(BOB.sub, { authTime: START - 100 });
    expect(pageOf(await ask(host, { max_age: '200' }))).toBe('consent');
  });
  it('is asked for once more, not in circles, when the login page was open for hours', async () => {
    host.current = sessionOf(BOB.sub, { authTime: START - 100 });
    const login = await ask(host, { prompt: 'login' });
    world.now += 2 * 3600;
    host.current = sessionOf(BOB.sub, { authTime: world.now - 5 });
    const again = await goOn(host, login);
    expect(isHostLogin(again)).toBe(true);
    world.now += 5;
    host.current = sessionOf(BOB.sub, { authTime: world.now });
    expect(pageOf(await goOn(host, again))).toBe('consent');
  });
  it('[OIDC Core §3.1.2.2] is asked of the person in id_token_hint, and whoever signs in instead is refused', async () => {
    host.current = sessionOf(BOB.sub);
    const { id_token } = await tokensFor(host);
    host.current = sessionOf(ALICE.sub, { authTime: START - 10 });
    const login = await ask(host, { id_token_hint: id_token });
    const { interactions } = world.provider;
    expect(await interactions.details(requestOf(host, login))).toMatchObject({
      because: 'other_subject',
    });
    await expect(interactions.continue(requestOf(host, login))).rejects.toMatchObject({
      reason: 'login_other_subject',
    });
    world.now += 10;
    host.current = sessionOf(ALICE.sub, { authTime: world.now });
    expectRefusedRedirect(world, await goOn(host, login), {
      error: 'login_required',
      reason: 'subject_other_than_hinted',
    });
    host.current = sessionOf(BOB.sub);
    expect(codeOf(await ask(host, { id_token_hint: id_token }))).toMatch(/^vkac_/);
  });
  it('is asked of people who want to go on as somebody else', async () => {
    host.current = sessionOf(BOB.sub);
    const consent = await ask(host);
    const login = await browser.submit(consent, { decision: 'switch' });
    const { interactions } = world.provider;
    expect(await interactions.details(requestOf(host, login))).toMatchObject({
      because: 'switch_account',
      reauthenticate: true,
    });
    await expect(interactions.continue(requestOf(host, login))).rejects.toMatchObject({
      reason: 'login_too_old',
    });
    world.now += 20;
    host.current = sessionOf(ALICE.sub, { authTime: world.now });
    const next = await goOn(host, login);
    expect([pageOf(next), next.html.includes('Alice Example')]).toEqual(['consent', true]);
  });
  it('[OIDC Core §3.1.2.6] is never asked for under prompt=none', async () => {
    expectRefusedRedirect(world, await ask(host, { prompt: 'none' }), {
      error: 'login_required',
      reason: 'prompt_none',
    });
    host.current = sessionOf(BOB.sub);
    expectRefusedRedirect(world, await ask(host, { prompt: 'none' }), {
      error: 'consent_required',
      reason: 'prompt_none',
    });
    await tokensFor(host);
    expect(codeOf(await ask(host, { prompt: 'none' }))).toMatch(/^vkac_/);
  });
});

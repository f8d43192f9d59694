/** Sessions that a host keeps: what happens when they change under an open page, and at logout. */

import { type HostSession, rpInitiatedLogout } from 'valetkey';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage, expectRefusal } from '../refusals.ts';
import {
  ALICE,
  allow,
  BOB,
  browserOf,
  codeOf,
  cookieOf,
  ISSUER,
  isActive,
  logIn,
  makeWorld,
  openAuthorize,
  pageOf,
  pkce,
  redeem,
  START,
  type World,
} from '../setup.ts';
import { ask, type Host, isHostLogin, makeHost, sessionOf, tokensFor } from './host.ts';

let host: Host;
let world: World;
let browser: ScriptedBrowser;
const setUp = async (...options: Parameters<typeof makeHost>): Promise<void> => {
  host = await makeHost(...options);
  ({ world, browser } = host);
};
beforeEach(async () => await setUp());

describe('a session that changes while a page is open', () => {
  it.each<[string, () => HostSession | null, string]>([
    ['another person', () => sessionOf(ALICE.sub), 'consent'],
    [
      'another session of the same person',
      () => sessionOf(BOB.sub, { sessionId: 'new' }),
      'consent',
    ],
    [
      'another person under the same id',
      () => sessionOf(ALICE.sub, { sessionId: `session of ${BOB.sub}` }),
      'consent',
    ],
    ['nobody', () => null, 'login'],
  ])('asks again after a change to %s, and allows nothing', async (_what, change, next) => {
    host.current = sessionOf(BOB.sub);
    const consent = await ask(host);
    host.current = change();
    const visit = await browser.submit(consent, { decision: 'allow' });
    expect(next === 'login' ? isHostLogin(visit) : pageOf(visit) === 'consent').toBe(true);
    for (const { sub } of [ALICE, BOB])
      expect(await world.provider.store.authorizations.listBySubject(sub)).toEqual([]);
  });
  it('goes on when only the login is newer', async () => {
    host.current = sessionOf(BOB.sub);
    const consent = await ask(host);
    world.now += 5;
    host.current = sessionOf(BOB.sub, { authTime: world.now });
    expect(codeOf(await allow(browser, consent))).toMatch(/^vkac_/);
  });
  it('[RFC6749 §10.12] refuses a forged form', async () => {
    host.current = sessionOf(BOB.sub);
    const consent = await ask(host);
    const forged = await browser.submit(consent, { decision: 'allow', token: 'x'.repeat(43) });
    expectErrorPage(forged, { status: 403, code: 'invalid_request', reason: 'form_token' });
  });
  it('signs nobody out by the logout page of somebody else', async () => {
    host.current = sessionOf(BOB.sub);
    await tokensFor(host);
    const question = await browser.open(world.provider.url('rp-initiated-logout'));
    expect(pageOf(question)).toBe('logout');
    host.current = sessionOf(ALICE.sub);
    const { access_token } = await tokensFor(host);
    const asked = await browser.submit(question, { decision: 'logout' });
    expect([pageOf(asked), asked.html.includes('Alice Example')]).toEqual(['logout', true]);
    expect(await isActive(world, access_token)).toBe(true);
  });
});

describe('a logout at the host', () => {
  it('ends codes and tokens here, and is told once', async () => {
    host.current = sessionOf(BOB.sub);
    const { access_token } = await tokensFor(host);
    const proof = pkce();
    const code = codeOf(await openAuthorize(world, browser, {}, proof)) ?? '';
    const { sessions } = world.provider;
    expect([
      await sessions.end(host.current.sessionId),
      await sessions.end(host.current.sessionId),
    ]).toEqual([true, false]);
    expect(await isActive(world, access_token)).toBe(false);
    expectRefusal(world, await redeem(world, code, proof.verifier), {
      status: 400,
      error: 'invalid_grant',
      reason: 'code_revoked',
    });
    expect(await sessions.end('never seen')).toBe(false);
    expect(world.events.filter(({ type }) => type === 'logout')).toHaveLength(1);
  });
  it('may end everything of a subject, though the host still names its session', async () => {
    host.current = sessionOf(BOB.sub, { authTime: START - 1 });
    const { access_token } = await tokensFor(host);
    await world.provider.subjects.revoke(BOB.sub);
    expect([await isActive(world, access_token), isHostLogin(await ask(host))]).toEqual([
      false,
      true,
    ]);
    host.current = sessionOf(BOB.sub, { authTime: world.now + 1 });
    world.now += 1;
    expect(codeOf(await ask(host))).toMatch(/^vkac_/);
  });
  it('ends our session where the host gives no accounts.current', async () => {
    world = await makeWorld();
    browser = browserOf(world);
    await logIn(browser, await openAuthorize(world, browser));
    const cookie = cookieOf(browser);
    const headers = await world.provider.interactions.logout(
      new Request(`${ISSUER}/bye`, { headers: { cookie } }),
    );
    expect(headers.getSetCookie()).toEqual([expect.stringMatching(/session.*Max-Age=0/)]);
    expect(pageOf(await openAuthorize(world, browser))).toBe('login');
    const nothing = await world.provider.interactions.logout(new Request(`${ISSUER}/bye`));
    expect(nothing.getSetCookie()).toEqual([]);
  });
});

describe('a logout here', () => {
  const signOut = async (): Promise<Visit> => {
    const question = await browser.open(world.provider.url('rp-initiated-logout'));
    return pageOf(question) === 'logout'
      ? await browser.submit(question, { decision: 'logout' })
      : question;
  };

  it('lasts until the person signs in anew, though the host still names the old session', async () => {
    host.current = sessionOf(BOB.sub);
    await tokensFor(host);
    expect((await signOut()).html).toContain('id="signed-out"');
    expect(isHostLogin(await ask(host))).toBe(true);
    world.now += 10;
    host.current = sessionOf(BOB.sub, { authTime: world.now });
    expect(codeOf(await ask(host))).toMatch(/^vkac_/);
  });
  it('signs out of the host as the host says, with its cookies', async () => {
    const ended: HostSession[] = [];
    await setUp(
      {},
      {
        signOut: async (session) => {
          ended.push(session);
          host.current = null;
          return new Headers([['Set-Cookie', 'host=; Max-Age=0']]);
        },
      },
    );
    host.current = sessionOf(BOB.sub);
    const { access_token } = await tokensFor(host);
    const done = await signOut();
    expect(done.headers.getSetCookie()).toEqual(['host=; Max-Age=0']);
    expect([ended, await isActive(world, access_token)]).toEqual([[sessionOf(BOB.sub)], false]);
    expect((await signOut()).html).toContain('id="signed-out"');
    expect(ended).toHaveLength(1);
  });
  it('ends our session even when the host fails to end its own', async () => {
    await setUp({}, { signOut: async () => Promise.reject(new Error('host is down')) });
    host.current = sessionOf(BOB.sub);
    const { access_token } = await tokensFor(host);
    expectErrorPage(await signOut(), {
      status: 500,
      code: 'server_error',
      reason: 'unexpected',
    });
    expect(await isActive(world, access_token)).toBe(false);
  });
  it('[RP-Initiated Logout §2] is proven by an ID token of the host session', async () => {
    await setUp({ features: [rpInitiatedLogout({ confirmation: 'when-unproven' })] });
    host.current = sessionOf(BOB.sub);
    const { id_token } = await tokensFor(host);
    const logout = new URLSearchParams({ id_token_hint: id_token });
    const visit = await browser.open(`${world.provider.url('rp-initiated-logout')}?${logout}`);
    expect(visit.html).toContain('id="signed-out"');
    expect(isHostLogin(await ask(host))).toBe(true);
  });
});

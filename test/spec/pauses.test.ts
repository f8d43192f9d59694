/**
 * What happens while a sign-in waits for a human: other tabs, other people, pages left open, forms
 * on the wrong page, and two clicks at once.
 */
import type { Lifetimes, Login, Store } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { readForm, type ScriptedBrowser, type Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ALICE,
  allow,
  authorizeParams,
  authorizeUrl,
  BOB,
  browserOf,
  claimsOf,
  codeOf,
  cookieOf,
  decide,
  getCode,
  logIn,
  makeWorld,
  pageOf,
  pkce,
  redeem,
  type World,
} from './setup.ts';

let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  world = await makeWorld();
  browser = browserOf(world);
});

const HOUR = 3600;
const start = async (
  changes: Record<string, string | null> = {},
  challenge = pkce().challenge,
): Promise<Visit> =>
  await browser.open(authorizeUrl(world, authorizeParams(world, challenge, changes)));
const cookie = (): string => cookieOf(browser);

async function useLoginPageOfHost(lifetimes: Partial<Lifetimes> = {}): Promise<void> {
  world = await makeWorld({ pages: { ...builtInPages(), login: '/my/login' }, lifetimes });
  browser = browserOf(world);
}

/** What a login page of the host does in the end. */
async function vouch(page: Visit, login: Login): Promise<Visit> {
  const answer = await world.provider.interactions.login(
    new Request(page.url, { headers: { cookie: cookie() } }),
    login,
  );
  for (const line of answer.headers.getSetCookie())
    browser.cookies.set(
      line.split('=')[0] ?? '',
      line.slice(line.indexOf('=') + 1, line.indexOf(';')),
    );
  return await browser.open(answer.headers.get('location') ?? '');
}

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
  it('[OIDC Core §3.1.2.1] AZ-20 prompt=login is not satisfied by who signed in in another one', async () => {
    const here = await start({ prompt: 'login' });
    await allow(browser, await logIn(browser, await start()));
    const again = await browser.open(here.url);
    expect([pageOf(again), again.leaves]).toEqual(['login', null]);
    expect(codeOf(await logIn(browser, again))).not.toBeNull();
  });
  it('[OIDC Core §3.1.2.4] what one person allowed counts for nobody else who signs in meanwhile', async () => {
    const allowed = await decide(world, browser, await logIn(browser, await start()), {
      decision: 'allow',
    });
    expect(pageOf(await logIn(browser, await start({ prompt: 'login' }), BOB))).toBe('consent');
    const visit = await browser.open(allowed);
    expect([pageOf(visit), visit.html.includes('Bob Example')]).toEqual(['consent', true]);
    expect(await world.provider.store.authorizations.listBySubject(BOB.sub)).toEqual([]);
  });
  it('[OIDC Core §3.1.2.4] nor is it remembered of who signs in in their place', async () => {
    const allowed = await decide(world, browser, await logIn(browser, await start()), {
      decision: 'allow',
    });
    await world.provider.clients.update(world.web.clientId, { skipConsent: true });
    await world.provider.subjects.revoke(ALICE.sub);
    const login = await browser.open(allowed);
    expect(pageOf(login)).toBe('login');
    expect(codeOf(await logIn(browser, login, BOB))).not.toBeNull();
    // The operator's own application: Bob was never asked, and nothing says that he was.
    expect(
      (await world.provider.store.authorizations.find(BOB.sub, world.web.clientId))?.scopes,
    ).toEqual([]);
  });
  it('[OIDC Core §3.1.2.1] going on as somebody else is over once they signed in, whatever they do in another one', async () => {
    const login = await browser.submit(await logIn(browser, await start()), { decision: 'switch' });
    const consent = await logIn(browser, login, BOB);
    await logIn(browser, await start({ prompt: 'login' }), BOB);
    const again = await browser.open(consent.url);
    expect([pageOf(again), again.html.includes('Bob Example')]).toEqual(['consent', true]);
  });
  it('[RFC6749 §4.1.2] UI-18 of two continuations at once one makes the code, and the other tells what became of it', async () => {
    const proof = pkce();
    const allowed = await decide(
      world,
      browser,
      await logIn(browser, await start({}, proof.challenge)),
      { decision: 'allow' },
    );
    let first: string | null = null;
    beforeInsert(world.provider.store, async () => {
      first = codeOf(await browser.open(allowed));
    });
    expect(codeOf(await browser.open(allowed))).toBe(first);
    expect(world.events.filter(({ type }) => type === 'authorization.granted')).toHaveLength(1);
    expect((await redeem(world, first ?? '', proof.verifier)).status).toBe(200);
  });
  it('[RFC6749 §4.1.2] UI-18 and when that code is used already, nobody is sent to the application with it', async () => {
    const proof = pkce();
    const allowed = await decide(
      world,
      browser,
      await logIn(browser, await start({}, proof.challenge)),
      { decision: 'allow' },
    );
    beforeInsert(world.provider.store, async () => {
      expect(
        (await redeem(world, codeOf(await browser.open(allowed)) ?? '', proof.verifier)).status,
      ).toBe(200);
    });
    const late = await browser.open(allowed);
    expect([late.status, late.leaves, world.reasons.at(-1)]).toEqual([
      400,
      null,
      'interaction_finished',
    ]);
  });
});

describe('a page left open for hours', () => {
  it('[OIDC Core §3.1.2.1] AZ-20 with prompt=login asks once, not twice', async () => {
    await getCode(world, pkce(), {}, browser);
    const login = await start({ prompt: 'login' });
    world.now += HOUR;
    const done = await logIn(browser, login);
    expect([pageOf(done), codeOf(done) === null]).toEqual(['away', false]);
  });
  it('UI-04 allows what it showed and no more, though the client may have more by now', async () => {
    await world.provider.clients.update(world.web.clientId, { scopes: ['openid', 'read'] });
    const consent = await logIn(browser, await start({ scope: 'openid read write' }));
    await world.provider.clients.update(world.web.clientId, { scopes: null });
    world.now += HOUR;
    const again = await allow(browser, consent);
    expect([pageOf(again), again.html.includes('Change your things')]).toEqual(['consent', true]);
  });
  it('keeps no decision that was made before, however lately the last one was', async () => {
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
  it('[OIDC Core §3.1.2.1] goes on as who was chosen before it was shown', async () => {
    const consent = await logIn(browser, await start({ prompt: 'select_account' }));
    world.now += HOUR;
    const done = await allow(browser, consent);
    expect([pageOf(done), codeOf(done) === null]).toEqual(['away', false]);
  });
  it.each([300, HOUR])(
    '[OIDC Core §3.1.2.1] AZ-20 of the host with prompt=login asks once as well: after %i s',
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

describe('a form', () => {
  it('[RFC6749 §10.12] UI-01 of one page is no form of another, in the same sign-in and session', async () => {
    const consent = await logIn(browser, await start());
    const account = await browser.submit(consent, { step: 'account', decision: 'continue' });
    expect([account.status, world.reasons.at(-1)]).toEqual([403, 'form_token']);
    const choice = await start({ prompt: 'select_account' });
    const allowed = await browser.submit(choice, { step: 'consent', decision: 'allow' });
    expect([allowed.status, world.reasons.at(-1)]).toEqual([403, 'form_token']);
    expect(codeOf(await allow(browser, consent))).not.toBeNull();
  });
  it('[RFC6749 §10.12] UI-01 of one sign-in is no form of another, in the same browser and session', async () => {
    await logIn(browser, await start());
    const [one, two] = [await start(), await start({ scope: 'openid write' })];
    const { interaction = '' } = readForm(two.html).fields;
    const answer = await browser.submit(one, { interaction, decision: 'allow' });
    expect([answer.status, world.reasons.at(-1)]).toEqual([403, 'form_token']);
  });
  it('[RFC6749 §10.12] UI-01 of the logout is never drawn before it is bound to a browser', async () => {
    await getCode(world, pkce(), {}, browser);
    const unbound = await world.provider.fetch(
      new Request(world.provider.url('rp-initiated-logout'), {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `client_id=${world.web.clientId}`,
      }),
    );
    const direct = await world.provider.fetch(
      new Request(unbound.headers.get('location') ?? '', { headers: { cookie: cookie() } }),
    );
    expect([direct.status, (await direct.text()).includes('<form')]).toEqual([303, false]);
    expect(pageOf(await browser.open(direct.headers.get('location') ?? ''))).toBe('logout');
  });
});

describe('a login the host vouches for', () => {
  it('[OIDC Core §2] is not of the future: auth_time is now at the latest', async () => {
    await useLoginPageOfHost();
    const proof = pkce();
    const login = await start({ max_age: '60' }, proof.challenge);
    const done = await allow(
      browser,
      await vouch(login, { sub: ALICE.sub, amr: ['hwk'], authTime: world.now + 5000 }),
    );
    const tokens = await redeem(world, codeOf(done) ?? '', proof.verifier);
    expect(claimsOf(tokens.body['id_token'])['auth_time']).toBe(world.now);
    world.now += 61;
    expect(new URL((await start({ max_age: '60' })).url).pathname).toBe('/my/login');
  });
});

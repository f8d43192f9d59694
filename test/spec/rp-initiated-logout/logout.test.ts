/** RP-Initiated Logout: the question to the user, and what a logout ends. Rules LO. */

import { rpInitiatedLogout } from 'valetkey';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage } from '../refusals.ts';
import {
  ALICE,
  allow,
  BOB,
  browserOf,
  codeOf,
  cookieOf,
  getTokens,
  isActive,
  logIn,
  makeWorld,
  openAuthorize,
  pageOf,
  type Tokens,
  type World,
} from '../setup.ts';

let world: World;
let browser: ScriptedBrowser;
let tokens: Tokens;
const BYE = 'https://rp.example/bye';
beforeEach(async () => {
  world = await makeWorld();
  browser = browserOf(world);
  tokens = await getTokens(world, {}, browser);
});

const ask = async (params: Record<string, string>, who = browser): Promise<Visit> =>
  await who.open(`${world.provider.url('rp-initiated-logout')}?${new URLSearchParams(params)}`);

const hinted = (more: Record<string, string> = {}): Record<string, string> => ({
  id_token_hint: tokens.id_token,
  post_logout_redirect_uri: BYE,
  state: 'st&1',
  ...more,
});

const signedIn = async (who = browser): Promise<boolean> =>
  codeOf(await openAuthorize(world, who, { prompt: 'none' })) !== null;

describe('the question', () => {
  it.each<[string, () => Record<string, string>]>([
    ['no parameters', () => ({})],
    ['only state', () => ({ state: 'x' })],
    ['a good hint, as configured', () => hinted()],
    [
      'client_id and address',
      () => ({ client_id: world.web.clientId, post_logout_redirect_uri: BYE }),
    ],
  ])(
    '[RP-Initiated Logout §2] LO-01 is asked, and nothing ended, by a GET with %s',
    async (_name, make) => {
      const seen = await ask(make());
      expect(seen.html).toContain('id="logout-form"');
      expect(await signedIn()).toBe(true);
    },
  );
  it('[RP-Initiated Logout §2] is asked by a POST from another site, without cookies', async () => {
    const seen = await browser.open(world.provider.url('rp-initiated-logout'), {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        cookie: 'none=1',
        'sec-fetch-site': 'cross-site',
      },
      body: new URLSearchParams(hinted()).toString(),
    });
    expect(seen.html).toContain(ALICE.claims.name);
    expect((await browser.submit(seen, { decision: 'logout' })).leaves?.href).toBe(
      `${BYE}?state=st%261`,
    );
  });
  it('[RP-Initiated Logout §2] answered with yes ends session and tokens and goes back with state alone', async () => {
    const done = await browser.submit(await ask(hinted()), { decision: 'logout' });
    expect(done.leaves?.href).toBe(`${BYE}?state=st%261`);
    expect(await signedIn()).toBe(false);
    expect([
      await isActive(world, tokens.access_token),
      await isActive(world, tokens.refresh_token),
    ]).toEqual([false, false]);
    expect([...browser.cookies.keys()].some((name) => name.includes('session'))).toBe(false);
  });
  it('[RP-Initiated Logout §2] answered with yes shows a page where there is nowhere to go', async () => {
    const done = await browser.submit(await ask({}), { decision: 'logout' });
    expect([done.status, done.leaves]).toEqual([200, null]);
    expect(done.html).toContain('signed-out');
    expect(await signedIn()).toBe(false);
  });
  it('[RP-Initiated Logout §2] answered with no leaves the user signed in', async () => {
    const stayed = await browser.submit(await ask(hinted()), { decision: 'stay' });
    expect(stayed.leaves).toBeNull();
    expect(await signedIn()).toBe(true);
    expect(await isActive(world, tokens.access_token)).toBe(true);
  });
  it('[RP-Initiated Logout §2] is left out where so configured and the hint proves this very session', async () => {
    world = await makeWorld({
      features: [rpInitiatedLogout({ confirmation: 'when-unproven' })],
    });
    browser = browserOf(world);
    tokens = await getTokens(world, {}, browser);
    const other = browserOf(world);
    await allow(other, await logIn(other, await openAuthorize(world, other), BOB));
    expect((await ask(hinted(), other)).html).toContain('id="logout-form"');
    const sameUserElsewhere = browserOf(world);
    await getTokens(world, {}, sameUserElsewhere);
    expect((await ask(hinted(), sameUserElsewhere)).html).toContain('id="logout-form"');
    world.now += 7200;
    expect((await ask(hinted())).leaves?.href).toBe(`${BYE}?state=st%261`);
    expect(await signedIn()).toBe(false);
  });
  it('[RP-Initiated Logout §2] LO-04 is left out for a second relying party once the session has ended', async () => {
    await browser.submit(await ask(hinted()), { decision: 'logout' });
    expect((await ask(hinted())).leaves?.href).toBe(`${BYE}?state=st%261`);
    expect((await ask({})).html).toContain('signed-out');
  });
});

describe('the form', () => {
  it('[RFC6749 §10.12] UI-01 of another browser or without its token ends nothing', async () => {
    const form = await ask(hinted());
    const answer = await browser.submit(form, { decision: 'logout', token: 'x' });
    expectErrorPage(answer, { status: 403, code: 'invalid_request', reason: 'form_token' });
    const other = browserOf(world);
    expectErrorPage(await other.submit(form, { decision: 'logout' }), {
      status: 400,
      code: 'invalid_request',
      reason: 'interaction_other_browser',
    });
    expectErrorPage(await browser.submit(form, { decision: 'explode' }), {
      status: 400,
      code: 'invalid_request',
      reason: 'decision',
    });
    expect(await signedIn()).toBe(true);
  });
  it('[RFC6749 §10.12] UI-01 is never drawn before it is bound to a browser', async () => {
    const unbound = await world.provider.fetch(
      new Request(world.provider.url('rp-initiated-logout'), {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `client_id=${world.web.clientId}`,
      }),
    );
    const direct = await world.provider.fetch(
      new Request(unbound.headers.get('location') ?? '', {
        headers: { cookie: cookieOf(browser) },
      }),
    );
    expect([direct.status, (await direct.text()).includes('<form')]).toEqual([303, false]);
    expect(pageOf(await browser.open(direct.headers.get('location') ?? ''))).toBe('logout');
  });
});

describe('a form from another site', () => {
  const unbound = async (): Promise<string> => {
    const response = await world.provider.fetch(
      new Request(world.provider.url('rp-initiated-logout'), {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: '',
      }),
    );
    return new URL(response.headers.get('location') ?? '').searchParams.get('interaction') ?? '';
  };

  const send = async (headers: Record<string, string>): Promise<Visit> =>
    await browserOf(world).open(world.provider.url('rp-initiated-logout'), {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams({ interaction: await unbound(), decision: 'logout' }).toString(),
    });
  it.each(['cross-site', 'same-site'])(
    '[RFC6749 §10.12] LO-01 UI-01 is refused when it is sent %s',
    async (site) => {
      const refused = await send({ 'sec-fetch-site': site });
      expectErrorPage(refused, {
        status: 403,
        code: 'invalid_request',
        reason: 'form_cross_site',
      });
      expect(refused.headers.getSetCookie()).toEqual([]);
    },
  );
  it('[RFC6749 §10.12] LO-01 takes away no cookie that the browser did not send', async () => {
    const done = await send({});
    expect([done.status, done.headers.getSetCookie()]).toEqual([200, []]);
  });
});

describe('what a logout ends', () => {
  it('LO-06 leaves the session of another browser of the same person', async () => {
    const phone = browserOf(world);
    const others = await getTokens(world, {}, phone);
    await browser.submit(await ask({}), { decision: 'logout' });
    expect([await signedIn(phone), await isActive(world, others.access_token)]).toEqual([
      true,
      true,
    ]);
  });
  it('LO-06 makes copies of the session cookie useless', async () => {
    const thief = browserOf(world);
    for (const [name, value] of browser.cookies) thief.cookies.set(name, value);
    await browser.submit(await ask({}), { decision: 'logout' });
    expect(await signedIn(thief)).toBe(false);
  });
  it('LO-01 takes away the cookie of a session that had ended before', async () => {
    await world.provider.subjects.revoke(ALICE.sub);
    const cookies = browser.cookies.size;
    const done = await browser.open(world.provider.url('rp-initiated-logout'));
    expect([done.status, done.html.includes('signed out'), browser.cookies.size]).toEqual([
      200,
      true,
      cookies - 1,
    ]);
  });
  it('leaves tokens with offline_access', async () => {
    const offline = await getTokens(world, { scope: 'openid offline_access' }, browser);
    await browser.submit(await ask({}), { decision: 'logout' });
    expect([
      await isActive(world, offline.refresh_token),
      await isActive(world, tokens.refresh_token),
    ]).toEqual([true, false]);
  });
  it('leaves all tokens where logout.revokeTokens is false', async () => {
    world = await makeWorld({ logout: { revokeTokens: false } });
    browser = browserOf(world);
    tokens = await getTokens(world, {}, browser);
    await browser.submit(await ask({}), { decision: 'logout' });
    expect([await signedIn(), await isActive(world, tokens.access_token)]).toEqual([false, true]);
  });
});

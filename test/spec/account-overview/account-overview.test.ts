/** The page where people see and end their sessions, and withdraw what they allowed. Rules UI. */
import { accountOverview } from 'valetkey';
import { readForm, type ScriptedBrowser, type Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { goOn, isHostLogin, makeHost, sessionOf } from '../host/host.ts';
import { expectErrorPage } from '../refusals.ts';
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
  type Tokens,
  type World,
} from '../setup.ts';

const PAGE = `${ISSUER}/o/account/`;
let world: World;
let browser: ScriptedBrowser;
let other: ScriptedBrowser;
beforeEach(async () => {
  world = await makeWorld();
  browser = browserOf(world);
  other = browserOf(world);
});

const atOverview = ({ html }: Visit): boolean => html.includes('id="account-overview-form"');
const open = async (who = browser, user: Parameters<typeof logIn>[2] = ALICE): Promise<Visit> => {
  const visit = await who.open(PAGE);
  return pageOf(visit) === 'login' ? await logIn(who, visit, user) : visit;
};
/** Signs in to the application in this browser. */
async function useApplication(who: ScriptedBrowser, scope = 'openid read'): Promise<Tokens> {
  const proof = pkce();
  let visit = await openAuthorize(world, who, { scope }, proof);
  if (pageOf(visit) === 'login') visit = await logIn(who, visit);
  if (pageOf(visit) === 'consent') visit = await allow(who, visit);
  const { body } = await redeem(world, codeOf(visit) ?? '', proof.verifier);
  return body as unknown as Tokens;
}
const sessions = async (sub = ALICE.sub): Promise<number> =>
  (await world.provider.subjects.sessions(sub)).length;
const decide = async (visit: Visit, decision: string, who = browser): Promise<Visit> =>
  await who.submit(visit, { decision });
/** The decision of a button. */
const decisionOf = ({ html }: Visit, id: string): string =>
  new RegExp(`id="${id}"[^>]* value="([^"]*)"`).exec(html)?.[1] ?? '';

describe('bad input', () => {
  it.each([
    ['no token', { token: null }, 'form_token'],
    ['a token of another form', { token: 'x'.repeat(43) }, 'form_token'],
    ['no interaction', { interaction: null }, 'interaction_missing'],
    ['a damaged interaction', { interaction: 'v1.damaged' }, 'interaction_unknown'],
  ])('UI-01 %s is refused and ends nothing', async (_, fields, reason) => {
    await open(other);
    const visit = await open();
    const refused = await browser.submit(visit, { ...fields, decision: 'end-others' });
    expect(/id="error-reason"[^>]*>([^<]*)</.exec(refused.html)?.[1]).toBe(reason);
    expect(await sessions()).toBe(2);
  });

  it('UI-01 a form that another site sent is refused', async () => {
    await open(other);
    const { action, fields } = readForm((await open()).html);
    const response = await world.provider.fetch(
      new Request(action, {
        method: 'POST',
        headers: {
          cookie: cookieOf(browser),
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': 'cross-site',
        },
        body: new URLSearchParams({ ...fields, decision: 'end-others' }),
      }),
    );
    expect([response.status, await sessions()]).toEqual([403, 2]);
  });

  it('UI-01 the form of one person ends nothing of the next one in this browser', async () => {
    const visit = await open();
    await open(other, BOB);
    await browser.submit(visit, { decision: decisionOf(visit, 'session-end-0') });
    await open(browser, BOB);
    expectErrorPage(await decide(visit, 'end-others'), {
      status: 403,
      code: 'invalid_request',
      reason: 'form_token',
    });
    expect(await sessions(BOB.sub)).toBe(2);
  });

  it('a decision that does not exist is refused', async () => {
    expectErrorPage(await decide(await open(), 'end-all'), {
      status: 400,
      code: 'invalid_request',
      reason: 'decision',
    });
  });

  it.each(['end', 'withdraw'])('%s of what is somebody else’s changes nothing', async (what) => {
    await useApplication(other);
    const [session] = await world.provider.subjects.sessions(ALICE.sub);
    const name = what === 'end' ? (session?.sid ?? '') : world.web.clientId;
    const visit = await open(browser, BOB);
    expect(visit.html).not.toContain(name);
    expect(atOverview(await decide(visit, `${what} ${name}`))).toBe(true);
    expect(await sessions()).toBe(1);
    expect(await world.provider.subjects.consents(ALICE.sub)).toHaveLength(1);
  });

  it('the page asks nobody in the name of an application', async () => {
    const visit = await browser.open(`${ISSUER}/o/authorize/?client_id=&response_type=code`);
    expectErrorPage(visit, {
      status: 400,
      code: 'invalid_request',
      reason: 'client_id_missing',
    });
  });
});

describe('the page', () => {
  it('asks people to sign in, and then shows whose it is', async () => {
    const login = await browser.open(PAGE);
    expect(pageOf(login)).toBe('login');
    const visit = await logIn(browser, login);
    expect([atOverview(visit), visit.url]).toEqual([true, PAGE]);
    expect(visit.html).toContain('Alice Example');
    expect(visit.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  });

  it('leads home somebody who does not sign in', async () => {
    const visit = await browser.submit(await browser.open(PAGE), { decision: 'cancel' });
    expect(visit.url).toBe(`${ISSUER}/`);
  });

  it('ends the session of another browser, with its tokens', async () => {
    const tokens = await useApplication(other);
    const visit = await open();
    await decide(visit, decisionOf(visit, 'session-end-1'));
    expect(pageOf(await other.open(PAGE))).toBe('login');
    expect(await isActive(world, tokens.access_token)).toBe(false);
    expect(atOverview(await browser.open(PAGE))).toBe(true);
    expect(world.events.map(({ type }) => type)).toContain('logout');
  });

  it('ends all other sessions at once', async () => {
    await open(other);
    await open(browserOf(world));
    const after = await decide(await open(), 'end-others');
    expect([await sessions(), atOverview(after)]).toEqual([1, true]);
    expect(after.html).not.toContain('session-end-others');
  });

  it('UI-03 signs this browser out, which loses its cookie', async () => {
    const visit = await open();
    const after = await decide(visit, decisionOf(visit, 'session-end-0'));
    expect([pageOf(after), await sessions()]).toEqual(['login', 0]);
    expect([...browser.cookies.keys()].some((name) => name.includes('session'))).toBe(false);
  });

  it('withdraws what an application may do, with its tokens, and sending it again is no error', async () => {
    const tokens = await useApplication(browser, 'openid read offline_access');
    const visit = await open();
    expect(visit.html).toContain('Read your things');
    const decision = decisionOf(visit, 'application-withdraw-0');
    const after = await decide(visit, decision);
    expect(after.html).not.toContain('Read your things');
    expect(await isActive(world, tokens.access_token)).toBe(false);
    expect(await isActive(world, tokens.refresh_token ?? '')).toBe(false);
    expect(atOverview(await decide(visit, decision))).toBe(true);
    expect(pageOf(await openAuthorize(world, browser, {}, pkce()))).toBe('consent');
  });

  it('[OIDC Core §4] links to where a sign-in to an application begins, with the issuer', async () => {
    await useApplication(browser);
    expect((await open()).html).not.toContain('application-start-0');
    const initiateLoginUri = 'https://rp.example/start?x=1';
    await world.provider.clients.update(world.web.clientId, { initiateLoginUri });
    const link = /id="application-start-0" href="([^"]*)"/.exec((await open()).html)?.[1];
    const url = new URL((link ?? '').replaceAll('&amp;', '&'));
    expect([url.origin, url.pathname, ...url.searchParams]).toEqual([
      'https://rp.example',
      '/start',
      ['x', '1'],
      ['iss', ISSUER],
    ]);
  });

  it('is linked from the consent page, and only while it is there', async () => {
    const consent = await logIn(browser, await openAuthorize(world, browser, {}, pkce()));
    expect(consent.html).toContain(`id="consent-account" href="${PAGE}"`);
    world = await makeWorld({ features: [accountOverview({ enabled: false })] });
    browser = browserOf(world);
    const without = await logIn(browser, await openAuthorize(world, browser, {}, pkce()));
    expect(without.html).not.toContain('consent-account');
    expect([world.provider.accountUrl, (await browser.open(PAGE)).status]).toEqual([null, 404]);
  });
});

describe('with a host that keeps the sessions', () => {
  it('UI-01 a form that was drawn for somebody else ends nothing, and the page is shown anew', async () => {
    const host = await makeHost();
    host.current = sessionOf(ALICE.sub);
    const visit = await host.browser.open(PAGE);
    host.current = sessionOf(BOB.sub, { sessionId: 'another browser' });
    await host.browser.open(PAGE);
    host.current = sessionOf(BOB.sub);
    const after = await host.browser.submit(visit, { decision: 'end-others' });
    expect([atOverview(after), after.html.includes('Bob Example')]).toEqual([true, true]);
    expect(await host.world.provider.subjects.sessions(BOB.sub)).toHaveLength(2);
  });

  it('the login page of the host comes first, and a sign-out ends its session too', async () => {
    const ended: string[] = [];
    const host = await makeHost(
      {},
      {
        signOut: async ({ sessionId }) => {
          ended.push(sessionId);
          host.current = null;
          return null;
        },
      },
    );
    const login = await host.browser.open(PAGE);
    expect(isHostLogin(login)).toBe(true);
    host.current = sessionOf(ALICE.sub);
    const visit = await goOn(host, login);
    expect(atOverview(visit)).toBe(true);
    const after = await host.browser.submit(visit, {
      decision: decisionOf(visit, 'session-end-0'),
    });
    expect([ended, isHostLogin(after)]).toEqual([[`session of ${ALICE.sub}`], true]);
  });
});

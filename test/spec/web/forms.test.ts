/** Forms of the pages: only ours count, each in its own place (CSRF). Rules UI. */

import { createProvider, memoryDatabase } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { readForm, type ScriptedBrowser, type Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage } from '../refusals.ts';
import {
  ALICE,
  allow,
  browserOf,
  codeOf,
  cookieOf,
  ISSUER,
  logIn,
  makeWorld,
  openAuthorize,
  type Pkce,
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

describe('a form', () => {
  const forms: [string, () => Promise<Visit>, Record<string, string>][] = [
    [
      'login',
      async () => await start(),
      { username: ALICE.username, password: ALICE.password, decision: 'login' },
    ],
    ['consent', async () => await logIn(browser, await start()), { decision: 'allow' }],
    [
      'account',
      async () => {
        await allow(browser, await logIn(browser, await start()));
        return await start({ prompt: 'select_account' });
      },
      { decision: 'continue' },
    ],
  ];

  it.each(forms)(
    '[RFC6749 §10.12] UI-01 of %s without token, with another token or from another site is refused',
    async (_name, open, fields) => {
      const visit = await open();
      for (const token of [
        '',
        'x',
        readForm((await start({}, browserOf(world))).html).fields['token'] ?? '',
      ]) {
        const answer = await browser.submit(visit, { ...fields, token });
        expectErrorPage(answer, { status: 403, code: 'invalid_request', reason: 'form_token' });
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
      expectErrorPage(crossSite, {
        status: 403,
        code: 'invalid_request',
        reason: 'form_cross_site',
      });
      expect((await browser.submit(visit, fields)).status).not.toBe(403);
    },
  );
  it('[RFC6749 §10.12] UI-01 of a session that has ended is refused', async () => {
    const consent = await logIn(browser, await start());
    await logIn(browser, await start({ prompt: 'login' }));
    expectErrorPage(await allow(browser, consent), {
      status: 403,
      code: 'invalid_request',
      reason: 'form_token',
    });
  });
  it('[RFC6749 §10.12] UI-01 of one page is refused as one of another, in the same sign-in and session', async () => {
    const consent = await logIn(browser, await start());
    const account = await browser.submit(consent, { step: 'account', decision: 'continue' });
    expectErrorPage(account, { status: 403, code: 'invalid_request', reason: 'form_token' });
    const choice = await start({ prompt: 'select_account' });
    const allowed = await browser.submit(choice, { step: 'consent', decision: 'allow' });
    expectErrorPage(allowed, { status: 403, code: 'invalid_request', reason: 'form_token' });
    expect(codeOf(await allow(browser, consent))).not.toBeNull();
  });
  it('[RFC6749 §10.12] UI-01 of one sign-in is refused in another, in the same browser and session', async () => {
    await logIn(browser, await start());
    const [one, two] = [await start(), await start({ scope: 'openid write' })];
    const { interaction = '' } = readForm(two.html).fields;
    const answer = await browser.submit(one, { interaction, decision: 'allow' });
    expectErrorPage(answer, { status: 403, code: 'invalid_request', reason: 'form_token' });
  });
  it('with an unknown decision is refused', async () => {
    expectErrorPage(await browser.submit(await start(), { decision: 'whatever' }), {
      status: 400,
      code: 'invalid_request',
      reason: 'decision',
    });
  });
  it('[RFC9700 §4.12] AZ-13 is answered with 303', async () => {
    const visit = await start();
    const form = readForm(visit.html);
    const response = await world.provider.fetch(
      new Request(form.action, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          cookie: cookieOf(browser),
        },
        body: new URLSearchParams({
          ...form.fields,
          username: ALICE.username,
          password: ALICE.password,
          decision: 'login',
        }),
      }),
    );
    expect(response.status).toBe(303);
    expect(response.headers.get('cache-control')).toBe('no-store');
  });
  it('X-5 made under the previous secret of the provider still counts, and sessions go on', async () => {
    const store = memoryDatabase();
    const before = 'the secret of yesterday, long enough';
    world = await makeWorld({ store, secret: before });
    browser = browserOf(world);
    const consent = await logIn(browser, await start());
    const provider = createProvider({
      issuer: ISSUER,
      store,
      accounts: world.accounts,
      pages: builtInPages(),
      secret: ['the secret of today, long enough too!', before],
      clock: () => world.now,
    });
    Object.assign(world, { provider });
    expect(codeOf(await allow(browser, consent))).toMatch(/^vkac_/);
  });
});

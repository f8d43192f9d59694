/**
 * Several people in one browser: nobody gets or allows anything in the place of another. Rules TK.
 */

import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ALICE,
  allow,
  BOB,
  browserOf,
  claimsOf,
  codeOf,
  decide,
  getTokens,
  isActive,
  logIn,
  makeWorld,
  openAuthorize,
  type Pkce,
  pageOf,
  pkce,
  redeem,
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

const subOf = (idToken: unknown): unknown => claimsOf(idToken)['sub'];

describe('somebody else who signs in', () => {
  it('TK-04 gets a code of their own after the first person allowed', async () => {
    const consent = await logIn(browser, await start());
    const first = codeOf(await allow(browser, consent));
    const login = await browser.submit(consent, { decision: 'switch' });
    const second = codeOf(await allow(browser, await logIn(browser, login, BOB))) ?? '';
    expect(second).not.toBe(first);
    const tokens = await redeem(world, second, proof.verifier);
    expect(subOf(tokens.body['id_token'])).toBe(BOB.sub);
  });
  it('ends what was issued in the session of the first person', async () => {
    const tokens = await getTokens(world, {}, browser);
    const login = await browser.submit(await start({ prompt: 'consent' }), {
      decision: 'switch',
    });
    const { url } = await logIn(browser, login, BOB);
    expect(url).toContain('/interaction/');
    expect([
      await isActive(world, tokens.access_token),
      await isActive(world, tokens.refresh_token),
    ]).toEqual([false, false]);
  });
  it('is asked for consent anew and has a new sid', async () => {
    const first = await redeem(
      world,
      codeOf(await allow(browser, await logIn(browser, await start()))) ?? '',
      proof.verifier,
    );
    const sid = (token: unknown): unknown => claimsOf(token)['sid'];
    const login = await browser.submit(await start({ prompt: 'consent' }), {
      decision: 'switch',
    });
    const consent = await logIn(browser, login, BOB);
    expect(consent.html).toContain('id="consent-form"');
    const second = await redeem(world, codeOf(await allow(browser, consent)) ?? '', proof.verifier);
    expect(sid(first.body['id_token'])).not.toBe(sid(second.body['id_token']));
    expect(subOf(second.body['id_token'])).toBe(BOB.sub);
  });
  it('[OIDC Core §3.1.2.1] stays who they are, whatever they do in another tab', async () => {
    const login = await browser.submit(await logIn(browser, await start()), { decision: 'switch' });
    const consent = await logIn(browser, login, BOB);
    await logIn(browser, await start({ prompt: 'login' }), BOB);
    const again = await browser.open(consent.url);
    expect([pageOf(again), again.html.includes('Bob Example')]).toEqual(['consent', true]);
  });
});

describe('what one person allowed', () => {
  it('[OIDC Core §3.1.2.4] does not count for somebody else who signs in meanwhile', async () => {
    const allowed = await decide(world, browser, await logIn(browser, await start()), {
      decision: 'allow',
    });
    expect(pageOf(await logIn(browser, await start({ prompt: 'login' }), BOB))).toBe('consent');
    const visit = await browser.open(allowed);
    expect([pageOf(visit), visit.html.includes('Bob Example')]).toEqual(['consent', true]);
    expect(await world.provider.store.authorizations.listBySubject(BOB.sub)).toEqual([]);
  });
  it('[OIDC Core §3.1.2.4] is not remembered for somebody else who signs in in their place', async () => {
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
});

/** An interaction belongs to the browser in which it began. Rules AZ, UI. */

import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage } from '../refusals.ts';
import {
  allow,
  authorizeParams,
  BOB,
  browserOf,
  claimsOf,
  codeOf,
  cookieOf,
  getCode,
  ISSUER,
  logIn,
  makeWorld,
  openAuthorize,
  type Pkce,
  pageOf,
  paramOf,
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

describe('a request by POST from another site', () => {
  /** Where a cross-site POST without cookies is sent. */
  const unbound = async (): Promise<string> => {
    const response = await world.provider.fetch(
      new Request(world.provider.url('authorize'), {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: authorizeParams(world, proof.challenge, { state: 'attacker' }).toString(),
      }),
    );
    return response.headers.get('location') ?? '';
  };

  it('[OIDC Core §3.1.2.1] starts the same flow without cookies, and finds the session on the way', async () => {
    const ask = async (): Promise<Visit> =>
      await browser.open(world.provider.url('authorize'), {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': 'cross-site',
          cookie: 'none=1',
        },
        body: authorizeParams(world, proof.challenge).toString(),
      });
    const login = await ask();
    expect(pageOf(login)).toBe('login');
    expect(login.url).not.toContain('the-state');
    expect(paramOf(await allow(browser, await logIn(browser, login)), 'state')).toBe('the-state');
    expect(paramOf(await ask(), 'code')).not.toBeNull();
  });
  it('[RFC6749 §10.12] UI-01 draws no form before it is bound to a browser', async () => {
    const link = new URL(await unbound());
    const direct = await world.provider.fetch(
      new Request(`${world.provider.url('interaction')}?${link.searchParams}`),
    );
    expect([direct.status, (await direct.text()).includes('<form')]).toEqual([303, false]);
  });
  it('[RFC9700 §4.7] AZ-25 is bound before it is answered, and then good in that browser alone', async () => {
    const victim = browserOf(world);
    await getCode(world, pkce(), {}, victim);
    const addresses: string[] = [];
    let next = await unbound();
    for (let hop = 0; hop < 5 && next.startsWith(ISSUER); hop += 1) {
      addresses.push(next);
      const cookie = cookieOf(victim);
      const response = await world.provider.fetch(new Request(next, { headers: { cookie } }));
      next = response.headers.get('location') ?? '';
    }
    expect(next).toContain('code=');
    expect(addresses).toHaveLength(2);
    const other = await browserOf(world).open(addresses[1] ?? '');
    expectErrorPage(other, {
      status: 400,
      code: 'invalid_request',
      reason: 'interaction_other_browser',
    });
  });
  it('[RFC9700 §4.7] AZ-25 TK-04 brings nobody the code of somebody else who opened the link', async () => {
    const victim = browserOf(world);
    await getCode(world, pkce(), {}, victim);
    const link = await unbound();
    const theirs = codeOf(await victim.open(link));
    expect(theirs).toMatch(/^vkac_/);

    const attacker = browserOf(world);
    await getCode(world, pkce(), {}, attacker);
    const own = codeOf(await attacker.open(link));
    expect(own).toMatch(/^vkac_/);
    expect(own).not.toBe(theirs);
    const fresh = browserOf(world);
    const answer = await redeem(
      world,
      codeOf(await allow(fresh, await logIn(fresh, await fresh.open(link), BOB))) ?? '',
      proof.verifier,
    );
    expect([answer.status, claimsOf(answer.body['id_token'])['sub']]).toEqual([200, BOB.sub]);
  });
});

describe('an interaction', () => {
  it('[RFC9700 §4.7] AZ-25 of another browser is refused', async () => {
    const { url } = await start();
    const seen = await browserOf(world).open(url);
    expectErrorPage(seen, {
      status: 400,
      code: 'invalid_request',
      reason: 'interaction_other_browser',
    });
  });
});

describe('the cookie of a browser', () => {
  it('UI-03 is replaced unless we made it', async () => {
    await start();
    const [name = '', value = ''] = [...browser.cookies.entries()][0] ?? [];
    for (const junk of [
      'chosen-by-attacker',
      value.slice(0, -1),
      value.replace('vkbr_', 'vkss_'),
    ]) {
      browser.cookies.set(name, junk);
      await start();
      expect(browser.cookies.get(name)).toMatch(/^vkbr_[\w-]{49}$/);
      expect(browser.cookies.get(name)).not.toBe(value);
    }
  });
});

/**
 * Authorization requests that are too large for an address: they are kept in the store. Rules L.
 */

import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, expect, it } from 'vitest';
import {
  allow,
  browserOf,
  logIn,
  makeWorld,
  openAuthorize,
  type Pkce,
  paramOf,
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
it('keeps a large request in the store and answers it as any other', async () => {
  const state = 'é'.repeat(2000);
  const login = await start({ state, nonce: 'n'.repeat(2000) });
  expect(login.url.length).toBeLessThan(1000);
  expect(paramOf(await allow(browser, await logIn(browser, login)), 'state')).toBe(state);
});
it('answers a large request that was left open over a weekend', async () => {
  const state = 'é'.repeat(2000);
  const login = await start({ state, nonce: 'n'.repeat(2000) });
  world.now += 3 * 24 * 3600;
  await world.provider.clear(100);
  expect(paramOf(await allow(browser, await logIn(browser, login)), 'state')).toBe(state);
});
it('L-3 stores large requests of one network only up to a limit', async () => {
  const puts: string[] = [];
  const { put } = world.provider.store.oneTime;
  Object.assign(world.provider.store.oneTime, {
    put: async (...args: Parameters<typeof put>) => {
      puts.push(args[0].digest);
      return await put(...args);
    },
  });
  let last = 0;
  for (let index = 0; index < 80; index += 1)
    last = (await start({ state: 'é'.repeat(2000), nonce: 'n'.repeat(2000) }, browserOf(world)))
      .status;
  expect([puts.length, last]).toEqual([60, 429]);
  for (const name of ['claims', 'display', 'claims_locales', 'foo'])
    await start({ [name]: 'x'.repeat(8000) }, browserOf(world));
  const logout = await browserOf(world).open(
    `${world.provider.url('rp-initiated-logout')}?logout_hint=${'x'.repeat(8000)}`,
  );
  expect([puts.length, logout.status]).toEqual([60, 200]);
});
it('L-3 limits large requests also where the host tells no address', async () => {
  const nowhere = (): ScriptedBrowser => {
    const { fetch } = world.provider;
    return browserOf({
      ...world,
      provider: { ...world.provider, fetch: async (request) => await fetch(request) },
    });
  };
  let last = 0;
  for (let index = 0; index < 61; index += 1)
    last = (await start({ state: 'é'.repeat(2000), nonce: 'n'.repeat(2000) }, nowhere())).status;
  expect(last).toBe(429);
});

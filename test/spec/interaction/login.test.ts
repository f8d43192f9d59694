/** The login page: what it tells and takes. */

import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, expect, it } from 'vitest';
import {
  ALICE,
  allow,
  browserOf,
  logIn,
  makeWorld,
  openAuthorize,
  type Pkce,
  pageOf,
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

const signedIn = async (who = browser): Promise<Visit> =>
  await allow(who, await logIn(who, await start({}, who)));
it('UI-10 answers a wrong password as an unknown name', async () => {
  const wrong = await logIn(browser, await start(), { username: 'alice', password: 'wrong' });
  const unknown = await logIn(browser, await start(), { username: 'nobody', password: 'wrong' });
  expect([unknown.status, pageOf(unknown)]).toEqual([422, 'login']);
  const problem = (visit: Visit): string =>
    /id="login-problem"[^>]*>([\s\S]*?)<\//.exec(visit.html)?.[1] ?? 'none';
  expect(problem(unknown)).toBe(problem(wrong));
  expect(problem(wrong)).not.toBe('none');
  expect(wrong.html).toContain('value="alice"');
  expect(wrong.html).not.toContain('value="wrong"');
});
it('refuses a disabled account and ends its session', async () => {
  await signedIn();
  world.accounts.setEnabled(ALICE.sub, false);
  const login = await start();
  expect(pageOf(login)).toBe('login');
  expect((await logIn(browser, login)).status).toBe(422);
});
it('fills in the name of login_hint', async () => {
  expect((await start({ login_hint: 'alice"x' })).html).toContain('value="alice&quot;x"');
});

/** A person whose account was deleted, and an account that gets the same subject. Rules CV, RT. */
import { expect, it } from 'vitest';
import {
  ALICE,
  allow,
  browserOf,
  getTokens,
  isActive,
  logIn,
  makeWorld,
  openAuthorize,
  pageOf,
  post,
} from '../setup.ts';

it('whoever gets the subject of a deleted account inherits nothing of it', async () => {
  const world = await makeWorld();
  const browser = browserOf(world);
  const { refresh_token: token, access_token: access } = await getTokens(world, {}, browser);
  const { store, subjects } = world.provider;
  await subjects.delete(ALICE.sub);
  world.now += 1;
  expect(await isActive(world, access)).toBe(false);
  const refreshed = await post(world, 'token', {
    grant_type: 'refresh_token',
    refresh_token: token,
  });
  expect([refreshed.status, refreshed.body['error']]).toEqual([400, 'invalid_grant']);
  expect(await store.sessions.listBySubject(ALICE.sub)).toEqual([]);
  expect(await store.authorizations.listBySubject(ALICE.sub)).toEqual([]);
  // The new account signs in, and is asked.
  const page = await openAuthorize(world, browser);
  expect(pageOf(page)).toBe('login');
  const consent = await logIn(browser, page);
  expect(pageOf(consent)).toBe('consent');
  expect((await allow(browser, consent)).leaves?.searchParams.get('code')).not.toBeNull();
});

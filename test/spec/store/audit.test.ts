/** The audit log: what leaves a row, when, and for how long. Rules ST. */
import { scriptedBrowser } from 'valetkey/testing';
import { expect, it } from 'vitest';
import {
  ALICE,
  allow,
  basic,
  browserOf,
  ISSUER,
  logIn,
  makeWorld,
  openAuthorize,
  post,
} from '../setup.ts';

it('ST-05 writes acts, logins and grants, and revocations at once', async () => {
  const world = await makeWorld();
  const browser = browserOf(world);
  await allow(browser, await logIn(browser, await openAuthorize(world, browser)));
  await world.provider.subjects.withdraw(ALICE.sub, world.web.clientId);
  expect((await world.provider.store.audit.list({ limit: 1 })).map(({ type }) => type)).toEqual([
    'authorization.revoked',
  ]);
  await world.provider.close();
  const types = (await world.provider.store.audit.list({ limit: 100 })).map(({ type }) => type);
  for (const type of ['client.created', 'login.succeeded', 'authorization.granted'])
    expect(types).toContain(type);
});
it('ST-05 keeps rows for as long as the configuration says', async () => {
  const world = await makeWorld({ lifetimes: { audit: 1000 } });
  world.now += 1000;
  expect((await world.provider.clear(100)).audit).toBe(0);
  world.now += 1;
  expect((await world.provider.clear(100)).audit).toBe(3);
});
it('ST-05 writes no row for what anybody can cause in any number, and tells the listener', async () => {
  const world = await makeWorld();
  await world.provider.close();
  const before = await world.provider.store.audit.list({ limit: 1000 });
  for (let index = 0; index < 50; index += 1) {
    await openAuthorize(world, browserOf(world), {
      prompt: 'none',
      unknown: 'x'.repeat(7000),
      state: String(index),
    });
    await post(
      world,
      'token',
      { grant_type: 'client_credentials' },
      { authorization: basic(`nobody ${index}`, 'x') },
    );
  }
  await world.provider.close();
  expect(await world.provider.store.audit.list({ limit: 1000 })).toEqual(before);
  expect(world.events.filter(({ reason }) => reason === 'prompt_none')).toHaveLength(50);
  expect(world.events.filter(({ reason }) => reason === 'client_unknown')).toHaveLength(20);
});
it('ST-05 CL-13 writes only so many rows where the host tells no address', async () => {
  const world = await makeWorld();
  const nameless = { 'content-type': 'application/x-www-form-urlencoded' };
  const browser = scriptedBrowser(
    async (request) => await world.provider.fetch(request),
    (url) => url.origin === ISSUER,
  );
  const login = await openAuthorize(world, browser);
  for (let index = 0; index < 100; index += 1) {
    const authorization = basic(world.web.clientId, `wrong ${index}`);
    const request = new Request(`${ISSUER}/o/token/`, {
      method: 'POST',
      headers: { ...nameless, authorization },
      body: 'grant_type=client_credentials',
    });
    expect((await world.provider.fetch(request)).status).toBe(401);
    await browser.submit(login, {
      username: `somebody ${index}`,
      password: 'wrong',
      decision: 'login',
    });
  }
  await world.provider.close();
  const rows = await world.provider.store.audit.list({ limit: 1000 });
  const count = (wanted: string): number => rows.filter(({ type }) => type === wanted).length;
  expect([count('client_authentication.failed'), count('login.failed')]).toEqual([20, 50]);
  expect(world.events.filter(({ reason }) => reason === 'client_secret_wrong')).toHaveLength(100);
});
it('L-3 writes a row for a known person who declines, and none for a stranger who leaves', async () => {
  const world = await makeWorld();
  const lines: string[] = [];
  const { append } = world.provider.store.audit;
  Object.assign(world.provider.store.audit, {
    append: async (events: Parameters<typeof append>[0]) => {
      lines.push(...events.map(({ type }) => type));
      await append(events);
    },
  });
  const stranger = browserOf(world);
  const login = await openAuthorize(world, stranger);
  for (let index = 0; index < 20; index += 1) await stranger.submit(login, { decision: 'cancel' });
  expect(world.events.filter(({ type }) => type === 'authorization.denied')).toHaveLength(20);
  const known = browserOf(world);
  await known.submit(await logIn(known, await openAuthorize(world, known)), { decision: 'deny' });
  await world.provider.close();
  expect(lines.filter((type) => type === 'authorization.denied')).toHaveLength(1);
});

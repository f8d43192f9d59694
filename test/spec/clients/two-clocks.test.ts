/**
 * Nodes whose clocks differ by half a minute. What orders two acts is a number or a record, so that
 * nobody is refused because of the clocks, and nothing slips past a revocation. Rules RT, R-4.
 */
import { memoryDatabase } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import type { ScriptedBrowser } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  DEVICE_GRANT,
  decideOn,
  enterCode,
  makeDeviceWorld,
  poll,
  startDevice,
} from '../device-authorization/device.ts';
import { ask, isHostLogin, makeHost, sessionOf } from '../host/host.ts';
import { expectErrorPage, expectRefusal } from '../refusals.ts';
import {
  ALICE,
  type Answer,
  allow,
  browserOf,
  codeOf,
  cookieOf,
  getCode,
  isActive,
  logIn,
  makeWorld,
  openAuthorize,
  pageOf,
  pkce,
  post,
  REDIRECT_URI,
  redeem,
  type World,
  watched,
} from '../setup.ts';

const SKEWS = [30, 0, -30];
let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  world = await makeDeviceWorld();
  browser = browserOf(world);
});

/** Does something on a node whose clock is ahead by this much, or behind. */
async function elsewhere<T>(skew: number, work: () => Promise<T>): Promise<T> {
  world.now += skew;
  try {
    return await work();
  } finally {
    world.now -= skew;
  }
}

const revoke = async (): Promise<void> => await world.provider.subjects.revoke(ALICE.sub);

/** Somebody who is signed in connects a device. */
async function connectDevice(of: World): Promise<Answer> {
  const device = await startDevice(of);
  await browser.submit(await enterCode(browser, device.user_code), { decision: 'allow' });
  return await poll(of, device);
}

describe.each(SKEWS)('another node, %i seconds ahead', (skew) => {
  it('registers a client, which signs people in and gets every kind of token here', async () => {
    const { clients } = world.provider;
    const grantTypes = ['authorization_code', 'refresh_token', 'client_credentials', DEVICE_GRANT];
    const make = async (name: string) =>
      await clients.create({ name, redirectUris: [REDIRECT_URI], grantTypes });
    const { client, clientSecret } = await elsewhere(skew, async () => await make('New'));
    const own = { ...world, web: client, webSecret: clientSecret ?? '' } satisfies World;
    const proof = pkce();
    const code = await getCode(own, proof, {}, browser);
    const tokens = await redeem(own, code, proof.verifier);
    expect(tokens.status).toBe(200);
    expect(await isActive(own, String(tokens.body['access_token']))).toBe(true);
    const refresh_token = String(tokens.body['refresh_token']);
    const more = [
      { grant_type: 'refresh_token', refresh_token },
      { grant_type: 'client_credentials', scope: 'read' },
    ];
    for (const fields of more) {
      const answer = await post(own, 'token', fields);
      expect(answer.status).toBe(200);
      expect(await isActive(own, String(answer.body['access_token']))).toBe(true);
    }
    expect((await connectDevice(own)).status).toBe(200);
    const again = await openAuthorize(own, browser);
    expect(codeOf(again)).toMatch(/^vkac_/);
  });
  it('changes a password: who signs in here a moment later, is signed in', async () => {
    await elsewhere(skew, revoke);
    const consent = await logIn(browser, await openAuthorize(world, browser));
    expect(pageOf(consent)).toBe('consent');
    expect(codeOf(await allow(browser, consent))).toMatch(/^vkac_/);
    expect((await connectDevice(world)).status).toBe(200);
  });
  it('RT-09 changes a password while somebody proves the one before: they get no session', async () => {
    const login = await openAuthorize(world, browser);
    const { authenticate } = world.accounts;
    Object.assign(world.accounts, {
      authenticate: async (credentials: never) => {
        const proven = await authenticate?.(credentials);
        await elsewhere(skew, revoke);
        return proven;
      },
    });
    expectErrorPage(await logIn(browser, login), {
      status: 403,
      code: 'access_denied',
      reason: 'login_revoked',
    });
    expect(await world.provider.store.sessions.listBySubject(ALICE.sub)).toEqual([]);
  });
  it('RT-09 changes a password after a device was approved: it gets no tokens', async () => {
    const device = await startDevice(world);
    await decideOn(browser, device);
    await elsewhere(skew, revoke);
    expectRefusal(world, await poll(world, device), {
      status: 400,
      error: 'invalid_grant',
      reason: 'subject_revoked',
    });
  });
  it('[OIDC Core §3.1.2.1] continues a request with prompt=login that began here', async () => {
    await getCode(world, pkce(), {}, browser);
    const login = await openAuthorize(world, browser, { prompt: 'login' });
    expect(pageOf(login)).toBe('login');
    const after = await elsewhere(skew, async () => await logIn(browser, login));
    expect(codeOf(after)).toMatch(/^vkac_/);
  });
});

it('RT-09 an earlier login that the host vouches for begins no session after a revocation', async () => {
  const pages = { ...builtInPages(), login: '/host/login' };
  world = await makeWorld({ pages });
  browser = browserOf(world);
  const visit = await openAuthorize(world, browser);
  const authTime = world.now - 50;
  await revoke();
  world.now += 50;
  const here = new Request(visit.url, { headers: { cookie: cookieOf(browser) } });
  const login = { sub: ALICE.sub, amr: ['pwd'], authTime };
  await expect(world.provider.interactions.login(here, login)).rejects.toMatchObject({
    reason: 'login_revoked',
  });
  const later = { ...login, authTime: world.now };
  expect((await world.provider.interactions.login(here, later)).status).toBe(303);
});

describe('a client_id that is used a second time', () => {
  it('is refused as taken while the client is there, so that a deletion in between leaves its trace', async () => {
    const { clients, store } = world.provider;
    const { clientId } = world.web;
    const { list } = store.audit;
    // The deletion comes after the question whether there was one.
    Object.assign(store.audit, {
      list: async (...args: Parameters<typeof list>) => {
        const found = await list(...args);
        await clients.delete(clientId);
        return found;
      },
    });
    const metadata = { name: 'Anew', redirectUris: [REDIRECT_URI] };
    await expect(clients.create(metadata, { clientId })).rejects.toThrow(/is taken/);
    await clients.delete(clientId);
    const { client } = await clients.create(metadata, { clientId });
    expect(client.hasPredecessor).toBe(true);
  });

  beforeEach(async () => {
    world = await makeWorld();
  });
  it.each(['deleted', 'deleted twice'])(
    '[RFC6749 §5.1] is not given what was issued before, by tokens of the client itself: %s',
    async (times) => {
      const { clients } = world.provider;
      const credentials = { grant_type: 'client_credentials', scope: 'read' };
      const anew = async (): Promise<void> => {
        expect(await clients.delete(world.web.clientId)).toBe(true);
        world.now += 1;
        const { grantTypes } = world.web;
        const metadata = { name: 'Anew', redirectUris: [REDIRECT_URI], grantTypes };
        const made = await clients.create(metadata, { clientId: world.web.clientId });
        Object.assign(world, { webSecret: made.clientSecret });
      };
      if (times === 'deleted twice') await anew();
      const { body } = await post(world, 'token', credentials);
      const before = String(body['access_token']);
      expect(await isActive(world, before)).toBe(true);
      await anew();
      expect(await isActive(world, before)).toBe(false);
      const own = await post(world, 'token', credentials);
      expect(await isActive(world, String(own.body['access_token']))).toBe(true);
    },
  );
});

describe('a host that keeps sessions itself', () => {
  it.each([0, 5, 30])(
    'RT-09 does not revive a session that was revoked, with a clock %i seconds ahead',
    async (ahead) => {
      const host = await makeHost();
      host.current = sessionOf(ALICE.sub, { authTime: host.world.now + ahead });
      expect(pageOf(await ask(host))).toBe('consent');
      host.world.now += 2;
      await host.world.provider.subjects.revoke(ALICE.sub);
      host.world.now += 2;
      expect(isHostLogin(await ask(host))).toBe(true);
      host.world.now += 60;
      expect(isHostLogin(await ask(host))).toBe(true);
    },
  );
  it.each(['revoke', 'endSession'] as const)(
    'RT-09 does not revive what a command ended that does not know the host: %s',
    async (act) => {
      const store = memoryDatabase();
      const host = await makeHost({ store });
      // As `valetkey session end` has it: no people, no `accounts.current`.
      const command = await makeWorld({
        store,
        accounts: { find: async () => null, authenticate: async () => null },
        clock: () => host.world.now,
      });
      host.current = sessionOf(ALICE.sub, { authTime: host.world.now });
      expect(pageOf(await ask(host))).toBe('consent');
      const { subjects } = command.provider;
      const [session] = await subjects.sessions(ALICE.sub);
      if (act === 'revoke') await subjects.revoke(ALICE.sub);
      else expect(await subjects.endSession(ALICE.sub, session?.sid ?? '')).toBe(true);
      host.world.now += 1;
      expect(isHostLogin(await ask(host))).toBe(true);
    },
  );
  it('RT-09 does not keep a session that begins while everything is revoked', async () => {
    const host = await makeHost();
    const { store } = host.world.provider;
    const { revokeSubject } = store.tokens;
    host.current = sessionOf(ALICE.sub, { authTime: host.world.now });
    await ask(host);
    Object.assign(store.tokens, {
      revokeSubject: async (...args: Parameters<typeof revokeSubject>) => {
        const ended = await revokeSubject(...args);
        await ask(host);
        return ended;
      },
    });
    await host.world.provider.subjects.revoke(ALICE.sub);
    expect(await store.sessions.listBySubject(ALICE.sub)).toEqual([]);
    expect(isHostLogin(await ask(host))).toBe(true);
  });
  it('RT-09 ends everything also when an end cannot be remembered', async () => {
    const host = await makeHost();
    const { store, subjects } = host.world.provider;
    host.current = sessionOf(ALICE.sub, { authTime: host.world.now });
    await ask(host);
    Object.assign(store.oneTime, { put: async () => await Promise.reject(new Error('full')) });
    await expect(subjects.revoke(ALICE.sub)).rejects.toThrow('full');
    expect(await store.sessions.listBySubject(ALICE.sub)).toEqual([]);
  });
  it('costs nothing for sessions that are older than a minute', async () => {
    const host = await makeHost();
    const { store, subjects } = host.world.provider;
    host.current = sessionOf(ALICE.sub, { authTime: host.world.now });
    await ask(host);
    host.world.now += 3600;
    const calls = watched(store);
    await subjects.revoke(ALICE.sub);
    // What applications are told is sent beside the call.
    expect(calls.filter((call) => !call.startsWith('deliveries.'))).toEqual([
      'tokens.revokeSubject',
    ]);
  });
  it('signs somebody in again in the second in which everything of them was revoked', async () => {
    const host = await makeHost();
    host.current = sessionOf(ALICE.sub, { authTime: host.world.now });
    const consent = await ask(host);
    expect(pageOf(consent)).toBe('consent');
    await host.world.provider.subjects.revoke(ALICE.sub);
    // The host still names the session that was known here.
    expect(isHostLogin(await ask(host))).toBe(true);
    host.current = { ...host.current, sessionId: 'another session' };
    expect(pageOf(await ask(host))).toBe('consent');
    // One that began before is not taken up, even if it was not known here.
    host.current = sessionOf(ALICE.sub, { authTime: host.world.now - 1, sessionId: 'older' });
    expect(isHostLogin(await ask(host))).toBe(true);
  });
});

it('leaves no consent of somebody who is deleted while they allow something', async () => {
  const consent = await logIn(browser, await openAuthorize(world, browser));
  const { authorizations } = world.provider.store;
  const { remember } = authorizations;
  Object.assign(authorizations, {
    remember: async (...args: Parameters<typeof remember>) => {
      await world.provider.subjects.delete(ALICE.sub);
      return await remember(...args);
    },
  });
  expect(pageOf(await allow(browser, consent))).toBe('login');
  expect(await authorizations.listBySubject(ALICE.sub)).toEqual([]);
});

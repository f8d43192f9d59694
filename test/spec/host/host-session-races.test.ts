/** Sessions that a host keeps, when requests of one browser run at the same time. Rule R-4. */
import { memoryDatabase } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { ALICE, BOB, browserOf, claimsOf, codeOf, openAuthorize, pkce, redeem } from '../setup.ts';
import { ask, type Host, isHostLogin, makeHost, requestOf, sessionOf, tokensFor } from './host.ts';

let host: Host;
beforeEach(async () => {
  host = await makeHost();
});

/** A store whose calls take a moment, so that requests really run beside one another. */
function slow(): ReturnType<typeof memoryDatabase> {
  const database = memoryDatabase();
  return {
    ...database,
    forIssuer(issuer) {
      const store = database.forIssuer(issuer);
      for (const part of [store.sessions, store.oneTime, store.codes])
        for (const [name, method] of Object.entries(part as unknown as Record<string, unknown>))
          Object.assign(part, {
            [name]: async (...args: unknown[]) => {
              await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
              return await (method as (...all: unknown[]) => Promise<unknown>)(...args);
            },
          });
      return store;
    },
  };
}

/** Signs out here, at a host that goes on naming its session. */
async function logOut({ world, browser }: Host): Promise<void> {
  const question = await browser.open(world.provider.url('rp-initiated-logout'));
  await browser.submit(question, { decision: 'logout' });
}

describe('a login that ended here', () => {
  it.each(['fast', 'slow'])(
    '[RFC9700 §4.7] R-4 stays ended for eight requests at the same time, on a %s store',
    async (speed) => {
      if (speed === 'slow') host = await makeHost({ store: slow() });
      for (let round = 0; round < 10; round += 1) {
        host.world.now += 1;
        host.current = sessionOf(BOB.sub, { authTime: host.world.now });
        await tokensFor(host);
        await logOut(host);
        const browsers = Array.from({ length: 8 }, () => browserOf(host.world));
        const visits = await Promise.all(
          browsers.map(
            async (browser) => await openAuthorize(host.world, browser, { prompt: 'none' }),
          ),
        );
        expect(visits.map(codeOf)).toEqual(visits.map(() => null));
      }
    },
  );
  it('R-4 ends before it was ever used here', async () => {
    const current = sessionOf(BOB.sub);
    expect(await host.world.provider.sessions.end(current.sessionId)).toBe(false);
    host.current = current;
    expect(isHostLogin(await ask(host))).toBe(true);
    host.world.now += 1;
    host.current = sessionOf(BOB.sub, { authTime: host.world.now });
    expect(isHostLogin(await ask(host))).toBe(false);
  });
  it('R-4 ends with all that a second request made, when it ends while the first one begins it', async () => {
    const current = sessionOf(BOB.sub);
    host.current = current;
    await host.world.provider.clients.update(host.world.web.clientId, { skipConsent: true });
    const proof = pkce();
    const { sessions } = host.world.provider.store;
    const { start } = sessions;
    let second: string | null = null;
    Object.assign(sessions, {
      start: async (...facts: Parameters<typeof start>) => {
        Object.assign(sessions, { start });
        await host.world.provider.sessions.end(current.sessionId);
        const outcome = await start(...facts);
        // The second request reads before the end is known there.
        const { oneTime } = host.world.provider.store;
        const { find } = oneTime;
        Object.assign(oneTime, { find: async () => null });
        const browser = browserOf(host.world);
        second = codeOf(await openAuthorize(host.world, browser, { prompt: 'none' }, proof));
        Object.assign(oneTime, { find });
        return outcome;
      },
    });
    expect(isHostLogin(await ask(host))).toBe(true);
    expect(second).toMatch(/^vkac_/);
    expectRefusal(host.world, await redeem(host.world, second ?? '', proof.verifier), {
      status: 400,
      error: 'invalid_grant',
      reason: 'code_revoked',
    });
  });
  it('R-4 ends also while a request is under way that was told of it before', async () => {
    const current = sessionOf(BOB.sub);
    host = await makeHost(
      {},
      {
        async current() {
          await host.world.provider.sessions.end(current.sessionId);
          return current;
        },
      },
    );
    expect(isHostLogin(await ask(host))).toBe(true);
  });
});

describe('one session that the host names for two people', () => {
  it('R-4 gives nobody the tokens of the other one', async () => {
    host = await makeHost({ store: slow() }, { current: async (request) => whose(request) });
    const whose = (request: Request): ReturnType<typeof sessionOf> =>
      sessionOf(/who=(\S+)/.exec(request.headers.get('cookie') ?? '')?.[1] ?? '', {
        sessionId: 'one for all',
      });
    await host.world.provider.clients.update(host.world.web.clientId, { skipConsent: true });
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all(
        [BOB, ALICE, BOB, ALICE].map(async ({ sub }) => {
          const browser = browserOf(host.world);
          browser.cookies.set('who', sub);
          const proof = pkce();
          const visit = await openAuthorize(host.world, browser, { prompt: 'none' }, proof).catch(
            () => null,
          );
          const code = visit === null ? null : codeOf(visit);
          const answer = code === null ? null : await redeem(host.world, code, proof.verifier);
          if (answer?.status !== 200) return true;
          return claimsOf(answer.body['id_token'])['sub'] === sub;
        }),
      );
      expect(answers).toEqual([true, true, true, true]);
    }
  });
  it.each([
    ['sub', { sub: '' }],
    ['sessionId', { sessionId: '' }],
    ['sessionId', { sessionId: undefined as unknown as string }],
  ])('is an error of the host when it names no %s', async (name, wrong) => {
    host.current = sessionOf(BOB.sub, wrong);
    const visit = await ask(host);
    expect(visit.status).toBe(500);
    await expect(host.world.provider.interactions.logout(requestOf(host, visit))).rejects.toThrow(
      name,
    );
  });
});

describe('a host whose clock runs ahead', () => {
  it('[OIDC Core §2] has auth_time now at the latest, and stays signed in', async () => {
    host.current = sessionOf(BOB.sub, { authTime: host.world.now + 30 });
    const first = claimsOf((await tokensFor(host)).id_token);
    host.world.now += 20;
    const second = claimsOf((await tokensFor(host)).id_token);
    expect([first['auth_time'], second['auth_time']]).toEqual([
      host.world.now - 20,
      host.world.now - 20,
    ]);
    expect(first['sid']).toBe(second['sid']);
  });
});

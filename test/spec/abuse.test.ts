/**
 * What is counted, kept or ended on account of strangers: rateLimits under chosen names, forms of
 * other sites, decisions out of the history.
 */
import { generateKeyPairSync } from 'node:crypto';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ALICE,
  allow,
  authorizeParams,
  authorizeUrl,
  browserOf,
  codeOf,
  cookieOf,
  decide,
  getCode,
  getTokens,
  isActive,
  logIn,
  makeWorld,
  pkce,
  post,
  REDIRECT_URI,
  redeem,
  SIGNING_KEYS,
  type World,
} from './setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
const start = async (
  browser: ScriptedBrowser,
  changes: Record<string, string | null> = {},
  proof = pkce(),
): Promise<Visit> =>
  await browser.open(authorizeUrl(world, authorizeParams(world, proof.challenge, changes)));
const from = (ip: string): ScriptedBrowser => {
  const { fetch } = world.provider;
  return browserOf({
    ...world,
    provider: { ...world.provider, fetch: async (request) => await fetch(request, { ip }) },
  });
};
const attempt = async (ip: string, username: string, password: string): Promise<number> => {
  const browser = from(ip);
  return (await logIn(browser, await start(browser), { username, password })).status;
};

describe('rateLimits', () => {
  it.each([
    'from 203.0.113.7',
    '203.0.113.7',
    '["login from","203.0.113.7"]',
    'login from 203.0.113.7',
  ])('UI-11 an account named %s is no network', async (username) => {
    for (let index = 0; index < 6; index += 1) await attempt(`198.51.100.${index}`, username, 'x');
    expect(await attempt('198.51.100.99', username, 'x')).toBe(429);
    expect(await attempt('203.0.113.7', ALICE.username, ALICE.password)).toBe(200);
  });
  it('UI-11 attempts on a locked account use up nothing of the network they come from', async () => {
    for (let index = 0; index < 5; index += 1) await attempt('203.0.113.8', 'locked', 'x');
    for (let index = 0; index < 60; index += 1)
      expect(await attempt('203.0.113.8', 'locked', 'x')).toBe(429);
    expect(await attempt('203.0.113.8', ALICE.username, ALICE.password)).toBe(200);
  });
  it('L-3 requests too large for an address are bounded where the host tells no address', async () => {
    const browser = (): ScriptedBrowser => {
      const { fetch } = world.provider;
      return browserOf({
        ...world,
        provider: { ...world.provider, fetch: async (request) => await fetch(request) },
      });
    };
    let last = 0;
    for (let index = 0; index < 61; index += 1)
      last = (await start(browser(), { state: 'é'.repeat(2000), nonce: 'n'.repeat(2000) })).status;
    expect(last).toBe(429);
  });
  it('L-3 leaving a sign-in again and again writes no line of the audit log', async () => {
    const lines: string[] = [];
    const { append } = world.provider.store.audit;
    Object.assign(world.provider.store.audit, {
      append: async (events: Parameters<typeof append>[0]) => {
        lines.push(...events.map(({ type }) => type));
        await append(events);
      },
    });
    const stranger = browserOf(world);
    const login = await start(stranger);
    for (let index = 0; index < 20; index += 1)
      await stranger.submit(login, { decision: 'cancel' });
    expect(world.events.filter(({ type }) => type === 'authorization.denied')).toHaveLength(20);
    const known = browserOf(world);
    await known.submit(await logIn(known, await start(known)), { decision: 'deny' });
    await world.provider.close();
    expect(lines.filter((type) => type === 'authorization.denied')).toHaveLength(1);
  });
});

describe('a logout form of another site', () => {
  const unbound = async (): Promise<string> => {
    const response = await world.provider.fetch(
      new Request(world.provider.url('rp-initiated-logout'), {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: '',
      }),
    );
    return new URL(response.headers.get('location') ?? '').searchParams.get('interaction') ?? '';
  };
  const send = async (headers: Record<string, string>): Promise<Response> =>
    await world.provider.fetch(
      new Request(world.provider.url('rp-initiated-logout'), {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams({ interaction: await unbound(), decision: 'logout' }),
      }),
    );

  it.each(['cross-site', 'same-site'])(
    '[RFC6749 §10.12] LO-01 UI-01 sent %s is refused',
    async (site) => {
      const response = await send({ 'sec-fetch-site': site });
      expect([response.status, world.reasons.at(-1), response.headers.getSetCookie()]).toEqual([
        403,
        'form_cross_site',
        [],
      ]);
    },
  );
  it('[RFC6749 §10.12] LO-01 from a browser that says nothing takes no cookie it did not get', async () => {
    const response = await send({});
    expect([response.status, response.headers.getSetCookie()]).toEqual([200, []]);
  });
  it('LO-01 a cookie whose session is over is taken away', async () => {
    const browser = browserOf(world);
    await getTokens(world, {}, browser);
    await world.provider.subjects.revoke(ALICE.sub);
    const cookies = browser.cookies.size;
    const done = await browser.open(world.provider.url('rp-initiated-logout'));
    expect([done.status, done.html.includes('signed out'), browser.cookies.size]).toEqual([
      200,
      true,
      cookies - 1,
    ]);
  });
});

describe('a decision', () => {
  it('TK-01 posted again when its code is forgotten makes another code, never the same', async () => {
    const browser = browserOf(world);
    const proof = pkce();
    const consent = await logIn(browser, await start(browser, {}, proof));
    const code = codeOf(await allow(browser, consent)) ?? '';
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
    expect((await allow(browser, consent)).status).toBe(400);
    world.now += 660;
    await world.provider.store.clear(world.now, 100, 0);
    expect(codeOf(await allow(browser, consent))).not.toBe(code);
    expect((await redeem(world, code, proof.verifier)).body['error']).toBe('invalid_grant');
  });
  it('UI-18 is not kept alive by being passed on', async () => {
    const browser = browserOf(world);
    const consent = await logIn(browser, await start(browser));
    let url = new URL(await decide(world, browser, consent, { decision: 'allow' }));
    for (let turn = 0; turn < 3; turn += 1) {
      world.now += 50;
      const { searchParams } = url;
      const cookie = cookieOf(browser);
      const answer = await world.provider.fetch(
        new Request(`${world.provider.url('interaction')}?${searchParams}`, {
          headers: { cookie },
        }),
      );
      const location = answer.headers.get('location');
      if (location === null) expect(await answer.text()).toContain('id="consent-form"');
      else url = new URL(location, url);
      expect(location === null).toBe(turn > 0);
    }
  });
  it('UI-18 out of the history of a host’s own page leads to no second code', async () => {
    const browser = browserOf(world);
    const proof = pkce();
    const address = await decide(
      world,
      browser,
      await logIn(browser, await start(browser, {}, proof)),
      { decision: 'allow' },
    );
    const code = codeOf(await browser.open(address)) ?? '';
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
    world.now += 660;
    await world.provider.store.clear(world.now, 100, 0);
    const cookie = cookieOf(browser);
    const again = await world.provider.interactions.consent(
      new Request(address, { headers: { cookie } }),
      ['openid', 'profile', 'email'],
    );
    expect(codeOf(await browser.open(again.headers.get('location') ?? ''))).not.toBe(code);
  });
  it('UI-18 on a page that was open for eleven minutes counts, and what led to the page stays', async () => {
    const browser = browserOf(world);
    const login = await start(browser, { prompt: 'login consent' });
    const consent = await logIn(browser, login);
    world.now += 661;
    expect(codeOf(await allow(browser, consent))).not.toBeNull();
  });
});

describe('a client_id that is registered a second time', () => {
  /** Deletes the client and registers another one under its name, a second later. */
  const replace = async (): Promise<string> => {
    await world.provider.clients.delete(world.web.clientId);
    world.now += 1;
    const { clientSecret } = await world.provider.clients.create(
      { name: 'Other', redirectUris: [REDIRECT_URI] },
      { clientId: world.web.clientId },
    );
    return clientSecret ?? '';
  };

  it('RV-01 gets nothing that was allowed to the first', async () => {
    const { store } = world.provider;
    const browser = browserOf(world);
    await getTokens(world, {}, browser);
    const allowed = await store.authorizations.find(ALICE.sub, world.web.clientId);
    await replace();
    // What another node, which still had the client in memory, remembers after the deletion.
    await store.authorizations.remember(allowed as NonNullable<typeof allowed>);
    const visit = await start(browser);
    expect([visit.leaves, visit.html.includes('id="consent-form"')]).toEqual([null, true]);
  });
  it('TK-03 [RFC6749 §4.1.3] redeems no code of the first', async () => {
    const { store } = world.provider;
    const browser = browserOf(world);
    const proof = pkce();
    const code = await getCode(world, proof, {}, browser);
    const allowed = await store.authorizations.find(ALICE.sub, world.web.clientId);
    const secret = await replace();
    await store.authorizations.remember(allowed as NonNullable<typeof allowed>);
    const answer = await redeem({ ...world, webSecret: secret }, code, proof.verifier);
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_grant']);
  });
});

describe('keys that are given', () => {
  it('JW-06 sign only while they are active', async () => {
    const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString();
    const [rsa] = SIGNING_KEYS;
    const signingKeys = [
      rsa as (typeof SIGNING_KEYS)[number],
      { alg: 'ES256' as const, active: false, pem },
    ];
    world = await makeWorld({ signingKeys });
    expect((await world.provider.keys.list()).map(({ alg, state }) => `${alg} ${state}`)).toEqual([
      'RS256 current',
      'ES256 retired',
    ]);
    expect(await world.provider.keys.published()).toHaveLength(2);
    await expect(
      world.provider.clients.create({
        name: 'x',
        redirectUris: [REDIRECT_URI],
        idTokenSignedResponseAlg: 'ES256',
      }),
    ).rejects.toThrow(/idTokenSignedResponseAlg/);
    // One that registered while the key was active.
    await world.provider.store.clients.replace(
      {
        ...world.web,
        idTokenSignedResponseAlg: 'ES256',
        version: world.web.version + 1,
      },
      null,
    );
    world.now += 60;
    const { access_token } = await getTokens(world, { scope: 'read' });
    expect(await isActive(world, access_token)).toBe(true);
    const proof = pkce();
    const code = await getCode(world, proof);
    expect((await redeem(world, code, proof.verifier)).status).toBe(500);
    expect(
      (await post(world, 'token', { grant_type: 'client_credentials', scope: 'read' })).status,
    ).toBe(200);
  });
});

/**
 * What an attacker would try around a sign-in: shared links, other people's codes, races with
 * logout, floods, and names made to break a page.
 */
import { createProvider, memoryDatabase, type Provider, type Store } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts, type ScriptedBrowser, type Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ALICE,
  allow,
  authorizeParams,
  authorizeUrl,
  BOB,
  browserOf,
  claimsOf,
  codeOf,
  cookieOf,
  decide,
  getCode,
  getTokens,
  ISSUER,
  isActive,
  logIn,
  makeWorld,
  pkce,
  post,
  REDIRECT_URI,
  redeem,
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
const subOf = (idToken: unknown): unknown => claimsOf(idToken)['sub'];

describe('a link that is bound to no browser', () => {
  /** What a cross-site POST without cookies is answered with. */
  const unbound = async (challenge: string): Promise<string> => {
    const response = await world.provider.fetch(
      new Request(world.provider.url('authorize'), {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: authorizeParams(world, challenge, { state: 'attacker' }).toString(),
      }),
    );
    return response.headers.get('location') ?? '';
  };

  it('[RFC9700 §4.7] AZ-25 TK-04 handed to a victim does not bring the victim’s code to who made it', async () => {
    const victim = browserOf(world);
    await getCode(world, pkce(), {}, victim);
    const proof = pkce();
    const link = await unbound(proof.challenge);
    const theirs = codeOf(await victim.open(link));
    expect(theirs).toMatch(/^vkac_/);

    const attacker = browserOf(world);
    await getCode(world, pkce(), {}, attacker);
    let visit = await attacker.open(link);
    if (visit.leaves === null && visit.html.includes('login-form'))
      visit = await logIn(attacker, visit, BOB);
    if (visit.leaves === null) visit = await allow(attacker, visit);
    expect(codeOf(visit)).not.toBe(theirs);
    const fresh = browserOf(world);
    const answer = await redeem(
      world,
      codeOf(await allow(fresh, await logIn(fresh, await fresh.open(link), BOB))) ?? '',
      proof.verifier,
    );
    expect([answer.status, subOf(answer.body['id_token'])]).toEqual([200, BOB.sub]);
  });
  it('[RFC9700 §4.7] AZ-25 is bound before anything is answered, and then good in that browser alone', async () => {
    const victim = browserOf(world);
    await getCode(world, pkce(), {}, victim);
    const addresses: string[] = [];
    let next = await unbound(pkce().challenge);
    for (let hop = 0; hop < 5 && next.startsWith(ISSUER); hop += 1) {
      addresses.push(next);
      const cookie = cookieOf(victim);
      const response = await world.provider.fetch(new Request(next, { headers: { cookie } }));
      next = response.headers.get('location') ?? '';
    }
    expect(next).toContain('code=');
    expect(addresses).toHaveLength(2);
    const other = await browserOf(world).open(addresses[1] ?? '');
    expect([other.status, world.reasons.at(-1)]).toEqual([400, 'interaction_other_browser']);
  });
  it('[RFC6749 §10.12] UI-01 never yields a form before it is bound', async () => {
    const link = new URL(await unbound(pkce().challenge));
    const direct = await world.provider.fetch(
      new Request(`${world.provider.url('interaction')}?${link.searchParams}`),
    );
    expect([direct.status, (await direct.text()).includes('<form')]).toEqual([303, false]);
  });
});

describe('two people, one browser', () => {
  it('TK-04 after one allowed, back and as somebody else: the code is that person’s', async () => {
    const browser = browserOf(world);
    const consent = await logIn(browser, await start(browser));
    const first = codeOf(await allow(browser, consent));
    const login = await browser.submit(consent, { decision: 'switch' });
    const other = await logIn(browser, login, BOB);
    const second = codeOf(other.leaves === null ? await allow(browser, other) : other);
    expect(second).not.toBe(first);
  });
  it('what was issued in the session before ends when somebody else takes over', async () => {
    const browser = browserOf(world);
    const tokens = await getTokens(world, {}, browser);
    const login = await browser.submit(await start(browser, { prompt: 'consent' }), {
      decision: 'switch',
    });
    const { url } = await logIn(browser, login, BOB);
    expect(url).toContain('/interaction/');
    expect([
      await isActive(world, tokens.access_token),
      await isActive(world, tokens.refresh_token),
    ]).toEqual([false, false]);
  });
  it('a consent of one is none of the other’s, and a new person has a new sid', async () => {
    const browser = browserOf(world);
    const proof = pkce();
    const first = await redeem(
      world,
      codeOf(await allow(browser, await logIn(browser, await start(browser, {}, proof)))) ?? '',
      proof.verifier,
    );
    const sid = (token: unknown): unknown => claimsOf(token)['sid'];
    const login = await browser.submit(await start(browser, { prompt: 'consent' }, proof), {
      decision: 'switch',
    });
    const consent = await logIn(browser, login, BOB);
    expect(consent.html).toContain('id="consent-form"');
    const second = await redeem(world, codeOf(await allow(browser, consent)) ?? '', proof.verifier);
    expect(sid(first.body['id_token'])).not.toBe(sid(second.body['id_token']));
    expect(subOf(second.body['id_token'])).toBe(BOB.sub);
  });
});

describe('consent', () => {
  it('UI-04 what the client may ask for grows while the page is open: it is asked for', async () => {
    await world.provider.clients.update(world.web.clientId, { scopes: ['openid', 'read'] });
    const browser = browserOf(world);
    const consent = await logIn(browser, await start(browser, { scope: 'openid read write' }));
    expect(consent.html).not.toContain('Change your things');
    await world.provider.clients.update(world.web.clientId, { scopes: null });
    const again = await allow(browser, consent);
    expect([again.leaves, again.html.includes('Change your things')]).toEqual([null, true]);
  });
  it('an address of the login page from the history carries no decision on', async () => {
    const browser = browserOf(world);
    const consent = await logIn(browser, await start(browser));
    const decided = new URL(await decide(world, browser, consent, { decision: 'allow' }))
      .searchParams;
    world.now += 60;
    const page = await browser.open(`${world.provider.url('interaction')}?${decided}`);
    expect([page.leaves, page.html.includes('id="consent-form"')]).toEqual([null, true]);
  });
  it('an application that was the operator’s own, and is no longer, asks even for nothing', async () => {
    await world.provider.clients.update(world.web.clientId, { skipConsent: true });
    const browser = browserOf(world);
    expect(
      codeOf(
        await logIn(browser, await start(browser, { scope: null, redirect_uri: REDIRECT_URI })),
      ),
    ).not.toBeNull();
    await world.provider.clients.update(world.web.clientId, { skipConsent: false });
    expect((await start(browser, { scope: null })).html).toContain('id="consent-form"');
  });
  it('AZ-19 a silent refusal does not tell whether anybody is signed in', async () => {
    const texts = new Set<string | null>();
    const signedIn = browserOf(world);
    const { id_token } = await getTokens(world, {}, signedIn);
    const stranger = browserOf(world);
    await logIn(stranger, await start(stranger), BOB);
    for (const browser of [browserOf(world), stranger]) {
      const visit = await start(browser, { prompt: 'none', id_token_hint: id_token });
      texts.add(
        `${visit.leaves?.searchParams.get('error')} ${visit.leaves?.searchParams.get('error_description')}`,
      );
    }
    expect([...texts]).toEqual(['login_required A page would have to be shown.']);
  });
});

/** Runs `between` when a store method is called, before it does its work. */
function meanwhile(
  store: Store,
  area: 'codes' | 'sessions',
  method: string,
  between: () => Promise<unknown>,
): void {
  const methods = store[area] as unknown as Record<
    string,
    (...args: unknown[]) => Promise<unknown>
  >;
  const original = methods[method] as (...args: unknown[]) => Promise<unknown>;
  methods[method] = async (...args) => {
    methods[method] = original;
    await between();
    return await original(...args);
  };
}

describe('races with an end', () => {
  it('RT-09 R-4 a logout between the look and the code leaves no code', async () => {
    const browser = browserOf(world);
    await getCode(world, pkce(), {}, browser);
    const [session] = await world.provider.store.sessions.listBySubject(ALICE.sub);
    if (session === undefined) throw new Error('no session');
    meanwhile(
      world.provider.store,
      'codes',
      'insert',
      async () => await world.provider.store.sessions.end(session, world.now, true, null),
    );
    expect((await start(browser)).html).toContain('id="login-form"');
    meanwhile(
      world.provider.store,
      'codes',
      'insert',
      async () => await world.provider.subjects.revoke(ALICE.sub),
    );
    world.now += 1;
    await getCode(world, pkce(), {}, browser).catch(() => undefined);
    expect(await world.provider.store.sessions.listBySubject(ALICE.sub)).toEqual([]);
  });
  it('RT-09 a login under way when everything of the subject is revoked starts no session', async () => {
    const browser = browserOf(world);
    const login = await start(browser);
    meanwhile(
      world.provider.store,
      'sessions',
      'start',
      async () => await world.provider.subjects.revoke(ALICE.sub),
    );
    const visit = await logIn(browser, login);
    expect([visit.status, world.reasons.at(-1)]).toEqual([403, 'login_revoked']);
    expect(await world.provider.store.sessions.listBySubject(ALICE.sub)).toEqual([]);
    world.now += 1;
    expect((await logIn(browser, await start(browser))).html).toContain('id="consent-form"');
  });
});

describe('guessing', () => {
  const fromNetwork = async (ip: string, username: string, password: string): Promise<number> => {
    const browser = browserFrom(ip);
    return (await logIn(browser, await start(browser), { username, password })).status;
  };
  const browserFrom = (ip: string): ScriptedBrowser => {
    const seen = world.provider.fetch;
    const browser = browserOf({
      ...world,
      provider: { ...world.provider, fetch: async (request) => await seen(request, { ip }) },
    });
    return browser;
  };
  const evaluated = (): { count: number } => {
    const counter = { count: 0 };
    const { authenticate } = world.accounts;
    Object.assign(world.accounts, {
      authenticate: async (credentials: { username: string; password: string }) => {
        counter.count += 1;
        return (await authenticate?.(credentials)) ?? null;
      },
    });
    return counter;
  };

  it('UI-11 many names from one network at once: no more are evaluated than the budget', async () => {
    const counter = evaluated();
    await Promise.all(
      Array.from(
        { length: 80 },
        async (_, index) => await fromNetwork('198.51.100.9', `name${index}`, 'x'),
      ),
    );
    expect(counter.count).toBe(50);
    expect(await fromNetwork('198.51.100.9', ALICE.username, ALICE.password)).toBe(429);
    expect(await fromNetwork('198.51.100.10', ALICE.username, ALICE.password)).toBe(200);
  });
  it('UI-11 the addresses of one IPv6 customer are one network, and so are the two spellings of an IPv4 address', async () => {
    const counter = evaluated();
    for (let index = 0; index < 60; index += 1)
      await fromNetwork(`2001:db8:1:2::${index.toString(16)}`, `name${index}`, 'x');
    expect(counter.count).toBe(50);
    for (let index = 0; index < 60; index += 1)
      await fromNetwork(
        index % 2 === 0 ? '203.0.113.5' : '::ffff:203.0.113.5',
        `other${index}`,
        'x',
      );
    expect(counter.count).toBe(100);
  });
  it('UI-11 a success gives back what it took', async () => {
    for (let index = 0; index < 60; index += 1)
      expect(await fromNetwork('198.51.100.11', ALICE.username, ALICE.password)).toBe(200);
  });
  it('UI-11 who locks an account from elsewhere does not lock its owner out of a browser they know', async () => {
    const home = browserOf(world);
    await allow(home, await logIn(home, await start(home)));
    const logout = await home.open(world.provider.url('rp-initiated-logout'));
    await home.submit(logout, { decision: 'logout' });
    for (let index = 0; index < 6; index += 1)
      await fromNetwork(`198.51.100.${20 + index}`, ALICE.username, 'wrong');
    expect(await fromNetwork('198.51.100.40', ALICE.username, ALICE.password)).toBe(429);
    expect((await logIn(home, await start(home))).leaves).not.toBeNull();
    // The cookie is good in that browser alone, and for that account alone.
    const thief = browserOf(world);
    const login = await start(thief);
    for (const [name, value] of home.cookies)
      if (name.includes('device')) thief.cookies.set(name, value);
    expect((await logIn(thief, login)).status).toBe(429);
    const guesses = await Promise.all(
      Array.from(
        { length: 8 },
        async () =>
          (await logIn(home, await start(home, { prompt: 'login' }), { ...ALICE, password: 'x' }))
            .status,
      ),
    );
    expect(guesses.filter((status) => status === 422)).toHaveLength(5);
  });
});

describe('floods', () => {
  it('L-3 requests too large for an address are stored only so often for one network', async () => {
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
      last = (await start(browserOf(world), { state: 'é'.repeat(2000), nonce: 'n'.repeat(2000) }))
        .status;
    expect([puts.length, last]).toEqual([60, 429]);
    for (const name of ['claims', 'display', 'claims_locales', 'foo'])
      await start(browserOf(world), { [name]: 'x'.repeat(8000) });
    const logout = await browserOf(world).open(
      `${world.provider.url('rp-initiated-logout')}?logout_hint=${'x'.repeat(8000)}`,
    );
    expect([puts.length, logout.status]).toEqual([60, 200]);
  });
});

describe('names made to break a page', () => {
  it.each([
    'https://a;frame-ancestors/cb',
    "https://a'unsafe-inline'/cb",
    'https://a,b/cb',
    'https://a$b/cb',
    'https://a!b/cb',
  ])('[RFC6749 §3.1.2] UI-02 a host that ends a directive is never registered: %s', async (uri) => {
    await expect(world.provider.clients.create({ name: 'x', redirectUris: [uri] })).rejects.toThrow(
      /redirectUris/,
    );
  });
  it('[RFC9700 §4.16] UI-02 and would not reach the policy if it were', async () => {
    const uri = 'https://a;frame-ancestors/cb';
    await world.provider.store.clients.insert(
      {
        ...world.web,
        clientId: 'bad',
        redirectUris: [uri],
      },
      null,
    );
    const visit = await start(browserOf(world), { client_id: 'bad', redirect_uri: uri });
    const policy = visit.headers.get('content-security-policy') ?? '';
    expect(
      policy.split('; ').filter((directive) => directive.startsWith('frame-ancestors')),
    ).toEqual(["frame-ancestors 'none'"]);
    expect(policy).toMatch(/; form-action 'self'$/);
  });
});

describe('keys withdrawn in an emergency', () => {
  it('X-3 by one process sign in no other for longer than five seconds', async () => {
    const store = memoryDatabase();
    let now = world.now;
    const make = (): Provider =>
      createProvider({
        issuer: ISSUER,
        store,
        secret: 'one secret for both of the processes',
        accounts: memoryAccounts([]),
        pages: builtInPages(),
        keySchedule: { algs: ['ES256'] },
        clock: () => now,
      });
    const [one, two] = [make(), make()];
    const [old] = await two.keys.published();
    await one.keys.rotate({ emergency: true });
    now += 5;
    expect((await two.keys.published()).map(({ kid }) => kid)).not.toContain(old?.kid);
  });
});

describe('a logout request', () => {
  it('LO-02 of a client that is switched off sends nobody there', async () => {
    const browser = browserOf(world);
    const tokens = await getTokens(world, {}, browser);
    await world.provider.clients.update(world.web.clientId, { disabled: true });
    const params = new URLSearchParams({
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: 'https://rp.example/bye',
    });
    const done = await browser.submit(
      await browser.open(`${world.provider.url('rp-initiated-logout')}?${params}`),
      { decision: 'logout' },
    );
    expect([done.leaves, done.status]).toEqual([null, 200]);
  });
  it('IN-01 with a state too long is refused', async () => {
    const visit = await browserOf(world).open(
      `${world.provider.url('rp-initiated-logout')}?state=${'x'.repeat(2049)}`,
    );
    expect([visit.status, world.reasons.at(-1)]).toEqual([400, 'state_too_long']);
  });
  it('[RFC9700 §4.7] its interaction is no authorization’s, and the other way round', async () => {
    const browser = browserOf(world);
    await getTokens(world, {}, browser);
    const logout = await browser.open(world.provider.url('rp-initiated-logout'));
    const sealed = /name="interaction" value="([^"]*)"/.exec(logout.html)?.[1] ?? '';
    const consent = await start(browser, { prompt: 'consent' });
    const other = new URL(consent.url).searchParams.get('interaction') ?? '';
    for (const [name, text] of [
      ['authorize', sealed],
      ['interaction', sealed],
      ['rp-initiated-logout', other],
    ] as const) {
      const visit = await browser.open(
        `${world.provider.url(name)}?${new URLSearchParams({ interaction: text })}`,
      );
      expect([visit.status, world.reasons.at(-1)]).toEqual([400, 'interaction_unknown']);
    }
  });
});

describe('a hint made to cost', () => {
  it.each([21, 2900])(
    'JW-07 AZ-21 nested %i deep is refused, not a failure of ours',
    async (depth) => {
      const encode = (text: string): string => Buffer.from(text).toString('base64url');
      const hint = `${encode('{"alg":"RS256"}')}.${encode(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)}.AAAA`;
      const visit = await start(browserOf(world), { id_token_hint: hint });
      expect(visit.leaves?.searchParams.get('error')).toBe('invalid_request');
      const logout = await browserOf(world).open(
        `${world.provider.url('rp-initiated-logout')}?id_token_hint=${hint}`,
      );
      expect(logout.status).toBe(400);
      expect((await post(world, 'introspect', { token: hint })).body).toEqual({ active: false });
    },
  );
});

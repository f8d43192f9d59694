/**
 * Sessions that a host keeps (`accounts.current`): the provider follows them at the authorization
 * endpoint, at every page, and at logout, and never signs anybody in by a session of its own.
 */
import {
  type Accounts,
  type Config,
  type HostSession,
  memoryDatabase,
  rpInitiatedLogout,
} from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
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
  ISSUER,
  isActive,
  makeWorld,
  pageOf,
  pkce,
  reasonOf,
  redeem,
  START,
  type Tokens,
  type World,
} from './setup.ts';

let world: World;
let browser: ScriptedBrowser;
let people: World['accounts'];
/** Who is signed in to the host, whatever the browser. */
let current: HostSession | null;

const LOGIN = '/host/login';
const hosted = (accounts: Accounts, more: Partial<Accounts> = {}): Partial<Config> => ({
  accounts: { ...accounts, current: async () => current, ...more },
  pages: { ...builtInPages(), login: LOGIN },
});
const session = (sub: string, changes: Partial<HostSession> = {}): HostSession => ({
  sub,
  sessionId: `session of ${sub}`,
  authTime: START,
  ...changes,
});

beforeEach(async () => {
  current = null;
  people = (await makeWorld()).accounts;
  world = await makeWorld(hosted(people));
  browser = browserOf(world);
});

const ask = async (changes: Readonly<Record<string, string | null>> = {}): Promise<Visit> =>
  await browser.open(authorizeUrl(world, authorizeParams(world, pkce().challenge, changes)));
const isHostLogin = ({ url }: Visit): boolean => new URL(url).pathname === LOGIN;
const request = (visit: Visit): Request =>
  new Request(visit.url, { headers: { cookie: cookieOf(browser) } });
const goOn = async (visit: Visit): Promise<Visit> => {
  const response = await world.provider.interactions.continue(request(visit));
  return await browser.open(response.headers.get('location') ?? '');
};
const tokensFor = async (changes: Readonly<Record<string, string>> = {}): Promise<Tokens> => {
  const proof = pkce();
  let visit = await browser.open(
    authorizeUrl(world, authorizeParams(world, proof.challenge, changes)),
  );
  if (visit.leaves === null) visit = await allow(browser, visit);
  const answer = await redeem(world, codeOf(visit) ?? '', proof.verifier);
  expect([answer.status, answer.body]).toEqual([200, expect.anything()]);
  return answer.body as unknown as Tokens;
};
const refusedWith = ({ leaves }: Visit): string | null => leaves?.searchParams.get('error') ?? null;

describe('who is signed in to the host', () => {
  it('[OIDC Core §2] is who signs in, with the time and methods of the host, and no cookie of ours', async () => {
    current = session(BOB.sub, { authTime: START - 500, amr: ['hwk'], acr: 'gold' });
    const claims = claimsOf((await tokensFor()).id_token);
    expect(claims).toMatchObject({
      sub: BOB.sub,
      auth_time: START - 500,
      amr: ['hwk'],
      acr: 'gold',
    });
    expect([...browser.cookies.keys()].filter((name) => name.includes('session'))).toEqual([]);
  });
  it('Bob signs in, logs out of the host, Carol logs in there: the next sign-in yields Carol', async () => {
    current = session(BOB.sub);
    expect(claimsOf((await tokensFor()).id_token)['sub']).toBe(BOB.sub);
    current = null;
    expect(isHostLogin(await ask())).toBe(true);
    current = session(ALICE.sub);
    expect(claimsOf((await tokensFor()).id_token)['sub']).toBe(ALICE.sub);
  });
  it('keeps its sid over requests and proofs, and another session has another', async () => {
    current = session(BOB.sub);
    const sid = async (): Promise<unknown> => claimsOf((await tokensFor()).id_token)['sid'];
    const first = await sid();
    current = session(BOB.sub, { authTime: START + 1 });
    world.now += 10;
    expect(await sid()).toBe(first);
    current = session(BOB.sub, { sessionId: 'another' });
    expect(await sid()).not.toBe(first);
  });
  it('another person under the same session id ends what was issued in it', async () => {
    current = session(BOB.sub);
    const { access_token } = await tokensFor();
    current = session(ALICE.sub, { sessionId: `session of ${BOB.sub}` });
    expect(claimsOf((await tokensFor()).id_token)['sub']).toBe(ALICE.sub);
    expect(await isActive(world, access_token)).toBe(false);
  });
  it('may keep its session for longer than ours would live', async () => {
    current = session(BOB.sub);
    await tokensFor();
    world.now += 48 * 3600;
    expect(claimsOf((await tokensFor()).id_token)['auth_time']).toBe(START);
  });
  it('an account that is disabled or not there is not signed in', async () => {
    current = session('nobody');
    expect(isHostLogin(await ask())).toBe(true);
    current = session(BOB.sub);
    people.setEnabled(BOB.sub, false);
    expect(isHostLogin(await ask())).toBe(true);
  });
  it.each([
    ['milliseconds', START * 1000],
    ['nothing', Number.NaN],
  ])('a time in %s is a mistake of the host, and signs nobody in', async (_what, authTime) => {
    current = session(BOB.sub, { authTime });
    const visit = await ask();
    expect([visit.status, reasonOf(visit)]).toEqual([500, 'unexpected']);
  });
  it('what the store holds of a session is a digest of its id', async () => {
    const store = memoryDatabase();
    world = await makeWorld({
      ...hosted(people),
      store,
      secret: 'a secret of at least thirty-two characters',
    });
    browser = browserOf(world);
    current = session(BOB.sub);
    await tokensFor();
    const kept = await world.provider.store.sessions.listBySubject(BOB.sub);
    expect(kept).toHaveLength(1);
    expect(JSON.stringify(kept)).not.toContain('session of');
  });
});

describe('the login page of the host', () => {
  it('is asked when nobody is signed in, and leads on once somebody is', async () => {
    const login = await ask();
    expect(await world.provider.interactions.details(request(login))).toMatchObject({
      step: 'login',
      because: 'no_session',
      reauthenticate: false,
    });
    await expect(world.provider.interactions.continue(request(login))).rejects.toMatchObject({
      code: 'login_required',
      reason: 'login_missing',
    });
    current = session(ALICE.sub, { authTime: world.now });
    expect(pageOf(await goOn(login))).toBe('consent');
  });
  it('that sends people back without asking is told, instead of being asked forever', async () => {
    const login = await ask();
    const back = `${world.provider.url('authorize')}?${new URL(login.url).searchParams}`;
    const visit = await browser.open(back);
    expect([visit.status, reasonOf(visit)]).toEqual([400, 'login_missing']);
  });
  it('interactions.login has no place where the host says who is signed in, and continue none where it does not', async () => {
    const login = await ask();
    const { interactions } = world.provider;
    await expect(interactions.login(request(login), { sub: ALICE.sub, amr: [] })).rejects.toThrow(
      /interactions\.continue/,
    );
    const other = await makeWorld({ pages: { ...builtInPages(), login: LOGIN } });
    const visitor = browserOf(other);
    const page = await visitor.open(authorizeUrl(other, authorizeParams(other, pkce().challenge)));
    const asked = new Request(page.url, { headers: { cookie: cookieOf(visitor) } });
    await expect(other.provider.interactions.continue(asked)).rejects.toThrow(
      /interactions\.login/,
    );
  });
});

describe('[OIDC Core §3.1.2.1] a new proof', () => {
  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['prompt=login', { prompt: 'login' }, 'prompt_login'],
    ['max_age=0', { max_age: '0' }, 'max_age'],
    ['max_age that passed', { max_age: '60' }, 'max_age'],
  ])(
    '%s: the host must ask again, and an old login is a named error in its code',
    async (_what, params, because) => {
      current = session(BOB.sub, { authTime: START - 100 });
      const login = await ask(params);
      expect(isHostLogin(login)).toBe(true);
      expect(await world.provider.interactions.details(request(login))).toMatchObject({
        step: 'login',
        because,
        reauthenticate: true,
        sub: BOB.sub,
      });
      await expect(world.provider.interactions.continue(request(login))).rejects.toMatchObject({
        code: 'login_required',
        reason: 'login_too_old',
      });
      world.now += 30;
      current = session(BOB.sub, { authTime: world.now });
      expect(pageOf(await goOn(login))).toBe('consent');
    },
  );
  it('a max_age that did not pass asks nobody', async () => {
    current = session(BOB.sub, { authTime: START - 100 });
    expect(pageOf(await ask({ max_age: '200' }))).toBe('consent');
  });
  it('a login page that was open for long, while somebody signs in: asked again, never refused in circles', async () => {
    current = session(BOB.sub, { authTime: START - 100 });
    const login = await ask({ prompt: 'login' });
    world.now += 2 * 3600;
    current = session(BOB.sub, { authTime: world.now - 5 });
    const again = await goOn(login);
    expect(isHostLogin(again)).toBe(true);
    world.now += 5;
    current = session(BOB.sub, { authTime: world.now });
    expect(pageOf(await goOn(again))).toBe('consent');
  });
  it('[OIDC Core §3.1.2.6] prompt=none never shows a page', async () => {
    expect(refusedWith(await ask({ prompt: 'none' }))).toBe('login_required');
    current = session(BOB.sub);
    expect(refusedWith(await ask({ prompt: 'none' }))).toBe('consent_required');
    await tokensFor();
    expect(codeOf(await ask({ prompt: 'none' }))).toMatch(/^vkac_/);
  });
  it('[OIDC Core §3.1.2.2] an id_token_hint for somebody else asks for them, and refuses whoever signs in instead', async () => {
    current = session(BOB.sub);
    const { id_token } = await tokensFor();
    current = session(ALICE.sub, { authTime: START - 10 });
    const login = await ask({ id_token_hint: id_token });
    const { interactions } = world.provider;
    expect(await interactions.details(request(login))).toMatchObject({ because: 'other_subject' });
    await expect(interactions.continue(request(login))).rejects.toMatchObject({
      reason: 'login_other_subject',
    });
    world.now += 10;
    current = session(ALICE.sub, { authTime: world.now });
    expect(refusedWith(await goOn(login))).toBe('login_required');
    current = session(BOB.sub);
    expect(codeOf(await ask({ id_token_hint: id_token }))).toMatch(/^vkac_/);
  });
  it('somebody who wants to go on as somebody else signs in after saying so', async () => {
    current = session(BOB.sub);
    const consent = await ask();
    const login = await browser.submit(consent, { decision: 'switch' });
    const { interactions } = world.provider;
    expect(await interactions.details(request(login))).toMatchObject({
      because: 'switch_account',
      reauthenticate: true,
    });
    await expect(interactions.continue(request(login))).rejects.toMatchObject({
      reason: 'login_too_old',
    });
    world.now += 20;
    current = session(ALICE.sub, { authTime: world.now });
    const next = await goOn(login);
    expect([pageOf(next), next.html.includes('Alice Example')]).toEqual(['consent', true]);
  });
});

describe('a session that changes while a page is open', () => {
  it.each<[string, () => HostSession | null, string]>([
    ['another person', () => session(ALICE.sub), 'consent'],
    ['another session of the same person', () => session(BOB.sub, { sessionId: 'new' }), 'consent'],
    [
      'another person under the same id',
      () => session(ALICE.sub, { sessionId: `session of ${BOB.sub}` }),
      'consent',
    ],
    ['nobody', () => null, 'login'],
  ])('%s: what was asked is asked again, and nothing was allowed', async (_what, change, next) => {
    current = session(BOB.sub);
    const consent = await ask();
    current = change();
    const visit = await browser.submit(consent, { decision: 'allow' });
    expect(next === 'login' ? isHostLogin(visit) : pageOf(visit) === 'consent').toBe(true);
    for (const { sub } of [ALICE, BOB])
      expect(await world.provider.store.authorizations.listBySubject(sub)).toEqual([]);
  });
  it('the same session with a new proof goes on', async () => {
    current = session(BOB.sub);
    const consent = await ask();
    world.now += 5;
    current = session(BOB.sub, { authTime: world.now });
    expect(codeOf(await allow(browser, consent))).toMatch(/^vkac_/);
  });
  it('[RFC6749 §10.12] a form of another page or browser is refused all the same', async () => {
    current = session(BOB.sub);
    const consent = await ask();
    const forged = await browser.submit(consent, { decision: 'allow', token: 'x'.repeat(43) });
    expect([forged.status, reasonOf(forged)]).toEqual([403, 'form_token']);
  });
  it('a logout page that Bob opened does not sign Carol out', async () => {
    current = session(BOB.sub);
    await tokensFor();
    const question = await browser.open(world.provider.url('rp-initiated-logout'));
    expect(pageOf(question)).toBe('logout');
    current = session(ALICE.sub);
    const { access_token } = await tokensFor();
    const asked = await browser.submit(question, { decision: 'logout' });
    expect([pageOf(asked), asked.html.includes('Alice Example')]).toEqual(['logout', true]);
    expect(await isActive(world, access_token)).toBe(true);
  });
});

describe('logout', () => {
  const signOut = async (): Promise<Visit> => {
    const question = await browser.open(world.provider.url('rp-initiated-logout'));
    return pageOf(question) === 'logout'
      ? await browser.submit(question, { decision: 'logout' })
      : question;
  };

  it('at the host ends codes and tokens, and says so to nobody twice', async () => {
    current = session(BOB.sub);
    const { access_token } = await tokensFor();
    const code = codeOf(await ask());
    const { sessions } = world.provider;
    expect([await sessions.end(current.sessionId), await sessions.end(current.sessionId)]).toEqual([
      true,
      false,
    ]);
    expect(await isActive(world, access_token)).toBe(false);
    expect((await redeem(world, code ?? '', pkce().verifier)).status).toBe(400);
    expect(await sessions.end('never seen')).toBe(false);
    expect(world.events.filter(({ type }) => type === 'logout')).toHaveLength(1);
  });
  it('of a login that the host still names stays a logout, until the person signs in anew', async () => {
    current = session(BOB.sub);
    await tokensFor();
    expect((await signOut()).html).toContain('id="signed-out"');
    expect(isHostLogin(await ask())).toBe(true);
    world.now += 10;
    current = session(BOB.sub, { authTime: world.now });
    expect(codeOf(await ask())).toMatch(/^vkac_/);
  });
  it('here signs out of the host, where the host says how, with its cookies', async () => {
    const ended: HostSession[] = [];
    world = await makeWorld(
      hosted(people, {
        signOut: async (host) => {
          ended.push(host);
          current = null;
          return new Headers([['Set-Cookie', 'host=; Max-Age=0']]);
        },
      }),
    );
    browser = browserOf(world);
    current = session(BOB.sub);
    const { access_token } = await tokensFor();
    const done = await signOut();
    expect(done.headers.getSetCookie()).toEqual(['host=; Max-Age=0']);
    expect([ended, await isActive(world, access_token)]).toEqual([[session(BOB.sub)], false]);
    expect((await signOut()).html).toContain('id="signed-out"');
    expect(ended).toHaveLength(1);
  });
  it('of a host that fails to end its own session has ended ours', async () => {
    world = await makeWorld(
      hosted(people, { signOut: async () => Promise.reject(new Error('host is down')) }),
    );
    browser = browserOf(world);
    current = session(BOB.sub);
    const { access_token } = await tokensFor();
    expect((await signOut()).status).toBe(500);
    expect(await isActive(world, access_token)).toBe(false);
  });
  it('[RP-Initiated Logout §2] an ID token of the host session proves it', async () => {
    world = await makeWorld({
      ...hosted(people),
      features: [rpInitiatedLogout({ confirmation: 'when-unproven' })],
    });
    browser = browserOf(world);
    current = session(BOB.sub);
    const { id_token } = await tokensFor();
    const logout = new URLSearchParams({ id_token_hint: id_token });
    const visit = await browser.open(`${world.provider.url('rp-initiated-logout')}?${logout}`);
    expect(visit.html).toContain('id="signed-out"');
    expect(isHostLogin(await ask())).toBe(true);
  });
  it('a host without accounts.current ends our session from its own logout', async () => {
    world = await makeWorld();
    browser = browserOf(world);
    const login = await ask();
    await browser.submit(login, { ...ALICE, claims: '', decision: 'login' } as never);
    const cookie = cookieOf(browser);
    const headers = await world.provider.interactions.logout(
      new Request(`${ISSUER}/bye`, { headers: { cookie } }),
    );
    expect(headers.getSetCookie()).toEqual([expect.stringMatching(/session.*Max-Age=0/)]);
    expect(pageOf(await ask())).toBe('login');
    const nothing = await world.provider.interactions.logout(new Request(`${ISSUER}/bye`));
    expect(nothing.getSetCookie()).toEqual([]);
  });
  it('everywhere ends what the host still names', async () => {
    current = session(BOB.sub, { authTime: START - 1 });
    const { access_token } = await tokensFor();
    await world.provider.subjects.revoke(BOB.sub);
    expect([await isActive(world, access_token), isHostLogin(await ask())]).toEqual([false, true]);
    current = session(BOB.sub, { authTime: world.now + 1 });
    world.now += 1;
    expect(codeOf(await ask())).toMatch(/^vkac_/);
  });
});

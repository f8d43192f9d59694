/** What prompt, max_age and id_token_hint do to a sign-in. Rules AZ. */

import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusedRedirect } from '../refusals.ts';
import {
  allow,
  BOB,
  browserOf,
  claimsOf,
  codeOf,
  damaged,
  getCode,
  getTokens,
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

const signedIn = async (who = browser): Promise<Visit> =>
  await allow(who, await logIn(who, await start({}, who)));

describe('prompt=none', () => {
  it('[OIDC Core §3.1.2.1] [OIDC Core §3.1.2.6] refuses without session or without consent, and answers at once with both', async () => {
    expectRefusedRedirect(world, await start({ prompt: 'none' }), {
      error: 'login_required',
      reason: 'prompt_none',
    });
    await logIn(browser, await start());
    expectRefusedRedirect(world, await start({ prompt: 'none' }), {
      error: 'consent_required',
      reason: 'prompt_none',
    });
    await allow(browser, await start());
    expect(paramOf(await start({ prompt: 'none' }), 'code')).not.toBeNull();
  });
  it('AZ-19 does not tell whether anybody is signed in', async () => {
    const texts = new Set<string>();
    const { id_token } = await getTokens(world, {}, browser);
    const stranger = browserOf(world);
    await logIn(stranger, await start({}, stranger), BOB);
    for (const who of [browserOf(world), stranger]) {
      const visit = await start({ prompt: 'none', id_token_hint: id_token }, who);
      texts.add(`${paramOf(visit, 'error')} ${paramOf(visit, 'error_description')}`);
    }
    expect([...texts]).toEqual(['login_required A page would have to be shown.']);
  });
});

describe('prompt=login', () => {
  it('[OIDC Core §3.1.2.1] AZ-20 asks for the password again, and auth_time is new', async () => {
    const first = await getTokens(world, {}, browser);
    world.now += 100;
    const login = await start({ prompt: 'login' });
    expect(pageOf(login)).toBe('login');
    const done = await logIn(browser, login);
    const code = paramOf(done, 'code') ?? '';
    const second = (await redeem(world, code, proof.verifier)).body;
    expect(claimsOf(String(second['id_token']))['auth_time']).toBe(
      Number(claimsOf(first.id_token)['auth_time']) + 100,
    );
    expect(claimsOf(String(second['id_token']))['sid']).toBe(claimsOf(first.id_token)['sid']);
  });
  it('[OIDC Core §3.1.2.1] AZ-20 leaves the session as it was when the login is cancelled', async () => {
    const first = await getTokens(world, {}, browser);
    world.now += 100;
    const cancelled = await browser.submit(await start({ max_age: '0' }), { decision: 'cancel' });
    expectRefusedRedirect(world, cancelled, { error: 'access_denied', reason: 'user_declined' });
    const silent = await start({ prompt: 'none' });
    const tokens = (await redeem(world, paramOf(silent, 'code') ?? '', proof.verifier)).body;
    expect(claimsOf(String(tokens['id_token']))['auth_time']).toBe(
      claimsOf(first.id_token)['auth_time'],
    );
    expectRefusedRedirect(world, await start({ prompt: 'none', max_age: '99' }), {
      error: 'login_required',
      reason: 'prompt_none',
    });
  });
  it('[OIDC Core §3.1.2.1] AZ-20 is not satisfied by a sign-in in another tab', async () => {
    const here = await start({ prompt: 'login' });
    await allow(browser, await logIn(browser, await start()));
    const again = await browser.open(here.url);
    expect([pageOf(again), again.leaves]).toEqual(['login', null]);
    expect(codeOf(await logIn(browser, again))).not.toBeNull();
  });
  it('[OIDC Core §3.1.2.1] AZ-20 asks once, not twice, on a page that was left open for an hour', async () => {
    await getCode(world, pkce(), {}, browser);
    const login = await start({ prompt: 'login' });
    world.now += 3600;
    const done = await logIn(browser, login);
    expect([pageOf(done), codeOf(done) === null]).toEqual(['away', false]);
  });
});

describe('max_age', () => {
  it('[OIDC Core §3.1.2.1] asks nobody while the login is young enough, and always at 0', async () => {
    await signedIn();
    expect(paramOf(await start({ max_age: '10' }), 'code')).not.toBeNull();
    expect(pageOf(await start({ max_age: '0' }))).toBe('login');
    world.now += 11;
    const login = await start({ max_age: '10' });
    expect(pageOf(login)).toBe('login');
    expect(paramOf(await logIn(browser, login), 'code')).not.toBeNull();
  });
});

describe('prompt=consent', () => {
  it('[OIDC Core §3.1.2.1] asks again, also for the operator’s own application', async () => {
    await signedIn();
    const page = await start({ prompt: 'consent' });
    expect(pageOf(page)).toBe('consent');
    expect(paramOf(await allow(browser, page), 'code')).not.toBeNull();
    await world.provider.clients.update(world.web.clientId, { skipConsent: true });
    expect(pageOf(await start({ prompt: 'consent' }))).toBe('consent');
  });
  it('[OIDC Core §3.1.2.1] works together with prompt=login', async () => {
    await signedIn();
    const consent = await logIn(browser, await start({ prompt: 'login consent' }));
    expect(pageOf(consent)).toBe('consent');
    expect(paramOf(await allow(browser, consent), 'code')).not.toBeNull();
  });
});

describe('prompt=select_account', () => {
  it('[OIDC Core §3.1.2.1] lets people go on, or sign in as somebody else', async () => {
    await signedIn();
    expectRefusedRedirect(world, await start({ prompt: 'none select_account' }), {
      error: 'invalid_request',
      reason: 'prompt_none_combined',
    });
    const choice = await start({ prompt: 'select_account' });
    expect(pageOf(choice)).toBe('account');
    expect(paramOf(await browser.submit(choice, { decision: 'continue' }), 'code')).not.toBeNull();
    const login = await browser.submit(await start({ prompt: 'select_account' }), {
      decision: 'switch',
    });
    expect(pageOf(login)).toBe('login');
    const consent = await logIn(browser, login, BOB);
    expect(consent.html).toContain('Bob Example');
    const done = await allow(browser, consent);
    const tokens = (await redeem(world, paramOf(done, 'code') ?? '', proof.verifier)).body;
    expect(claimsOf(String(tokens['id_token']))['sub']).toBe(BOB.sub);
  });
  it('[OIDC Core §3.1.2.1] remembers the choice on a page that was left open for an hour', async () => {
    const consent = await logIn(browser, await start({ prompt: 'select_account' }));
    world.now += 3600;
    const done = await allow(browser, consent);
    expect([pageOf(done), codeOf(done) === null]).toEqual(['away', false]);
  });
});

describe('the login page names the account', () => {
  const named = (html: string): string | undefined =>
    /<p id="login-account">[^<]*<strong class="name"><bdi>([^<]*)/.exec(html)?.[1];

  it('that has to sign in once more, and none to strangers', async () => {
    expect(named((await start()).html)).toBeUndefined();
    await signedIn();
    for (const changes of [{ prompt: 'login' }, { max_age: '0' }])
      expect(named((await start(changes)).html)).toBe('Alice Example');
  });
  it('not where somebody else is asked for', async () => {
    const { id_token } = await getTokens(world, {}, browser);
    const other = browserOf(world);
    await logIn(other, await start({}, other), BOB);
    const visit = await start({ id_token_hint: id_token }, other);
    expect([pageOf(visit), named(visit.html)]).toEqual(['login', undefined]);
  });
});

describe('id_token_hint', () => {
  it('[OIDC Core §3.1.2.2] [OIDC Core §3.1.2.1] AZ-21 needs no page for the same person, asks another one to log in, and refuses whoever stays', async () => {
    const tokens = await getTokens(world, {}, browser);
    expect(
      paramOf(await start({ prompt: 'none', id_token_hint: tokens.id_token }), 'code'),
    ).not.toBeNull();
    const other = browserOf(world);
    await logIn(other, await start({}, other), BOB);
    const silent = await start({ prompt: 'none', id_token_hint: tokens.id_token }, other);
    expectRefusedRedirect(world, silent, { error: 'login_required', reason: 'prompt_none' });
    const login = await start({ id_token_hint: tokens.id_token }, other);
    expect(pageOf(login)).toBe('login');
    const still = await logIn(other, login, BOB);
    expectRefusedRedirect(world, still, {
      error: 'login_required',
      reason: 'subject_other_than_hinted',
    });
  });
  it('[RFC8725 §3.1] [OIDC Core §3.1.2.1] AZ-21 is refused when it is unsigned, damaged, or of another client', async () => {
    const tokens = await getTokens(world, {}, browser);
    const [, payload, signature] = tokens.id_token.split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    for (const hint of [
      `${none}.${payload}.`,
      `${none}.${payload}.${signature}`,
      damaged(tokens.id_token, tokens.id_token.length - 40),
      tokens.access_token,
    ])
      expectRefusedRedirect(world, await start({ prompt: 'none', id_token_hint: hint }), {
        error: 'invalid_request',
        reason: 'id_token_hint',
      });
    const foreign = await start({
      prompt: 'none',
      id_token_hint: tokens.id_token,
      client_id: world.spa.clientId,
      redirect_uri: 'https://spa.example/cb',
    });
    expectRefusedRedirect(world, foreign, { error: 'invalid_request', reason: 'id_token_hint' });
  });
});

/**
 * The pages' half of an authorization: login, account choice, consent, and what each prompt means.
 * Rows AZ and UI.
 */

import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { readForm } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ALICE,
  allow,
  authorizeParams,
  authorizeUrl,
  BOB,
  browserOf,
  claimsOf,
  cookieOf,
  getCode,
  getTokens,
  ISSUER,
  logIn,
  makeWorld,
  type Pkce,
  pageOf,
  pkce,
  REDIRECT_URI,
  reasonOf,
  redeem,
  type World,
} from './setup.ts';

let world: World;
let browser: ScriptedBrowser;
let proof: Pkce;
beforeEach(async () => {
  world = await makeWorld();
  browser = browserOf(world);
  proof = pkce();
});

const start = async (
  changes: Record<string, string | null> = {},
  who: ScriptedBrowser = browser,
): Promise<Visit> =>
  await who.open(authorizeUrl(world, authorizeParams(world, proof.challenge, changes)));
const param = (visit: Visit, name: string): string | null =>
  visit.leaves?.searchParams.get(name) ?? null;
const signedIn = async (who = browser): Promise<Visit> =>
  await allow(who, await logIn(who, await start({}, who)));

describe('the ordinary way', () => {
  it('[RFC6749 §4.1.2] [RFC9207 §2] AZ-15 AZ-16 login, consent, code; state and iss as sent', async () => {
    const state = `"><script>%0d%0aX: é🔑+&=${'s'.repeat(1000)}`;
    const login = await start({ state });
    expect(pageOf(login)).toBe('login');
    const consent = await logIn(browser, login);
    expect(pageOf(consent)).toBe('consent');
    const done = await allow(browser, consent);
    expect(done.leaves?.origin).toBe('https://rp.example');
    expect([param(done, 'state'), param(done, 'iss'), param(done, 'error')]).toEqual([
      state,
      ISSUER,
      null,
    ]);
    expect([...(done.leaves?.searchParams.keys() ?? [])].sort()).toEqual(['code', 'iss', 'state']);
  });
  it('[RFC9700 §4.12] AZ-13 every answer to a form is 303', async () => {
    const visit = await start();
    const form = readForm(visit.html);
    const response = await world.provider.fetch(
      new Request(form.action, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          cookie: cookieOf(browser),
        },
        body: new URLSearchParams({
          ...form.fields,
          username: ALICE.username,
          password: ALICE.password,
          decision: 'login',
        }),
      }),
    );
    expect(response.status).toBe(303);
    expect(response.headers.get('cache-control')).toBe('no-store');
  });
  it('[RFC6749 §3.1.2] the query of a registered URI is kept', async () => {
    await world.provider.clients.update(world.web.clientId, {
      redirectUris: ['https://rp.example/cb?tenant=7'],
    });
    const done = await allow(
      browser,
      await logIn(browser, await start({ redirect_uri: 'https://rp.example/cb?tenant=7' })),
    );
    expect(param(done, 'tenant')).toBe('7');
    expect(param(done, 'code')).not.toBeNull();
  });
  it('[RFC6749 §3.1] AZ-10 unknown parameters are never looked at', async () => {
    expect(
      pageOf(
        await browser.open(
          `${authorizeUrl(world, authorizeParams(world, proof.challenge))}&foo=bar&__proto__=x&foo=again`,
        ),
      ),
    ).toBe('login');
  });
  it('[OIDC Core §3.1.2.1] a second request with session and remembered consent shows nothing', async () => {
    await signedIn();
    expect(param(await start(), 'code')).not.toBeNull();
  });
  it('consent is asked again for what is new, and only then', async () => {
    await signedIn();
    expect(pageOf(await start({ scope: 'openid read' }))).toBe('consent');
    await allow(browser, await start({ scope: 'openid read' }));
    expect(param(await start({ scope: 'openid profile email read' }), 'code')).not.toBeNull();
  });
  it("the operator's own application needs no consent", async () => {
    await world.provider.clients.update(world.web.clientId, { skipConsent: true });
    expect(param(await logIn(browser, await start()), 'code')).not.toBeNull();
  });
  it('[RFC8252 §8.6] NB-06 a public client on loopback gets no silent repeat approval', async () => {
    const redirectUris = ['http://127.0.0.1/cb'];
    const { client } = await world.provider.clients.create({
      name: 'CLI',
      tokenEndpointAuthMethod: 'none',
      applicationType: 'native',
      redirectUris,
    });
    const request = { client_id: client.clientId, redirect_uri: 'http://127.0.0.1:5555/cb' };
    expect(
      param(await allow(browser, await logIn(browser, await start(request))), 'code'),
    ).not.toBeNull();
    expect(pageOf(await start(request))).toBe('consent');
    expect(param(await start({ ...request, prompt: 'none' }), 'error')).toBe('consent_required');
  });
  it.each(['fragment', 'form_post'])(
    '[Form Post Response Mode §2] response_mode %s',
    async (mode) => {
      const done = await allow(
        browser,
        await logIn(
          browser,
          await start({ response_mode: mode, state: '"><script>alert(1)</script>' }),
        ),
      );
      if (mode === 'fragment') {
        expect(done.leaves?.search).toBe('');
        expect(new URLSearchParams(done.leaves?.hash.slice(1)).get('code')).toMatch(/^vkac_/);
      } else {
        // UI-08: nothing in the address, everything escaped, one script by hash.
        expect(done.html).not.toContain('<script>alert');
        const form = readForm(done.html);
        expect([form.action, form.fields['state'], form.fields['iss']]).toEqual([
          REDIRECT_URI,
          '"><script>alert(1)</script>',
          ISSUER,
        ]);
        expect(done.headers.get('content-security-policy')).toMatch(
          /script-src 'sha256-[A-Za-z0-9+/=]+'/,
        );
        expect(done.headers.get('cache-control')).toBe('no-store');
      }
    },
  );
  it('[OIDC Core §3.1.2.1] a cross-site POST without cookies starts the same flow, and a session is found on the way', async () => {
    const post = async (): Promise<Visit> =>
      await browser.open(world.provider.url('authorize'), {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': 'cross-site',
          cookie: 'none=1',
        },
        body: authorizeParams(world, proof.challenge).toString(),
      });
    const login = await post();
    expect(pageOf(login)).toBe('login');
    expect(login.url).not.toContain('the-state');
    expect(param(await allow(browser, await logIn(browser, login)), 'state')).toBe('the-state');
    expect(param(await post(), 'code')).not.toBeNull();
  });
});

describe('prompt and max_age', () => {
  it('[OIDC Core §3.1.2.1] [OIDC Core §3.1.2.6] none without session, without consent, with both', async () => {
    expect(param(await start({ prompt: 'none' }), 'error')).toBe('login_required');
    await logIn(browser, await start());
    expect(param(await start({ prompt: 'none' }), 'error')).toBe('consent_required');
    await allow(browser, await start());
    expect(param(await start({ prompt: 'none' }), 'code')).not.toBeNull();
  });
  it('[OIDC Core §3.1.2.1] AZ-20 login asks again and auth_time is new', async () => {
    const first = await getTokens(world, {}, browser);
    world.now += 100;
    const login = await start({ prompt: 'login' });
    expect(pageOf(login)).toBe('login');
    const done = await logIn(browser, login);
    const code = param(done, 'code') ?? '';
    const second = (await redeem(world, code, proof.verifier)).body;
    expect(claimsOf(String(second['id_token']))['auth_time']).toBe(
      Number(claimsOf(first.id_token)['auth_time']) + 100,
    );
    expect(claimsOf(String(second['id_token']))['sid']).toBe(claimsOf(first.id_token)['sid']);
  });
  it('[OIDC Core §3.1.2.1] AZ-20 a cancelled login leaves the old session as it was', async () => {
    const first = await getTokens(world, {}, browser);
    world.now += 100;
    const cancelled = await browser.submit(await start({ max_age: '0' }), { decision: 'cancel' });
    expect(param(cancelled, 'error')).toBe('access_denied');
    const silent = await start({ prompt: 'none' });
    const tokens = (await redeem(world, param(silent, 'code') ?? '', proof.verifier)).body;
    expect(claimsOf(String(tokens['id_token']))['auth_time']).toBe(
      claimsOf(first.id_token)['auth_time'],
    );
    expect(param(await start({ prompt: 'none', max_age: '99' }), 'error')).toBe('login_required');
  });
  it('[OIDC Core §3.1.2.1] max_age: silent while young, login when passed, always at 0', async () => {
    await signedIn();
    expect(param(await start({ max_age: '10' }), 'code')).not.toBeNull();
    expect(pageOf(await start({ max_age: '0' }))).toBe('login');
    world.now += 11;
    const login = await start({ max_age: '10' });
    expect(pageOf(login)).toBe('login');
    expect(param(await logIn(browser, login), 'code')).not.toBeNull();
  });
  it('[OIDC Core §3.1.2.1] consent is asked though remembered, also of trusted applications', async () => {
    await signedIn();
    const page = await start({ prompt: 'consent' });
    expect(pageOf(page)).toBe('consent');
    expect(param(await allow(browser, page), 'code')).not.toBeNull();
    await world.provider.clients.update(world.web.clientId, { skipConsent: true });
    expect(pageOf(await start({ prompt: 'consent' }))).toBe('consent');
  });
  it('[OIDC Core §3.1.2.1] select_account: continue, or sign in as somebody else', async () => {
    await signedIn();
    expect(param(await start({ prompt: 'none select_account' }), 'error')).toBe('invalid_request');
    const choice = await start({ prompt: 'select_account' });
    expect(pageOf(choice)).toBe('account');
    expect(param(await browser.submit(choice, { decision: 'continue' }), 'code')).not.toBeNull();
    const login = await browser.submit(await start({ prompt: 'select_account' }), {
      decision: 'switch',
    });
    expect(pageOf(login)).toBe('login');
    const consent = await logIn(browser, login, BOB);
    expect(consent.html).toContain('Bob Example');
    const done = await allow(browser, consent);
    const tokens = (await redeem(world, param(done, 'code') ?? '', proof.verifier)).body;
    expect(claimsOf(String(tokens['id_token']))['sub']).toBe(BOB.sub);
  });
  it('[OIDC Core §3.1.2.1] login and consent together', async () => {
    await signedIn();
    const consent = await logIn(browser, await start({ prompt: 'login consent' }));
    expect(pageOf(consent)).toBe('consent');
    expect(param(await allow(browser, consent), 'code')).not.toBeNull();
  });
  it('login_hint fills in the name', async () => {
    expect((await start({ login_hint: 'alice"x' })).html).toContain('value="alice&quot;x"');
  });
});

describe('id_token_hint', () => {
  it('[OIDC Core §3.1.2.2] [OIDC Core §3.1.2.1] AZ-21 silent for the same person, login for another, refused when it stays another', async () => {
    const tokens = await getTokens(world, {}, browser);
    expect(
      param(await start({ prompt: 'none', id_token_hint: tokens.id_token }), 'code'),
    ).not.toBeNull();
    const other = browserOf(world);
    await logIn(other, await start({}, other), BOB);
    const silent = await start({ prompt: 'none', id_token_hint: tokens.id_token }, other);
    expect(param(silent, 'error')).toBe('login_required');
    const login = await start({ id_token_hint: tokens.id_token }, other);
    expect(pageOf(login)).toBe('login');
    const still = await logIn(other, login, BOB);
    expect(param(still, 'error')).toBe('login_required');
    expect(world.events.at(-1)?.reason).toBe('subject_other_than_hinted');
  });
  it('[RFC8725 §3.1] [OIDC Core §3.1.2.1] AZ-21 unsigned, damaged, or of another client', async () => {
    const tokens = await getTokens(world, {}, browser);
    const [, payload, signature] = tokens.id_token.split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const spaCode = await getCode(world, proof, {
      client_id: world.spa.clientId,
      redirect_uri: 'https://spa.example/cb',
    });
    expect(spaCode).toBeTruthy();
    for (const hint of [
      `${none}.${payload}.`,
      `${none}.${payload}.${signature}`,
      tokens.id_token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      tokens.access_token,
    ]) {
      expect(
        param(await start({ prompt: 'none', id_token_hint: hint }), 'error'),
        hint.slice(0, 20),
      ).toBe('invalid_request');
    }
    const foreign = await start({
      prompt: 'none',
      id_token_hint: tokens.id_token,
      client_id: world.spa.clientId,
      redirect_uri: 'https://spa.example/cb',
    });
    expect(param(foreign, 'error')).toBe('invalid_request');
    expect(world.events.at(-1)?.reason).toBe('id_token_hint');
  });
});

describe('people do unexpected things', () => {
  it('[RFC9700 §4.7] AZ-25 an interaction of another browser', async () => {
    const { url } = await start();
    const seen = await browserOf(world).open(url);
    expect([seen.status, reasonOf(seen)]).toEqual([400, 'interaction_other_browser']);
  });
  it.each(['', '?interaction=', '?interaction=garbage', `?interaction=${'A'.repeat(80)}`])(
    'a bookmarked or cut address "%s" explains itself',
    async (query) => {
      const seen = await browser.open(`${world.provider.url('interaction')}${query}`);
      expect(seen.status).toBe(400);
      expect(['interaction_missing', 'interaction_unknown']).toContain(reasonOf(seen));
    },
  );
  it('an idle login page still signs in, hours later, and the relying party gets its answer', async () => {
    const login = await start();
    world.now += 5 * 3600;
    const done = await allow(browser, await logIn(browser, login));
    expect([param(done, 'state'), param(done, 'code') === null]).toEqual(['the-state', false]);
  });
  it('an idle page that is reloaded says so', async () => {
    const login = await start();
    world.now += 5 * 3600;
    const again = await browser.open(login.url);
    expect(pageOf(again)).toBe('login');
    expect(again.html).toContain('id="login-problem"');
  });
  it('two tabs: both sign in, both relying parties get an answer', async () => {
    const first = await start({ state: 'one' });
    const second = await start({ state: 'two' });
    const one = await allow(browser, await logIn(browser, first));
    const two = await logIn(browser, second);
    expect([param(one, 'state'), param(two, 'state')]).toEqual(['one', 'two']);
    expect(param(two, 'code')).not.toBeNull();
  });
  it('UI-18 a double click on allow makes one code; after it is used, a clear page', async () => {
    const consent = await logIn(browser, await start());
    const [first, second] = [await allow(browser, consent), await allow(browser, consent)];
    expect(param(first, 'code')).toBe(param(second, 'code'));
    expect((await redeem(world, param(first, 'code') ?? '', proof.verifier)).status).toBe(200);
    const third = await allow(browser, consent);
    expect([third.status, reasonOf(third)]).toEqual([400, 'interaction_finished']);
  });
  it('[RFC6749 §4.1.2] UI-18 an address from the history decides nothing: not after withdrawal, not after the code is gone', async () => {
    let handedBack = '';
    const fetching = browserOf(world);
    const consent = await logIn(fetching, await start({}, fetching));
    const { action, fields } = readForm(consent.html);
    const cookie = cookieOf(fetching);
    const form = {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', cookie },
    };
    const answer = await world.provider.fetch(
      new Request(action, { ...form, body: new URLSearchParams({ ...fields, decision: 'allow' }) }),
    );
    handedBack = answer.headers.get('location') ?? '';
    const first = await fetching.open(handedBack);
    expect((await redeem(world, param(first, 'code') ?? '', proof.verifier)).status).toBe(200);
    await world.provider.subjects.withdraw(ALICE.sub, world.web.clientId);
    expect(reasonOf(await fetching.open(handedBack))).toBe('interaction_finished');
    expect(
      await world.provider.store.authorizations.find(ALICE.sub, world.web.clientId),
    ).toBeNull();
    world.now += 60;
    expect(pageOf(await fetching.open(handedBack))).toBe('consent');
    world.now += 1000;
    await world.provider.clear(1000);
    expect(pageOf(await fetching.open(handedBack))).toBe('consent');
  });
  it("what the operator's own application got is no consent, once it is an ordinary one", async () => {
    await world.provider.clients.update(world.web.clientId, { skipConsent: true });
    expect(param(await logIn(browser, await start()), 'code')).not.toBeNull();
    await world.provider.clients.update(world.web.clientId, { skipConsent: false });
    expect(pageOf(await start())).toBe('consent');
  });
  it('the client changes its address while the page is open: nothing is sent to the old one', async () => {
    const consent = await logIn(browser, await start());
    await world.provider.clients.update(world.web.clientId, {
      redirectUris: ['https://rp.example/new'],
    });
    expect(reasonOf(await allow(browser, consent))).toBe('redirect_uri_mismatch');
  });
  it('the session ends while the consent page is open', async () => {
    const consent = await logIn(browser, await start());
    await world.provider.subjects.revoke(ALICE.sub);
    const answer = await allow(browser, consent);
    expect([answer.status, reasonOf(answer)]).toEqual([403, 'form_token']);
  });
  it('a request too large for an address is kept in the store and works the same', async () => {
    const state = 'é'.repeat(2000);
    const login = await start({ state, nonce: 'n'.repeat(2000) });
    expect(login.url.length).toBeLessThan(1000);
    expect(param(await allow(browser, await logIn(browser, login)), 'state')).toBe(state);
  });
  it('a request too large for an address, left open over the weekend, starts over and gets its answer', async () => {
    const state = 'é'.repeat(2000);
    const login = await start({ state, nonce: 'n'.repeat(2000) });
    world.now += 3 * 24 * 3600;
    await world.provider.clear(100);
    expect(param(await allow(browser, await logIn(browser, login)), 'state')).toBe(state);
  });
  it('a bookmarked login page leads to the login page, as long as it is the same browser', async () => {
    const login = await start();
    world.now += 30 * 24 * 3600;
    const again = await browser.open(login.url);
    expect([pageOf(again), again.html.includes('id="login-problem"')]).toEqual(['login', true]);
    expect(param(await allow(browser, await logIn(browser, again)), 'code')).not.toBeNull();
  });
  it('IN-05 broken cookies are a new start, never a 500', async () => {
    for (const cookie of [
      'a',
      '=;=;',
      `x=${'y'.repeat(8000)}`,
      Array.from({ length: 200 }, (_, index) => `c${index}=1`).join('; '),
      '__Host-vk_session_x=%zz; __proto__=1',
    ]) {
      const answer = await browserOf(world).open(
        authorizeUrl(world, authorizeParams(world, proof.challenge)),
        { headers: { cookie } },
      );
      expect(answer.status).toBeLessThan(500);
    }
  });
  it('nothing at this address is a page', async () => {
    const seen = await browser.open(`${ISSUER}/o/nothing/`);
    expect([seen.status, reasonOf(seen)]).toEqual([404, 'path_unknown']);
  });
});

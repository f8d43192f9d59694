/** Applications of which people may refuse single scopes. Rules UI. */
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  makeDeviceWorld,
  pollLater,
  startDevice,
  toConfirmation,
} from '../device-authorization/device.ts';
import { makeHost, sessionOf } from '../host/host.ts';
import { expectErrorPage, expectRefusedRedirect } from '../refusals.ts';
import {
  ALICE,
  allow,
  BOB,
  browserOf,
  claimsOf,
  codeOf,
  decide,
  logIn,
  makeWorld,
  openAuthorize,
  type Pkce,
  pageOf,
  pkce,
  post,
  redeem,
  type Tokens,
  type World,
} from '../setup.ts';

const SCOPE = 'openid email read offline_access';
let world: World;
let browser: ScriptedBrowser;
let proof: Pkce;
beforeEach(async () => {
  world = await makeWorld();
  browser = browserOf(world);
  proof = pkce();
  await world.provider.clients.update(world.web.clientId, { partialConsent: true });
});

const start = async (changes: Readonly<Record<string, string | null>> = {}): Promise<Visit> =>
  await openAuthorize(world, browser, { scope: SCOPE, ...changes }, proof);
const consentPage = async (changes: Readonly<Record<string, string | null>> = {}): Promise<Visit> =>
  await logIn(browser, await start(changes));
const refuse = async (visit: Visit, ...scopes: string[]): Promise<Visit> =>
  await browser.submit(visit, {
    ...Object.fromEntries(scopes.map((scope) => [`scope:${scope}`, null])),
    decision: 'allow',
  });
async function tokensOf(visit: Visit): Promise<Tokens> {
  const code = codeOf(visit);
  if (code === null) throw new Error(`no code: ${visit.leaves?.href ?? visit.html}`);
  return (await redeem(world, code, proof.verifier)).body as unknown as Tokens;
}

describe('bad input', () => {
  it('a refused scope is access_denied for an application that needs all it asks for', async () => {
    await world.provider.clients.update(world.web.clientId, { partialConsent: false });
    const visit = await consentPage();
    expect(visit.html).not.toContain('type="checkbox"');
    const done = await browser.submit(visit, { choose: 'scopes', decision: 'allow' });
    expectRefusedRedirect(world, done, { error: 'access_denied', reason: 'consent_partial' });
  });

  it('a scope that was not asked for is not allowed by a box of its own', async () => {
    const visit = await consentPage({ scope: 'openid email' });
    const done = await browser.submit(visit, { 'scope:write': 'allow', decision: 'allow' });
    expect((await tokensOf(done)).scope).toBe('openid email');
  });

  it('[RFC6749 §4.1.2.1] everything refused is access_denied', async () => {
    const visit = await consentPage({ scope: 'read write' });
    expectRefusedRedirect(world, await refuse(visit, 'read', 'write'), {
      error: 'access_denied',
      reason: 'user_declined',
    });
  });

  it('[OIDC Core §3.1.2.6] prompt=none gets no part of what another application asks for together', async () => {
    await world.provider.clients.update(world.web.clientId, { partialConsent: false });
    await refuse(await consentPage({ scope: 'openid email' }));
    expectRefusedRedirect(world, await start({ prompt: 'none' }), {
      error: 'consent_required',
      reason: 'prompt_none',
    });
  });

  it('what one person refused says nothing about somebody who takes their place at the host', async () => {
    const host = await makeHost();
    ({ world, browser } = host);
    await world.provider.clients.update(world.web.clientId, { partialConsent: true });
    host.current = sessionOf(ALICE.sub);
    const visit = await start();
    const to = await decide(world, browser, visit, {
      ...Object.fromEntries(['read', 'offline_access'].map((name) => [`scope:${name}`, 'allow'])),
      'scope:email': '',
      decision: 'allow',
    });
    host.current = sessionOf(BOB.sub);
    const next = await browser.open(to);
    expect([pageOf(next), next.html.includes('Bob Example')]).toEqual(['consent', true]);
    expect(next.html).toContain('name="scope:email"');
  });

  it('what one person refused says nothing about the next one', async () => {
    const visit = await consentPage();
    const login = await browser.submit(visit, { decision: 'switch' });
    expect(pageOf(login)).toBe('login');
    const next = await logIn(browser, login);
    expect(pageOf(next)).toBe('consent');
    expect((await tokensOf(await refuse(next, 'read'))).scope).toBe('openid email offline_access');
  });
});

describe('what was decided before', () => {
  it('is withdrawn elsewhere: a scope that was allowed has no box, and stays', async () => {
    await refuse(await consentPage(), 'email');
    const again = await start({ prompt: 'consent' });
    expect(again.html).toContain('name="scope:email"');
    expect(again.html).not.toMatch(/checkbox"[^>]*name="scope:(read|offline_access)"/);
    const done = await refuse(again);
    expect((await tokensOf(done)).scope).toBe(SCOPE);
  });

  it.each(['code', 'code id_token'])(
    'UI-04 a page that is answered in another way before is over, for %s',
    async (responseType) => {
      await world.provider.clients.update(world.web.clientId, {
        responseTypes: ['code', 'code id_token'],
        grantTypes: ['authorization_code', 'implicit', 'refresh_token'],
      });
      const visit = await consentPage({ response_type: responseType, nonce: 'n' });
      expect((await refuse(visit)).leaves).not.toBeNull();
      const second = await refuse(visit, 'email');
      expectErrorPage(second, {
        status: 400,
        code: 'invalid_request',
        reason: 'interaction_finished',
      });
    },
  );

  it('UI-04 [OIDC Core §5.5] the same with claims by name, where the scopes are the same', async () => {
    const claims = JSON.stringify({ userinfo: { email: null } });
    const visit = await consentPage({ scope: 'openid', claims });
    expect(codeOf(await refuse(visit))).not.toBeNull();
    expectErrorPage(await refuse(visit, 'email'), {
      status: 400,
      code: 'invalid_request',
      reason: 'interaction_finished',
    });
  });

  it('[RFC8628 §3.3] a device that was answered in another way before is over', async () => {
    world = await makeDeviceWorld();
    browser = browserOf(world);
    await world.provider.clients.update(world.web.clientId, { partialConsent: true });
    const device = await startDevice(world, { scope: 'openid email' });
    const visit = await toConfirmation(browser, device);
    await refuse(visit);
    expectErrorPage(await refuse(visit, 'email'), {
      status: 400,
      code: 'invalid_request',
      reason: 'device_request_answered',
    });
  });

  it('a page of the host refuses offline_access of a device by naming what it allows', async () => {
    world = await makeDeviceWorld();
    browser = browserOf(world);
    await world.provider.clients.update(world.web.clientId, { partialConsent: true });
    const device = await startDevice(world, { scope: 'openid email offline_access' });
    const visit = await toConfirmation(browser, device);
    await browser.submit(visit, { choose: null, scopes: 'openid', decision: 'allow' });
    expect((await pollLater(world, device)).body['scope']).toBe('openid');
  });

  it.each([true, false])(
    'comes back by nothing else once it is too old (partialConsent: %s)',
    async (partialConsent) => {
      world = await makeWorld({ lifetimes: { consent: 600, sessionIdle: 7200 } });
      browser = browserOf(world);
      await world.provider.clients.update(world.web.clientId, { partialConsent });
      await refuse(await consentPage());
      world.now += 601;
      expect(codeOf(await allow(browser, await start({ scope: 'openid' })))).not.toBeNull();
      const silent = await start({ prompt: 'none' });
      if (partialConsent) expect((await tokensOf(silent)).scope).toBe('openid');
      else
        expectRefusedRedirect(world, silent, { error: 'consent_required', reason: 'prompt_none' });
    },
  );
});

describe('an application of which people may refuse scopes', () => {
  it('[RFC6749 §3.3] gets the others, and is told which', async () => {
    const tokens = await tokensOf(await refuse(await consentPage(), 'email'));
    expect(tokens.scope).toBe('openid read offline_access');
    const { body } = await post(
      world,
      'userinfo',
      {},
      { authorization: `Bearer ${tokens.access_token}` },
    );
    expect(body).not.toHaveProperty('email');
  });

  it('gets everything when people change nothing', async () => {
    expect((await tokensOf(await refuse(await consentPage()))).scope).toBe(SCOPE);
  });

  it('shows no box for openid, without which there is no sign-in', async () => {
    const { html } = await consentPage();
    expect(html).toContain('name="scope:email"');
    expect(html).not.toContain('name="scope:openid"');
  });

  it('[OIDC Core §5.5] gets no claim by name whose scope was refused', async () => {
    const claims = JSON.stringify({
      id_token: { email: null, name: null },
      userinfo: { email: null },
    });
    const visit = await consentPage({ scope: 'openid profile', claims });
    const tokens = await tokensOf(await refuse(visit, 'email'));
    expect(claimsOf(tokens.id_token)).toHaveProperty('name');
    expect(claimsOf(tokens.id_token)).not.toHaveProperty('email');
    const { body } = await post(
      world,
      'userinfo',
      {},
      { authorization: `Bearer ${tokens.access_token}` },
    );
    expect(body).not.toHaveProperty('email');
  });

  it('asks again for what was refused, and only for that', async () => {
    await refuse(await consentPage(), 'email');
    const again = await start();
    expect(pageOf(again)).toBe('consent');
    expect(again.html).toContain('You already allowed');
    expect((await tokensOf(await refuse(again))).scope).toBe(SCOPE);
    expect(codeOf(await start())).not.toBeNull();
  });

  it('[RFC6749 §3.3] under prompt=none gets what was allowed before', async () => {
    await refuse(await consentPage(), 'email');
    expect((await tokensOf(await start({ prompt: 'none' }))).scope).toBe(
      'openid read offline_access',
    );
  });

  it('[OIDC Core §3.1.2.6] under prompt=none is told consent_required when nothing was allowed', async () => {
    const visit = await consentPage();
    expectRefusedRedirect(world, await start({ prompt: 'none' }), {
      error: 'consent_required',
      reason: 'prompt_none',
    });
    await refuse(visit, 'email', 'read', 'offline_access');
    expectRefusedRedirect(world, await start({ prompt: 'none', scope: 'email read' }), {
      error: 'consent_required',
      reason: 'prompt_none',
    });
  });

  it('[RFC8628 §3.3] is offered the choice on the page of a device as well', async () => {
    world = await makeDeviceWorld();
    browser = browserOf(world);
    await world.provider.clients.update(world.web.clientId, { partialConsent: true });
    const device = await startDevice(world, { scope: 'openid email read offline_access' });
    const visit = await toConfirmation(browser, device);
    expect(visit.html).not.toContain('name="scope:offline_access"');
    await refuse(visit, 'email');
    const { body } = await pollLater(world, device);
    expect(body['scope']).toBe('openid read offline_access');
  });
});

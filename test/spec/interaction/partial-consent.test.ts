/** Applications of which people may refuse single scopes. Rules UI. */
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  makeDeviceWorld,
  pollLater,
  startDevice,
  toConfirmation,
} from '../device-authorization/device.ts';
import { expectRefusedRedirect } from '../refusals.ts';
import {
  browserOf,
  claimsOf,
  codeOf,
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

  it('what one person refused says nothing about the next one', async () => {
    const visit = await consentPage();
    const login = await browser.submit(visit, { decision: 'switch' });
    expect(pageOf(login)).toBe('login');
    const next = await logIn(browser, login);
    expect(pageOf(next)).toBe('consent');
    expect((await tokensOf(await refuse(next, 'read'))).scope).toBe('openid email offline_access');
  });
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

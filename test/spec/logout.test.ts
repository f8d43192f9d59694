/** Logout started by a relying party. Rows LO. */

import { rpInitiatedLogout } from 'valetkey';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ALICE,
  allow,
  authorizeParams,
  authorizeUrl,
  BOB,
  basic,
  browserOf,
  getCode,
  getTokens,
  isActive,
  logIn,
  makeWorld,
  pkce,
  post,
  reasonOf,
  type Tokens,
  type World,
} from './setup.ts';

let world: World;
let browser: ScriptedBrowser;
let tokens: Tokens;
const BYE = 'https://rp.example/bye';
beforeEach(async () => {
  world = await makeWorld();
  browser = browserOf(world);
  tokens = await getTokens(world, {}, browser);
});

const ask = async (params: Record<string, string>, who = browser): Promise<Visit> =>
  await who.open(`${world.provider.url('rp-initiated-logout')}?${new URLSearchParams(params)}`);
const hinted = (more: Record<string, string> = {}): Record<string, string> => ({
  id_token_hint: tokens.id_token,
  post_logout_redirect_uri: BYE,
  state: 'st&1',
  ...more,
});
const signedIn = async (who = browser): Promise<boolean> =>
  (
    await who.open(
      authorizeUrl(world, authorizeParams(world, pkce().challenge, { prompt: 'none' })),
    )
  ).leaves?.searchParams.has('code') === true;

describe('what is refused, as a page, with the session alive', () => {
  const table: [string, string, () => Record<string, string>][] = [
    [
      'LO-03 an unsigned hint',
      'logout_hint_invalid',
      () =>
        hinted({
          id_token_hint: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${tokens.id_token.split('.')[1]}.`,
        }),
    ],
    [
      'LO-03 a damaged hint',
      'logout_hint_invalid',
      () => hinted({ id_token_hint: `${tokens.id_token.slice(0, -2)}AA` }),
    ],
    ['LO-03 garbage', 'logout_hint_invalid', () => hinted({ id_token_hint: 'x' })],
    [
      'LO-02 an address that is not registered',
      'logout_redirect_uri_mismatch',
      () => hinted({ post_logout_redirect_uri: 'https://evil.example/' }),
    ],
    [
      'LO-02 a query added',
      'logout_redirect_uri_mismatch',
      () => hinted({ post_logout_redirect_uri: `${BYE}?x=1` }),
    ],
    [
      'LO-02 a script',
      'logout_redirect_uri_mismatch',
      () => hinted({ post_logout_redirect_uri: 'javascript:alert(1)' }),
    ],
    [
      'LO-02 an address without client',
      'logout_client_missing',
      () => ({ post_logout_redirect_uri: BYE }),
    ],
    [
      'LO-02 the address of another client',
      'logout_redirect_uri_mismatch',
      () => ({ client_id: world.other.clientId, post_logout_redirect_uri: BYE }),
    ],
    ['an unknown client', 'logout_client_unknown', () => ({ client_id: 'nope' })],
    [
      'a client other than that of the hint',
      'logout_client_mismatch',
      () => hinted({ client_id: world.other.clientId }),
    ],
  ];
  it.each(table)(
    '[RP-Initiated Logout §2] [RP-Initiated Logout §3] %s',
    async (_name, reason, make) => {
      const seen = await ask(make());
      expect([seen.status, seen.leaves, reasonOf(seen)]).toEqual([400, null, reason]);
      expect(await signedIn()).toBe(true);
    },
  );
  it('[RP-Initiated Logout §2] JSON for who asks for JSON', async () => {
    const response = await world.provider.fetch(
      new Request(`${world.provider.url('rp-initiated-logout')}?id_token_hint=x`, {
        headers: { accept: 'application/json' },
      }),
    );
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'Missing or invalid id_token_hint.' },
    ]);
  });
  it('[RP-Initiated Logout §2] a repeated parameter', async () => {
    const seen = await browser.open(`${world.provider.url('rp-initiated-logout')}?state=a&state=b`);
    expect(reasonOf(seen)).toBe('repeated_parameter');
  });
});

describe('asking', () => {
  it.each<[string, () => Record<string, string>]>([
    ['no parameters', () => ({})],
    ['only state', () => ({ state: 'x' })],
    ['a good hint, as configured', () => hinted()],
    [
      'client_id and address',
      () => ({ client_id: world.web.clientId, post_logout_redirect_uri: BYE }),
    ],
  ])(
    '[RP-Initiated Logout §2] LO-01 GET with %s shows a form and ends nothing',
    async (_name, make) => {
      const seen = await ask(make());
      expect(seen.html).toContain('id="logout-form"');
      expect(await signedIn()).toBe(true);
    },
  );
  it('[RP-Initiated Logout §2] yes: back with state and nothing else, session and tokens ended', async () => {
    const done = await browser.submit(await ask(hinted()), { decision: 'logout' });
    expect(done.leaves?.href).toBe(`${BYE}?state=st%261`);
    expect(await signedIn()).toBe(false);
    expect([
      await isActive(world, tokens.access_token),
      await isActive(world, tokens.refresh_token),
    ]).toEqual([false, false]);
    expect([...browser.cookies.keys()].some((name) => name.includes('session'))).toBe(false);
  });
  it('[RP-Initiated Logout §2] yes, with nowhere to go: a page', async () => {
    const done = await browser.submit(await ask({}), { decision: 'logout' });
    expect([done.status, done.leaves]).toEqual([200, null]);
    expect(done.html).toContain('signed-out');
    expect(await signedIn()).toBe(false);
  });
  it('[RP-Initiated Logout §2] no: still signed in', async () => {
    const stayed = await browser.submit(await ask(hinted()), { decision: 'stay' });
    expect(stayed.leaves).toBeNull();
    expect(await signedIn()).toBe(true);
    expect(await isActive(world, tokens.access_token)).toBe(true);
  });
  it('[RFC6749 §10.12] UI-01 a form of another browser or without token ends nothing', async () => {
    const form = await ask(hinted());
    const answer = await browser.submit(form, { decision: 'logout', token: 'x' });
    expect([answer.status, reasonOf(answer)]).toEqual([403, 'form_token']);
    const other = browserOf(world);
    expect(reasonOf(await other.submit(form, { decision: 'logout' }))).toBe(
      'interaction_other_browser',
    );
    expect(reasonOf(await browser.submit(form, { decision: 'explode' }))).toBe('decision');
    expect(await signedIn()).toBe(true);
  });
});

describe('without asking', () => {
  it('[RP-Initiated Logout §2] where configured, and the hint proves this session', async () => {
    world = await makeWorld({
      features: [rpInitiatedLogout({ confirmation: 'when-unproven' })],
    });
    browser = browserOf(world);
    tokens = await getTokens(world, {}, browser);
    const other = browserOf(world);
    await allow(
      other,
      await logIn(
        other,
        await other.open(authorizeUrl(world, authorizeParams(world, pkce().challenge))),
        BOB,
      ),
    );
    expect((await ask(hinted(), other)).html).toContain('id="logout-form"');
    const sameUserElsewhere = browserOf(world);
    await getTokens(world, {}, sameUserElsewhere);
    expect((await ask(hinted(), sameUserElsewhere)).html).toContain('id="logout-form"');
    world.now += 7200;
    expect((await ask(hinted())).leaves?.href).toBe(`${BYE}?state=st%261`);
    expect(await signedIn()).toBe(false);
  });
  it('[RP-Initiated Logout §2] LO-04 the second relying party gets its answer too', async () => {
    await browser.submit(await ask(hinted()), { decision: 'logout' });
    expect((await ask(hinted())).leaves?.href).toBe(`${BYE}?state=st%261`);
    expect((await ask({})).html).toContain('signed-out');
  });
  it('[RP-Initiated Logout §2] an expired hint is a good hint', async () => {
    world.now += 3 * 3600;
    expect((await ask(hinted())).html).toContain('id="logout-form"');
  });
});

describe('a hint signed with a secret', () => {
  it('[RP-Initiated Logout §2] [OIDC Core §10.1] is good for as long as that secret is, also when there is a newer one', async () => {
    const redirect_uri = 'https://hs.example/cb';
    const made = await world.provider.clients.create({
      name: 'HS',
      redirectUris: [redirect_uri],
      idTokenSignedResponseAlg: 'HS256',
    });
    const proof = pkce();
    const { clientId } = made.client;
    const code = await getCode(world, proof, { client_id: clientId, redirect_uri }, browser);
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri,
      code_verifier: proof.verifier,
    };
    const { body } = await post(world, 'token', form, {
      authorization: basic(clientId, made.clientSecret ?? ''),
    });
    const id_token_hint = String(body['id_token']);
    await world.provider.clients.rotateSecret(clientId, 60);
    expect((await ask({ id_token_hint })).html).toContain('id="logout-form"');
    world.now += 60;
    expect((await ask({ id_token_hint })).status).toBe(400);
    expect(world.reasons.at(-1)).toBe('logout_hint_invalid');
  });
});

describe('what it ends', () => {
  it('LO-06 only this session: another browser of the same person stays', async () => {
    const phone = browserOf(world);
    const others = await getTokens(world, {}, phone);
    await browser.submit(await ask({}), { decision: 'logout' });
    expect([await signedIn(phone), await isActive(world, others.access_token)]).toEqual([
      true,
      true,
    ]);
  });
  it('LO-06 a kept cookie is dead', async () => {
    const thief = browserOf(world);
    for (const [name, value] of browser.cookies) thief.cookies.set(name, value);
    await browser.submit(await ask({}), { decision: 'logout' });
    expect(await signedIn(thief)).toBe(false);
  });
  it('tokens with offline_access outlive the session', async () => {
    const offline = await getTokens(world, { scope: 'openid offline_access' }, browser);
    await browser.submit(await ask({}), { decision: 'logout' });
    expect([
      await isActive(world, offline.refresh_token),
      await isActive(world, tokens.refresh_token),
    ]).toEqual([true, false]);
  });
  it('by setting, all tokens do', async () => {
    world = await makeWorld({ logout: { revokeTokens: false } });
    browser = browserOf(world);
    tokens = await getTokens(world, {}, browser);
    await browser.submit(await ask({}), { decision: 'logout' });
    expect([await signedIn(), await isActive(world, tokens.access_token)]).toEqual([false, true]);
  });
  it('[RP-Initiated Logout §2] POST from another site, without cookies', async () => {
    const seen = await browser.open(world.provider.url('rp-initiated-logout'), {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        cookie: 'none=1',
        'sec-fetch-site': 'cross-site',
      },
      body: new URLSearchParams(hinted()).toString(),
    });
    expect(seen.html).toContain(ALICE.claims.name);
    expect((await browser.submit(seen, { decision: 'logout' })).leaves?.href).toBe(
      `${BYE}?state=st%261`,
    );
  });
});

/** The modules of the logout and session plans. Each test is named after its module. */
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  BYE,
  claimsOf,
  newBrowser,
  Relying,
  type Setup,
  startSetup,
  throughPages,
  type Variant,
} from './suite.ts';

const VARIANTS: readonly Variant[] = ['code', 'id_token', 'code id_token'].map((responseType) => ({
  responseType,
  responseMode: 'default',
  auth: 'client_secret_basic',
}));

let setup: Setup;
beforeAll(async () => {
  setup = await startSetup();
});
afterAll(async () => {
  await setup.close();
});

describe.each(VARIANTS)('$responseType', (variant) => {
  let party: Relying;
  let browser: ScriptedBrowser;
  let idToken: string;
  let sessionState: string;
  async function signedIn(more: Record<string, unknown> = {}): Promise<void> {
    party = await new Relying(setup, variant).register({
      post_logout_redirect_uris: [BYE],
      ...more,
    });
    browser = newBrowser(setup);
    const response = await party.authorize(browser);
    sessionState = response.get('session_state') ?? '';
    idToken = String((await party.tokensOf(response))['id_token']);
  }
  beforeEach(async () => await signedIn());

  async function logOut(params: Record<string, string>): Promise<Visit> {
    const url = `${setup.metadata['end_session_endpoint']}?${new URLSearchParams(params)}`;
    const visit = await browser.open(url);
    return visit.html.includes('id="logout-form"')
      ? await browser.submit(visit, { decision: 'logout' })
      : visit;
  }

  async function isSignedIn(): Promise<boolean> {
    const params = party.params({ prompt: 'none' });
    return party.received(await party.open(browser, params), params).get('error') === null;
  }

  it.each([
    ['oidcc-rp-initiated-logout', 'a state'],
    ['oidcc-rp-initiated-logout-no-state', null],
  ])('%s', async (_, state) => {
    expect(await isSignedIn()).toBe(true);
    const { leaves } = await logOut({
      id_token_hint: idToken,
      post_logout_redirect_uri: BYE,
      ...(state === null ? {} : { state }),
    });
    expect(leaves?.href.startsWith(BYE)).toBe(true);
    expect([...(leaves?.searchParams ?? [])]).toEqual(state === null ? [] : [['state', state]]);
    expect(await isSignedIn()).toBe(false);
  });

  it.each<[string, () => Record<string, string>]>([
    [
      'bad-post-logout-redirect-uri',
      () => ({ id_token_hint: idToken, post_logout_redirect_uri: `${BYE}x` }),
    ],
    [
      'query-added-to-post-logout-redirect-uri',
      () => ({ id_token_hint: idToken, post_logout_redirect_uri: `${BYE}?foo=bar` }),
    ],
    [
      'modified-id-token-hint',
      () => ({
        id_token_hint: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${idToken.split('.')[1]}.AA`,
        post_logout_redirect_uri: BYE,
      }),
    ],
    [
      'bad-id-token-hint',
      () => ({
        id_token_hint: `${idToken.slice(0, -20)}AAAAAAAAAAAAAAAAAAAA`,
        post_logout_redirect_uri: BYE,
      }),
    ],
    ['no-id-token-hint', () => ({ post_logout_redirect_uri: BYE })],
  ])('oidcc-rp-initiated-logout-%s', async (_, params) => {
    const visit = await logOut(params());
    expect(visit.leaves).toBeNull();
  });

  it.each<[string, () => Record<string, string>]>([
    ['no-params', () => ({})],
    ['only-state', () => ({ state: 'x' })],
    ['no-post-logout-redirect-uri', () => ({ id_token_hint: idToken, state: 'x' })],
  ])('oidcc-rp-initiated-logout-%s', async (_, params) => {
    const visit = await logOut(params());
    expect([visit.leaves, visit.html.includes('id="signed-out"')]).toEqual([null, true]);
    expect(await isSignedIn()).toBe(false);
  });

  it('oidcc-frontchannel-rp-initiated-logout', async () => {
    await signedIn({ frontchannel_logout_uri: 'https://suite.example/frontchannel' });
    const visit = await logOut({ id_token_hint: idToken, post_logout_redirect_uri: BYE });
    const [, src = ''] = /<iframe[^>]* src="([^"]*)"/.exec(visit.html) ?? [];
    const url = new URL(src.replaceAll('&amp;', '&'));
    expect(url.href.startsWith('https://suite.example/frontchannel?')).toBe(true);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      iss: setup.server.issuer,
      sid: claimsOf(idToken)['sid'],
    });
    expect(visit.headers.get('refresh')).toBe(`2; url=${BYE}`);
  });

  it('oidcc-backchannel-rp-initiated-logout', async () => {
    const path = `/backchannel/${variant.responseType.replace(' ', '-')}`;
    await signedIn({ backchannel_logout_uri: setup.host.origin + path });
    await logOut({ id_token_hint: idToken, post_logout_redirect_uri: BYE });
    await setup.server.assembly.provider.deliver();
    const form = setup.host.posted.get(path);
    expect([...(form?.keys() ?? [])]).toEqual(['logout_token']);
    const { payload } = await jwtVerify(
      form?.get('logout_token') ?? '',
      createLocalJWKSet(await setup.jwks()),
      { issuer: setup.server.issuer, audience: String(party.client['client_id']) },
    );
    const { sub, sid } = claimsOf(idToken);
    expect(payload).toMatchObject({ sub, sid, iat: expect.any(Number) as number });
    expect(payload['events']).toEqual({ 'http://schemas.openid.net/event/backchannel-logout': {} });
    expect(payload).not.toHaveProperty('nonce');
  });

  it('oidcc-session-management-rp-initiated-logout', async () => {
    expect(sessionState).not.toBe('');
    const frame = async (): Promise<Visit> =>
      await browser.open(String(setup.metadata['check_session_iframe']));
    const before = await frame();
    expect(before.headers.get('content-security-policy')).toContain(
      'frame-ancestors https://suite.example',
    );
    expect(before.headers.get('x-frame-options')).toBeNull();
    const cookie = (): string =>
      [...browser.cookies].find(([name]) => name.includes('vk_state'))?.[1] ?? '';
    expect(decodeURIComponent(cookie())).toContain(sessionState);
    await logOut({ id_token_hint: idToken, post_logout_redirect_uri: BYE });
    expect(decodeURIComponent(cookie())).not.toContain(sessionState);
  });
});

it.each([
  ['oidcc-rp-initiated-logout-discovery-endpoint-verification', ['end_session_endpoint']],
  [
    'oidcc-frontchannel-logout-discovery-endpoint-verification',
    ['frontchannel_logout_supported', 'frontchannel_logout_session_supported'],
  ],
  [
    'oidcc-backchannel-logout-discovery-endpoint-verification',
    ['backchannel_logout_supported', 'backchannel_logout_session_supported'],
  ],
  ['oidcc-session-management-discovery-endpoint-verification', ['check_session_iframe']],
])('%s', (_, names) => {
  for (const name of names) {
    const value = setup.metadata[name];
    expect([name, value === true || String(value).startsWith('https://')]).toEqual([name, true]);
  }
});

it('the person goes through pages without scripts', async () => {
  const party = await new Relying(setup, VARIANTS[0] as Variant).register();
  const browser = newBrowser(setup);
  const login = await party.open(browser, party.params());
  expect(login.html).toMatch(/id="username"[\s\S]*id="password"[\s\S]*id="login-submit"/);
  const done = await throughPages(browser, login);
  expect(done.leaves).not.toBeNull();
});

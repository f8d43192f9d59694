/** Which requests RP-Initiated Logout refuses, and where it sends nobody. Rules LO. */

import { rpInitiatedLogout } from 'valetkey';
import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage } from '../refusals.ts';
import {
  basic,
  browserOf,
  codeOf,
  damaged,
  getCode,
  getTokens,
  makeWorld,
  openAuthorize,
  pageOf,
  pkce,
  post,
  type Tokens,
  type World,
} from '../setup.ts';

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
  codeOf(await openAuthorize(world, who, { prompt: 'none' })) !== null;

describe('a request with something wrong', () => {
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
      () => hinted({ id_token_hint: damaged(tokens.id_token, tokens.id_token.length - 40) }),
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
    '[RP-Initiated Logout §2] [RP-Initiated Logout §3] asks, and sends nobody anywhere, for %s',
    async (_name, reason, make) => {
      const seen = await ask(make());
      expect([seen.leaves, pageOf(seen), world.reasons.at(-1)]).toEqual([null, 'logout', reason]);
      expect(await signedIn()).toBe(true);
      const done = await browser.submit(seen, { decision: 'logout' });
      expect([done.leaves, done.status]).toEqual([null, 200]);
      expect(done.html).toContain('id="signed-out"');
      expect(done.html).toContain('id="go-on"');
      expect(await signedIn()).toBe(false);
    },
  );
  it.each(table)(
    '[RP-Initiated Logout §2] asks for %s also where a proven hint would do',
    async (_name, _reason, make) => {
      world = await makeWorld({ features: [rpInitiatedLogout({ confirmation: 'when-unproven' })] });
      browser = browserOf(world);
      tokens = await getTokens(world, {}, browser);
      expect(pageOf(await ask(make()))).toBe('logout');
      expect(await signedIn()).toBe(true);
    },
  );
  it('[RP-Initiated Logout §2] tells somebody who is not signed in so, and offers a way on', async () => {
    const seen = await ask({ id_token_hint: 'x', post_logout_redirect_uri: BYE }, browserOf(world));
    expect([seen.leaves, seen.status]).toEqual([null, 200]);
    expect(seen.html).toMatch(/id="go-on"[^>]*href="https:\/\/op\.example\/"/);
  });
  it('[RP-Initiated Logout §2] refuses a repeated parameter', async () => {
    const seen = await browser.open(`${world.provider.url('rp-initiated-logout')}?state=a&state=b`);
    expectErrorPage(seen, { status: 400, code: 'invalid_request', reason: 'repeated_parameter' });
  });
  it('IN-01 refuses a state that is too long', async () => {
    const visit = await ask({ state: 'x'.repeat(2049) });
    expectErrorPage(visit, { status: 400, code: 'invalid_request', reason: 'state_too_long' });
  });
  it('[RFC9700 §4.7] refuses the interaction of an authorization, as the authorization refuses that of a logout', async () => {
    const logout = await browser.open(world.provider.url('rp-initiated-logout'));
    const sealed = /name="interaction" value="([^"]*)"/.exec(logout.html)?.[1] ?? '';
    const consent = await openAuthorize(world, browser, { prompt: 'consent' });
    const other = new URL(consent.url).searchParams.get('interaction') ?? '';
    for (const [name, text] of [
      ['authorize', sealed],
      ['interaction', sealed],
      ['rp-initiated-logout', other],
    ] as const) {
      const visit = await browser.open(
        `${world.provider.url(name)}?${new URLSearchParams({ interaction: text })}`,
      );
      expectErrorPage(visit, {
        status: 400,
        code: 'invalid_request',
        reason: 'interaction_unknown',
      });
    }
  });
});

describe('an id_token_hint', () => {
  it('[RP-Initiated Logout §2] may have expired', async () => {
    world.now += 3 * 3600;
    expect((await ask(hinted())).html).toContain('id="logout-form"');
  });
  it('[RP-Initiated Logout §2] [OIDC Core §10.1] signed with a client secret is taken as long as that secret is, also beside a newer one', async () => {
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
    expect(pageOf(await ask({ id_token_hint, post_logout_redirect_uri: BYE }))).toBe('logout');
    expect(world.reasons.at(-1)).toBe('logout_hint_invalid');
  });
});

describe('a post_logout_redirect_uri', () => {
  it('LO-02 of a disabled client is not followed', async () => {
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
});

it.each([
  [true, []],
  [false, ['logout_hint_invalid']],
])(
  '[RP-Initiated Logout §2] LO-03 an expired id_token_hint is good where the operator says so: %s',
  async (acceptExpiredHints, problems) => {
    const features = [rpInitiatedLogout({ acceptExpiredHints })];
    const place = await makeWorld({ features });
    const browser = browserOf(place);
    const { id_token: hint } = await getTokens(place, {}, browser);
    place.now += 3700;
    place.reasons.length = 0;
    const query = new URLSearchParams({ id_token_hint: hint });
    await browser.open(`${place.provider.url('rp-initiated-logout')}?${query}`);
    expect(place.reasons).toEqual(problems);
  },
);

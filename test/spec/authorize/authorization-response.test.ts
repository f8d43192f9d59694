/** What goes back to the client: code, state and iss, in the response mode it wants. Rules AZ. */

import type { ScriptedBrowser, Visit } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusedRedirect } from '../refusals.ts';
import {
  allow,
  authorizeParams,
  authorizeUrl,
  browserOf,
  getTokens,
  ISSUER,
  logIn,
  makeWorld,
  openAuthorize,
  type Pkce,
  pageOf,
  paramOf,
  pkce,
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

describe('the response', () => {
  it('[RFC6749 §4.1.2] [RFC9207 §2] AZ-15 AZ-16 follows login and consent, with a code, the state as it was sent, and iss', async () => {
    const state = `"><script>%0d%0aX: é🔑+&=${'s'.repeat(1000)}`;
    const login = await start({ state });
    expect(pageOf(login)).toBe('login');
    const consent = await logIn(browser, login);
    expect(pageOf(consent)).toBe('consent');
    const done = await allow(browser, consent);
    expect(done.leaves?.origin).toBe('https://rp.example');
    expect([paramOf(done, 'state'), paramOf(done, 'iss'), paramOf(done, 'error')]).toEqual([
      state,
      ISSUER,
      null,
    ]);
    expect([...(done.leaves?.searchParams.keys() ?? [])].sort()).toEqual(['code', 'iss', 'state']);
  });
  it('[RFC6749 §3.1.2] keeps the query of the registered redirect_uri', async () => {
    await world.provider.clients.update(world.web.clientId, {
      redirectUris: ['https://rp.example/cb?tenant=7'],
    });
    const done = await allow(
      browser,
      await logIn(browser, await start({ redirect_uri: 'https://rp.example/cb?tenant=7' })),
    );
    expect(paramOf(done, 'tenant')).toBe('7');
    expect(paramOf(done, 'code')).not.toBeNull();
  });
  it('[RFC9700 §4.2.4] tells no other site where the browser came from', async () => {
    const first = await world.provider.fetch(
      new Request(authorizeUrl(world, authorizeParams(world, pkce().challenge))),
    );
    await getTokens(world, {}, browser);
    const done = await start();
    const refused = await start({ prompt: 'nonsense' });
    expect([
      first.status,
      done.leaves?.searchParams.has('code'),
      refused.leaves?.searchParams.has('error'),
    ]).toEqual([303, true, true]);
    for (const { headers } of [first, done, refused])
      expect(headers.get('referrer-policy')).toBe('no-referrer');
  });
});

describe('the response mode', () => {
  it('[OAuth Multiple Response Types §5] fragment puts the response into the fragment alone', async () => {
    const login = await start({ response_mode: 'fragment' });
    const done = await allow(browser, await logIn(browser, login));
    expect(done.leaves?.search).toBe('');
    expect(new URLSearchParams(done.leaves?.hash.slice(1)).get('code')).toMatch(/^vkac_/);
  });
  it.each(['query', 'fragment'])(
    '[RFC9207 §2] AZ-16 %s carries iss with an error',
    async (mode) => {
      const refused = await start({ prompt: 'none', response_mode: mode });
      const received = expectRefusedRedirect(world, refused, {
        error: 'login_required',
        reason: 'prompt_none',
      });
      expect(received.get('iss')).toBe(ISSUER);
      expect([refused.leaves?.search === '', refused.leaves?.hash === '']).toEqual([
        mode === 'fragment',
        mode === 'query',
      ]);
    },
  );
  it.each([
    { response_type: 'token' },
    { response_type: 'id_token token' },
    { response_type: 'code id_token' },
    { response_type: 'token', response_mode: 'query' },
    { response_type: 'code token', response_mode: 'fragment', state: null },
  ])(
    '[OAuth Multiple Response Types §5] [OIDC Core §3.2.2.6] AZ-12 is fragment for refusals of a response type that would bring tokens: %o',
    async (changes) => {
      const visit = await start(changes);
      const isOffered = changes.response_type === 'code id_token';
      const received = expectRefusedRedirect(world, visit, {
        error: isOffered ? 'unauthorized_client' : 'unsupported_response_type',
        reason: isOffered ? 'response_type_not_allowed' : 'response_type',
      });
      expect(visit.leaves?.search).toBe('');
      expect(received.get('state')).toBe('state' in changes ? null : 'the-state');
    },
  );
});

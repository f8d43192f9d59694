/**
 * What stays within its bounds: the scopes of a client, parameters and their places, bodies, junk
 * that costs no query, and ends that come together.
 */
import type { Client } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ALICE,
  type Answer,
  allow,
  authorizeParams,
  authorizeUrl,
  basic,
  browserOf,
  getTokens,
  isActive,
  logIn,
  makeWorld,
  pkce,
  post,
  REDIRECT_URI,
  read,
  redeem,
  type Tokens,
  type World,
  watched,
} from './setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

describe('a client that may have some scopes only', () => {
  beforeEach(async () => {
    await world.provider.clients.update(world.web.clientId, { scopes: ['openid', 'read'] });
  });
  it('[RFC6749 §3.3] AZ-18 gets no other at the authorization endpoint, whatever it asks for', async () => {
    const proof = pkce();
    const browser = browserOf(world);
    const login = await browser.open(
      authorizeUrl(
        world,
        authorizeParams(world, proof.challenge, { scope: 'openid write profile' }),
      ),
    );
    const done = await allow(browser, await logIn(browser, login));
    const tokens = await redeem(world, done.leaves?.searchParams.get('code') ?? '', proof.verifier);
    expect([tokens.status, tokens.body['scope']]).toEqual([200, 'openid']);
    expect(
      (await world.provider.store.authorizations.find(ALICE.sub, world.web.clientId))?.scopes,
    ).toEqual(['openid']);
    const refused = await browser.open(
      authorizeUrl(world, authorizeParams(world, proof.challenge, { scope: 'write' })),
    );
    expect([refused.leaves?.searchParams.get('error'), world.events.at(-1)?.reason]).toEqual([
      'invalid_scope',
      'scope_not_available',
    ]);
  });
  it('[RFC6749 §3.3] TK-12 nor at the token endpoint, for itself', async () => {
    const ask = async (scope: string): Promise<Answer> =>
      await post(world, 'token', { grant_type: 'client_credentials', scope });
    expect((await ask('read write')).body['scope']).toBe('read');
    const answer = await ask('write');
    expect([answer.status, answer.body['error'], world.reasons.at(-1)]).toEqual([
      400,
      'invalid_scope',
      'scope_not_available',
    ]);
  });
});

describe('parameters', () => {
  it.each(['state', 'scope', 'nonce', 'prompt', 'display', 'claims', 'claims_locales'])(
    '[RFC6749 §3.1] AZ-08 %s twice in a POST is refused as in a GET',
    async (name) => {
      const body = `${authorizeParams(world, pkce().challenge, { [name]: 'x' })}&${name}=y`;
      const posted = await world.provider.fetch(
        new Request(world.provider.url('authorize'), { method: 'POST', headers: FORM, body }),
      );
      const target = new URL(posted.headers.get('location') ?? '');
      expect([target.origin + target.pathname, target.searchParams.get('error')]).toEqual([
        REDIRECT_URI,
        'invalid_request',
      ]);
      expect(target.searchParams.get('state')).toBe(name === 'state' ? null : 'the-state');
      expect(world.events.at(-1)?.reason).toBe('repeated_parameter');
    },
  );
  it.each([
    ['request', 'request_not_supported'],
    ['request_uri', 'request_uri_not_supported'],
    ['registration', 'registration_not_supported'],
  ])('[OIDC Core §3.1.2.6] %s in a POST is refused by name', async (name, error) => {
    const body = authorizeParams(world, pkce().challenge, { [name]: 'x' }).toString();
    const posted = await world.provider.fetch(
      new Request(world.provider.url('authorize'), { method: 'POST', headers: FORM, body }),
    );
    expect(new URL(posted.headers.get('location') ?? '').searchParams.get('error')).toBe(error);
  });
  it.each(['token', 'introspect', 'revoke-token'] as const)(
    '[RFC6749 §3.2] TK-08 in the address of %s do nothing',
    async (endpoint) => {
      const { access_token, refresh_token } = await getTokens(world);
      const headers = { ...FORM, authorization: basic(world.web.clientId, world.webSecret) };
      for (const query of [
        new URLSearchParams({ token: access_token }),
        new URLSearchParams({ grant_type: 'refresh_token', refresh_token }),
        'x',
      ]) {
        const body = new URLSearchParams({ grant_type: 'client_credentials', token: access_token });
        const request = new Request(`${world.provider.url(endpoint)}?${query}`, {
          method: 'POST',
          headers,
          body: body.toString(),
        });
        const answer = await read(await world.provider.fetch(request));
        expect([answer.status, answer.body['error'], world.reasons.at(-1)]).toEqual([
          400,
          'invalid_request',
          'query_not_allowed',
        ]);
      }
      expect([await isActive(world, access_token), await isActive(world, refresh_token)]).toEqual([
        true,
        true,
      ]);
    },
  );
  it.each([
    'token',
    'introspect',
    'revoke-token',
    'authorize',
    'interaction',
    'rp-initiated-logout',
  ] as const)(
    '[RFC9110 §15.5.14] IN-01 a body at %s that says it is too large is not read',
    async (endpoint) => {
      let pulled = 0;
      const body = new ReadableStream(
        {
          pull(controller) {
            pulled += 1;
            controller.close();
          },
        },
        { highWaterMark: 0 },
      );
      const headers = { ...FORM, 'content-length': '65537' };
      const request = new Request(world.provider.url(endpoint), {
        method: 'POST',
        headers,
        body,
        duplex: 'half',
      } as RequestInit);
      const answer = await world.provider.fetch(request);
      expect([answer.status, world.reasons.at(-1), pulled]).toEqual([413, 'request_too_large', 0]);
    },
  );
});

describe('what the browser carries on', () => {
  it('[RFC9700 §4.2.4] is told to no other site: no redirect names where it came from', async () => {
    const browser = browserOf(world);
    const first = await world.provider.fetch(
      new Request(authorizeUrl(world, authorizeParams(world, pkce().challenge))),
    );
    await getTokens(world, {}, browser);
    const done = await browser.open(authorizeUrl(world, authorizeParams(world, pkce().challenge)));
    const refused = await browser.open(
      authorizeUrl(world, authorizeParams(world, pkce().challenge, { prompt: 'nonsense' })),
    );
    expect([
      first.status,
      done.leaves?.searchParams.has('code'),
      refused.leaves?.searchParams.has('error'),
    ]).toEqual([303, true, true]);
    for (const { headers } of [first, done, refused])
      expect(headers.get('referrer-policy')).toBe('no-referrer');
  });
  it('UI-03 a browser’s binding is one we made: any other value gets a new one', async () => {
    const browser = browserOf(world);
    await browser.open(authorizeUrl(world, authorizeParams(world, pkce().challenge)));
    const [name = '', value = ''] = [...browser.cookies.entries()][0] ?? [];
    for (const junk of [
      'chosen-by-attacker',
      value.slice(0, -1),
      value.replace('vkbr_', 'vkss_'),
    ]) {
      browser.cookies.set(name, junk);
      await browser.open(authorizeUrl(world, authorizeParams(world, pkce().challenge)));
      expect(browser.cookies.get(name)).toMatch(/^vkbr_[\w-]{49}$/);
      expect(browser.cookies.get(name)).not.toBe(value);
    }
  });
});

describe('junk costs no query', () => {
  it('IN-05 a session cookie that we never made', async () => {
    const browser = browserOf(world);
    await getTokens(world, {}, browser);
    const [name = '', value = ''] =
      [...browser.cookies].find(([cookie]) => cookie.includes('session')) ?? [];
    const calls = watched(world.provider.store);
    for (const junk of [
      'x',
      value.slice(0, -1),
      `${value}A`,
      value.replace('vkss_', 'vkat_'),
      'A'.repeat(4000),
    ]) {
      const answer = await world.provider.fetch(
        new Request(authorizeUrl(world, authorizeParams(world, pkce().challenge)), {
          headers: { cookie: `${name}=${junk}` },
        }),
      );
      expect(answer.status).toBe(303);
    }
    expect(calls).toEqual([]);
  });
  it('IN-01 a client_id longer than any of ours', async () => {
    const calls = watched(world.provider.store);
    const long = 'c'.repeat(256);
    const visit = await browserOf(world).open(
      authorizeUrl(world, authorizeParams(world, pkce().challenge, { client_id: long })),
    );
    expect([visit.status, world.reasons.at(-1)]).toEqual([400, 'client_unknown']);
    const answer = await post(
      world,
      'token',
      { grant_type: 'client_credentials' },
      { authorization: basic(long, 'x') },
    );
    expect([answer.status, world.reasons.at(-1)]).toEqual([401, 'client_unknown']);
    expect(calls.filter((call) => call.startsWith('clients.'))).toEqual([]);
    await browserOf(world).open(
      authorizeUrl(world, authorizeParams(world, pkce().challenge, { client_id: 'c'.repeat(255) })),
    );
    expect(calls.filter((call) => call.startsWith('clients.'))).toEqual(['clients.find']);
  });
  it('TK-16 what is no token, and what is none of the kind', async () => {
    const { refresh_token, id_token } = await getTokens(world);
    const calls = watched(world.provider.store);
    for (const text of [
      'x',
      `${refresh_token}A`,
      refresh_token.slice(0, -1),
      id_token,
      `vkrt_${'A'.repeat(71)}`,
    ]) {
      const answer = await post(world, 'token', {
        grant_type: 'refresh_token',
        refresh_token: text,
      });
      expect([answer.body['error'], world.reasons.at(-1)]).toEqual([
        'invalid_grant',
        'refresh_token_unknown',
      ]);
      expect(await isActive(world, text)).toBe(false);
    }
    expect(calls).toEqual([]);
  });
});

describe('a client kept in memory', () => {
  it('is not the one that was read before a change, when it was changed meanwhile', async () => {
    const { clients, store } = world.provider;
    const { find } = store.clients;
    let goOn = (): void => undefined;
    const changed = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const slowly = async (clientId: string): Promise<Client | null> => {
      Object.assign(store.clients, { find });
      const client = await find(clientId);
      await changed;
      return client;
    };
    Object.assign(store.clients, { find: slowly });
    const before = clients.findEnabled(world.web.clientId);
    await clients.update(world.web.clientId, { disabled: true });
    goOn();
    expect([(await before)?.clientId, await clients.findEnabled(world.web.clientId)]).toEqual([
      world.web.clientId,
      null,
    ]);
  });
});

describe('ends', () => {
  const DAY = 24 * 3600;
  it('RT-08 no token of a family outlives it, and its idle end is never after its absolute end', async () => {
    let { refresh_token } = await getTokens(world);
    const end = world.now + 90 * DAY;
    const refresh = async (): Promise<Tokens> =>
      (await post(world, 'token', { grant_type: 'refresh_token', refresh_token }))
        .body as unknown as Tokens;
    for (const day of [13, 26, 39, 52, 65, 78]) {
      world.now = end - (90 - day) * DAY;
      ({ refresh_token } = await refresh());
    }
    const idle = await post(world, 'introspect', { token: refresh_token });
    expect(idle.body).toMatchObject({ active: true, exp: end });
    world.now = end - 60;
    const last = await refresh();
    expect(last.expires_in).toBe(60);
    for (const token of [last.access_token, last.refresh_token]) {
      expect((await post(world, 'introspect', { token })).body).toMatchObject({
        active: true,
        exp: end,
      });
    }
    world.now = end;
    expect([
      await isActive(world, last.access_token),
      await isActive(world, last.refresh_token),
    ]).toEqual([false, false]);
  });
  it('RT-08 RT-05 the grace for the immediate predecessor ends with the family', async () => {
    world = await makeWorld({
      lifetimes: { refreshTokenIdle: 100, refreshTokenAbsolute: 100, accessToken: 60 },
    });
    const { refresh_token } = await getTokens(world);
    const refresh = async (): Promise<Answer> =>
      await post(world, 'token', { grant_type: 'refresh_token', refresh_token });
    world.now += 90;
    const { body } = await refresh();
    world.now += 9;
    expect((await refresh()).body).toMatchObject({
      refresh_token: body['refresh_token'],
      expires_in: 1,
    });
    world.now += 1;
    const late = await refresh();
    expect([late.status, late.body['error'], world.reasons.at(-1)]).toEqual([
      400,
      'invalid_grant',
      'refresh_token_expired',
    ]);
  });
  it('a secret that is replaced without an overlap is refused at once and forgotten', async () => {
    const rotated = await world.provider.clients.rotateSecret(world.web.clientId, 0);
    const ask = async (secret: string): Promise<Answer> =>
      await post(
        world,
        'token',
        { grant_type: 'client_credentials' },
        { authorization: basic(world.web.clientId, secret) },
      );
    const before = await ask(world.webSecret);
    expect([before.status, before.body['error'], world.reasons.at(-1)]).toEqual([
      401,
      'invalid_client',
      'client_secret_wrong',
    ]);
    expect([
      (await ask(rotated?.clientSecret ?? '')).status,
      rotated?.client.secrets.length,
    ]).toEqual([200, 1]);
  });
  it('a rotation prolongs no secret that ends sooner, and forgets those that have ended', async () => {
    const { clients } = world.provider;
    await clients.rotateSecret(world.web.clientId, 60);
    const second = await clients.rotateSecret(world.web.clientId, 600);
    expect(second?.client.secrets.map(({ expiresAt }) => expiresAt)).toEqual([
      null,
      world.now + 600,
      world.now + 60,
    ]);
    world.now += 60;
    expect((await clients.rotateSecret(world.web.clientId, 600))?.client.secrets).toHaveLength(3);
  });
});

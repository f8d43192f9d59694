/**
 * What another node gives a client, while this node still has it in memory as it was: it works at
 * the first try, and costs one look-up in a second. Rules CL.
 */
import type { ScriptedBrowser } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../../src/store/records.ts';
import { expectErrorPage, expectRefusal } from '../refusals.ts';
import {
  type Answer,
  allow,
  authorizeParams,
  basic,
  browserOf,
  codeOf,
  isActive,
  logIn,
  makeWorld,
  openAuthorize,
  pageOf,
  pkce,
  post,
  type World,
  watched,
} from '../setup.ts';

const ELSEWHERE = 'https://rp.example/added';
let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  world = await makeWorld({ clientCacheSeconds: 30 });
  browser = browserOf(world);
});

/** What another node stores. This node hears nothing of it. */
async function change(changes: Partial<Client>): Promise<void> {
  const { store } = world.provider;
  const before = await store.clients.find(world.web.clientId);
  if (before === null) throw new Error('there is no client');
  const changed = { ...before, ...changes, version: before.version + 1 };
  expect(await store.clients.replace(changed, null)).toBe(true);
}

/** This node has the client in memory with these changes, for a second at least. */
async function knownAs(changes: Partial<Client>): Promise<void> {
  await change(changes);
  world.now += 31;
  await world.provider.clients.find(world.web.clientId);
  world.now += 1;
}

const ownTokens = async (secret = world.webSecret): Promise<Answer> =>
  await post(
    world,
    'token',
    { grant_type: 'client_credentials', scope: 'read' },
    { authorization: basic(world.web.clientId, secret) },
  );
const authorize = async (redirectUri: string) =>
  await openAuthorize(world, browser, { redirect_uri: redirectUri }, pkce());

describe('at the first try', () => {
  it('a client that was enabled gets tokens and codes', async () => {
    await knownAs({ disabledAt: world.now });
    expect((await ownTokens()).status).toBe(401);
    await change({ disabledAt: null });
    world.now += 1;
    expect((await ownTokens()).status).toBe(200);
  });
  it('a client that was enabled is asked for at the authorization endpoint', async () => {
    await knownAs({ disabledAt: world.now });
    await change({ disabledAt: null });
    const [uri = ''] = world.web.redirectUris;
    const visit = await allow(browser, await logIn(browser, await authorize(uri)));
    expect(codeOf(visit)).not.toBeNull();
  });
  it('[RFC6749 §2.3] a new secret works, and the one before it does not', async () => {
    const { secrets } = world.web;
    const old = secrets.map((secret) => ({ ...secret, expiresAt: world.now - 1 }));
    await knownAs({ secrets: old });
    await change({ secrets });
    expect((await ownTokens()).status).toBe(200);
    expect((await ownTokens('another secret of at least thirty-two characters')).status).toBe(401);
  });
  it('[RFC6749 §5.2] a grant type that was added is allowed', async () => {
    await knownAs({ grantTypes: ['authorization_code'] });
    await change({ grantTypes: ['authorization_code', 'client_credentials'] });
    expect((await ownTokens()).status).toBe(200);
  });
  it('[RFC9700 §2.1] a redirect URI that was added gets its code', async () => {
    await knownAs({});
    await change({ redirectUris: [...world.web.redirectUris, ELSEWHERE] });
    const visit = await allow(browser, await logIn(browser, await authorize(ELSEWHERE)));
    expect([visit.leaves?.origin, codeOf(visit) !== null]).toEqual(['https://rp.example', true]);
  });
  it('PK-01 a request without PKCE is taken once the client may do without', async () => {
    await knownAs({ fields: { require_pkce: true } });
    await change({ fields: { require_pkce: false } });
    const changes = { code_challenge: null, code_challenge_method: null, nonce: null };
    const visit = await logIn(browser, await openAuthorize(world, browser, changes));
    expect(codeOf(await allow(browser, visit))).not.toBeNull();
  });
  it('[RFC6749 §3.3] a scope that was added is granted, to people and to the client itself', async () => {
    await knownAs({ scopes: ['openid'] });
    await change({ scopes: ['openid', 'read'] });
    expect((await ownTokens()).body['scope']).toBe('read');
    await knownAs({ scopes: ['openid'] });
    await change({ scopes: ['openid', 'read'] });
    expect(pageOf(await openAuthorize(world, browser, { scope: 'read' }))).toBe('login');
  });
  it('[RFC9126 §2.1] a scope that was added may be pushed', async () => {
    await knownAs({ scopes: ['openid'] });
    await change({ scopes: ['openid', 'read'] });
    const params = authorizeParams(world, pkce().challenge, { scope: 'read' });
    const request = new Request(world.provider.url('pushed-authorization-request'), {
      method: 'POST',
      headers: {
        authorization: basic(world.web.clientId, world.webSecret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: params.toString(),
    });
    expect((await world.provider.fetch(request)).status).toBe(201);
  });
  it('[RFC7662 §2.1] a client that became a resource server sees the tokens of others', async () => {
    const { client, clientSecret } = await world.provider.clients.create({
      name: 'Job',
      grantTypes: ['client_credentials'],
    });
    const headers = { authorization: basic(client.clientId, clientSecret ?? '') };
    const { body } = await post(world, 'token', { grant_type: 'client_credentials' }, headers);
    const token = String(body['access_token']);
    await knownAs({ scopes: ['read'] });
    await change({ scopes: ['read', 'introspection'] });
    expect(await isActive(world, token)).toBe(true);
  });
  it('[RFC9700 §2.6] a page at an origin that was added reads the answer', async () => {
    await knownAs({});
    const origin = 'https://added.example';
    await change({ allowedOrigins: [origin] });
    const { headers } = await post(
      world,
      'token',
      { grant_type: 'client_credentials' },
      { authorization: basic(world.web.clientId, world.webSecret), origin },
    );
    expect(headers.get('access-control-allow-origin')).toBe(origin);
  });
  it('[RP-Initiated Logout §3] an address for after a logout that was added is followed', async () => {
    await knownAs({});
    const address = 'https://rp.example/later';
    await change({ postLogoutRedirectUris: [address] });
    const query = new URLSearchParams({
      client_id: world.web.clientId,
      post_logout_redirect_uri: address,
    });
    const visit = await browser.open(`${world.provider.url('rp-initiated-logout')}?${query}`);
    expect(visit.leaves?.href).toBe(address);
  });
  it('a client that was registered anew with another secret is known by it', async () => {
    await knownAs({ secrets: [] });
    const { store } = world.provider;
    await store.clients.delete(world.web.clientId, null);
    const anew = { ...world.web, createdAt: world.now, version: 7 };
    expect(await store.clients.insert(anew, null)).toBe(true);
    expect((await ownTokens()).status).toBe(200);
  });
});

describe('what another node withdrew', () => {
  it.each<[string, () => Promise<void>]>([
    [
      'an address',
      async () => await change({ redirectUris: ['https://rp.example/only', ELSEWHERE] }),
    ],
    ['a client', async () => await change({ disabledAt: world.now })],
  ])(
    '[RFC6749 §4.1.2.1] %s gets no answer, also not that another parameter is wrong',
    async (_what, withdraw) => {
      await knownAs({});
      await withdraw();
      const visit = await openAuthorize(world, browser, { response_type: 'nonsense' });
      expect([visit.leaves, visit.status]).toEqual([null, 400]);
    },
  );
});

describe('what is refused all the same', () => {
  it('CL-06 costs one look-up in a second, however many ask, and none for an unknown client', async () => {
    await knownAs({});
    const calls = watched(world.provider.store);
    const lookups = (): number => calls.filter((call) => call === 'clients.find').length;
    const wrong = 'a wrong secret of at least thirty-two characters';
    await Promise.all(Array.from({ length: 15 }, async () => await ownTokens(wrong)));
    expect(lookups()).toBe(1);
    expectErrorPage(await authorize('https://rp.example/unknown'), {
      status: 400,
      code: 'invalid_request',
      reason: 'redirect_uri_mismatch',
    });
    expect(lookups()).toBe(1);
    world.now += 1;
    expect((await ownTokens(wrong)).status).toBe(401);
    expect(lookups()).toBe(2);
  });
  it('a client that another node deleted is unknown from then on', async () => {
    await knownAs({});
    await world.provider.store.clients.delete(world.web.clientId, null);
    const wrong = 'a wrong secret of at least thirty-two characters';
    await ownTokens(wrong);
    expectRefusal(world, await ownTokens(wrong), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_unknown',
    });
  });
});

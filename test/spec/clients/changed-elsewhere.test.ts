/**
 * A client that another node changes, while this node still has it in memory: nothing is issued by
 * what it was. Rules CL, TK.
 */
import { createProvider, type Store } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts, type ScriptedBrowser } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../../src/store/records.ts';
import { expectErrorPage, expectRefusal } from '../refusals.ts';
import {
  ALICE,
  type Answer,
  allow,
  browserOf,
  codeOf,
  getCode,
  getTokens,
  ISSUER,
  logIn,
  makeWorld,
  openAuthorize,
  pageOf,
  pkce,
  post,
  REDIRECT_URI,
  redeem,
  type World,
} from '../setup.ts';

let world: World;
let browser: ScriptedBrowser;
beforeEach(async () => {
  world = await makeWorld({
    clientCacheSeconds: 30,
    refreshTokens: { rotation: true, grace: 120 },
  });
  browser = browserOf(world);
});

/** What another node stores. This node hears nothing of it. */
async function change(changes: Partial<Client>): Promise<void> {
  const { provider, web } = world;
  const changed = { ...web, ...changes, version: web.version + 1 };
  expect(await provider.store.clients.replace(changed, null)).toBe(true);
}

/** Deleted on another node, and registered there under the same name. */
async function registerAnew(changes: Partial<Client>): Promise<void> {
  const { provider, web } = world;
  expect(await provider.store.clients.delete(web.clientId, null)).toBe(true);
  const anew = { ...web, ...changes, createdAt: world.now, version: web.version + 1000 };
  expect(await provider.store.clients.insert(anew, null)).toBe(true);
}

/** Another node: a provider of its own on the same records. */
const memoryOf = (store: Store) => ({ ephemeral: true, forIssuer: () => store });

const refresh = async (token: string): Promise<Answer> =>
  await post(world, 'token', { grant_type: 'refresh_token', refresh_token: token });
const ownTokens = async (): Promise<Answer> =>
  await post(world, 'token', { grant_type: 'client_credentials', scope: 'read' });

describe('at the token endpoint', () => {
  it('a client with another name gets its tokens at the first try', async () => {
    const proof = pkce();
    const code = await getCode(world, proof);
    await change({ name: 'Another name' });
    const tokens = await redeem(world, code, proof.verifier);
    expect(tokens.status).toBe(200);
    expect((await ownTokens()).status).toBe(200);
    expect((await refresh(String(tokens.body['refresh_token']))).status).toBe(200);
  });
  it.each(['client_credentials', 'authorization_code', 'refresh_token', 'repeated refresh_token'])(
    '[RFC6749 §2.3] a secret that was withdrawn gets nothing by %s, and uses nothing up',
    async (grant) => {
      const { refresh_token: token } = await getTokens(world);
      if (grant.startsWith('repeated')) expect((await refresh(token)).status).toBe(200);
      const proof = pkce();
      const code = await getCode(world, proof);
      const use = async (): Promise<Answer> =>
        grant.endsWith('refresh_token')
          ? await refresh(token)
          : grant === 'authorization_code'
            ? await redeem(world, code, proof.verifier)
            : await ownTokens();
      const { secrets } = world.web;
      await change({ secrets: secrets.map((secret) => ({ ...secret, expiresAt: world.now - 1 })) });
      expectRefusal(world, await use(), {
        status: 401,
        error: 'invalid_client',
        reason: 'client_secret_wrong',
      });
      // The secret is valid again, and what was presented with it was not used.
      const { clients } = world.provider.store;
      await clients.replace({ ...world.web, version: world.web.version + 2 }, null);
      world.now += 31;
      expect((await use()).status).toBe(200);
    },
  );
  it('[RFC6749 §5.2] a grant type that was withdrawn is not used any more', async () => {
    await change({ grantTypes: ['authorization_code'] });
    expectRefusal(world, await ownTokens(), {
      status: 400,
      error: 'unauthorized_client',
      reason: 'grant_type_not_allowed',
    });
  });
  it('[RFC6749 §4.4] the secret of a client that was deleted gets nothing of the one that follows', async () => {
    const { provider, web } = world;
    const elsewhere = createProvider({
      issuer: ISSUER,
      store: memoryOf(provider.store),
      accounts: memoryAccounts([]),
      pages: builtInPages(),
      scopes: { read: 'Read your things' },
      clock: () => world.now,
    });
    await elsewhere.clients.delete(web.clientId);
    const { name, redirectUris, grantTypes } = web;
    await elsewhere.clients.create({ name, redirectUris, grantTypes }, { clientId: web.clientId });
    expectRefusal(world, await ownTokens(), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_secret_wrong',
    });
  });
  it('[RFC6749 §4.1.3] a code for a redirect URI that was withdrawn is not redeemed', async () => {
    const proof = pkce();
    const code = await getCode(world, proof);
    await change({ redirectUris: ['https://rp.example/other'] });
    expectRefusal(world, await redeem(world, code, proof.verifier), {
      status: 400,
      error: 'invalid_grant',
      reason: 'code_redirect_uri',
    });
  });
});

describe('at the authorization endpoint', () => {
  it('a client with another name gets its code in the same visit', async () => {
    await allow(browser, await logIn(browser, await openAuthorize(world, browser, {}, pkce())));
    await change({ name: 'Another name' });
    const proof = pkce();
    const visit = await openAuthorize(world, browser, {}, proof);
    expect((await redeem(world, codeOf(visit) ?? '', proof.verifier)).status).toBe(200);
  });
  it('[RFC9700 §2.1] a redirect URI that was withdrawn gets no code', async () => {
    await allow(browser, await logIn(browser, await openAuthorize(world, browser, {}, pkce())));
    await change({ redirectUris: ['https://rp.example/other'] });
    const visit = await openAuthorize(world, browser, { redirect_uri: REDIRECT_URI }, pkce());
    expect(visit.leaves).toBeNull();
    expectErrorPage(visit, {
      status: 400,
      code: 'invalid_request',
      reason: 'redirect_uri_mismatch',
    });
  });
  it('a client that was disabled gets no code, also when somebody consents just now', async () => {
    const consent = await logIn(browser, await openAuthorize(world, browser, {}, pkce()));
    expect(pageOf(consent)).toBe('consent');
    await change({ disabledAt: world.now });
    const visit = await allow(browser, consent);
    expectErrorPage(visit, { status: 400, code: 'unauthorized_client', reason: 'client_disabled' });
  });
  it.each(['in a visit before', 'just now, of the page of the first client'])(
    'who is registered anew under the same name has no consent that was given %s',
    async (when) => {
      const consent = await logIn(browser, await openAuthorize(world, browser, {}, pkce()));
      if (when === 'in a visit before') await allow(browser, consent);
      await registerAnew({ name: 'Another application' });
      world.now += 1;
      const page =
        when === 'in a visit before' ? await openAuthorize(world, browser, {}, pkce()) : consent;
      const visit = await allow(browser, page);
      expect([visit.leaves, pageOf(visit)]).toEqual([null, 'consent']);
      expect(visit.html).toContain('Another application');
      expect(
        await world.provider.store.authorizations.find(ALICE.sub, world.web.clientId),
      ).toBeNull();
    },
  );
});

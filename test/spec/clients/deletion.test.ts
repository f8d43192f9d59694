/**
 * What a deleted client leaves behind, and what a new client under its client_id gets. Rules RV,
 * TK.
 */

import { createProvider, memoryDatabase } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  ALICE,
  browserOf,
  getCode,
  getTokens,
  ISSUER,
  isActive,
  makeWorld,
  openAuthorize,
  pkce,
  post,
  REDIRECT_URI,
  redeem,
  SIGNING_KEYS,
  type World,
} from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});

describe('a client that is deleted', () => {
  it('takes along all that was issued to it, also when its client_id is registered again', async () => {
    const tokens = await getTokens(world);
    const own = await post(world, 'token', { grant_type: 'client_credentials', scope: 'read' });
    const { clients } = world.provider;
    expect([
      await clients.delete(world.web.clientId),
      await clients.delete(world.web.clientId),
    ]).toEqual([true, false]);
    expectRefusal(world, await post(world, 'introspect', { token: tokens.access_token }), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_unknown',
    });
    world.now += 1;
    const again = {
      name: 'Again',
      redirectUris: [REDIRECT_URI],
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    };
    await clients.create(again, { clientId: world.web.clientId, clientSecret: world.webSecret });
    for (const token of [
      tokens.access_token,
      tokens.refresh_token,
      String(own.body['access_token']),
    ])
      expect(await isActive(world, token)).toBe(false);
    const refreshed = await post(world, 'token', {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
    });
    expectRefusal(world, refreshed, {
      status: 400,
      error: 'invalid_grant',
      reason: 'refresh_token_unknown',
    });
    expect(
      (await post(world, 'token', { grant_type: 'client_credentials', scope: 'read' })).status,
    ).toBe(200);
  });
  it('is unknown to other nodes soon', async () => {
    const store = memoryDatabase();
    const make = (): World['provider'] =>
      createProvider({
        issuer: ISSUER,
        store,
        accounts: memoryAccounts([]),
        pages: builtInPages(),
        signingKeys: SIGNING_KEYS,
        clock: () => world.now,
        clientCacheSeconds: 10,
      });
    const [one, two] = [make(), make()];
    const { client } = await one.clients.create({
      name: 'x',
      redirectUris: ['https://x.example/'],
    });
    expect(await two.clients.find(client.clientId)).not.toBeNull();
    await one.clients.delete(client.clientId);
    expect(await one.clients.find(client.clientId)).toBeNull();
    world.now += 10;
    expect(await two.clients.find(client.clientId)).toBeNull();
  });
});

describe('a client_id that is registered a second time', () => {
  /** Deletes the client and registers another one under its name, a second later. */
  const replace = async (): Promise<string> => {
    await world.provider.clients.delete(world.web.clientId);
    world.now += 1;
    const { clientSecret } = await world.provider.clients.create(
      { name: 'Other', redirectUris: [REDIRECT_URI] },
      { clientId: world.web.clientId },
    );
    return clientSecret ?? '';
  };

  /** Puts back what was allowed, as a node of an earlier version did that had it in memory. */
  const allowedBefore = async (): Promise<() => Promise<void>> => {
    const { sessions, authorizations, clients } = world.provider.store;
    const { sub } = ALICE;
    const { clientId } = world.web;
    const allowed = await authorizations.find(sub, clientId);
    const [session] = await sessions.listBySubject(sub);
    return async () => {
      const clientVersion = (await clients.find(clientId))?.version ?? 0;
      expect(allowed !== null && session !== undefined).toBe(true);
      if (allowed !== null && session !== undefined)
        await authorizations.remember(allowed, { clientVersion, session });
    };
  };

  it('RV-01 is allowed nothing that the first client was allowed', async () => {
    const browser = browserOf(world);
    await getTokens(world, {}, browser);
    const keep = await allowedBefore();
    await replace();
    await keep();
    const visit = await openAuthorize(world, browser);
    expect([visit.leaves, visit.html.includes('id="consent-form"')]).toEqual([null, true]);
  });
  it('[RFC6749 §4.1.3] TK-03 redeems no code of the first client', async () => {
    const browser = browserOf(world);
    const proof = pkce();
    const code = await getCode(world, proof, {}, browser);
    const keep = await allowedBefore();
    const secret = await replace();
    await keep();
    const answer = await redeem({ ...world, webSecret: secret }, code, proof.verifier);
    expectRefusal(world, answer, { status: 400, error: 'invalid_grant', reason: 'code_foreign' });
  });
});

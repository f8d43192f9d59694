/** Grant types that a host defines: how they are added, and what they are never issued. */

import { defineGrant, type Redemption } from 'valetkey';
import { describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { ALICE, type Answer, BOB, ISSUER, makeWorld, post, read, type World } from '../setup.ts';

describe('a grant type of the host', () => {
  it('is one definition and one entry in the configuration', async () => {
    const own = defineGrant({
      type: 'urn:example:grant',
      params: (params) => ({ word: params.need('word') }),
      redeem: async (_ctx, _client, { word }) => ({
        entitlement: null,
        refreshable: false,
        scopes: [word],
        nonce: null,
        consumption: null,
      }),
    });
    const world = await makeWorld({ grants: [own] });
    await world.provider.clients.update(world.web.clientId, {
      grantTypes: ['urn:example:grant'],
      responseTypes: [],
    });
    expect(
      (await post(world, 'token', { grant_type: 'urn:example:grant', word: 'read' })).body['scope'],
    ).toBe('read');
    expectRefusal(world, await post(world, 'token', { grant_type: 'urn:example:grant' }), {
      status: 400,
      error: 'invalid_request',
      reason: 'missing_parameter',
    });
    const url = `${ISSUER}/.well-known/openid-configuration`;
    const metadata = await read(await world.provider.fetch(new Request(url)));
    expect(metadata.body['grant_types_supported']).toContain('urn:example:grant');
  });
});

describe('a grant type that proves too much', () => {
  const facts = {
    authorizationId: null,
    sid: null,
    authTime: null,
    amr: [],
    acr: null,
    details: {},
  };

  const tooMuch = async (world: World, redemption: Partial<Redemption>): Promise<Answer> => {
    await world.provider.clients.update(world.web.clientId, {
      grantTypes: ['x'],
      responseTypes: [],
      scopes: ['openid', 'read'],
    });
    current = {
      entitlement: null,
      refreshable: true,
      scopes: ['read'],
      nonce: null,
      consumption: null,
      ...redemption,
    };
    return await post(world, 'token', { grant_type: 'x' });
  };

  let current: Redemption;
  const own = defineGrant({ type: 'x', params: () => null, redeem: async () => current });
  const makeOwn = async (): Promise<World> => await makeWorld({ grants: [own] });
  const entitled = (
    world: World,
    sub: string,
    scopes: readonly string[],
  ): Redemption['entitlement'] => ({
    ...facts,
    clientId: world.web.clientId,
    sub,
    scopes,
  });
  it('[RFC6749 §3.3] gets no scope that is unknown, not the client’s, or about a user it does not name', async () => {
    const world = await makeOwn();
    expect(
      (await tooMuch(world, { scopes: ['openid', 'read', 'write', 'admin'] })).body['scope'],
    ).toBe('read');
    const scopes = ['openid', 'write', 'admin'];
    expect(
      (await tooMuch(world, { entitlement: entitled(world, ALICE.sub, scopes), scopes })).body[
        'scope'
      ],
    ).toBe('openid');
  });
  it('[RFC6749 §3.3] fails, and gets nothing, for another client or for more than the entitlement', async () => {
    const world = await makeOwn();
    const foreign = {
      ...entitled(world, ALICE.sub, ['read']),
      clientId: world.other.clientId,
    } as NonNullable<Redemption['entitlement']>;
    for (const redemption of [
      { entitlement: foreign },
      { entitlement: entitled(world, ALICE.sub, ['openid']), scopes: ['read'] },
    ]) {
      const answer = await tooMuch(world, redemption);
      expectRefusal(world, answer, { status: 500, error: 'server_error', reason: 'unexpected' });
      expect(Object.keys(answer.body)).toEqual(['error', 'error_description']);
    }
  });
  it('[RFC9449 §5] SC-06 gets nothing for what is bound to a key that the request does not prove', async () => {
    const world = await makeOwn();
    const entitlement = entitled(world, ALICE.sub, ['read']) as NonNullable<
      Redemption['entitlement']
    >;
    const bound = { ...entitlement, details: { cnf: { jkt: 'x'.repeat(43) } } };
    expectRefusal(world, await tooMuch(world, { entitlement: bound }), {
      status: 400,
      error: 'invalid_grant',
      reason: 'sender_constraint_mismatch',
    });
    expect((await tooMuch(world, { entitlement })).status).toBe(200);
  });
  it('[RFC6749 §5.2] gets nothing for an account that is disabled or unknown', async () => {
    const world = await makeOwn();
    world.accounts.setEnabled(BOB.sub, false);
    for (const sub of [BOB.sub, 'nobody']) {
      const answer = await tooMuch(world, { entitlement: entitled(world, sub, ['read']) });
      expectRefusal(world, answer, {
        status: 400,
        error: 'invalid_grant',
        reason: 'account_disabled',
      });
    }
  });
  it('[RFC6749 §5.2] RT-09 gets nothing for a subject that was revoked meanwhile, and tokens for a later proof', async () => {
    const revoking = defineGrant({
      type: 'x',
      params: () => null,
      redeem: async () => {
        await world.provider.subjects.revoke(ALICE.sub);
        return current;
      },
    });
    const world = await makeWorld({ grants: [revoking] });
    const entitlement = entitled(world, ALICE.sub, ['read']);
    const answer = await tooMuch(world, { entitlement });
    expectRefusal(world, answer, {
      status: 400,
      error: 'invalid_grant',
      reason: 'subject_revoked',
    });
    const revocations = (await world.provider.store.tokens.revocations()) + 1;
    const proof = { revocations, time: world.now };
    expect((await tooMuch(world, { entitlement, proof })).status).toBe(200);
  });
  it('gets a refresh token only where it says so and the client may have one', async () => {
    const world = await makeOwn();
    const entitlement = entitled(world, ALICE.sub, ['read']);
    expect((await tooMuch(world, { entitlement })).body).not.toHaveProperty('refresh_token');
    await world.provider.clients.update(world.web.clientId, {
      grantTypes: ['x', 'refresh_token'],
    });
    for (const refreshable of [false, true]) {
      current = { ...current, entitlement, refreshable };
      expect('refresh_token' in (await post(world, 'token', { grant_type: 'x' })).body).toBe(
        refreshable,
      );
    }
  });
});

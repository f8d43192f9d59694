/**
 * Rotation of refresh tokens: successors, the grace for parallel requests, and reuse detection.
 * Rules RT.
 */

import { memoryDatabase } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  type Answer,
  claimsOf,
  getTokens,
  ISSUER,
  isActive,
  makeWorld,
  post,
  type Tokens,
  type World,
} from '../setup.ts';

let world: World;
let tokens: Tokens;
beforeEach(async () => {
  world = await makeWorld();
  tokens = await getTokens(world, { scope: 'openid profile read write' });
});

const refresh = async (token: string, more: Record<string, string> = {}): Promise<Answer> =>
  await post(world, 'token', { grant_type: 'refresh_token', refresh_token: token, ...more });

const refreshed = async (token: string): Promise<Tokens> => {
  const answer = await refresh(token);
  expect(answer.status).toBe(200);
  return answer.body as unknown as Tokens;
};

describe('rotation', () => {
  it('[OIDC Core §12.2] issues a new pair of tokens and a new ID token', async () => {
    world.now += 5;
    const next = await refreshed(tokens.refresh_token);
    expect(next.refresh_token).not.toBe(tokens.refresh_token);
    expect(next.access_token).not.toBe(tokens.access_token);
    const [first, second] = [claimsOf(tokens.id_token), claimsOf(next.id_token)];
    for (const name of ['iss', 'sub', 'aud', 'azp', 'auth_time', 'sid'])
      expect(second[name]).toEqual(first[name]);
    expect(second['iat']).toBe(Number(first['iat']) + 5);
    expect(second['nonce']).toBeUndefined();
  });
  it.each<[what: string, given: boolean | undefined, own: boolean | null, rotates: boolean]>([
    ['usually', undefined, null, false],
    ['where it is registered so', undefined, true, true],
    ['where the settings say so', true, null, true],
    ['where the settings say so and it is registered not to', true, false, false],
  ])(
    '[RFC9700 §2.2.2] RT-02 of a client that proves itself, %s',
    async (_what, rotation, rotateRefreshTokens, rotates) => {
      const rules = rotation === undefined ? {} : { rotation };
      world = await makeWorld({ refreshTokens: rules });
      await world.provider.clients.update(world.web.clientId, { rotateRefreshTokens });
      tokens = await getTokens(world);
      const next = await refreshed(tokens.refresh_token);
      expect(next.refresh_token !== tokens.refresh_token).toBe(rotates);
    },
  );
  it('[RFC6749 §6] can be off: then the same refresh token gives new access tokens', async () => {
    world = await makeWorld({ refreshTokens: { rotation: false } });
    tokens = await getTokens(world);
    const next = await refreshed(tokens.refresh_token);
    expect(next.refresh_token).toBe(tokens.refresh_token);
    expect(await isActive(world, next.access_token)).toBe(true);
  });
});

describe('reuse of a replaced token', () => {
  it('[RFC9700 §4.14.2] RT-02 ends the family once the grace is over', async () => {
    const second = await refreshed(tokens.refresh_token);
    const third = await refreshed(second.refresh_token);
    world.now += 31;
    expectRefusal(world, await refresh(tokens.refresh_token), {
      status: 400,
      error: 'invalid_grant',
      reason: 'refresh_token_replayed',
    });
    expect(world.events.filter(({ type }) => type === 'refresh_token.reused')).toHaveLength(1);
    expectRefusal(world, await refresh(third.refresh_token), {
      status: 400,
      error: 'invalid_grant',
      reason: 'refresh_token_revoked',
    });
    for (const { access_token } of [tokens, second, third])
      expect(await isActive(world, access_token)).toBe(false);
  });
  it('[RFC9700 §4.14.2] RT-02 ends the family also for the immediate predecessor, once the grace is over', async () => {
    await refreshed(tokens.refresh_token);
    world.now += 30;
    expectRefusal(world, await refresh(tokens.refresh_token), {
      status: 400,
      error: 'invalid_grant',
      reason: 'refresh_token_replayed',
    });
  });
  it('[RFC9700 §4.14.2] RT-04 ends the family for any but the immediate predecessor, even within the grace', async () => {
    const second = await refreshed(tokens.refresh_token);
    await refreshed(second.refresh_token);
    expectRefusal(world, await refresh(tokens.refresh_token), {
      status: 400,
      error: 'invalid_grant',
      reason: 'refresh_token_replayed',
    });
  });
  it('[RFC9700 §4.14.2] RT-13 ends the family in one call to the store, however many tokens it has', async () => {
    const store = memoryDatabase();
    world = await makeWorld({ store });
    let { refresh_token, access_token } = await getTokens(world);
    const first = refresh_token;
    const all = [access_token];
    for (let index = 0; index < 60; index += 1) {
      ({ refresh_token, access_token } = (
        await post(world, 'token', { grant_type: 'refresh_token', refresh_token })
      ).body as never);
      all.push(access_token);
    }
    const { tokens } = store.forIssuer(ISSUER);
    const writes: string[] = [];
    for (const name of ['revokeFamily', 'revokeAccessToken', 'revokeSubject', 'issue'] as const) {
      const method = tokens[name] as (...args: unknown[]) => unknown;
      const counted = (...args: unknown[]): unknown => {
        writes.push(name);
        return method(...args);
      };
      Object.assign(tokens, { [name]: counted });
    }
    expect(
      (await post(world, 'token', { grant_type: 'refresh_token', refresh_token: first })).body[
        'error'
      ],
    ).toBe('invalid_grant');
    expect(writes).toEqual(['revokeFamily']);
    for (const token of [...all.slice(-3), refresh_token])
      expect(await isActive(world, token)).toBe(false);
  });
});

describe('the grace', () => {
  it('RT-03 gives the immediate predecessor the same successor', async () => {
    const second = await refreshed(tokens.refresh_token);
    world.now += 29;
    const again = await refreshed(tokens.refresh_token);
    expect(again).toEqual({ ...second, expires_in: second.expires_in - 29 });
    expect((await refresh(second.refresh_token)).status).toBe(200);
  });
  it('RT-03 R-3 gives 100 parallel requests one successor', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => await refresh(tokens.refresh_token)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body['refresh_token'])).size).toBe(1);
    expect(new Set(answers.map(({ body }) => body['access_token'])).size).toBe(1);
  });
  it('RT-03 repeats an answer without writing to the store', async () => {
    await refreshed(tokens.refresh_token);
    const { issue } = world.provider.store.tokens;
    const refuse = async (): Promise<never> => {
      throw new Error('written');
    };
    Object.assign(world.provider.store.tokens, { issue: refuse });
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
    Object.assign(world.provider.store.tokens, { issue });
  });
  it('RT-05 revives no revoked token', async () => {
    const second = await refreshed(tokens.refresh_token);
    await post(world, 'revoke-token', { token: second.refresh_token });
    expectRefusal(world, await refresh(tokens.refresh_token), {
      status: 400,
      error: 'invalid_grant',
      reason: 'refresh_token_revoked',
    });
  });
  it('RT-08 RT-05 ends with the family', async () => {
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
    expectRefusal(world, late, {
      status: 400,
      error: 'invalid_grant',
      reason: 'refresh_token_expired',
    });
  });
  it('RT-03 of 0 s lets one of 100 parallel requests win, and the losers end the family', async () => {
    world = await makeWorld({ refreshTokens: { rotation: true, grace: 0 } });
    tokens = await getTokens(world);
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => await refresh(tokens.refresh_token)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(
      new Set(answers.filter(({ status }) => status !== 200).map(({ body }) => body['error'])),
    ).toEqual(new Set(['invalid_grant']));
    const winner = answers.find(({ status }) => status === 200);
    expect(await isActive(world, String(winner?.body['access_token']))).toBe(false);
  });
});

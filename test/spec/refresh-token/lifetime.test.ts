/**
 * When a refresh token ends: by time, with its session, and with what it was granted for. Rules
 * RT.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  type Answer,
  browserOf,
  getTokens,
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

const DAY = 24 * 3600;

describe('lifetimes, judged at use', () => {
  it('RT-08 end a token after 14 days without use', async () => {
    world.now += 14 * DAY;
    expectRefusal(world, await refresh(tokens.refresh_token), {
      status: 400,
      error: 'invalid_grant',
      reason: 'refresh_token_expired',
    });
  });
  it('RT-08 have no end where the settings say so, and introspection tells of none', async () => {
    const lifetimes = { refreshTokenIdle: null, refreshTokenAbsolute: null };
    world = await makeWorld({ lifetimes });
    tokens = await getTokens(world, { scope: 'openid offline_access', prompt: 'consent' });
    world.now += 50 * 365 * DAY;
    await world.provider.clear(1000);
    const next = await refreshed(tokens.refresh_token);
    expect(next.expires_in).toBe(900);
    const told = await post(world, 'introspect', { token: next.refresh_token });
    expect([told.body['active'], 'exp' in told.body]).toEqual([true, false]);
  });
  it('RT-08 begin anew at each use', async () => {
    world.now += 13 * DAY;
    const second = await refreshed(tokens.refresh_token);
    world.now += 13 * DAY;
    await refreshed(second.refresh_token);
  });
  it('RT-08 end a family after 90 days, however much it is used', async () => {
    let current = tokens.refresh_token;
    for (let used = 0; used < 8; used += 1) {
      world.now += 11 * DAY;
      current = (await refreshed(current)).refresh_token;
    }
    world.now += 2 * DAY;
    expectRefusal(world, await refresh(current), {
      status: 400,
      error: 'invalid_grant',
      reason: 'refresh_token_expired',
    });
  });
  it('RT-08 let no token live longer than its family', async () => {
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
});

describe('RT-09 a refresh token', () => {
  it('is refused at once when the account is disabled', async () => {
    world.accounts.setEnabled('alice-sub', false);
    expectRefusal(world, await refresh(tokens.refresh_token), {
      status: 400,
      error: 'invalid_grant',
      reason: 'account_disabled',
    });
  });
  it('is refused at once when the authorization is withdrawn', async () => {
    expect(await world.provider.subjects.withdraw('alice-sub', world.web.clientId)).toBe(true);
    expectRefusal(world, await refresh(tokens.refresh_token), {
      status: 400,
      error: 'invalid_grant',
      reason: 'refresh_token_revoked',
    });
    expect(await isActive(world, tokens.access_token)).toBe(false);
    expect(await world.provider.subjects.withdraw('alice-sub', world.web.clientId)).toBe(false);
  });
  it('is refused at once when everything of the subject is revoked', async () => {
    await world.provider.subjects.revoke('alice-sub');
    expectRefusal(world, await refresh(tokens.refresh_token), {
      status: 400,
      error: 'invalid_grant',
      reason: 'refresh_token_revoked',
    });
  });
  it('is refused at once when the client is disabled', async () => {
    await world.provider.clients.update(world.web.clientId, { disabled: true });
    expectRefusal(world, await refresh(tokens.refresh_token), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_disabled',
    });
  });
  it('is refused at once when the client is deleted', async () => {
    await world.provider.clients.delete(world.web.clientId);
    expectRefusal(world, await refresh(tokens.refresh_token), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_unknown',
    });
  });
});

describe('offline_access', () => {
  it('RT-12 CHOICE lets a refresh token outlive its session; without it the token ends with the session', async () => {
    const browser = browserOf(world);
    const bound = await getTokens(world, {}, browser);
    const offline = await getTokens(world, { scope: 'openid offline_access' }, browser);
    const logout = await browser.open(world.provider.url('rp-initiated-logout'));
    await browser.submit(logout, { decision: 'logout' });
    expect([
      await isActive(world, bound.refresh_token),
      await isActive(world, offline.refresh_token),
    ]).toEqual([false, true]);
  });
});

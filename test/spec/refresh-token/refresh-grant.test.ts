/** The refresh token grant (RFC 6749 §6): which requests it refuses. Rules RT. */

import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  type Answer,
  damaged,
  getTokens,
  isActive,
  makeWorld,
  post,
  type Tokens,
  type World,
  watched,
} from '../setup.ts';

let world: World;
let tokens: Tokens;
beforeEach(async () => {
  world = await makeWorld();
  tokens = await getTokens(world, { scope: 'openid profile read write' });
});
const refresh = async (token: string, more: Record<string, string> = {}): Promise<Answer> =>
  await post(world, 'token', { grant_type: 'refresh_token', refresh_token: token, ...more });

describe('the client', () => {
  it('[RFC6749 §10.4] RT-01 refuses a refresh token of another client', async () => {
    const answer = post(
      world,
      'token',
      {
        grant_type: 'refresh_token',
        refresh_token: tokens.refresh_token,
        client_id: world.other.clientId,
        client_secret: world.otherSecret,
      },
      {},
    );
    expectRefusal(world, await answer, {
      status: 400,
      error: 'invalid_grant',
      reason: 'refresh_token_foreign',
    });
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });
  it('[RFC6749 §6] RT-01 refuses a confidential client without its secret', async () => {
    const answer = await post(
      world,
      'token',
      {
        grant_type: 'refresh_token',
        refresh_token: tokens.refresh_token,
        client_id: world.web.clientId,
      },
      {},
    );
    expectRefusal(world, answer, {
      status: 401,
      error: 'invalid_client',
      reason: 'client_authentication_method',
    });
  });
});

describe('the token', () => {
  it('[RFC6749 §6] refuses a request without a refresh token', async () => {
    expectRefusal(world, await post(world, 'token', { grant_type: 'refresh_token' }), {
      status: 400,
      error: 'invalid_request',
      reason: 'missing_parameter',
    });
  });
  it('[RFC6749 §6] TK-16 TK-17 refuses anything but the whole token and leaves the token usable', async () => {
    const text = tokens.refresh_token;
    for (const wrong of [
      text.slice(0, -1),
      `${text}x`,
      damaged(text),
      tokens.access_token,
      tokens.id_token,
      'x',
    ]) {
      expectRefusal(world, await refresh(wrong), {
        status: 400,
        error: 'invalid_grant',
        reason: 'refresh_token_unknown',
      });
    }
    expect((await refresh(text)).status).toBe(200);
  });
  it('TK-16 asks the store nothing about a text that is no refresh token', async () => {
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
      expectRefusal(world, answer, {
        status: 400,
        error: 'invalid_grant',
        reason: 'refresh_token_unknown',
      });
      expect(await isActive(world, text)).toBe(false);
    }
    expect(calls).toEqual([]);
  });
});

describe('the scope', () => {
  it('[RFC6749 §6] RT-06 refuses a scope that was not granted', async () => {
    expectRefusal(world, await refresh(tokens.refresh_token, { scope: 'openid email' }), {
      status: 400,
      error: 'invalid_scope',
      reason: 'scope_grew',
    });
    expectRefusal(world, await refresh(tokens.refresh_token, { scope: '"' }), {
      status: 400,
      error: 'invalid_scope',
      reason: 'malformed_scope',
    });
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });
  it('TK-12 refuses a scope that does not exist, before the token is used up', async () => {
    const { refresh_token } = await getTokens(world);
    expectRefusal(
      world,
      await post(world, 'token', {
        grant_type: 'refresh_token',
        refresh_token,
        scope: 'openid admin',
      }),
      { status: 400, error: 'invalid_scope', reason: 'scope_grew' },
    );
    expect(
      (await post(world, 'token', { grant_type: 'refresh_token', refresh_token })).status,
    ).toBe(200);
  });
  it('[RFC6749 §6] RT-06 grants a narrower scope and leaves the grant as it was', async () => {
    const answer = await refresh(tokens.refresh_token, { scope: 'read' });
    expect(answer.body).toMatchObject({ scope: 'read' });
    expect(answer.body).not.toHaveProperty('id_token');
    expect((await refresh(String(answer.body['refresh_token']))).body['scope']).toBe(
      'openid profile read write',
    );
  });
});

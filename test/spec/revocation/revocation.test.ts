/** Revocation (RFC 7009). Rules RV. */

import { StoreUnavailable } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  type Answer,
  getCode,
  getTokens,
  isActive,
  makeWorld,
  pkce,
  post,
  type Tokens,
  type World,
} from '../setup.ts';

let world: World;
let tokens: Tokens;
beforeEach(async () => {
  world = await makeWorld();
  tokens = await getTokens(world);
});

const revoke = async (token: string, hint = {}): Promise<Answer> =>
  await post(world, 'revoke-token', { token, ...hint });

describe('what is revoked', () => {
  it.each(['access_token', 'refresh_token'] as const)(
    '[RFC7009 §2.1] RV-04 ends both tokens when the %s is revoked, whatever the hint',
    async (kind) => {
      for (const hint of [
        { token_type_hint: 'refresh_token' },
        { token_type_hint: 'access_token' },
        { token_type_hint: 'nonsense' },
      ]) {
        const pair = await getTokens(world);
        expect((await revoke(pair[kind], hint)).status).toBe(200);
        expect([
          await isActive(world, pair.access_token),
          await isActive(world, pair.refresh_token),
        ]).toEqual([false, false]);
      }
    },
  );
  it('[RFC7009 §2.1] ends a token of the client credentials grant', async () => {
    const token = String(
      (await post(world, 'token', { grant_type: 'client_credentials' })).body['access_token'],
    );
    expect(await isActive(world, token)).toBe(true);
    await revoke(token);
    expect(await isActive(world, token)).toBe(false);
  });
  it('[RFC7009 §2.1] RV-02 lets a public client revoke its own token', async () => {
    const proof = pkce();
    const client_id = world.spa.clientId;
    const redirect_uri = 'https://spa.example/cb';
    const code = await getCode(world, proof, { client_id, redirect_uri });
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri,
      code_verifier: proof.verifier,
    };
    const mine = await post(world, 'token', { ...form, client_id }, {});
    const refresh_token = String(mine.body['refresh_token']);
    const revoked = await post(world, 'revoke-token', { token: refresh_token, client_id }, {});
    expect(revoked.status).toBe(200);
    const refresh = { grant_type: 'refresh_token', refresh_token, client_id };
    const again = await post(world, 'token', refresh, {});
    expectRefusal(world, again, {
      status: 400,
      error: 'invalid_grant',
      reason: 'refresh_token_revoked',
    });
  });
  it('RV-05 leaves nothing alive when a revocation and a refresh run side by side', async () => {
    const [, next] = await Promise.all([
      revoke(tokens.refresh_token),
      post(world, 'token', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }),
    ]);
    expect(await isActive(world, tokens.access_token)).toBe(false);
    if (next.status === 200)
      expect(await isActive(world, String(next.body['access_token']))).toBe(false);
  });
});

describe('what is not revoked', () => {
  it.each(['access_token', 'refresh_token'] as const)(
    '[RFC7009 §2.1] RV-01 leaves the %s of another client alive and does not tell',
    async (kind) => {
      const answer = await post(
        world,
        'revoke-token',
        { token: tokens[kind], client_id: world.other.clientId, client_secret: world.otherSecret },
        {},
      );
      expect(answer.status).toBe(200);
      expect(await isActive(world, tokens[kind])).toBe(true);
    },
  );
  it.each(['x', `vkrt_${'A'.repeat(71)}`, 'a.b.c'])(
    '[RFC7009 §2.2] answers 200 to an unknown token: %s',
    async (token) => {
      expect((await revoke(token)).status).toBe(200);
    },
  );
  it('[RFC7009 §2.1] refuses a request without a token', async () => {
    expectRefusal(world, await post(world, 'revoke-token', {}), {
      status: 400,
      error: 'invalid_request',
      reason: 'missing_parameter',
    });
  });
  it('[RFC7009 §2.2.1] RV-03 answers 503, never 200, when the store does not answer', async () => {
    const broken = async (): Promise<never> => {
      throw new StoreUnavailable('no answer');
    };
    Object.assign(world.provider.store.tokens, { revokeFamily: broken });
    const answer = await revoke(tokens.refresh_token);
    expectRefusal(world, answer, {
      status: 503,
      error: 'temporarily_unavailable',
      reason: 'store_unavailable',
    });
    expect(answer.headers.get('retry-after')).toBe('1');
  });
});

/**
 * A client that another node disables or deletes, while this node still has it in memory: nothing
 * that it holds works from that moment on. Rules RT-09, TK, CL.
 */
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
  redeem,
  type World,
} from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld({ clientCacheSeconds: 30 });
});

/** What another node does. This node hears nothing of it. */
const ELSEWHERE = {
  disabled: async ({ provider: { store }, web, now }: World): Promise<unknown> =>
    await store.clients.replace({ ...web, disabledAt: now, version: web.version + 1 }, null),
  deleted: async ({ provider: { store }, web }: World): Promise<unknown> =>
    await store.clients.delete(web.clientId, null),
} as const;

const refresh = async (token: string): Promise<Answer> =>
  await post(world, 'token', { grant_type: 'refresh_token', refresh_token: token });

const ownTokens = async (): Promise<Answer> =>
  await post(world, 'token', { grant_type: 'client_credentials', scope: 'read' });

describe.each(Object.entries(ELSEWHERE))('a client that was %s on another node', (what, change) => {
  // Its authorizations go with a deleted client.
  const reason = what === 'deleted' ? 'authorization_withdrawn' : 'client_disabled';
  const refused = { status: 400, error: 'invalid_grant', reason };

  it('[RFC6749 §4.1.3, §4.4.2, §5.2] redeems no code, and gets no tokens of its own', async () => {
    const proof = pkce();
    const code = await getCode(world, proof);
    await change(world);
    const gone = {
      status: 401,
      error: 'invalid_client',
      reason: what === 'deleted' ? 'client_unknown' : 'client_disabled',
    };
    const withdrawn = what === 'deleted' ? refused : gone;
    expectRefusal(world, await redeem(world, code, proof.verifier), withdrawn);
    expectRefusal(world, await ownTokens(), gone);
  });
  it('RT-09 [RFC6749 §6] refreshes nothing, and repeats no answer', async () => {
    const first = await getTokens(world);
    const second = await refresh(first.refresh_token);
    expect(second.status).toBe(200);
    await change(world);
    for (const token of [first.refresh_token, String(second.body['refresh_token'])])
      expectRefusal(world, await refresh(token), refused);
  });
  it('[RFC7662 §2.2] its tokens are inactive', async () => {
    const tokens = await getTokens(world);
    const own = await ownTokens();
    expect(own.status).toBe(200);
    await change(world);
    for (const token of [
      tokens.access_token,
      tokens.refresh_token,
      String(own.body['access_token']),
    ])
      expect(await isActive(world, token)).toBe(false);
  });
  it('[OIDC Core §5.3] userinfo tells it nothing', async () => {
    const { access_token: token } = await getTokens(world);
    await change(world);
    const answer = await post(world, 'userinfo', '', { authorization: `Bearer ${token}` });
    expect(answer.status).toBe(401);
  });
});

it('a client that another node enables again has its tokens back, when this node looks again', async () => {
  const { store, clients } = world.provider;
  const tokens = await getTokens(world);
  await ELSEWHERE.disabled(world);
  expect(await isActive(world, tokens.access_token)).toBe(false);
  await store.clients.replace({ ...world.web, version: world.web.version + 2 }, null);
  expect(await isActive(world, tokens.access_token)).toBe(true);
  expect((await refresh(tokens.refresh_token)).status).toBe(200);
  expect((await clients.find(world.web.clientId))?.disabledAt).toBeNull();
});

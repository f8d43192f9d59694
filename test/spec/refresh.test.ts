/** The refresh token grant: rotation, grace, reuse, lifetimes. Rows RT. */
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type Answer,
  basic,
  getCode,
  getTokens,
  isActive,
  makeWorld,
  pkce,
  post,
  type Tokens,
  type World,
} from './setup.ts';

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
const expectRefused = async (
  answer: Promise<Answer>,
  error: string,
  reason: string,
): Promise<void> => {
  const { status, body } = await answer;
  expect([status, body['error']]).toEqual([400, error]);
  expect(world.reasons.at(-1)).toBe(reason);
};

describe('what is refused', () => {
  it('[RFC6749 §10.4] RT-01 another client', async () => {
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
    await expectRefused(answer, 'invalid_grant', 'refresh_token_foreign');
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });
  it('[RFC6749 §6] RT-01 a confidential client without its secret', async () => {
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
    expect([answer.status, answer.body['error']]).toEqual([401, 'invalid_client']);
  });
  it('[RFC6749 §6] a missing token', () =>
    expectRefused(
      post(world, 'token', { grant_type: 'refresh_token' }),
      'invalid_request',
      'missing_parameter',
    ));
  it('[RFC6749 §6] TK-16 TK-17 anything but the whole token changes nothing', async () => {
    const text = tokens.refresh_token;
    const flipped = `${text.slice(0, 40)}${text[40] === 'A' ? 'B' : 'A'}${text.slice(41)}`;
    for (const damaged of [
      text.slice(0, -1),
      `${text}x`,
      flipped,
      tokens.access_token,
      tokens.id_token,
      'x',
    ]) {
      await expectRefused(refresh(damaged), 'invalid_grant', 'refresh_token_unknown');
    }
    expect((await refresh(text)).status).toBe(200);
  });
  it('[RFC6749 §6] RT-06 the scope never grows', async () => {
    await expectRefused(
      refresh(tokens.refresh_token, { scope: 'openid email' }),
      'invalid_scope',
      'scope_grew',
    );
    await expectRefused(
      refresh(tokens.refresh_token, { scope: '"' }),
      'invalid_scope',
      'malformed_scope',
    );
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
  });
});

describe('rotation', () => {
  it('[OIDC Core §12.2] a new pair and a new ID token', async () => {
    world.now += 5;
    const next = await refreshed(tokens.refresh_token);
    expect(next.refresh_token).not.toBe(tokens.refresh_token);
    expect(next.access_token).not.toBe(tokens.access_token);
    const claims = (token: string): Record<string, unknown> =>
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
        string,
        unknown
      >;
    const [first, second] = [claims(tokens.id_token), claims(next.id_token)];
    for (const name of ['iss', 'sub', 'aud', 'azp', 'auth_time', 'sid'])
      expect(second[name]).toEqual(first[name]);
    expect(second['iat']).toBe(Number(first['iat']) + 5);
    expect(second['nonce']).toBeUndefined();
  });
  it('[RFC6749 §6] RT-06 a narrower scope leaves the grant as it was', async () => {
    const answer = await refresh(tokens.refresh_token, { scope: 'read' });
    expect(answer.body).toMatchObject({ scope: 'read' });
    expect(answer.body).not.toHaveProperty('id_token');
    expect((await refreshed(String(answer.body['refresh_token']))).scope).toBe(
      'openid profile read write',
    );
  });
  it('[RFC9700 §4.14.2] RT-02 reuse after the grace ends the family', async () => {
    const second = await refreshed(tokens.refresh_token);
    const third = await refreshed(second.refresh_token);
    world.now += 31;
    await expectRefused(refresh(tokens.refresh_token), 'invalid_grant', 'refresh_token_replayed');
    expect(world.events.filter(({ type }) => type === 'refresh_token.reused')).toHaveLength(1);
    await expectRefused(refresh(third.refresh_token), 'invalid_grant', 'refresh_token_revoked');
    for (const { access_token } of [tokens, second, third])
      expect(await isActive(world, access_token)).toBe(false);
  });
  it('[RFC9700 §4.14.2] RT-02 also the immediate predecessor, once the grace is over', async () => {
    await refreshed(tokens.refresh_token);
    world.now += 30;
    await expectRefused(refresh(tokens.refresh_token), 'invalid_grant', 'refresh_token_replayed');
  });
  it('RT-03 the immediate predecessor gets the same successor within the grace', async () => {
    const second = await refreshed(tokens.refresh_token);
    world.now += 29;
    const again = await refreshed(tokens.refresh_token);
    expect(again).toEqual({ ...second, expires_in: second.expires_in - 29 });
    expect((await refresh(second.refresh_token)).status).toBe(200);
  });
  it('[RFC9700 §4.14.2] RT-04 the grace covers only the immediate predecessor', async () => {
    const second = await refreshed(tokens.refresh_token);
    await refreshed(second.refresh_token);
    await expectRefused(refresh(tokens.refresh_token), 'invalid_grant', 'refresh_token_replayed');
  });
  it('RT-05 the grace never revives a revoked token', async () => {
    const second = await refreshed(tokens.refresh_token);
    await post(world, 'revoke-token', { token: second.refresh_token });
    await expectRefused(refresh(tokens.refresh_token), 'invalid_grant', 'refresh_token_revoked');
  });
  it('RT-03 of 100 parallel refreshes there is one successor', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => await refresh(tokens.refresh_token)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body['refresh_token'])).size).toBe(1);
    expect(new Set(answers.map(({ body }) => body['access_token'])).size).toBe(1);
  });
  it('RT-03 without grace one of 100 wins and the losers end the family', async () => {
    world = await makeWorld({ refreshTokens: { grace: 0 } });
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
  it('RT-03 repeats in the grace write nothing', async () => {
    await refreshed(tokens.refresh_token);
    const { issue } = world.provider.store.tokens;
    const refuse = async (): Promise<never> => {
      throw new Error('written');
    };
    Object.assign(world.provider.store.tokens, { issue: refuse });
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
    Object.assign(world.provider.store.tokens, { issue });
  });
  it('[RFC6749 §6] rotation off: the same token, new access tokens', async () => {
    world = await makeWorld({ refreshTokens: { rotation: false } });
    tokens = await getTokens(world);
    const next = await refreshed(tokens.refresh_token);
    expect(next.refresh_token).toBe(tokens.refresh_token);
    expect(await isActive(world, next.access_token)).toBe(true);
  });
  it('[RFC9700 §2.2.2] rotation off is about clients that prove themselves: those of public clients rotate all the same', async () => {
    world = await makeWorld({ refreshTokens: { rotation: false } });
    const proof = pkce();
    const redirect_uri = 'https://spa.example/cb';
    const client_id = world.spa.clientId;
    const code = await getCode(world, proof, { client_id, redirect_uri });
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri,
      client_id,
      code_verifier: proof.verifier,
    };
    const first = (await post(world, 'token', form, {})).body as unknown as Tokens;
    const second = await post(
      world,
      'token',
      { grant_type: 'refresh_token', refresh_token: first.refresh_token, client_id },
      {},
    );
    expect([second.status, second.body['refresh_token'] === first.refresh_token]).toEqual([
      200,
      false,
    ]);
  });
});

describe('lifetimes, judged at use', () => {
  const DAY = 24 * 3600;
  it('RT-08 idle: 14 days without use', async () => {
    world.now += 14 * DAY;
    await expectRefused(refresh(tokens.refresh_token), 'invalid_grant', 'refresh_token_expired');
  });
  it('RT-08 use moves the idle end', async () => {
    world.now += 13 * DAY;
    const second = await refreshed(tokens.refresh_token);
    world.now += 13 * DAY;
    await refreshed(second.refresh_token);
  });
  it('RT-08 absolute: 90 days however much it is used', async () => {
    let current = tokens.refresh_token;
    for (let used = 0; used < 8; used += 1) {
      world.now += 11 * DAY;
      current = (await refreshed(current)).refresh_token;
    }
    world.now += 2 * DAY;
    await expectRefused(refresh(current), 'invalid_grant', 'refresh_token_expired');
  });
});

describe('RT-09 what ends it at once', () => {
  it('the account is disabled', async () => {
    world.accounts.setEnabled('alice-sub', false);
    await expectRefused(refresh(tokens.refresh_token), 'invalid_grant', 'account_disabled');
  });
  it('the authorization is withdrawn', async () => {
    expect(await world.provider.subjects.withdraw('alice-sub', world.web.clientId)).toBe(true);
    expect((await refresh(tokens.refresh_token)).body['error']).toBe('invalid_grant');
    expect(world.reasons.at(-1)).toBe('refresh_token_revoked');
    expect(await isActive(world, tokens.access_token)).toBe(false);
    expect(await world.provider.subjects.withdraw('alice-sub', world.web.clientId)).toBe(false);
  });
  it('everything of the subject is revoked', async () => {
    await world.provider.subjects.revoke('alice-sub');
    await expectRefused(refresh(tokens.refresh_token), 'invalid_grant', 'refresh_token_revoked');
  });
  it('the client is disabled', async () => {
    await world.provider.clients.update(world.web.clientId, { disabled: true });
    expect((await refresh(tokens.refresh_token)).body['error']).toBe('invalid_client');
  });
  it('the client is deleted', async () => {
    await world.provider.clients.delete(world.web.clientId);
    expect((await refresh(tokens.refresh_token)).body['error']).toBe('invalid_client');
  });
});

it('a public client refreshes with its name alone, and rotates', async () => {
  const spa = { client_id: world.spa.clientId };
  const { pkce, getCode } = await import('./setup.ts');
  const proof = pkce();
  const code = await getCode(world, proof, { ...spa, redirect_uri: 'https://spa.example/cb' });
  const first = await post(
    world,
    'token',
    {
      grant_type: 'authorization_code',
      code,
      redirect_uri: 'https://spa.example/cb',
      code_verifier: proof.verifier,
      ...spa,
    },
    {},
  );
  const second = await post(
    world,
    'token',
    { grant_type: 'refresh_token', refresh_token: String(first.body['refresh_token']), ...spa },
    {},
  );
  expect(second.status).toBe(200);
  expect(
    (
      await post(
        world,
        'token',
        { grant_type: 'refresh_token', refresh_token: String(second.body['refresh_token']) },
        { authorization: basic(world.web.clientId, world.webSecret) },
      )
    ).body['error'],
  ).toBe('invalid_grant');
});

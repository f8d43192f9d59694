/** Introspection (RFC 7662): what it tells, to whom, and about tokens that have ended. Rules IR. */

import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  ALICE,
  type Answer,
  basic,
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
  tokens = await getTokens(world);
});

/** Registers a resource server, which may ask about tokens of every client, and asks as it. */
const resourceServer = async (): Promise<(token: string) => Promise<Answer>> => {
  const { client, clientSecret } = await world.provider.clients.create({
    name: 'API',
    grantTypes: ['client_credentials'],
    scopes: ['introspection'],
  });
  const headers = { authorization: basic(client.clientId, clientSecret ?? '') };
  return async (token) => await post(world, 'introspect', { token }, headers);
};

describe('a token that is alive', () => {
  it('[RFC7662 §2.2] [RFC9470 §6] describes an access token, and how its subject signed in', async () => {
    const answer = await post(world, 'introspect', { token: tokens.access_token });
    expect(answer.body).toEqual({
      active: true,
      scope: 'openid profile email',
      client_id: world.web.clientId,
      token_type: 'Bearer',
      exp: world.now + 900,
      iat: world.now,
      sub: ALICE.sub,
      iss: world.provider.issuer,
      // RFC 9470 §6.2: how and when they signed in.
      auth_time: world.now,
      amr: ['pwd'],
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });
  it('[RFC7662 §2.2] describes a refresh token, whatever the hint, and leaves it usable', async () => {
    const question = { token: tokens.refresh_token, token_type_hint: 'access_token' };
    const answer = await post(world, 'introspect', question);
    expect(answer.body).toMatchObject({ active: true, sub: ALICE.sub });
    const next = await post(world, 'token', {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
    });
    expect(await isActive(world, tokens.refresh_token)).toBe(false);
    expect(await isActive(world, String(next.body['refresh_token']))).toBe(true);
  });
  it('[RFC7662 §2.2] names the person in username, as resource servers do', async () => {
    world = await makeWorld();
    Object.assign(world.accounts, {
      find: async (sub: string) => ({
        sub,
        enabled: true,
        claims: { preferred_username: 'alice' },
      }),
    });
    const { access_token } = await getTokens(world);
    expect((await post(world, 'introspect', { token: access_token })).body['username']).toBe(
      'alice',
    );
  });
});

describe('who may ask', () => {
  it('[RFC7662 §2.1] IR-01 refuses a public client', async () => {
    const answer = await post(
      world,
      'introspect',
      { token: tokens.access_token, client_id: world.spa.clientId },
      {},
    );
    expectRefusal(world, answer, {
      status: 401,
      error: 'invalid_client',
      reason: 'client_not_confidential',
    });
  });
  it('[RFC7662 §4] IR-02 tells another client nothing about a token', async () => {
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      const answer = await post(
        world,
        'introspect',
        { token, client_id: world.other.clientId, client_secret: world.otherSecret },
        {},
      );
      expect(answer.body).toEqual({ active: false });
    }
  });
  it('[RFC7662 §4] IR-02 tells a resource server about the tokens of every client', async () => {
    const introspect = await resourceServer();
    expect((await introspect(tokens.access_token)).body).toMatchObject({
      active: true,
      client_id: world.web.clientId,
    });
  });
});

describe('what is no token', () => {
  it.each([
    'x',
    'é',
    `vkat_${'A'.repeat(49)}`,
    'a.b.c',
    '<script>',
    '../../etc/passwd',
    "' OR 1=1 --",
    'x'.repeat(8000),
  ])('[RFC7662 §2.2] IR-03 calls junk inactive: %#', async (token) => {
    expect((await post(world, 'introspect', { token })).body).toEqual({ active: false });
  });
  it('[RFC7662 §2.1] refuses a request without a token', async () => {
    const answer = await post(world, 'introspect', {});
    expectRefusal(world, answer, {
      status: 400,
      error: 'invalid_request',
      reason: 'missing_parameter',
    });
    expect(answer.body['error_description']).toBe('The parameter token is missing.');
  });
});

describe('a token that has ended', () => {
  const levels: [string, () => Promise<unknown>][] = [
    ['the token', async () => await post(world, 'revoke-token', { token: tokens.access_token })],
    [
      'its refresh token',
      async () => await post(world, 'revoke-token', { token: tokens.refresh_token }),
    ],
    [
      'the authorization',
      async () => await world.provider.subjects.withdraw(ALICE.sub, world.web.clientId),
    ],
    ['the subject', async () => await world.provider.subjects.revoke(ALICE.sub)],
    [
      'time',
      async () => {
        world.now += 900;
      },
    ],
  ];

  it.each(levels)('[RFC7662 §2.2] IR-04 is inactive after the end of %s', async (_level, end) => {
    expect(await isActive(world, tokens.access_token)).toBe(true);
    await end();
    expect(await isActive(world, tokens.access_token)).toBe(false);
  });
  it('[RFC7662 §2.2] IR-04 is inactive after its client was disabled', async () => {
    const introspect = await resourceServer();
    await world.provider.clients.update(world.web.clientId, { disabled: true });
    for (const token of [tokens.access_token, tokens.refresh_token])
      expect((await introspect(token)).body).toEqual({ active: false });
  });
  it('IR-04 IR-05 is inactive while its account is disabled: every question is answered anew', async () => {
    const { access_token, refresh_token } = await getTokens(world);
    const ask = async (token: string): Promise<Record<string, unknown>> =>
      (await post(world, 'introspect', { token })).body;
    expect(await ask(access_token)).toMatchObject({ active: true, sub: ALICE.sub });
    world.accounts.setEnabled(ALICE.sub, false);
    for (const token of [access_token, refresh_token])
      expect(await ask(token)).toEqual({ active: false });
    world.accounts.setEnabled(ALICE.sub, true);
    expect(await ask(access_token)).toMatchObject({ active: true });
  });
});

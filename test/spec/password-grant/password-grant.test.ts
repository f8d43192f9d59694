/**
 * The password grant (RFC 6749 §4.3): only where it is allowed, and with the limits of the pages.
 */
import { createProvider, mcp, memoryDatabase, passwordGrant } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  ALICE,
  type Answer,
  claimsOf,
  ISSUER,
  isActive,
  makeWorld,
  post,
  SIGNING_KEYS,
  type World,
} from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld({ features: [passwordGrant({ allowPasswordGrant: true })] });
  await world.provider.clients.update(world.web.clientId, {
    grantTypes: ['password', 'refresh_token'],
    responseTypes: [],
  });
});

const { username, password } = ALICE;
const ask = async (more: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  await post(world, 'token', {
    grant_type: 'password',
    username,
    password,
    scope: 'read',
    ...more,
  });

describe('where it is not allowed', () => {
  it('[RFC9700 §2.4] TK-11 it is not offered, nor announced, nor registered', async () => {
    world = await makeWorld();
    expectRefusal(world, await ask(), {
      status: 400,
      error: 'unsupported_grant_type',
      reason: 'grant_type',
    });
    const url = `${ISSUER}/.well-known/openid-configuration`;
    const document = (await (await world.provider.fetch(new Request(url))).json()) as {
      readonly grant_types_supported: readonly string[];
    };
    expect(document.grant_types_supported).not.toContain('password');
    await expect(
      world.provider.clients.update(world.web.clientId, { grantTypes: ['password'] }),
    ).rejects.toMatchObject({ name: 'ClientMetadataError' });
  });
  it('no preset allows it, and where it is allowed the start says so', async () => {
    const weakenedBy = (features: Parameters<typeof createProvider>[0]['features']) =>
      createProvider({
        issuer: ISSUER,
        store: memoryDatabase(),
        accounts: memoryAccounts([]),
        pages: builtInPages(),
        signingKeys: SIGNING_KEYS,
        ...(features === undefined ? {} : { features }),
      }).weakened;
    expect([weakenedBy(undefined), weakenedBy(mcp())]).toEqual([[], []]);
    expect(weakenedBy([passwordGrant({ allowPasswordGrant: true })])).toEqual([
      'passwordGrant.allowPasswordGrant',
    ]);
  });
});

describe('what is refused', () => {
  it.each(['username', 'password'])('[RFC6749 §4.3.2] no %s', async (name) => {
    expectRefusal(world, await ask({ [name]: '' }), {
      status: 400,
      error: 'invalid_request',
      reason: 'missing_parameter',
    });
  });
  it.each([
    ['a wrong password', { password: 'wrong' }],
    ['an unknown name', { username: 'nobody' }],
  ])('[RFC6749 §4.3.2] %s, with the same words', async (_what, fields) => {
    const answer = await ask(fields);
    expectRefusal(world, answer, { status: 400, error: 'invalid_grant', reason: 'credentials' });
    expect(answer.body['error_description']).toBe('The credentials are not valid.');
  });
  it('[RFC6749 §4.3.2] an account that is disabled', async () => {
    Object.assign(world.accounts, {
      authenticate: async () =>
        await Promise.resolve({ account: { sub: ALICE.sub, enabled: false, claims: {} }, amr: [] }),
    });
    expectRefusal(world, await ask(), {
      status: 400,
      error: 'invalid_grant',
      reason: 'credentials',
    });
  });
  it('[RFC6749 §4.3.2] the sixth wrong password, and then the right one, for a while', async () => {
    for (let wrong = 0; wrong < 5; wrong += 1) await ask({ password: 'wrong' });
    const answer = await ask();
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, expect.any(String)]);
    world.now += 901;
    expect((await ask()).status).toBe(200);
  });
  it('[RFC6749 §5.2] a client that is not registered for it', async () => {
    await world.provider.clients.update(world.web.clientId, {
      grantTypes: ['client_credentials'],
    });
    expectRefusal(world, await ask(), {
      status: 400,
      error: 'unauthorized_client',
      reason: 'grant_type_not_allowed',
    });
  });
  it('[RFC6749 §3.3] scopes that the client may not have, before the password is looked at', async () => {
    await world.provider.clients.update(world.web.clientId, { scopes: ['read'] });
    expectRefusal(world, await ask({ scope: 'write', password: 'wrong' }), {
      status: 400,
      error: 'invalid_scope',
      reason: 'scope_not_available',
    });
  });
});

describe('tokens', () => {
  it('[RFC6749 §4.3.3] of the person, with a refresh token', async () => {
    const answer = await ask({ scope: 'openid read' });
    expect(answer.body).toMatchObject({ token_type: 'Bearer', scope: 'openid read' });
    expect(claimsOf(answer.body['id_token'])).toMatchObject({
      sub: ALICE.sub,
      auth_time: world.now,
      amr: ['pwd'],
    });
    const refresh_token = String(answer.body['refresh_token']);
    const next = await post(world, 'token', { grant_type: 'refresh_token', refresh_token });
    expect(next.status).toBe(200);
  });
  it('IR-04 end with everything of the person', async () => {
    const token = String((await ask()).body['access_token']);
    expect(await isActive(world, token)).toBe(true);
    await world.provider.subjects.revoke(ALICE.sub);
    expect(await isActive(world, token)).toBe(false);
  });
});

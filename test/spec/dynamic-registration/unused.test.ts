/** Clients that registered themselves and that nobody uses go. Rule RG-01. */
import { beforeEach, describe, expect, it } from 'vitest';
import { expectErrorPage } from '../refusals.ts';
import {
  basic,
  browserOf,
  getCode,
  openAuthorize,
  pageOf,
  pkce,
  post,
  type World,
} from '../setup.ts';
import {
  GOOD,
  howMany,
  type Registered,
  register,
  registered,
  registeringWorld,
} from './registering.ts';

const DAY = 86_400;

let world: World;
let own: Registered;
beforeEach(async () => {
  world = await registeringWorld({ allowOpenRegistration: true });
  own = await registered(world);
});

const open = async () =>
  await openAuthorize(world, browserOf(world), {
    client_id: own.client_id,
    redirect_uri: 'https://app.example/cb',
  });

/** Signs somebody in with the client. */
async function use(): Promise<void> {
  const proof = pkce();
  const redirect_uri = 'https://app.example/cb';
  const code = await getCode(world, proof, { client_id: own.client_id, redirect_uri });
  const answer = await post(
    world,
    'token',
    { grant_type: 'authorization_code', code, redirect_uri, code_verifier: proof.verifier },
    { authorization: basic(own.client_id, own.client_secret ?? '') },
  );
  expect(answer.status).toBe(200);
  // What is noted off the hot path.
  await world.provider.close();
}

describe('a client that registered itself', () => {
  it('RG-01 and was never used is gone after a week, whether it was cleared or not', async () => {
    world.now += 7 * DAY - 1;
    expect(pageOf(await open())).toBe('login');
    world.now += 1;
    expectErrorPage(await open(), {
      status: 400,
      code: 'invalid_request',
      reason: 'client_unknown',
    });
    expect(await world.provider.clients.find(own.client_id)).toBeNull();
    expect((await world.provider.clear(10)).clients).toBe(1);
    expect(await howMany(world)).toBe(0);
    const [row] = await world.provider.store.audit.list({ limit: 1, clientId: own.client_id });
    expect(row).toMatchObject({ type: 'client.deleted', reason: 'unused' });
  });
  it('RG-01 and was used stays for half a year after each use', async () => {
    await use();
    world.now += 180 * DAY - 1;
    expect(pageOf(await open())).toBe('login');
    await use();
    world.now += 180 * DAY - 1;
    expect((await world.provider.clear(10)).clients).toBe(0);
    expect(pageOf(await open())).toBe('login');
    world.now += 1;
    expectErrorPage(await open(), {
      status: 400,
      code: 'invalid_request',
      reason: 'client_unknown',
    });
  });
  it('RG-01 authenticating without being given anything is use of its secret, too', async () => {
    const [secret] = (await world.provider.clients.find(own.client_id))?.secrets ?? [];
    const headers = { authorization: basic(own.client_id, own.client_secret ?? '') };
    await post(world, 'revoke-token', { token: 'x' }, headers);
    await world.provider.close();
    expect(await world.provider.clients.uses(own.client_id)).toEqual({
      at: world.now,
      secrets: { [secret?.id ?? '']: world.now },
    });
    // It keeps nobody alive who is given nothing.
    world.now += 7 * DAY;
    expect(await world.provider.clients.find(own.client_id)).toBeNull();
  });
  it('and that an operator takes into the configuration stays for good', async () => {
    const clientSecret = 'a secret of the operator, long enough';
    await world.provider.clients.ensure({
      clientId: own.client_id,
      name: 'Kept',
      redirectUris: GOOD.redirect_uris,
      clientSecret,
    });
    world.now += 400 * DAY;
    expect((await world.provider.clear(10)).clients).toBe(0);
    expect(await world.provider.clients.find(own.client_id)).toMatchObject({
      registrationSource: 'configuration',
      registrationToken: null,
      expiresAt: null,
    });
  });
  it('one of an operator never goes', async () => {
    world.now += 4000 * DAY;
    expect((await world.provider.clear(10)).clients).toBe(1);
    expect(await world.provider.clients.find(world.web.clientId)).not.toBeNull();
  });
  it('RG-01 a shared one that went is registered anew under its name', async () => {
    const body = { ...GOOD, token_endpoint_auth_method: 'none' };
    const first = await register(world, body);
    world.now += 7 * DAY;
    const again = await register(world, body);
    expect([again.status, again.body['client_id']]).toEqual([201, first.body['client_id']]);
    expect(again.body['client_id_issued_at']).toBe(world.now);
    expect(await world.provider.clients.find(String(again.body['client_id']))).toMatchObject({
      hasPredecessor: true,
    });
  });
});

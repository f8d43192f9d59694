/** Public clients that ask for the same and belong to nobody. Rules RG-01, RG-02, RG-04. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { World } from '../setup.ts';
import { howMany, register, registered, registeringWorld, send } from './registering.ts';

const PUBLIC = {
  client_name: 'Assistant',
  redirect_uris: ['https://assistant.example/cb'],
  token_endpoint_auth_method: 'none',
};

let world: World;
beforeEach(async () => {
  world = await registeringWorld({ allowOpenRegistration: true });
});

describe('registering the same again', () => {
  it('RG-01 finds the one that is there, and costs no registration', async () => {
    const ids = new Set<unknown>();
    for (let call = 0; call < 30; call += 1) {
      const answer = await register(world, PUBLIC);
      expect(answer.status).toBe(201);
      ids.add(answer.body['client_id']);
    }
    expect([ids.size, await howMany(world)]).toEqual([1, 1]);
  });
  it('RG-01 50 at once make one', async () => {
    const all = await Promise.all(
      Array.from({ length: 50 }, async (_, index) =>
        register(world, PUBLIC, { ip: `192.0.2.${index}` }),
      ),
    );
    expect(new Set(all.map(({ status, body }) => `${status} ${body['client_id']}`)).size).toBe(1);
    expect(await howMany(world)).toBe(1);
  });
  it('RG-04 nobody gets a secret or a token to change it', async () => {
    const { body } = await register(world, PUBLIC);
    for (const member of ['client_secret', 'registration_access_token', 'registration_client_uri'])
      expect(body).not.toHaveProperty(member);
    const url = `${world.provider.url('registration')}${body['client_id']}/`;
    const token = (await registered(world, { ...PUBLIC, client_name: 'Own' }))
      .registration_access_token;
    for (const method of ['GET', 'DELETE'])
      expect((await send(world, method, url, undefined, { token })).status).toBe(401);
  });
  it.each([
    ['another name', { client_name: 'Assistant 2' }],
    ['another redirect URI', { redirect_uris: ['https://assistant.example/other'] }],
    ['another field', { software_id: 'x' }],
  ])('%s is another client', async (_what, body) => {
    const [first, second] = [
      await register(world, PUBLIC),
      await register(world, { ...PUBLIC, ...body }),
    ];
    expect(second.body['client_id']).not.toBe(first.body['client_id']);
  });
  it('RG-02 one with a secret is never shared', async () => {
    const secret = { ...PUBLIC, token_endpoint_auth_method: 'client_secret_post' };
    const [first, second] = [await register(world, secret), await register(world, secret)];
    expect(second.body['client_id']).not.toBe(first.body['client_id']);
    expect(second.body['client_secret']).not.toBe(first.body['client_secret']);
    expect(first.body).toHaveProperty('registration_access_token');
  });
  it('one with an initial access token is never shared', async () => {
    const [first, second] = [await registered(world, PUBLIC), await registered(world, PUBLIC)];
    expect(second.client_id).not.toBe(first.client_id);
  });
  it('RG-04 one that was disabled is not registered anew', async () => {
    const { body } = await register(world, PUBLIC);
    const clientId = String(body['client_id']);
    await world.provider.clients.update(clientId, { disabled: true });
    const answer = await register(world, PUBLIC);
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_client_metadata']);
    expect((await world.provider.clients.find(clientId))?.disabledAt).not.toBeNull();
  });
  it('RG-04 one that was disabled is still so after its time', async () => {
    const { body } = await register(world, PUBLIC);
    const clientId = String(body['client_id']);
    await world.provider.clients.update(clientId, { disabled: true });
    world.now += 400 * 86_400;
    expect((await world.provider.clear(10)).clients).toBe(0);
    expect((await register(world, PUBLIC)).status).toBe(400);
    expect((await world.provider.clients.find(clientId))?.disabledAt).not.toBeNull();
  });
  it('RG-04 one that an operator restricted is still so after its time', async () => {
    const { body } = await register(world, PUBLIC);
    const clientId = String(body['client_id']);
    await world.provider.clients.update(clientId, { scopes: ['openid'] });
    world.now += 400 * 86_400;
    expect((await world.provider.clear(10)).clients).toBe(0);
    expect((await register(world, PUBLIC)).body['scope']).toBe('openid');
  });
  it('RG-01 who gets it later has time to use it', async () => {
    const { body } = await register(world, PUBLIC);
    world.now += 7 * 86_400 - 1;
    expect((await register(world, PUBLIC)).body['client_id']).toBe(body['client_id']);
    world.now += 6 * 86_400;
    expect(await world.provider.clients.find(String(body['client_id']))).not.toBeNull();
  });
  it('one that an operator changed is told as it is', async () => {
    const { body } = await register(world, PUBLIC);
    const clientId = String(body['client_id']);
    await world.provider.clients.update(clientId, { name: 'Assistant of Example' });
    const again = await register(world, PUBLIC);
    expect(again.body).toMatchObject({ client_id: clientId, client_name: 'Assistant of Example' });
  });
  it('shareIdentical: false gives each its own, with a token', async () => {
    world = await registeringWorld({ allowOpenRegistration: true, shareIdentical: false });
    const [first, second] = [await register(world, PUBLIC), await register(world, PUBLIC)];
    expect(second.body['client_id']).not.toBe(first.body['client_id']);
    expect(first.body).toHaveProperty('registration_access_token');
  });
});

/** Changing registered clients. */

import type { Client } from 'valetkey';
import { beforeEach, expect, it } from 'vitest';
import { makeWorld, type World } from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
it('keeps all of two changes at once', async () => {
  const { clients } = world.provider;
  const [renamed, rotated] = await Promise.all([
    clients.update(world.web.clientId, { name: 'New name' }),
    clients.rotateSecret(world.web.clientId, 60),
    ...Array.from(
      { length: 5 },
      async (_, index) =>
        await clients.update(world.web.clientId, { contacts: [`a${index}@x.example`] }),
    ),
  ]);
  const now = await clients.find(world.web.clientId);
  expect([now?.name, now?.secrets.length, now?.contacts.length]).toEqual(['New name', 2, 1]);
  // Each of the seven made a version.
  expect(now?.version).toBe(world.web.version + 7);
  expect([renamed !== null, rotated !== null]).toEqual([true, true]);
});
it('can disable and enable a client that could not be registered today', async () => {
  await world.provider.store.clients.insert(
    {
      ...world.web,
      clientId: 'old',
      redirectUris: ['http://no-longer-allowed.example/'],
    },
    null,
  );
  const { clients } = world.provider;
  expect((await clients.update('old', { disabled: true }))?.disabledAt).toBe(world.now);
  expect(await clients.findEnabled('old')).toBeNull();
  await expect(clients.update('old', { name: 'x' })).rejects.toThrow(/redirectUris/);
  expect((await clients.update('old', { disabled: false }))?.disabledAt).toBeNull();
});
it('gives a record of an earlier version the defaults of newer fields', async () => {
  const { contacts: _, allowedOrigins: __, postLogoutRedirectUris: ___, ...old } = world.web;
  await world.provider.store.clients.insert(
    { ...old, clientId: 'older' } as unknown as Client,
    null,
  );
  expect(await world.provider.clients.find('older')).toMatchObject({
    contacts: [],
    allowedOrigins: [],
    postLogoutRedirectUris: [],
  });
  expect(
    (await world.provider.clients.list({ limit: 9 })).find(({ clientId }) => clientId === 'older')
      ?.contacts,
  ).toEqual([]);
});
it('asks for a new client where the kind of credentials would change', async () => {
  const { clients } = world.provider;
  await expect(
    clients.update(world.web.clientId, {
      tokenEndpointAuthMethod: 'none',
      clientType: 'public',
      grantTypes: ['authorization_code'],
    }),
  ).rejects.toThrow(/clientType/);
  await expect(
    clients.update(world.web.clientId, { idTokenSignedResponseAlg: 'HS256' }),
  ).rejects.toThrow(/^idTokenSignedResponseAlg HS256 needs a secret .* register a new client/);
  expect(await clients.update('nobody', { name: 'x' })).toBeNull();
  expect(await clients.rotateSecret(world.spa.clientId, 60)).toBeNull();
});
it('remembers no client as it was before a change that came while it was read', async () => {
  const { clients, store } = world.provider;
  const { find } = store.clients;
  let goOn = (): void => undefined;
  const changed = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const slowly = async (clientId: string): Promise<Client | null> => {
    Object.assign(store.clients, { find });
    const client = await find(clientId);
    await changed;
    return client;
  };
  Object.assign(store.clients, { find: slowly });
  const before = clients.findEnabled(world.web.clientId);
  await clients.update(world.web.clientId, { disabled: true });
  goOn();
  expect([(await before)?.clientId, await clients.findEnabled(world.web.clientId)]).toEqual([
    world.web.clientId,
    null,
  ]);
});

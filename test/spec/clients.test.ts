/**
 * Registered clients: what is refused, what a change may do and when, and what a client that is
 * gone leaves behind.
 */
import fc from 'fast-check';
import { type Client, type ClientMetadata, createProvider, memoryDatabase } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  authorizeParams,
  authorizeUrl,
  browserOf,
  getTokens,
  ISSUER,
  isActive,
  makeWorld,
  pkce,
  post,
  REDIRECT_URI,
  SIGNING_KEYS,
  type World,
} from './setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});

describe('registering clients', () => {
  const refuses = async (metadata: Partial<ClientMetadata>): Promise<string> => {
    try {
      await world.provider.clients.create({ name: 'x', ...metadata });
    } catch (error) {
      return (error as Error).message;
    }
    return 'accepted';
  };
  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://x/y',
    ' https://x.example/',
    'https://x.example/\r\nSet-Cookie:a',
    'https://*.x.example/',
    '//x.example',
    'http://x.example/',
    'https://x.example/cb#',
    'https://x.example/#f',
    'https://u:p@x.example/',
    'https://x.example/cb?code=a',
    'https://x.example/?state=',
    'https://x.example/?iss=1',
    'https://x.example/?error=1',
    'https://x.example/?response=1',
    'https://x.example/a/../b',
    'https://x.example/%2e%2e/b',
    'https://x.example/%zz',
    'https://x。example/',
    'https:x.example',
    'https://',
    'not a uri',
    'http://localhost/cb',
    `https://x.example/${'a'.repeat(2048)}`,
    'myapp:/cb',
    'com.example.app://cb',
  ])(
    '[RFC6749 §3.1.2] [RFC8252 §7.1] [RFC8252 §8.3] AZ-05 AZ-07 NB-04 never registered: %s',
    async (uri) => {
      expect(
        await refuses({
          redirectUris: [uri],
          ...(uri.includes('app:') ? { applicationType: 'native' as const } : {}),
        }),
      ).toMatch(/^redirectUris /);
      expect(
        await refuses({ redirectUris: ['https://x.example/'], postLogoutRedirectUris: [uri] }),
      ).toMatch(/^postLogoutRedirectUris /);
    },
  );
  it.each([
    'https://x.example/cb',
    'https://x.example/cb?tenant=1',
    'https://x.example:8443/',
    'http://127.0.0.1/cb',
    'http://127.0.0.1:1234/cb',
    'http://[::1]/cb',
  ])('[RFC6749 §3.1.2] registered: %s', async (uri) => {
    expect(await refuses({ redirectUris: [uri] })).toBe('accepted');
  });
  it('[RFC8252 §7.1] a private scheme of a native application', async () => {
    expect(
      await refuses({ redirectUris: ['com.example.app:/cb'], applicationType: 'native' }),
    ).toBe('accepted');
    expect(await refuses({ redirectUris: ['com.example.app:/cb'] })).toMatch(/native/);
  });
  it.each<[Partial<ClientMetadata>, RegExp]>([
    [{ name: '', redirectUris: ['https://x.example/'] }, /^name /],
    [{}, /needs at least one URI/],
    [{ redirectUris: ['https://x.example/'], grantTypes: ['password'] }, /not offered/],
    [{ redirectUris: ['https://x.example/'], grantTypes: [] }, /empty/],
    [
      { redirectUris: ['https://x.example/'], tokenEndpointAuthMethod: 'private_key_jwt' as never },
      /not offered/,
    ],
    [
      {
        redirectUris: ['https://x.example/'],
        clientType: 'public',
        tokenEndpointAuthMethod: 'client_secret_basic',
      },
      /none for public/,
    ],
    [
      { redirectUris: ['https://x.example/'], idTokenSignedResponseAlg: 'none' as never },
      /not offered/,
    ],
    [{ redirectUris: ['https://x.example/'], scopes: ['a b'] }, /not a scope/],
    [{ redirectUris: ['https://x.example/'], clientUri: 'http://x.example' }, /https/],
    [
      { redirectUris: ['https://x.example/'], allowedOrigins: ['https://x.example/path'] },
      /origin/,
    ],
    [{ grantTypes: ['client_credentials'], responseTypes: ['code'] }, /code goes with/],
  ])('[RFC7591 §2.1] [RFC7591 §2] [OIDC Core §10.1] [RFC6749 §4.4] %o', async (metadata, problem) =>
    expect(await refuses(metadata)).toMatch(problem),
  );
  it('a client_id is taken once, and is no URL', async () => {
    const metadata = { name: 'x', redirectUris: ['https://x.example/'] };
    await world.provider.clients.create(metadata, { clientId: 'mine' });
    await expect(world.provider.clients.create(metadata, { clientId: 'mine' })).rejects.toThrow(
      /taken/,
    );
    await expect(
      world.provider.clients.create(metadata, { clientId: 'https://x.example' }),
    ).rejects.toThrow(/URL/);
    await expect(
      world.provider.clients.create(metadata, { clientSecret: 'short' }),
    ).rejects.toThrow(/at least 32/);
  });
  it('[RFC9700 §2.1] AZ-02 no string but the registered one matches, whatever it is', async () => {
    const registered = 'https://rp.example/cb';
    await fc.assert(
      fc.asyncProperty(
        fc.string({ maxLength: 8 }),
        fc.nat(registered.length),
        async (noise, at) => {
          const uri = registered.slice(0, at) + noise + registered.slice(at);
          fc.pre(uri !== registered);
          const visit = await browserOf(world).open(
            authorizeUrl(world, authorizeParams(world, pkce().challenge, { redirect_uri: uri })),
          );
          expect([visit.status, visit.leaves]).toEqual([400, null]);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('values of the wrong kind', () => {
  it.each<[string, object]>([
    ['name', {}],
    ['name', { name: 5 }],
    ['clientType', { clientType: 'publik' }],
    ['applicationType', { applicationType: 'Native' }],
    ['redirectUris', { redirectUris: [5] }],
    ['redirectUris', { redirectUris: 'https://x.example/' }],
    ['contacts', { contacts: [5] }],
    ['owner', { owner: 5 }],
    ['skipConsent', { skipConsent: 'yes' }],
    ['tokenEndpointAuthMethod', { tokenEndpointAuthMethod: null }],
    ['colour', { colour: 'red' }],
    ['disabledAt', { disabledAt: 5 }],
    ['version', { version: 5 }],
  ])('[RFC7591 §2] %s is told', async (field, metadata) => {
    const given = {
      redirectUris: ['https://x.example/'],
      ...(field === 'name' ? {} : { name: 'x' }),
      ...metadata,
    };
    await expect(
      world.provider.clients.create(given as unknown as ClientMetadata),
    ).rejects.toMatchObject({ problems: [{ field }] });
  });
  it('a client_id and a secret are told under their names', async () => {
    const { clients } = world.provider;
    const metadata = { name: 'x', redirectUris: ['https://x.example/'] };
    await expect(clients.create(metadata, { clientId: 'a b' })).rejects.toMatchObject({
      problems: [{ field: 'clientId' }],
    });
    await expect(clients.create(metadata, { clientSecret: 'x' })).rejects.toMatchObject({
      problems: [{ field: 'clientSecret' }],
    });
  });
});

describe('changes', () => {
  it('two at once do not undo each other', async () => {
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
    expect([now?.name, now?.secrets.length, now?.contacts.length, now?.version]).toEqual([
      'New name',
      2,
      1,
      8,
    ]);
    expect([renamed !== null, rotated !== null]).toEqual([true, true]);
  });
  it('a client that could not be registered today can still be switched off, and on', async () => {
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
  it('a record of an earlier version gets the defaults of what came later', async () => {
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
  it('credentials of another kind need a new client', async () => {
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
    ).rejects.toThrow(/clientType/);
    expect(await clients.update('nobody', { name: 'x' })).toBeNull();
    expect(await clients.rotateSecret(world.spa.clientId, 60)).toBeNull();
  });
});

describe('a client that is deleted', () => {
  it('takes everything issued to it along, also when its client_id is used again', async () => {
    const tokens = await getTokens(world);
    const own = await post(world, 'token', { grant_type: 'client_credentials', scope: 'read' });
    const { clients } = world.provider;
    expect([
      await clients.delete(world.web.clientId),
      await clients.delete(world.web.clientId),
    ]).toEqual([true, false]);
    expect((await post(world, 'introspect', { token: tokens.access_token })).status).toBe(401);
    world.now += 1;
    const again = {
      name: 'Again',
      redirectUris: [REDIRECT_URI],
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    };
    await clients.create(again, { clientId: world.web.clientId, clientSecret: world.webSecret });
    for (const token of [
      tokens.access_token,
      tokens.refresh_token,
      String(own.body['access_token']),
    ])
      expect(await isActive(world, token)).toBe(false);
    const refreshed = await post(world, 'token', {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
    });
    expect([refreshed.status, refreshed.body['error']]).toEqual([400, 'invalid_grant']);
    expect(
      (await post(world, 'token', { grant_type: 'client_credentials', scope: 'read' })).status,
    ).toBe(200);
  });
  it('is not found for long on other nodes', async () => {
    const store = memoryDatabase();
    const make = (): World['provider'] =>
      createProvider({
        issuer: ISSUER,
        store,
        accounts: memoryAccounts([]),
        pages: builtInPages(),
        signingKeys: SIGNING_KEYS,
        clock: () => world.now,
        clientCacheSeconds: 10,
      });
    const [one, two] = [make(), make()];
    const { client } = await one.clients.create({
      name: 'x',
      redirectUris: ['https://x.example/'],
    });
    expect(await two.clients.find(client.clientId)).not.toBeNull();
    await one.clients.delete(client.clientId);
    expect(await one.clients.find(client.clientId)).toBeNull();
    world.now += 10;
    expect(await two.clients.find(client.clientId)).toBeNull();
  });
});

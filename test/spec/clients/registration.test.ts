/** What can be registered as a client (RFC 7591), and what is refused. */

import type { ClientMetadata } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { ALICE, makeWorld, type World } from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});

const refuses = async (metadata: Partial<ClientMetadata>): Promise<string> => {
  try {
    await world.provider.clients.create({ name: 'x', ...metadata });
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
};

describe('redirect URIs', () => {
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
    '[RFC6749 §3.1.2] [RFC8252 §7.1] [RFC8252 §8.3] AZ-05 AZ-07 NB-04 are refused: %s',
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
    'https://a;frame-ancestors/cb',
    "https://a'unsafe-inline'/cb",
    'https://a,b/cb',
    'https://a$b/cb',
    'https://a!b/cb',
  ])(
    '[RFC6749 §3.1.2] UI-02 are refused with a host that would end a directive of a policy: %s',
    async (uri) => {
      await expect(
        world.provider.clients.create({ name: 'x', redirectUris: [uri] }),
      ).rejects.toThrow(/redirectUris/);
    },
  );
  it.each([
    'https://x.example/cb',
    'https://x.example/cb?tenant=1',
    'https://x.example:8443/',
    'http://127.0.0.1/cb',
    'http://127.0.0.1:1234/cb',
    'http://[::1]/cb',
  ])('[RFC6749 §3.1.2] are accepted: %s', async (uri) => {
    expect(await refuses({ redirectUris: [uri] })).toBe('accepted');
  });
  it('[RFC8252 §7.1] may have a private scheme for native applications only', async () => {
    expect(
      await refuses({ redirectUris: ['com.example.app:/cb'], applicationType: 'native' }),
    ).toBe('accepted');
    expect(await refuses({ redirectUris: ['com.example.app:/cb'] })).toMatch(/native/);
  });
});

describe('metadata', () => {
  it.each<[Partial<ClientMetadata>, RegExp]>([
    [{ name: '', redirectUris: ['https://x.example/'] }, /^name /],
    [{}, /needs at least one URI/],
    [{ redirectUris: ['https://x.example/'], grantTypes: ['password'] }, /not offered/],
    [{ redirectUris: ['https://x.example/'], grantTypes: [] }, /empty/],
    [
      { redirectUris: ['https://x.example/'], tokenEndpointAuthMethod: 'tls_client_auth' as never },
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
  ])(
    '[RFC7591 §2.1] [RFC7591 §2] [OIDC Core §10.1] [RFC6749 §4.4] %o is refused',
    async (metadata, problem) => expect(await refuses(metadata)).toMatch(problem),
  );
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
  ])('[RFC7591 §2] of the wrong kind are named in the refusal: %s', async (field, metadata) => {
    const given = {
      redirectUris: ['https://x.example/'],
      ...(field === 'name' ? {} : { name: 'x' }),
      ...metadata,
    };
    await expect(
      world.provider.clients.create(given as unknown as ClientMetadata),
    ).rejects.toMatchObject({ problems: [{ field }] });
  });
});

describe('client_id and secret', () => {
  it('AZ-24 are assigned here: a client_id looks like no subject', async () => {
    expect(world.web.clientId).toMatch(/^[\w-]{22}$/);
    await expect(
      world.provider.clients.create({ name: 'x', clientId: ALICE.sub } as never),
    ).rejects.toMatchObject({
      problems: [{ field: 'clientId' }],
    });
  });
  it('are refused when the client_id is taken or a URL, or the secret too short', async () => {
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
  it('are named in a refusal', async () => {
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

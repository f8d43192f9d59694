/** Kinds of applications: what each fills in, and that everything given stays as it is. */
import { CLIENT_KINDS, type ClientKind, metadataOfKind } from 'valetkey';
import { describe, expect, it } from 'vitest';
import { makeWorld } from '../spec/setup.ts';

const GIVEN = { name: 'App', redirectUris: ['https://app.example/cb', 'https://app.example/x'] };
const WITHOUT_URIS: readonly ClientKind[] = ['service', 'resource-server', 'device'];

describe('a kind of application', () => {
  it.each(CLIENT_KINDS)(
    '%s can be registered with a name and redirect URIs alone',
    async (kind) => {
      const { provider } = await makeWorld();
      const { redirectUris, ...named } = GIVEN;
      const given = WITHOUT_URIS.includes(kind) ? named : { ...named, redirectUris };
      const { client, clientSecret } = await provider.clients.create(metadataOfKind(kind, given));
      const {
        tokenEndpointAuthMethod: method,
        applicationType,
        grantTypes,
        idTokenClaims,
        allowedOrigins,
        scopes,
      } = client;
      const withRefresh = ['authorization_code', 'refresh_token'];
      const device = 'urn:ietf:params:oauth:grant-type:device_code';
      const expected = {
        web: ['client_secret', 'web', withRefresh, true, [], null],
        spa: ['none', 'web', withRefresh, true, ['https://app.example'], null],
        native: ['none', 'native', withRefresh, true, [], null],
        service: ['client_secret', 'web', ['client_credentials'], false, [], null],
        'resource-server': ['client_secret', 'web', [], false, [], ['introspection']],
        device: ['none', 'native', [device, 'refresh_token'], true, [], null],
      }[kind];
      expect([method, applicationType, grantTypes, idTokenClaims, allowedOrigins, scopes]).toEqual(
        expected,
      );
      expect(clientSecret === null).toBe(method === 'none');
    },
  );
  it('changes nothing of what is given', () => {
    const given = {
      ...GIVEN,
      grantTypes: ['authorization_code'],
      idTokenClaims: false,
      allowedOrigins: [],
      tokenEndpointAuthMethod: 'client_secret_post',
      refreshTokenAbsoluteLifetime: null,
    };
    expect(metadataOfKind('spa', given)).toEqual(given);
    expect(metadataOfKind('spa', { clientType: 'confidential' }).clientType).toBe('confidential');
  });
  it('NB-09 refresh tokens of spa end after a day, however often they are used', () => {
    expect(metadataOfKind('spa', {}).refreshTokenAbsoluteLifetime).toBe(86_400);
    expect(metadataOfKind('native', {}).refreshTokenAbsoluteLifetime).toBeUndefined();
  });
  it('spa derives origins from https and loopback addresses, each once', () => {
    const redirectUris = [
      'http://127.0.0.1:5173/cb',
      'http://127.0.0.1:5173/x',
      'com.app:/cb',
      'x',
    ];
    expect(metadataOfKind('spa', { redirectUris }).allowedOrigins).toEqual([
      'http://127.0.0.1:5173',
    ]);
  });
});

/** Discovery (OIDC Discovery, RFC 8414): what is announced, and where. Rules MD. */

import { builtInPages } from 'valetkey/pages';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { ISSUER, makeWorld, read, SIGNING_KEYS, type World } from '../setup.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld({ signingKeys: SIGNING_KEYS });
});

const get = async (
  path: string,
  headers: Record<string, string> = {},
  from: World = world,
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> =>
  await read(await from.provider.fetch(new Request(new URL(path, ISSUER), { headers })));

const PROOFS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];
const ALGS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');
const SIGNING = ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'];
const KEYS = ['RSA-OAEP', 'RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'];
const CONTENT = ['A128CBC-HS256', 'A256CBC-HS512', 'A128GCM', 'A256GCM'];
const encryption = (object: string): object => ({
  [`${object}_encryption_alg_values_supported`]: KEYS,
  [`${object}_encryption_enc_values_supported`]: CONTENT,
});

describe('the document', () => {
  it('[OIDC Discovery §3] [RFC8414 §2] announces every endpoint and what it supports', async () => {
    const { status, headers, body } = await get('/.well-known/openid-configuration');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('cache-control')).toContain('max-age=3600');
    expect(body).toEqual({
      issuer: ISSUER,
      authorization_endpoint: `${ISSUER}/o/authorize/`,
      token_endpoint: `${ISSUER}/o/token/`,
      userinfo_endpoint: `${ISSUER}/o/userinfo/`,
      introspection_endpoint: `${ISSUER}/o/introspect/`,
      revocation_endpoint: `${ISSUER}/o/revoke_token/`,
      end_session_endpoint: `${ISSUER}/o/logout/`,
      jwks_uri: `${ISSUER}/o/.well-known/jwks.json`,
      device_authorization_endpoint: `${ISSUER}/o/device_authorization/`,
      pushed_authorization_request_endpoint: `${ISSUER}/o/par/`,
      require_pushed_authorization_requests: false,
      scopes_supported: [
        'openid',
        'profile',
        'email',
        'address',
        'phone',
        'offline_access',
        'read',
        'write',
      ],
      response_types_supported: ['code', 'id_token', 'code id_token', 'none'],
      response_modes_supported: [
        'query',
        'fragment',
        'form_post',
        'jwt',
        'query.jwt',
        'fragment.jwt',
        'form_post.jwt',
      ],
      grant_types_supported: [
        'authorization_code',
        'refresh_token',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code',
        'implicit',
      ],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: SIGNING,
      userinfo_signing_alg_values_supported: SIGNING,
      authorization_signing_alg_values_supported: SIGNING,
      introspection_signing_alg_values_supported: SIGNING,
      ...encryption('introspection'),
      ...encryption('id_token'),
      ...encryption('userinfo'),
      ...encryption('authorization'),
      token_endpoint_auth_methods_supported: [...PROOFS, 'none'],
      revocation_endpoint_auth_methods_supported: [...PROOFS, 'none'],
      introspection_endpoint_auth_methods_supported: PROOFS,
      token_endpoint_auth_signing_alg_values_supported: ALGS,
      revocation_endpoint_auth_signing_alg_values_supported: ALGS,
      introspection_endpoint_auth_signing_alg_values_supported: ALGS,
      dpop_signing_alg_values_supported: ALGS,
      code_challenge_methods_supported: ['S256'],
      prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
      ui_locales_supported: ['en', 'de', 'fr'],
      authorization_response_iss_parameter_supported: true,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      frontchannel_logout_supported: true,
      frontchannel_logout_session_supported: true,
      claims_parameter_supported: true,
      display_values_supported: ['page', 'popup', 'touch'],
      request_parameter_supported: true,
      request_object_signing_alg_values_supported: ALGS,
      require_signed_request_object: false,
      request_uri_parameter_supported: false,
      claims_supported: expect.arrayContaining([
        'sub',
        'name',
        'email',
        'email_verified',
        'address',
        'phone_number',
      ]) as unknown,
    });
  });
  it('MD-03 announces the scopes of the configuration and no others', async () => {
    const own = await makeWorld({ scopes: { phone: null, billing: 'See your bills' } });
    const { body } = await get('/.well-known/openid-configuration', {}, own);
    expect(body['scopes_supported']).toEqual([
      'openid',
      'profile',
      'email',
      'address',
      'offline_access',
      'billing',
    ]);
    expect(body['claims_supported']).not.toContain('phone_number');
  });
  it('names the languages of the pages, and none where a host draws pages of its own', async () => {
    const german = await makeWorld({ pages: builtInPages({ languages: ['de'] }) });
    const { languages: _, ...own } = builtInPages();
    const unknown = await makeWorld({ pages: own });
    const said = async (place: World): Promise<unknown> =>
      (await get('/.well-known/openid-configuration', {}, place)).body['ui_locales_supported'];
    expect([await said(german), await said(unknown)]).toEqual([['de'], undefined]);
  });
  it('MD-01 names the issuer whatever the headers of a request say', async () => {
    const { body } = await get('/.well-known/openid-configuration', {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'javascript',
      forwarded: 'host=evil.example',
    });
    expect(JSON.stringify(body)).not.toContain('evil');
    const elsewhere = await world.provider.fetch(
      new Request('http://evil.example/.well-known/openid-configuration'),
    );
    expect(await elsewhere.json()).toEqual(body);
  });
  it('[RFC9110 §13.1.2] is left out when the ETag matches', async () => {
    const etag = (await get('/.well-known/openid-configuration')).headers.get('etag') ?? '';
    for (const tags of [etag, `W/${etag}`, `"x", ${etag}`, '*', '"x"']) {
      const request = new Request(`${ISSUER}/.well-known/openid-configuration`, {
        headers: { 'if-none-match': tags },
      });
      const response = await world.provider.fetch(request);
      expect([tags, response.status, (await response.text()) === '']).toEqual([
        tags,
        ...(tags === '"x"' ? [200, false] : [304, true]),
      ]);
    }
  });
  it('[OIDC Discovery §3] is not served when the keys cannot be had: 500, and a line in the log', async () => {
    const broken = await makeWorld();
    Object.assign(broken.provider.keys, {
      published: async () => Promise.reject(new Error('keys are gone')),
    });
    expectRefusal(broken, await get('/.well-known/openid-configuration', {}, broken), {
      status: 500,
      error: 'server_error',
      reason: 'unexpected',
    });
  });
});

describe('the addresses', () => {
  it.each([
    '/.well-known/openid-configuration/',
    '/o/.well-known/openid-configuration',
    '/o/.well-known/openid-configuration/',
    '/.well-known/oauth-authorization-server',
    '/o/.well-known/oauth-authorization-server/',
    '/.well-known/oauth-authorization-server/o',
  ])('[RFC8414 §3.1] [OIDC Discovery §4] serve the document also at %s', async (path) =>
    expect((await get(path)).body['issuer']).toBe(ISSUER),
  );
  it('[RFC8414 §3.1] serve an issuer with a path below it, inserted, and under the base path', async () => {
    const issuer = `${ISSUER}/tenant/one`;
    const tenant = await makeWorld({ issuer, basePath: '/auth' });
    for (const path of [
      '/tenant/one/.well-known/openid-configuration',
      '/.well-known/openid-configuration/tenant/one',
      '/.well-known/oauth-authorization-server/tenant/one',
      '/tenant/one/.well-known/oauth-authorization-server',
      '/auth/.well-known/openid-configuration',
    ]) {
      expect((await get(path, {}, tenant)).body).toMatchObject({
        issuer,
        token_endpoint: `${ISSUER}/auth/token/`,
      });
    }
  });
  it('work with and without a slash, and have names', async () => {
    for (const name of [
      'authorize',
      'token',
      'userinfo',
      'user-info',
      'introspect',
      'revoke-token',
      'rp-initiated-logout',
      'jwks-info',
      'oidc-connect-discovery-info',
    ] as const) {
      const url = world.provider.url(name);
      for (const address of [url, url.replace(/\/$/, ''), `${url.replace(/\/$/, '')}/`]) {
        expect((await world.provider.fetch(new Request(address))).status, address).not.toBe(404);
      }
    }
  });
});

/** Metadata that no client is registered with (RFC 7591 §3.2.2). Rules RG, AZ, NB. */
import { dpop, dynamicRegistration, pushedAuthorizationRequests } from 'valetkey';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import type { World } from '../setup.ts';
import { GOOD, howMany, register, registeringWorld, tokenFor } from './registering.ts';

let world: World;
beforeEach(async () => {
  world = await registeringWorld();
});

describe('bad metadata', () => {
  const uris = (...redirectUris: readonly string[]): object => ({ redirect_uris: redirectUris });
  const keys = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'a', d: 'b' }] };

  it.each<readonly [what: string, metadata: object, error: string]>([
    ['no redirect URI', {}, 'invalid_redirect_uri'],
    ['a redirect URI that is no text', { redirect_uris: [1] }, 'invalid_client_metadata'],
    [
      'redirect URIs that are no list',
      { redirect_uris: 'https://a.example/' },
      'invalid_client_metadata',
    ],
    ['AZ-05 javascript:', uris('javascript:alert(1)'), 'invalid_redirect_uri'],
    ['AZ-05 JaVaScRiPt:', uris('JaVaScRiPt:alert(1)'), 'invalid_redirect_uri'],
    ['AZ-05 data:', uris('data:text/html,x'), 'invalid_redirect_uri'],
    ['AZ-05 vbscript:', uris('vbscript:x'), 'invalid_redirect_uri'],
    ['AZ-05 file:', uris('file:///etc/passwd'), 'invalid_redirect_uri'],
    ['AZ-05 blob:', uris('blob:https://x.example/1'), 'invalid_redirect_uri'],
    ['AZ-05 a space in front', uris(' https://x.example/'), 'invalid_redirect_uri'],
    [
      'AZ-05 the end of a line',
      uris('https://x.example/\r\nSet-Cookie: a'),
      'invalid_redirect_uri',
    ],
    ['AZ-05 a wildcard', uris('https://*.x.example/'), 'invalid_redirect_uri'],
    ['AZ-05 no scheme', uris('//x.example/'), 'invalid_redirect_uri'],
    ['AZ-05 http that is not loopback', uris('http://x.example/'), 'invalid_redirect_uri'],
    [
      '[OIDC Registration §2] AZ-05 a fragment',
      uris('https://x.example/cb#f'),
      'invalid_redirect_uri',
    ],
    ['AZ-05 user information', uris('https://u:p@x.example/'), 'invalid_redirect_uri'],
    ['AZ-07 a parameter of ours', uris('https://x.example/cb?code=a'), 'invalid_redirect_uri'],
    [
      'NB-03 localhost of a web application',
      { ...uris('http://localhost:5000/cb'), application_type: 'web' },
      'invalid_redirect_uri',
    ],
    [
      'NB-04 a private-use scheme of a web application that has https too',
      { redirect_uris: ['https://x.example/cb', 'com.example.app:/cb'], application_type: 'web' },
      'invalid_redirect_uri',
    ],
    ['NB-04 a scheme that anybody may take', uris('myapp:/cb'), 'invalid_redirect_uri'],
    [
      'RG-05 a logo over http',
      { ...GOOD, logo_uri: 'http://x.example/logo.png' },
      'invalid_client_metadata',
    ],
    [
      'RG-05 a policy that is a script',
      { ...GOOD, policy_uri: 'javascript:1' },
      'invalid_client_metadata',
    ],
    ['RG-05 terms as data', { ...GOOD, tos_uri: 'data:text/html,x' }, 'invalid_client_metadata'],
    [
      'RG-05 a web site over http',
      { ...GOOD, client_uri: 'http://10.0.0.1/' },
      'invalid_client_metadata',
    ],
    [
      'RG-05 a start page over http',
      { ...GOOD, initiate_login_uri: 'http://x.example/' },
      'invalid_client_metadata',
    ],
    [
      'RG-05 keys over http',
      { ...GOOD, jwks_uri: 'http://x.example/jwks', token_endpoint_auth_method: 'private_key_jwt' },
      'invalid_client_metadata',
    ],
    [
      'a private key',
      { ...GOOD, jwks: keys, token_endpoint_auth_method: 'private_key_jwt' },
      'invalid_client_metadata',
    ],
    [
      '[RFC7591 §2] both forms of keys',
      { ...GOOD, jwks: { keys: [] }, jwks_uri: 'https://x.example/j' },
      'invalid_client_metadata',
    ],
    [
      'private_key_jwt without keys',
      { ...GOOD, token_endpoint_auth_method: 'private_key_jwt' },
      'invalid_client_metadata',
    ],
    [
      'a method that is not offered',
      { ...GOOD, token_endpoint_auth_method: 'client_secret_jwt' },
      'invalid_client_metadata',
    ],
    [
      'the name of a method in a list',
      { ...GOOD, token_endpoint_auth_method: ['none'] },
      'invalid_client_metadata',
    ],
    [
      'an algorithm that is not offered',
      { ...GOOD, id_token_signed_response_alg: 'none' },
      'invalid_client_metadata',
    ],
    [
      'HS256 for a client without a secret',
      { ...GOOD, token_endpoint_auth_method: 'none', id_token_signed_response_alg: 'HS256' },
      'invalid_client_metadata',
    ],
    [
      'grant types that are not offered',
      { ...GOOD, grant_types: ['password', 'x'] },
      'invalid_client_metadata',
    ],
    [
      '[RFC7591 §2.1] a grant without its response type',
      { ...GOOD, response_types: ['token'] },
      'invalid_client_metadata',
    ],
    ['scopes that are none here', { ...GOOD, scope: 'admin root' }, 'invalid_client_metadata'],
    ['a scope that is a list', { ...GOOD, scope: ['openid'] }, 'invalid_client_metadata'],
    [
      'a name with marks of direction',
      { ...GOOD, client_name: 'a\u202eb' },
      'invalid_client_metadata',
    ],
    ['an invisible name', { ...GOOD, client_name: '\u200b' }, 'invalid_client_metadata'],
    [
      'a contact that nobody can read',
      { ...GOOD, contacts: ['\u0001'] },
      'invalid_client_metadata',
    ],
    [
      'a contact of 256 characters',
      { ...GOOD, contacts: ['a'.repeat(256)] },
      'invalid_client_metadata',
    ],
    [
      'RG-01 51 redirect URIs',
      uris(...Array.from({ length: 51 }, (_, i) => `https://a.example/${i}`)),
      'invalid_client_metadata',
    ],
    [
      'RG-01 more than 16 KB',
      uris(...Array.from({ length: 20 }, (_, i) => `https://a.example/${i}${'a'.repeat(1000)}`)),
      'invalid_client_metadata',
    ],
    ['an empty name', { ...GOOD, client_name: ' ' }, 'invalid_client_metadata'],
    [
      'a name of 256 characters',
      { ...GOOD, client_name: 'a'.repeat(256) },
      'invalid_client_metadata',
    ],
    ['a max_age that is a text', { ...GOOD, default_max_age: '60' }, 'invalid_client_metadata'],
    ['a negative max_age', { ...GOOD, default_max_age: -1 }, 'invalid_client_metadata'],
    [
      'a software_id of 256 characters',
      { ...GOOD, software_id: 'a'.repeat(256) },
      'invalid_client_metadata',
    ],
    [
      'a subject type that is not offered',
      { ...GOOD, subject_type: 'pairwise' },
      'invalid_client_metadata',
    ],
    [
      'encryption that is not offered',
      { ...GOOD, id_token_encrypted_response_alg: 'RSA-OAEP' },
      'invalid_client_metadata',
    ],
    [
      'signed userinfo that is not offered',
      { ...GOOD, userinfo_signed_response_alg: 'ES512' },
      'invalid_client_metadata',
    ],
    [
      'certificates that are not offered',
      { ...GOOD, tls_client_certificate_bound_access_tokens: true },
      'invalid_client_metadata',
    ],
  ])('[RFC7591 §3.2.2] %s is refused and stores nothing', async (_what, metadata, error) => {
    const answer = await register(world, metadata, { token: await tokenFor(world) });
    const reason = error === 'invalid_redirect_uri' ? 'registered_redirect_uri' : 'client_metadata';
    expectRefusal(world, answer, { status: 400, error, reason });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(String(answer.body['error_description'])).toMatch(/^[\x20-\x5b\x5d-\x7e]+$/);
    expect(await howMany(world)).toBe(0);
  });
  it('AZ-05 a wildcard, also where operators may register one', async () => {
    world = await registeringWorld({}, { allowRedirectUriWildcards: true });
    const wild = uris('https://*.preview.example.com/cb');
    const answer = await register(world, wild, { token: await tokenFor(world) });
    expect(answer.body['error']).toBe('invalid_redirect_uri');
  });
  it.each([
    ['dpop_bound_access_tokens', dpop({ enabled: false })],
    ['require_pushed_authorization_requests', pushedAuthorizationRequests({ enabled: false })],
  ])('RG-04 %s is not ignored where it is not offered', async (name, off) => {
    const features = [dynamicRegistration({ enabled: true }), off];
    world = await registeringWorld({}, { features });
    const token = await tokenFor(world);
    expectRefusal(world, await register(world, { ...GOOD, [name]: true }, { token }), {
      status: 400,
      error: 'invalid_client_metadata',
      reason: 'client_metadata',
    });
    expect((await register(world, { ...GOOD, [name]: false }, { token })).status).toBe(201);
  });
  it.each([
    [
      { redirect_uris: ['http://evil.example/'], token_endpoint_auth_method: 'none' },
      /^redirect_uris http:\/\/evil\.example\/ uses http to a host other than loopback$/,
    ],
    [
      { ...GOOD, response_types: ['token'] },
      /^response_types names none that is offered \(code, id_token, code id_token, none\)/,
    ],
    [uris('com.example.app:/cb'), /^redirect_uris com\.example\.app:\/cb is neither https/],
    [uris(...Array.from({ length: 51 }, (_, i) => `https://a.example/${i}`)), /50 entries/],
  ])('%j: the answer says what to change', async (metadata, text) => {
    world = await registeringWorld({ allowedSchemes: 'web-and-loopback' });
    const answer = await register(world, metadata, { token: await tokenFor(world) });
    expect(answer.body['error_description']).toMatch(text);
  });
  it.each([
    [
      'a form',
      'a=b',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'content_type_json',
    ],
    ['no JSON', '{', {}, 400, 'json_malformed'],
    ['a list', '[]', {}, 400, 'json_object'],
    ['null', 'null', {}, 400, 'json_object'],
    ['a name that changes objects', '{"__proto__":{"a":1}}', {}, 400, 'json_malformed'],
    ['a zero character', '{"client_name":"a\\u0000"}', {}, 400, 'json_malformed'],
    ['21 levels', `${'{"a":'.repeat(21)}1${'}'.repeat(21)}`, {}, 400, 'json_object'],
    ['more than 64 KB', JSON.stringify({ a: 'b'.repeat(70_000) }), {}, 413, 'request_too_large'],
  ] as const)('%s is refused', async (_what, body, headers, status, reason) => {
    const answer = await register(world, body, { token: await tokenFor(world), headers });
    expectRefusal(world, answer, { status, error: 'invalid_request', reason });
    expect(await howMany(world)).toBe(0);
  });
});

describe('what is inside the network', () => {
  const internal = 'http://keys.internal:8080';
  it.each([
    [
      'jwks_uri',
      { jwks_uri: `${internal}/admin?delete=all`, token_endpoint_auth_method: 'private_key_jwt' },
    ],
    ['logo_uri', { logo_uri: `${internal}/admin?delete=all` }],
    ['request_uris', { request_uris: ['https://app.example/r', `${internal}/admin`] }],
    ['backchannel_logout_uri', { backchannel_logout_uri: `${internal}/admin` }],
  ])('RG-05 OB-04 %s: strangers do not choose what is fetched there', async (_what, metadata) => {
    world = await registeringWorld({}, { allowOutbound: [internal] });
    const answer = await register(
      world,
      { ...GOOD, ...metadata },
      { token: await tokenFor(world) },
    );
    expectRefusal(world, answer, {
      status: 400,
      error: 'invalid_client_metadata',
      reason: 'client_metadata',
    });
  });
  it('is named by clients where the operator allows it', async () => {
    world = await registeringWorld({ allowInternalAddresses: true }, { allowOutbound: [internal] });
    const metadata = { ...GOOD, backchannel_logout_uri: `${internal}/logout` };
    expect((await register(world, metadata, { token: await tokenFor(world) })).status).toBe(201);
    expect(world.provider.weakened).toContain('dynamicRegistration.allowInternalAddresses');
  });
});

/** The document about an API (RFC 9728). */
import { ConfigError } from 'valetkey';
import { createResource, type ResourceOptions } from 'valetkey/resource';
import { describe, expect, it } from 'vitest';
import { apiOf, DOCUMENT, sourceOf } from './apis.ts';
import { API, AS } from './signed.ts';

const make = (options: Partial<ResourceOptions>): ReturnType<typeof createResource> =>
  createResource({ resource: API, tokens: sourceOf({}), ...options });

describe('an identifier', () => {
  it.each([
    'http://api.example/v1',
    'https://api.example/v1#x',
    'https://api.example/v1?',
    'https://api.example/v1?a=b',
    'https://a:b@api.example',
    'urn:api',
    '/v1',
    '',
  ])('[RFC9728 §1.2] is refused at the start: %j', (resource) => {
    expect(() => make({ resource })).toThrow(ConfigError);
  });
  it.each([
    ['https://api.example', '/.well-known/oauth-protected-resource'],
    ['https://api.example/', '/.well-known/oauth-protected-resource'],
    ['https://api.example/v1', '/.well-known/oauth-protected-resource/v1'],
    ['https://api.example/v1/', '/.well-known/oauth-protected-resource/v1/'],
    ['http://localhost:4000/mcp', '/.well-known/oauth-protected-resource/mcp'],
  ])('[RFC9728 §3.1] [RFC9728 §3.3] of %s has its document at %s', async (resource, path) => {
    const api = make({ resource });
    expect(api.metadataUrl).toBe(new URL(resource).origin + path);
    expect([api.handles(path), api.handles(`${path}x`), api.handles('/')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(await api.metadata().json()).toMatchObject({ resource });
  });
});

describe('the document', () => {
  it('[RFC9728 §2] tells what is configured, and nothing else', async () => {
    expect(await make({}).metadata().json()).toEqual({
      resource: API,
      authorization_servers: [AS],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']),
    });
    const all = make({
      authorizationServers: ['https://a.example', 'https://b.example'],
      scopes: ['photos.read'],
      name: 'Photos',
      documentation: 'https://api.example/docs',
      policyUri: 'https://api.example/policy',
      tosUri: 'https://api.example/terms',
      allowTokenInBody: true,
      requireDpop: true,
    });
    expect(await all.metadata().json()).toEqual({
      resource: API,
      authorization_servers: ['https://a.example', 'https://b.example'],
      bearer_methods_supported: ['header', 'body'],
      scopes_supported: ['photos.read'],
      resource_name: 'Photos',
      resource_documentation: 'https://api.example/docs',
      resource_policy_uri: 'https://api.example/policy',
      resource_tos_uri: 'https://api.example/terms',
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']),
      dpop_bound_access_tokens_required: true,
    });
  });
  it('[RFC9728 §3.2] leaves out what is empty', async () => {
    const api = make({ tokens: { find: async () => null }, scopes: [] });
    expect(Object.keys((await api.metadata().json()) as object)).toEqual([
      'resource',
      'bearer_methods_supported',
      'dpop_signing_alg_values_supported',
    ]);
  });
  it('is for every origin, and for caches', async () => {
    const { api } = apiOf({});
    const get = api.metadata(new Request(DOCUMENT));
    expect([get.status, get.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(get.headers.get('access-control-allow-origin')).toBe('*');
    expect(get.headers.get('cache-control')).toBe('public, max-age=3600');
    const preflight = api.metadata(new Request(DOCUMENT, { method: 'OPTIONS' }));
    expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([
      204,
      '*',
    ]);
    const head = api.metadata(new Request(DOCUMENT, { method: 'HEAD' }));
    expect([head.status, await head.text()]).toEqual([200, '']);
    const post = api.metadata(new Request(DOCUMENT, { method: 'POST' }));
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });
  it.each(['v1', '/', '/v1/', '/v1?x'])('is refused below the prefix %j', (strippedPrefix) => {
    expect(() => make({ strippedPrefix })).toThrow(ConfigError);
  });
});

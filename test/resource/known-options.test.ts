/** Options that are misspelt or of another kind: no API is less protected than its host wrote. */
import { ConfigError } from 'valetkey';
import { expressValetkey } from 'valetkey/express';
import { nodeListener } from 'valetkey/node';
import { createResource, introspectedTokens, jwtTokens } from 'valetkey/resource';
import { expressProtect } from 'valetkey/resource/express';
import { honoProtect } from 'valetkey/resource/hono';
import { describe, expect, it } from 'vitest';

const issuer = 'https://id.example.com';
const tokens = { find: () => Promise.resolve(null) };
const api = { resource: 'https://api.example.com/v1', tokens };
const provider = { fetch: async () => new Response(), handles: () => true };
const asked = { issuer, clientId: 'api', clientSecret: 'secret' };

const SOURCE = 'Write it like providerTokens(provider), or introspectedTokens({ … }).';
const REGISTER =
  'Register this API: npx valetkey application create --kind resource-server --name "My API".';

const HEADER = 'Name the header of your proxy.';

const MAKE = {
  createResource: (more: object) => createResource({ ...api, ...more }),
  introspectedTokens: (more: object) => introspectedTokens({ ...asked, ...more }),
  jwtTokens: (more: object) => jwtTokens({ issuer, ...more }),
  expressProtect: (more: object) => expressProtect(createResource(api), more),
  nodeListener: (more: object) => nodeListener(provider, more),
  expressValetkey: (more: object) => expressValetkey(provider, more),
  honoProtect: (more: object) => honoProtect(createResource(api), more),
  'the rules for passing': (more: object) =>
    createResource(api).judge({}, more as { readonly preflight?: boolean }),
} as const;

function problemsOf(make: () => unknown): ConfigError['problems'] {
  try {
    make();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe.each<[keyof typeof MAKE, object, string, string]>([
  ['createResource', { requireDPoP: true }, 'requireDPoP', 'Did you mean requireDpop?'],
  ['createResource', { requireDpop: 'true' }, 'requireDpop', 'Write true or false, not a text.'],
  ['createResource', { audience: 7 }, 'audience', 'Write a list of texts.'],
  ['createResource', { scopes: 'photos.read' }, 'scopes', 'Write a list of texts.'],
  ['createResource', { tokens: undefined }, 'tokens', SOURCE],
  ['createResource', { resource: undefined }, 'resource', 'Write the public address of the API.'],
  ['createResource', { onRefused: 'log' }, 'onRefused', 'Pass a function.'],
  ['createResource', { proofs: {} }, 'proofs', 'Write { used(digest, expiresAt) { … } }.'],
  ['createResource', { tokens: null }, 'tokens', SOURCE],
  ['createResource', { tokens: {} }, 'tokens', SOURCE],
  ['introspectedTokens', { cacheSecond: 0 }, 'cacheSecond', 'Did you mean cacheSeconds?'],
  ['introspectedTokens', { cacheSeconds: -1 }, 'cacheSeconds', 'Choose a number in that range.'],
  ['introspectedTokens', { secretIn: 'body' }, 'secretIn', 'Choose among basic, post.'],
  ['introspectedTokens', { clientId: '' }, 'clientId', REGISTER],
  ['introspectedTokens', { clientId: undefined }, 'clientId', REGISTER],
  ['introspectedTokens', { clientSecret: '' }, 'clientSecret', REGISTER],
  ['introspectedTokens', { clientAssertion: () => '' }, 'clientAssertion', 'Name one of them.'],
  ['introspectedTokens', { fetch: 'global' }, 'fetch', 'Pass a function.'],
  ['jwtTokens', { alg: ['ES256'] }, 'alg', 'Did you mean algs?'],
  ['jwtTokens', { algs: 'ES256' }, 'algs', 'Write a list of texts.'],
  ['jwtTokens', { issuer: undefined }, 'issuer', 'Write the issuer of the tokens.'],
  ['jwtTokens', { introspect: {} }, 'introspect', 'Write it like introspectedTokens({ … }).'],
  ['jwtTokens', { jwks: [] }, 'jwks', 'Write { name: value }.'],
  ['the rules for passing', { prefligth: true }, 'prefligth', 'Did you mean preflight?'],
  ['the rules for passing', { signedIn: true }, 'signedIn', 'Pass a function.'],
  ['expressProtect', { trustProxies: 1 }, 'trustProxies', 'Did you mean trustProxy?'],
  ['expressProtect', { certificateHeaders: {} }, 'certificateHeaders.certificate', HEADER],
  ['nodeListener', { trustProxies: 1 }, 'trustProxies', 'Did you mean trustProxy?'],
  ['nodeListener', { overrideGlobals: 1 }, 'overrideGlobals', 'Write true or false, not a text.'],
  ['expressValetkey', { trustedProxy: 1 }, 'trustedProxy', 'Did you mean trustProxy?'],
  ['honoProtect', { certificat: () => null }, 'certificat', 'Did you mean certificate?'],
  ['honoProtect', { certificate: 'pem' }, 'certificate', 'Pass a function.'],
  ['the rules for passing', { preflight: 1 }, 'preflight', 'Write true or false, not a text.'],
])('%s with %j', (name, more, option, remedy) => {
  it(`is refused, and says: ${remedy}`, () => {
    expect(problemsOf(() => MAKE[name](more))).toEqual([
      expect.objectContaining({ option, remedy }),
    ]);
  });
});

it.each([createResource, introspectedTokens, jwtTokens])(
  'nothing at all: a ConfigError',
  (make) => {
    expect(problemsOf(() => (make as () => unknown)())).toHaveLength(1);
  },
);

it.each(Object.keys(MAKE) as (keyof typeof MAKE)[])('%s with what is right is made', (name) => {
  expect(problemsOf(() => MAKE[name]({}))).toEqual([]);
});

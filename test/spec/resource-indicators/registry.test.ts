/** What an API may be registered as: everything wrong is told at the start. */
import {
  createProvider,
  jwtAccessTokens,
  memoryDatabase,
  type ResourceDefinition,
  resourceIndicators,
} from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { describe, expect, it } from 'vitest';
import { ISSUER, SIGNING_KEYS } from '../setup.ts';

describe('the registry', () => {
  const problemsOf = (resources: readonly unknown[]): readonly string[] => {
    try {
      createProvider({
        issuer: ISSUER,
        store: memoryDatabase(),
        accounts: memoryAccounts([]),
        pages: builtInPages(),
        signingKeys: SIGNING_KEYS,
        features: [
          resourceIndicators({ enabled: true, resources: resources as ResourceDefinition[] }),
          jwtAccessTokens({ enabled: false }),
        ],
      });
      return [];
    } catch (error) {
      const { problems } = error as { readonly problems: readonly { readonly option: string }[] };
      return problems.map(({ option }) => option);
    }
  };
  const at = (member: string): string => `resourceIndicators.resources[0]${member}`;
  it.each<[what: string, resource: unknown, option: string]>([
    ['no URI', 'api', at('')],
    ['a fragment', 'https://a.example#x', at('')],
    ['no identifier', {}, at('')],
    ['an unknown member', { resource: 'https://a.example', format: 'jwt' }, at('.format')],
    ['a format', { resource: 'https://a.example', tokenFormat: 'saml' }, at('.tokenFormat')],
    ['a lifetime', { resource: 'https://a.example', tokenLifetime: 0 }, at('.tokenLifetime')],
    ['a scope', { resource: 'https://a.example', scopes: ['a b'] }, at('.scopes')],
    [
      'an algorithm of tokens without a signature',
      { resource: 'https://a.example', tokenFormat: 'opaque', tokenSigningAlg: 'ES256' },
      at('.tokenSigningAlg'),
    ],
    [
      'encryption without a key',
      { resource: 'https://a.example', tokenFormat: 'jwt', tokenEncryption: { alg: 'RSA-OAEP' } },
      at('.tokenEncryption'),
    ],
    [
      'keys behind no address',
      {
        resource: 'https://a.example',
        tokenFormat: 'jwt',
        tokenEncryption: { alg: 'ECDH-ES', jwksUri: 'nonsense' },
      },
      at('.tokenEncryption.jwksUri'),
    ],
    [
      'a private key',
      {
        resource: 'https://a.example',
        tokenFormat: 'jwt',
        tokenEncryption: { alg: 'ECDH-ES', jwks: { keys: [{ kty: 'EC', d: 'x' }] } },
      },
      at('.tokenEncryption.jwks'),
    ],
    [
      'JWTs without the feature',
      { resource: 'https://a.example', tokenFormat: 'jwt' },
      'resourceIndicators.resources',
    ],
    [
      'an algorithm without a key',
      { resource: 'https://a.example', tokenSigningAlg: 'ES512' },
      'resourceIndicators.resources',
    ],
  ])('refuses %s at the start', (_what, resource, option) => {
    expect(problemsOf([resource])).toContain(option);
  });
  it('refuses an API that stands twice, and takes what is right', () => {
    expect(problemsOf(['https://a.example', { resource: 'https://A.example/' }])).toEqual([
      'resourceIndicators.resources[1]',
    ]);
    expect(problemsOf(['https://a.example', { resource: 'https://b.example' }])).toEqual([]);
  });
});

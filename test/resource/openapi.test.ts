/** Rules as OpenAPI documents have them. */
import { ConfigError } from 'valetkey';
import {
  byMethod,
  type Rule,
  readWrite,
  securityRequirements,
  securityScheme,
} from 'valetkey/resource';
import { describe, expect, it } from 'vitest';

describe('a security requirement', () => {
  it.each<[string, Rule, object, readonly object[]]>([
    ['any token', {}, {}, [{ oauth2: [] }]],
    ['scopes', { scope: 'a b' }, {}, [{ oauth2: ['a', 'b'] }]],
    [
      'alternatives',
      { scope: 'x', anyScope: ['a', 'b c'] },
      {},
      [{ oauth2: ['x', 'a'] }, { oauth2: ['x', 'b', 'c'] }],
    ],
    ['by method', readWrite({ read: 'r', write: 'w' }), { method: 'PUT' }, [{ oauth2: ['w'] }]],
    ['GET where nothing is said', byMethod({ GET: [['a']] }), {}, [{ oauth2: ['a'] }]],
    ['another name', { scope: 'a' }, { scheme: 'photos' }, [{ photos: ['a'] }]],
    ['a session as well', { scope: 'a' }, { isOptional: true }, [{ oauth2: ['a'] }, {}]],
  ])('is made of %s', (_what, rule, options, expected) => {
    expect(securityRequirements(rule, options)).toEqual(expected);
  });
  it('is not made of a wrong rule, or of a method that is refused', () => {
    expect(() => securityRequirements({ scope: '' })).toThrow(ConfigError);
    expect(() => securityRequirements(byMethod({ GET: [['a']] }), { method: 'PUT' })).toThrow(
      'rule.methods.PUT: is missing',
    );
  });
});

describe('a security scheme', () => {
  it('is the discovery document, or the flow', () => {
    expect(securityScheme({ issuer: 'https://as.example/' })).toEqual({
      type: 'openIdConnect',
      openIdConnectUrl: 'https://as.example/.well-known/openid-configuration',
    });
    const flow = {
      authorizationUrl: 'https://as.example/authorize',
      tokenUrl: 'https://as.example/token',
      scopes: { a: 'A' },
    };
    expect(securityScheme({ issuer: 'https://as.example', ...flow })).toEqual({
      type: 'oauth2',
      flows: { authorizationCode: flow },
    });
  });
});

/** Pure rules of the protocol floor that have no endpoint of their own to be seen at. */
import { describe, expect, it } from 'vitest';
import { releasedClaims } from '../../src/protocol/claims.ts';
import { nearestMismatch } from '../../src/protocol/redirect-uri.ts';

describe('releasedClaims', () => {
  const map = {
    profile: ['name', 'middle_name', 'zoneinfo', 'updated_at'],
    address: ['address'],
    team: ['team'],
  };
  it.each<[object, readonly string[], object]>([
    [{ name: 'A' }, [], {}],
    [{ name: 'A' }, ['constructor', '__proto__'], {}],
    [{ name: 'A', sub: 'x' }, ['profile'], { name: 'A' }],
    [
      { name: '', middle_name: '  ', zoneinfo: null, updated_at: 0 },
      ['profile'],
      { updated_at: 0 },
    ],
    [
      { address: { country: 'NL', region: '', locality: null } },
      ['address'],
      { address: { country: 'NL' } },
    ],
    [{ address: { country: ' ' } }, ['address'], {}],
    [{ address: {} }, ['address'], {}],
    [{ team: ['red', ''], name: undefined }, ['team', 'profile'], { team: ['red', ''] }],
    [{ team: false }, ['team'], { team: false }],
  ])('[OIDC Core §5.3.2] %o for %o', (values, scopes, expected) => {
    expect(releasedClaims(values as Record<string, unknown>, scopes, map)).toEqual(expected);
  });
});

describe('nearestMismatch', () => {
  const registered = ['https://rp.example/cb', 'http://127.0.0.1/cb'];
  it.each([
    ['https://rp.example/cb/', 'https://rp.example/cb', 'pathname'],
    ['http://rp.example/cb', 'https://rp.example/cb', 'protocol'],
    ['https://rp.example:8443/cb?code=secret#x', 'https://rp.example/cb', 'port, search'],
    ['http://127.0.0.1:99/other', 'http://127.0.0.1/cb', 'port, pathname'],
    ['https://RP.example/cb', 'https://rp.example/cb', 'spelling'],
    ['nonsense', 'https://rp.example/cb', 'not an absolute URI'],
  ])('tells operators what differs: %s', (requested, nearest, differs) => {
    const told = nearestMismatch(requested, registered);
    expect([told.nearest, told.differs]).toEqual([nearest, differs]);
    expect(told.requested).not.toMatch(/secret|#/);
  });
  it('has nothing to compare with', () => {
    expect(nearestMismatch('https://x.example/', [])).toEqual({
      requested: 'https://x.example/',
      nearest: '',
      differs: 'spelling',
    });
  });
});

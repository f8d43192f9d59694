/** Pure rules of the protocol floor that have no endpoint of their own to be seen at. */
import { describe, expect, it } from 'vitest';
import { releasedClaims } from '../../src/protocol/claims.ts';

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

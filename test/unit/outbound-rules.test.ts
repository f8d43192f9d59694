/** Addresses from which the provider fetches, and for how long it keeps documents. Rules OB. */
import { describe, expect, it } from 'vitest';
import { freshFor, isPublic, outboundTarget } from '../../src/web/outbound-rules.ts';

describe('an address', () => {
  it.each([
    'http://a.example/',
    'https://a.example:9443/',
    'https://u:p@a.example/',
    'https://u@a.example/',
    'https://a.example/#x',
    'https://a.example/#',
    'ftp://a.example/',
    'file:///etc/passwd',
    'https:///a.example/',
    'https://a.example\\@b.example/',
    'https://a.example/ x',
    ' https://a.example/',
    'https://a.example/\n',
    'https://ä.example/',
    'nonsense',
    `https://a.example/${'x'.repeat(2048)}`,
  ])('OB-02 is refused as a URL: %j', (text) => {
    expect(() => outboundTarget(text, [])).toThrow(expect.objectContaining({ problem: 'url' }));
  });
  it.each([
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://10.0.0.5/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://100.64.0.1/',
    'https://0.0.0.0/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://[::1]/',
    'https://[::]/',
    'https://[fc00::1]/',
    'https://[fe80::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[::127.0.0.1]/',
    'https://[64:ff9b::a00:1]/',
    'https://[64:ff9b:1::a00:1]/',
    'https://[2002:a00:1::]/',
    'https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
    'https://[2001:db8::1]/',
    'https://[ff02::1]/',
  ])('OB-04 inside a network is refused: %s', (text) => {
    expect(() => outboundTarget(text, [])).toThrow(expect.objectContaining({ problem: 'address' }));
  });
  it.each([
    'https://a.example/x?y',
    'https://a.example:8443/',
    'https://9.9.9.9/',
    'https://[2620:fe::fe]/',
  ])('of the internet is taken: %s', (text) => {
    expect(outboundTarget(text, [])).toMatchObject({ isNamed: false });
  });
  it('that the operator named is taken, and only that origin', () => {
    const named = ['http://127.0.0.1:9000', 'https://jwks.internal:9443'];
    expect(outboundTarget('http://127.0.0.1:9000/jwks', named).isNamed).toBe(true);
    expect(outboundTarget('https://jwks.internal:9443/', named).isNamed).toBe(true);
    for (const other of [
      'http://127.0.0.1:9001/',
      'https://127.0.0.1:9000/',
      'http://jwks.internal:9443/',
    ])
      expect(() => outboundTarget(other, named)).toThrow();
  });
  it.each([
    ['9.9.9.9', true],
    ['2620:fe::fe', true],
    ['::ffff:9.9.9.9', true],
    ['::ffff:127.0.0.1', false],
    ['192.0.2.1', false],
    ['198.18.0.1', false],
    ['not an address', false],
  ])('OB-04 %s is public: %s', (address, expected) => {
    expect(isPublic(address)).toBe(expected);
  });
});

describe('a document is fresh, in seconds', () => {
  it.each([
    [null, 600],
    ['', 600],
    ['public', 600],
    ['max-age=3600', 3600],
    ['public, MAX-AGE="120"', 120],
    ['max-age=1', 60],
    ['max-age=999999999', 86_400],
    ['no-store, max-age=3600', 60],
    ['no-cache', 60],
    ['max-age=x', 600],
  ])('%j: %i', (header, expected) => {
    expect(freshFor(header)).toBe(expected);
  });
});

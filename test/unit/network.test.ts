/** Which addresses count as one network: limits count it, and the device page compares it. */
import { describe, expect, it } from 'vitest';
import { addressIn, isPublicAddress, networkOf } from '../../src/domain/addresses.ts';

describe('networkOf', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::'],
    ['2001:db8:1:3::9', '2001:db8:1:3::'],
    ['fe80::1%eth0', 'fe80::'],
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '127.0.0.1'],
    ['not an address', 'not an address'],
  ])('of %s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

describe('addressIn', () => {
  it.each([
    [undefined, null],
    // Hosts in JavaScript may say null as well.
    [null as unknown as undefined, null],
    ['', null],
    ['unknown', null],
    ['203.0.113.7:443', '203.0.113.7'],
    ['[2001:db8::1]:443', '2001:db8::1'],
  ])('of %s is %s', (told, address) => {
    expect(addressIn(told)).toBe(address);
  });
});

describe('isPublicAddress', () => {
  it.each([
    ['203.0.113.7', true],
    ['2001:db8::1', true],
    ['10.0.0.5', false],
    ['::ffff:192.168.1.1', false],
    ['100.64.0.1', false],
    ['127.0.0.1', false],
    ['fd00::1', false],
    ['fe80::1', false],
    ['not an address', false],
  ])('of %s is %s', (address, is) => {
    expect(isPublicAddress(address)).toBe(is);
  });
});

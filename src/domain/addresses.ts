/** Addresses of peers: what an adapter tells, and which of them are one network. */
import ipaddr from 'ipaddr.js';

/** Characters of an address with a zone; what a proxy says may be anything. */
const LONGEST_ADDRESS = 64;
/** Ranges whose addresses mean another peer in each network. */
const LOCAL = ['private', 'uniqueLocal', 'loopback', 'linkLocal', 'carrierGradeNat', 'unspecified'];

/**
 * The address that an adapter tells. Some proxies add the port; what is no address counts as not
 * told.
 */
export function addressIn(told: string | undefined): string | null {
  // Hosts in JavaScript may say null as well.
  if (!told) return null;
  const bare = told
    .slice(0, LONGEST_ADDRESS)
    .trim()
    .replace(/^\[(.*)\](:\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
  return ipaddr.isValid(bare) ? bare : null;
}

/** False for an address that means another peer in each network, such as 10.0.0.5. */
export function isPublicAddress(address: string): boolean {
  return ipaddr.isValid(address) && !LOCAL.includes(ipaddr.process(address).range());
}

/**
 * The network of a peer: one IPv4 address, or the 64 bits of IPv6 that one customer has. Peers
 * whose address the host does not tell are one network, with an empty name.
 */
export function networkOf(address: string | null): string {
  if (address === null) return '';
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  // IPv4 and IPv6 loopback are the same machine.
  if (parsed.range() === 'loopback') return '127.0.0.1';
  return ipaddr.IPv6.networkAddressFromCIDR(
    `${parsed.toNormalizedString().replace(/%.*$/, '')}/64`,
  ).toString();
}

/** An address in one spelling, whatever its own is; null for a text that is none. */
export function addressBytes(text: string): string | null {
  return ipaddr.isValid(text) ? ipaddr.parse(text).toByteArray().join('.') : null;
}

/**
 * Where the provider fetches from: which URLs, and which addresses of their hosts. Pure rules;
 * `outbound.ts` keeps them at every connection.
 */
import ipaddr from 'ipaddr.js';
import { OutboundError } from '../domain/outbound.ts';

const LONGEST_URL = 2048;
/** Ports of origins that the operator did not name. */
const PORTS = ['', '443', '8443'];

/** A URL that may be fetched. */
export interface OutboundTarget {
  readonly url: URL;
  /** The operator named this origin: it may be inside the network. */
  readonly isNamed: boolean;
}

/**
 * Reads an address that somebody chose.
 * @param allowed origins that the operator named
 * @throws OutboundError `url`, or `address` where the host is an address
 */
export function outboundTarget(text: string, allowed: readonly string[]): OutboundTarget {
  const refuse = (problem: string): never => {
    throw new OutboundError('url', `the address ${problem}`);
  };
  if (text.length > LONGEST_URL) refuse(`has more than ${LONGEST_URL} characters`);
  // A URL is read as it is written: no spaces, control characters or backslashes that are dropped.
  if (!/^https?:\/\/(?!\/)[!-~]+$/.test(text) || text.includes('\\') || !URL.canParse(text))
    refuse('is not an https URL');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') refuse('has user information');
  if (url.hash !== '' || text.endsWith('#')) refuse('has a fragment');
  const isNamed = allowed.includes(url.origin);
  if (isNamed) return { url, isNamed };
  if (url.protocol !== 'https:') refuse('is not an https URL');
  if (!PORTS.includes(url.port)) refuse(`has the port ${url.port}`);
  const literal = literalOf(url.hostname);
  if (literal !== null && !isPublic(literal))
    throw new OutboundError('address', 'the address is inside a network');
  return { url, isNamed };
}

/** The address that a host name is; null for a name. */
function literalOf(hostname: string): string | null {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  return ipaddr.isValid(bare) ? bare : null;
}

/**
 * True for an address of the public internet. Mapped, translated and tunnelled ones hide another
 * address, and are none.
 */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed.kind() === 'ipv4' || inGlobalUnicast(parsed as ipaddr.IPv6);
}

/** IPv6 is public in 2000::/3 alone (IANA). */
function inGlobalUnicast(address: ipaddr.IPv6): boolean {
  return address.match(ipaddr.IPv6.parse('2000::'), 3);
}

/** Seconds for which a document without a rule of its own is fresh. */
const USUAL = 600;
const [LEAST, MOST] = [60, 24 * 3600];

/** Seconds for which a response is fresh, by its Cache-Control (RFC 9111 §5.2), within bounds. */
export function freshFor(cacheControl: string | null): number {
  const directives = (cacheControl ?? '')
    .toLowerCase()
    .split(',')
    .map((one) => one.trim());
  if (directives.some((one) => one === 'no-store' || one.startsWith('no-cache'))) return LEAST;
  const [, age] =
    directives.map((one) => /^max-age="?(\d{1,9})"?$/.exec(one)).find((found) => found !== null) ??
    [];
  return age === undefined ? USUAL : Math.min(Math.max(Number(age), LEAST), MOST);
}

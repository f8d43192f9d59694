/**
 * Redirect URIs: which ones may be registered, and when a requested one matches a registered one.
 * They are compared as strings, except for the port of a loopback address (RFC 8252 §7.3), and for
 * wildcard hosts where the operator allows them. Sending responses to them is left to
 * `engine/authorization-response.ts`.
 */
import { exampleOf, hasWildcard, isSameOrCovered, wildcardProblem } from './wildcards.ts';

// Response parameters. A registered query must not contain them, because the client would read them
// as part of a response.
const RESPONSE_NAMES = [
  'code',
  'state',
  'iss',
  'error',
  'error_description',
  'error_uri',
  'response',
  'id_token',
  'access_token',
  'token_type',
  'expires_in',
  'session_state',
];
const NEVER = [
  'javascript:',
  'data:',
  'vbscript:',
  'file:',
  'blob:',
  'about:',
  'view-source:',
  'ws:',
  'wss:',
  'ftp:',
  'mailto:',
];
// The characters of a URI (RFC 3986 §2): no white space, no control characters, no backslash, and
// nothing outside ASCII.
const URI_CHARACTERS = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/;
const HOST = /^([A-Za-z0-9._-]*|\[[0-9a-f:.]+\])$/;
const LOOPBACK_LITERAL = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::([0-9]{1,5}))?(?=[/?]|$)/;
const REVERSED_DOMAIN = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+:\/(?!\/)/;
const LOCALHOST = /^http:\/\/localhost(?::([0-9]{1,5}))?(?=[/?]|$)/;

/** The rules that the configuration can relax. */
export interface RedirectUriRules {
  /** True treats `http://localhost` as a loopback address. */
  readonly allowLocalhost: boolean;
  /** Private-use schemes that may have any form, such as `cursor`. */
  readonly privateSchemes: readonly string[];
  /** True allows one wildcard at the beginning of an https host. */
  readonly allowWildcards: boolean;
}

/** What of a client its own rules depend on. */
export interface RedirectUriOwner {
  readonly applicationType: 'web' | 'native';
  readonly allowLocalhost: boolean;
  readonly isPublic: boolean;
}

/**
 * The rules for one client. The computer of a person who runs a native application is the one that
 * `localhost` names, and its operating system decides who receives a private-use scheme.
 */
export function rulesOfClient(
  { applicationType, allowLocalhost, isPublic }: RedirectUriOwner,
  rules: RedirectUriRules,
): RedirectUriRules {
  const isNative = applicationType === 'native';
  return {
    allowLocalhost: rules.allowLocalhost || allowLocalhost || isNative,
    privateSchemes: isNative && isPublic ? rules.privateSchemes : [],
    allowWildcards: rules.allowWildcards,
  };
}

/** True for a scheme that no application may ever receive a response by. */
export function isNeverRedirected(scheme: string): boolean {
  return [...NEVER, 'http:', 'https:'].includes(`${scheme.toLowerCase()}:`);
}

/** True for a private-use scheme that is no reversed domain name, which any program may take. */
export function isAnybodysScheme(uri: string): boolean {
  return !/^https?:/i.test(uri) && !REVERSED_DOMAIN.test(uri);
}

/**
 * Why a URI cannot be registered as a redirect URI, as a phrase that continues the URI; null if it
 * can.
 * @param applicationType only `native` allows private-use schemes (RFC 8252 §7.1)
 */
export function redirectUriProblem(
  uri: string,
  applicationType: 'web' | 'native',
  rules: RedirectUriRules,
): string | null {
  if (uri.length > 2048) return 'is longer than 2048 characters';
  if (hasWildcard(uri) && rules.allowWildcards)
    return wildcardProblem(uri) ?? redirectUriProblem(exampleOf(uri), applicationType, rules);
  if (!URI_CHARACTERS.test(uri) || /%(?![0-9A-Fa-f]{2})/.test(uri))
    return 'contains a character that is not allowed in a URI';
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    return 'is not an absolute URI';
  }
  // RFC 6749 §3.1.2: the endpoint URI does not include a fragment component.
  if (uri.includes('#')) return 'has a fragment';
  if (NEVER.includes(url.protocol))
    return `uses the scheme ${url.protocol.slice(0, -1)}, which runs or shows content and cannot receive a response`;
  if (url.username !== '' || url.password !== '' || /^[a-z][a-z0-9+.-]*:\/\/[^/?]*@/i.test(uri))
    return 'has user information';
  // Some characters that a URL parser accepts in a host could end a directive of a Content Security
  // Policy.
  if (uri.includes('*'))
    return 'contains a wildcard; register each URI in full, or set allowRedirectUriWildcards';
  if (!isHost(url.hostname)) return 'has a host with a character that is not allowed in host names';
  for (const name of url.searchParams.keys()) {
    if (RESPONSE_NAMES.includes(name))
      return `has the query parameter ${name}, which belongs to the response`;
  }
  if (url.protocol === 'https:') {
    if (!uri.startsWith('https://')) return 'is not an https URL';
    return isReadAsWritten(uri, url)
      ? dotSegments(uri)
      : 'has a host that browsers read differently';
  }
  if (url.protocol === 'http:') {
    if (LOOPBACK_LITERAL.test(uri)) return dotSegments(uri);
    // RFC 8252 §8.3: localhost is not recommended, because a name service may resolve it to another
    // host.
    if (LOCALHOST.test(uri))
      return rules.allowLocalhost
        ? dotSegments(uri)
        : 'uses localhost; use http://127.0.0.1 or http://[::1], or allow it to this application (--allow-localhost)';
    return 'uses http to a host other than loopback';
  }
  if (applicationType !== 'native')
    return 'uses a private-use scheme, which is for native applications only';
  if (rules.privateSchemes.includes(url.protocol.slice(0, -1))) return dotSegments(uri);
  // RFC 8252 §7.1: a private-use scheme is a domain name in reverse order, followed by a single
  // slash.
  if (!REVERSED_DOMAIN.test(uri))
    return `uses a private-use scheme that does not have the form com.example.app:/path; the operator can name it in allowPrivateSchemes, for public native applications`;
  return dotSegments(uri);
}

/** True for the names and addresses of the computer itself, as `URL.hostname` spells them. */
export function isLoopbackHost(hostname: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

/** True for a host name or address without characters that mean something elsewhere. */
export function isHost(hostname: string): boolean {
  return HOST.test(hostname);
}

/** False where a browser would go to another host than a person reads, as with `https:///cb`. */
function isReadAsWritten(uri: string, { host }: URL): boolean {
  const [, written = ''] = /^https:\/\/([^/?]*)/.exec(uri) ?? [];
  return [host, `${host}:443`].includes(written.toLowerCase());
}

function dotSegments(uri: string): string | null {
  const [path = ''] = uri.split('?');
  return /\/\.{1,2}(?=\/|$)|%2e/i.test(path) ? 'has dot segments' : null;
}

/**
 * True if `requested` matches the registered URI: the same string, or a loopback address that
 * differs only in its port.
 */
export function matchesRedirectUri(
  requested: string,
  registered: string,
  rules: RedirectUriRules,
): boolean {
  if (isSameOrCovered(requested, registered, rules)) return true;
  // RFC 8252 §7.3: a loopback redirect URI may have any port at the time of the request.
  return (
    withoutPort(requested, LOOPBACK_LITERAL, registered) ||
    (rules.allowLocalhost && withoutPort(requested, LOCALHOST, registered))
  );
}

function withoutPort(requested: string, loopback: RegExp, registered: string): boolean {
  const asked = loopback.exec(requested);
  const known = loopback.exec(registered);
  if (asked === null || known === null) return false;
  const port = asked.at(-1);
  if (port !== undefined && (Number(port) > 65535 || port.startsWith('0'))) return false;
  const host = (text: string): string => text.replace(/:[0-9]{1,5}$/, '');
  return (
    host(asked[0]) === host(known[0]) &&
    requested.slice(asked[0].length) === registered.slice(known[0].length)
  );
}

/**
 * The target of a redirect: its origin or scheme as a source expression of Content Security Policy,
 * and its host or scheme as people read it.
 */
export function redirectTarget(uri: string): { readonly source: string; readonly host: string } {
  const url = new URL(uri);
  if (url.protocol === 'https:' || url.protocol === 'http:')
    return { source: url.origin, host: url.host };
  return { source: url.protocol, host: url.protocol.slice(0, -1) };
}

const PARTS = ['protocol', 'hostname', 'port', 'pathname', 'search'] as const;

/**
 * For the log: the registered URI that is closest to a requested one, and the parts that differ.
 * Queries are left out, because they may contain secrets.
 */
export function nearestMismatch(
  requested: string,
  registered: readonly string[],
): { readonly requested: string; readonly nearest: string; readonly differs: string } {
  const bare = (uri: string): string => uri.replace(/[?#].*$/s, '').slice(0, 300);
  const wanted = URL.canParse(requested) ? new URL(requested) : null;
  const compared = registered
    .filter((uri) => URL.canParse(uri))
    .map((uri) => ({ uri, parts: differences(wanted, new URL(uri)) }));
  const [nearest] = compared.sort((a, b) => a.parts.length - b.parts.length);
  const parts = nearest?.parts.join(', ') || spelling(requested, nearest?.uri ?? null);
  const differs = wanted === null ? 'not an absolute URI' : parts;
  return { requested: bare(requested), nearest: bare(nearest?.uri ?? ''), differs };
}

/** What differs between two addresses that mean the same. */
function spelling(requested: string, registered: string | null): string {
  if (registered === null) return 'none is registered';
  const hasSlash = (uri: string): boolean => uri.replace(/[?#].*$/s, '').endsWith('/');
  return hasSlash(requested) === hasSlash(registered) ? 'spelling' : 'the slash at the end';
}

function isLoopbackAddress(url: URL | null): boolean {
  return url !== null && LOOPBACK_LITERAL.test(`${url.protocol}//${url.host}`);
}

function differences(requested: URL | null, registered: URL): readonly string[] {
  // RFC 8252 §7.3: on a loopback address the port does not count.
  const anyPort = isLoopbackAddress(requested) && isLoopbackAddress(registered);
  return PARTS.filter(
    (part) => requested?.[part] !== registered[part] && !(anyPort && part === 'port'),
  );
}

/** The URI with parameters added to its query, which is retained (RFC 6749 §3.1.2). */
export function withQuery(uri: string, parameters: Readonly<Record<string, string>>): string {
  return `${uri}${uri.includes('?') ? '&' : '?'}${new URLSearchParams(parameters)}`;
}

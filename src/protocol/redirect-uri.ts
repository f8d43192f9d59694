/**
 * Redirect URIs: what may be registered, and when a requested one is the registered one. Matching
 * is string equality; the single exception is the port of a loopback literal (RFC 8252 §7.3).
 */

// Response parameters a registered query may not imitate.
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
// What a URI may be made of (RFC 3986 §2): in particular no white space, control, backslash, or
// anything outside ASCII.
const URI_CHARACTERS = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/;
const HOST = /^([A-Za-z0-9._-]*|\[[0-9a-f:.]+\])$/;
const LOOPBACK_LITERAL = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::([0-9]{1,5}))?(?=[/?]|$)/;
const LOCALHOST = /^http:\/\/localhost(?::([0-9]{1,5}))?(?=[/?]|$)/;

/** What the configuration relaxes. */
export interface RedirectUriRules {
  /** `http://localhost` counts as loopback. */
  readonly allowLocalhost: boolean;
}

/**
 * Why a URI may not be registered as redirect URI, or null when it may.
 * @param applicationType private-use schemes are for `native` applications (RFC 8252 §7.1)
 */
export function redirectUriProblem(
  uri: string,
  applicationType: 'web' | 'native',
  rules: RedirectUriRules,
): string | null {
  if (uri.length > 2048) return 'is longer than 2048 characters';
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
    return `uses the scheme ${url.protocol.slice(0, -1)}, which runs or shows content instead of answering`;
  if (url.username !== '' || url.password !== '' || /^[a-z][a-z0-9+.-]*:\/\/[^/?]*@/i.test(uri))
    return 'has user information';
  // What a URL parser lets pass as a host could end a directive of a Content Security Policy.
  if (!HOST.test(url.hostname)) return 'has a host with characters that names of hosts do not have';
  if (uri.includes('*')) return 'contains a wildcard; each URI is registered in full';
  for (const name of url.searchParams.keys()) {
    if (RESPONSE_NAMES.includes(name))
      return `has the query parameter ${name}, which belongs to the response`;
  }
  if (url.protocol === 'https:')
    return uri.startsWith('https://') && url.hostname !== ''
      ? dotSegments(uri)
      : 'is not an https URL';
  if (url.protocol === 'http:') {
    if (LOOPBACK_LITERAL.test(uri)) return dotSegments(uri);
    // RFC 8252 §8.3: localhost is not recommended, a name service may send it elsewhere.
    if (LOCALHOST.test(uri))
      return rules.allowLocalhost
        ? dotSegments(uri)
        : 'uses localhost; use http://127.0.0.1 or http://[::1], or set allowLocalhostRedirect';
    return 'uses http to a host other than loopback';
  }
  if (applicationType !== 'native')
    return 'uses a private scheme, which is for native applications';
  // RFC 8252 §7.1: a private-use scheme is a domain name in reverse order, followed by a single
  // slash.
  if (!/^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+:\/(?!\/)/.test(uri))
    return 'uses a private scheme that is not of the form com.example.app:/path';
  return null;
}

function dotSegments(uri: string): string | null {
  return /\/\.{1,2}(?=[/?]|$)|%2e/i.test(uri) ? 'has dot segments' : null;
}

/**
 * True when `requested` is the registered URI: same string, or a loopback literal that differs in
 * its port only.
 */
export function matchesRedirectUri(
  requested: string,
  registered: string,
  rules: RedirectUriRules,
): boolean {
  // RFC 9700 §2.1: exact string matching.
  if (requested === registered) return true;
  // RFC 8252 §7.3: any port at the time of the request for loopback IP redirect URIs.
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
  if (port !== undefined && (Number(port) > 65535 || Number(port) === 0 || port.startsWith('0')))
    return false;
  const host = (text: string): string => text.replace(/:[0-9]{1,5}$/, '');
  return (
    host(asked[0]) === host(known[0]) &&
    requested.slice(asked[0].length) === registered.slice(known[0].length)
  );
}

/** The origin (or scheme) a redirect goes to, as a CSP source expression and for people. */
export function redirectTarget(uri: string): { readonly source: string; readonly host: string } {
  const url = new URL(uri);
  if (url.protocol === 'https:' || url.protocol === 'http:')
    return { source: url.origin, host: url.host };
  return { source: url.protocol, host: url.protocol.slice(0, -1) };
}

const PARTS = ['protocol', 'hostname', 'port', 'pathname', 'search'] as const;

/**
 * For operators: the registered URI that comes closest to a requested one, and the parts in which
 * they differ. Queries are left out, since they may hold what must not stand in a log.
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
  const differs = wanted === null ? 'not an absolute URI' : nearest?.parts.join(', ') || 'spelling';
  return { requested: bare(requested), nearest: bare(nearest?.uri ?? ''), differs };
}

function differences(requested: URL | null, registered: URL): readonly string[] {
  return PARTS.filter((part) => requested?.[part] !== registered[part]);
}

/** Which requested redirect URI is a registered one, and where it leads, as tables. */
import { describe, expect, it } from 'vitest';
import {
  matchesRedirectUri,
  nearestMismatch,
  redirectTarget,
} from '../../src/protocol/redirect-uri.ts';

const STRICT = { allowLocalhost: false, privateSchemes: [], allowWildcards: false };
const LOCALHOST = { allowLocalhost: true, privateSchemes: [], allowWildcards: false };

describe('matching', () => {
  const matches = (requested: string, registered: string, rules = STRICT): boolean =>
    matchesRedirectUri(requested, registered, rules);

  it.each([
    ['https://x.example/cb', 'https://x.example/cb/'],
    ['https://x.example/cb', 'https://x.example/'],
    ['https://x.example/cb', 'https://x.example/CB'],
    ['https://x.example/cb', 'https://X.example/cb'],
    ['https://x.example/cb', 'https://x.example/c%62'],
    ['https://x.example/cb', 'https://x.example/cb?'],
    ['https://x.example/cb?a=1', 'https://x.example/cb?a=2'],
    ['https://x.example/cb?a=1&b=2', 'https://x.example/cb?b=2&a=1'],
    ['https://x.example/', 'https://x.example'],
    ['https://x.example/', 'https://x.example:443/'],
    ['https://x.example:1/', 'https://x.example:2/'],
    ['https://x.example/', 'http://x.example/'],
    ['https://x.example/', 'https://x.example/#'],
    ['https://x.example/', ' https://x.example/'],
    ['https://127.0.0.1:1/', 'https://127.0.0.1/'],
    ['com.example.app:/a', 'com.example.app:/b'],
    ['', 'https://x.example/'],
  ])('[RFC9700 §2.1] %j is not %j', (one, other) => {
    expect([matches(one, other), matches(other, one)]).toEqual([false, false]);
    expect(matches(one, other, LOCALHOST)).toBe(false);
    expect(matches(one, one)).toBe(true);
  });

  const LOOPBACK = [
    ['http://127.0.0.1', STRICT],
    ['http://[::1]', STRICT],
    ['http://localhost', LOCALHOST],
  ] as const;
  const words = (text: string): string[] => text.split(' ');
  const refused = {
    port: words(':0 :00 :080 :00001 :65536 :99999 :100000 : :-1 :+80 :a :8a').map(
      (port) => (host: string) => `${host}${port}/cb`,
    ),
    rest: [...words('/ /cb/ /CB /cb?a /cb# /cb/x @x.example/cb .x/cb \\cb'), ''].map(
      (rest) => (host: string) => `${host}:80${rest}`,
    ),
    start: [
      (host: string) => ` ${host}:80/cb`,
      (host: string) => `${host}.:80/cb`,
      (host: string) => `${host.toUpperCase()}:80/cb`,
      (host: string) => `${host.replace('http', 'https')}:80/cb`,
      (host: string) => `${host.replace('1', '2').replace('local', 'other')}:80/cb`,
    ],
  };
  it.each(
    Object.entries(refused).flatMap(([part, makers]) =>
      LOOPBACK.flatMap(([host, rules]) =>
        makers.map((requested) => ({ part, requested: requested(host), host, rules })),
      ),
    ),
  )('[RFC8252 §7.3] another $part: $requested', ({ requested, host, rules }) => {
    expect(matches(requested, `${host}/cb`, rules)).toBe(false);
    expect(matches(`${host}:81/cb`, `${host}/cb`, rules)).toBe(true);
  });

  it.each(LOOPBACK)('[RFC8252 §7.3] %s has any port', (host, rules) => {
    for (const rest of ['', '/', '/cb', '/cb?a=b', '?a=b']) {
      for (const known of ['', ':0', ':1', ':080', ':65535'].map((port) => host + port + rest)) {
        for (const asked of ['', ':1', ':80', ':65535'].map((port) => host + port + rest))
          expect([asked, known, matches(asked, known, rules)]).toEqual([asked, known, true]);
      }
    }
  });

  it.each([
    ['http://127.0.0.1:80/cb', 'http://[::1]/cb'],
    ['http://[::1]:80/cb', 'http://127.0.0.1/cb'],
    ['http://localhost:80/cb', 'http://127.0.0.1/cb'],
    ['http://127.0.0.1:80/cb', 'http://localhost/cb'],
    ['http://127.1:80/cb', 'http://127.0.0.1/cb'],
    ['http://127.0.0a1:80/cb', 'http://127.0.0.1/cb'],
    ['http://[0:0:0:0:0:0:0:1]:80/cb', 'http://[::1]/cb'],
  ])('[RFC8252 §7.3] %s is another host than that of %s', (requested, registered) => {
    expect(matches(requested, registered, LOCALHOST)).toBe(false);
  });

  it('[RFC8252 §8.3] localhost has the registered port, where it is not allowed', () => {
    expect(matches('http://localhost:81/cb', 'http://localhost:80/cb')).toBe(false);
    expect(matches('http://localhost:80/cb', 'http://localhost:80/cb')).toBe(true);
  });
});

describe('where it leads', () => {
  it.each([
    ['https://X.example:443/cb?a=b', 'https://x.example', 'x.example'],
    ['https://x.example:8443/', 'https://x.example:8443', 'x.example:8443'],
    ['http://127.0.0.1:99/cb', 'http://127.0.0.1:99', '127.0.0.1:99'],
    ['http://[::1]/', 'http://[::1]', '[::1]'],
    ['com.example.app:/cb', 'com.example.app:', 'com.example.app'],
    ['com.example.app:/https://x.example/', 'com.example.app:', 'com.example.app'],
  ])('%s: %s, %s for people', (uri, source, host) => {
    expect(redirectTarget(uri)).toEqual({ source, host });
  });
});

describe('what differs, for operators', () => {
  const registered = ['https://rp.example/cb', 'http://127.0.0.1/cb'];
  it.each([
    ['https://rp.example/cb/', 'https://rp.example/cb', 'pathname'],
    ['http://rp.example/cb', 'https://rp.example/cb', 'protocol'],
    ['https://x.example/cb', 'https://rp.example/cb', 'hostname'],
    ['https://rp.example:8443/cb?code=secret#x', 'https://rp.example/cb', 'port, search'],
    ['http://127.0.0.1:99/other', 'http://127.0.0.1/cb', 'pathname'],
    ['https://RP.example/cb', 'https://rp.example/cb', 'spelling'],
    ['https://rp.example/cb#secret', 'https://rp.example/cb', 'spelling'],
    ['http://127.0.0.1:99/cb/', 'http://127.0.0.1/cb', 'pathname'],
    ['nonsense', 'https://rp.example/cb', 'not an absolute URI'],
    ['nonsense\n?secret\nsecret', 'https://rp.example/cb', 'not an absolute URI'],
    [`https://rp.example/${'a'.repeat(400)}?secret`, 'https://rp.example/cb', 'pathname, search'],
  ])('%j: nearest %s, %s', (requested, nearest, differs) => {
    const told = nearestMismatch(requested, registered);
    expect([told.nearest, told.differs]).toEqual([nearest, differs]);
    expect(requested.startsWith(told.requested)).toBe(true);
    expect(told.requested).not.toMatch(/secret|#/);
    expect(told.requested.length).toBeLessThanOrEqual(300);
  });
  it('has nothing to compare with', () => {
    const told = { requested: 'https://x.example/', nearest: '', differs: 'none is registered' };
    expect(nearestMismatch('https://x.example/', [])).toEqual(told);
    expect(nearestMismatch('https://x.example/', ['broken'])).toEqual(told);
  });
  it('leaves out what is registered as a query', () => {
    expect(nearestMismatch('https://x.example/', ['https://x.example/?tenant=secret'])).toEqual({
      requested: 'https://x.example/',
      nearest: 'https://x.example/',
      differs: 'search',
    });
  });
});

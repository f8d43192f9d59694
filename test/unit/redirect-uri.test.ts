/**
 * Which redirect URIs may be registered, as tables. Words of problems are not looked at; but URIs
 * refused by one rule get the same words, and each rule has words of its own.
 */
import { describe, expect, it } from 'vitest';
import { redirectUriProblem } from '../../src/protocol/redirect-uri.ts';

const STRICT = { allowLocalhost: false, privateSchemes: [], allowWildcards: false };
const LOCALHOST = { allowLocalhost: true, privateSchemes: [], allowWildcards: false };
const web = (uri: string): string | null => redirectUriProblem(uri, 'web', STRICT);
const native = (uri: string): string | null => redirectUriProblem(uri, 'native', STRICT);

/** The longest one there may be. */
const LONGEST = `https://x.example/${'a'.repeat(2048 - 18)}`;

/** By rule: what it refuses, whatever the type of the application; the plainest one first. */
const REFUSED = {
  length: [`${LONGEST}a`, `${LONGEST}#é`, `http://${'a'.repeat(5000)}`],
  characters: [
    'https://x.example/a b',
    ' https://x.example/',
    'https://x.example/ ',
    'https://x.example/cb\n',
    'https://x.example/\r\nSet-Cookie:a',
    'https://x.example/\t',
    'ht\ttps://x.example/',
    '\u0000https://x.example/',
    'https://x.example/\u007f',
    'https://x.example\\@y.example/',
    'https:\\\\x.example/',
    'https://x.example/"',
    'https://x.example/<b>',
    'https://x.example/`',
    'https://x.example/{a}',
    'https://x.example/a|b',
    'https://x.example/a^b',
    'https://x.example/é',
    'https://x。example/',
    'https://x.example/\u200b',
    'https://х.example/',
    'https://x.example/%',
    'https://x.example/%2',
    'https://x.example/%zz',
    'https://x.example/%u0041',
    '',
  ],
  absolute: [
    'nonsense',
    '/cb',
    '//x.example/cb',
    '?a=b',
    'x.example/cb',
    '127.0.0.1/cb',
    'https://',
    'https:///',
    'https://?a',
    'https://x.example:65536/',
    'https://x.example:a/',
    'http://127.0.0.1:65536/cb',
    'http://127.0.0.1:99999/cb',
    'http://[::1/cb',
    'http://[::1]x/cb',
    'https://x.example%00/',
    'https://%20/',
    'https://1.2.3.4.5/',
    'https://[::g]/',
    '1com.example:/cb',
  ],
  user: [
    'https://u@x.example/',
    'https://u:p@x.example/',
    'https://:p@x.example/',
    'https://@x.example/',
    'https:u@x.example/',
    'https://:@x.example/',
    'https://x.example:443@y.example/cb',
    'https://x.example%40@y.example/',
    'http://127.0.0.1:80@x.example/',
    'http://u@127.0.0.1/',
    'com.example.app://u@x/',
    'com.example.app://@x/',
  ],
  host: ['https://x;y.example/', "https://x'y.example/", 'https://a,b.example/'],
  'read differently': [
    'https:///cb',
    'https:////x.example/cb',
    'https://0x7f.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://x.example:/',
    'https://x.example:0443/',
    'https://%65xample.org/',
    'https://[0:0:0:0:0:0:0:1]/',
  ],
  wildcard: [
    'https://*.x.example/',
    'https://x.example/*',
    'https://x.example/?a=*',
    'com.example.app:/*',
    'http://127.0.0.1/*',
  ],
  https: ['https:x.example', 'https:/x.example/', 'HTTPS://x.example/', 'Https://x.example/'],
  dots: [
    'https://x.example/a/../b',
    'https://x.example/..',
    'https://x.example/.',
    'https://x.example/./a',
    'https://x.example/a/.?b',
    'https://x.example/%2e%2e/b',
    'https://x.example/%2E/b',
    'https://x.example/.%2e/b',
    'http://127.0.0.1/../b',
    'http://[::1]:99/a/..',
  ],
  http: [
    'http://x.example/',
    'http://127.0.0.2/',
    'http://127.1/',
    'http://127.0.0a1/',
    'http://2130706433/',
    'http://0x7f.0.0.1/',
    'http://127.0.0.1./',
    'http://127.0.0.1.x.example/',
    'http://127.0.0.1:/cb',
    'http://127.0.0.1:000080/',
    'http://0.0.0.0/',
    'http://10.0.0.1/',
    'http://[::]/',
    'http://[0:0:0:0:0:0:0:1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://localhost.x.example/',
    'http://localhost./',
    'http://xlocalhost/',
    'HTTP://127.0.0.1/',
    'http:127.0.0.1',
    'http:/127.0.0.1/',
  ],
} as const;
const PRIVATE = [
  'myapp:/cb',
  'com.example.app:cb',
  'com.example.app:',
  'com.example.app://cb',
  'com.example.app:///cb',
  'com..app:/cb',
  'com.example.:/cb',
  'Com.Example.App:/cb',
  'com+example.app:/cb',
  'com.example+app:/cb',
  'urn:ietf:wg:oauth:2.0:oob',
  'intent:/cb',
  'tel:1',
];

/** One row for each URI, beside the plainest one of its rule. */
function rowsOf(rules: Partial<typeof REFUSED>): [rule: string, uri: string, plain: string][] {
  return Object.entries(rules).flatMap(([rule, uris]) =>
    uris.map((uri): [string, string, string] => [rule, uri, uris[0]]),
  );
}

describe('never registered', () => {
  it.each(rowsOf(REFUSED))('[RFC6749 §3.1.2] %s: %j', (_, uri, plain) => {
    expect(web(plain)).not.toBeNull();
    expect([web(uri), native(uri)]).toEqual([web(plain), web(plain)]);
    expect(redirectUriProblem(uri, 'web', LOCALHOST)).toBe(web(plain));
  });

  it.each([
    'https://x.example/cb#f',
    'https://x.example/cb#',
    'https://x.example/?a=b#c',
    'http://127.0.0.1/#',
    'com.example.app:/cb#f',
    'https://x.example#@y.example/',
  ])('[RFC6749 §3.1.2] a fragment: %s', (uri) => {
    const fragment = web('https://x.example/#f');
    expect(fragment).not.toBeNull();
    expect([web(uri), native(uri)]).toEqual([fragment, fragment]);
  });

  it.each([
    ['javascript', 'javascript:alert(1)'],
    ['javascript', 'JaVaScRiPt:alert(1)'],
    ['javascript', 'javascript://x.example/%0aalert(1)'],
    ['data', 'data:text/html,x'],
    ['vbscript', 'vbscript:x'],
    ['file', 'file:///etc/passwd'],
    ['blob', 'blob:https://x.example/y'],
    ['about', 'about:blank'],
    ['view-source', 'view-source:https://x.example/'],
    ['ws', 'ws://127.0.0.1/'],
    ['wss', 'wss://x.example/'],
    ['ftp', 'ftp://x.example/'],
    ['mailto', 'mailto:ada@x.example'],
  ])('[RFC6749 §3.1.2] a scheme that never answers, %s: %s', (scheme, uri) => {
    const plain = native('data:text/html,x') ?? '';
    expect(plain).toMatch(/\bdata\b/);
    expect([web(uri), native(uri)]).toEqual(Array(2).fill(plain.replace('data', scheme)));
  });

  it.each([
    ['code', 'https://x.example/?code=a'],
    ['code', 'https://x.example/?a=b&code'],
    ['code', 'https://x.example/?%63ode=a'],
    ['state', 'https://x.example/?state='],
    ['iss', 'https://x.example/?iss=1'],
    ['error', 'http://127.0.0.1/?error=1'],
    ['error_description', 'https://x.example/?error_description=1'],
    ['error_uri', 'https://x.example/?error_uri=1'],
    ['response', 'com.example.app:/cb?response=1'],
    ['id_token', 'https://x.example/?id_token=1'],
    ['access_token', 'https://x.example/?access_token=1'],
    ['token_type', 'https://x.example/?token_type=1'],
    ['expires_in', 'https://x.example/?expires_in=1'],
    ['session_state', 'https://x.example/?session_state=1'],
  ])('[RFC6749 §3.1.2] the response parameter %s: %s', (name, uri) => {
    const plain = web('https://x.example/?code=a') ?? '';
    expect(native(uri)).toBe(plain.replace('code', name));
  });

  it.each([
    'http://localhost/',
    'http://localhost',
    'http://localhost:3000/cb',
    'http://localhost?a=b',
  ])('[RFC8252 §8.3] localhost, where it is not allowed: %s', (uri) => {
    const plain = web('http://localhost/');
    expect(plain).not.toBeNull();
    expect([web(uri), native(uri)]).toEqual([plain, plain]);
  });
  it.each(['http://localhost/../', 'http://localhost:3000/%2e'])(
    '[RFC8252 §8.3] localhost with dot segments, where it is allowed: %s',
    (uri) => expect(redirectUriProblem(uri, 'web', LOCALHOST)).toBe(web(REFUSED.dots[0])),
  );

  it.each([...PRIVATE, 'com.example.app:/cb'])(
    '[RFC8252 §7.1] a private scheme of a web application: %s',
    (uri) => {
      expect(web(uri)).not.toBeNull();
      expect(web(uri)).toBe(web('com.example.app:/cb'));
    },
  );
  it.each(PRIVATE)('[RFC8252 §7.1] a private scheme of another form: %s', (uri) => {
    expect(native(uri)).not.toBeNull();
    expect(native(uri)).toBe(native('myapp:/cb'));
  });

  it('each rule has words of its own', () => {
    const plain = [
      ...Object.values(REFUSED).map(([uri]) => uri),
      'https://x.example/#f',
      'data:x',
      'https://x.example/?code=a',
      'http://localhost/',
      'myapp:/cb',
    ];
    const problems = [...plain.map(native), web('myapp:/cb')];
    expect(new Set(problems).size).toBe(problems.length);
    expect(problems).not.toContain(null);
  });
});

it.each(['com.example.app:/../cb', 'com.example.app:/%2e/cb'])(
  '[RFC8252 §7.1] dot segments of a private scheme: %s',
  (uri) => expect(native(uri)).toBe(web(REFUSED.dots[0])),
);

describe('registered', () => {
  it.each([
    'https://x.example',
    'https://x.example/',
    'https://x.example/cb',
    'https://x.example?a=b',
    'https://x.example/?@',
    'https://x.example/?a=/../b',
    'https://x.example/?a=%2e',
    'https://x.example?a=@',
    'https://x.example/@u',
    'https://x.example/cb?tenant=1&codes=2&CODE=3',
    'https://x.example/cb?code%20=1',
    'https://x.example:8443/',
    'https://x.example:65535/',
    'https://x.example:1/',
    'https://X.Example/Cb',
    'https://x_y.example/',
    'https://xn--e1afmkfd.example/',
    'https://10.0.0.1/',
    'https://[2001:db8::1]:8443/cb',
    'https://localhost/cb',
    "https://x.example/-._~!$&'()+,;=:@%41",
    'https://x.example/...',
    'https://x.example/.a/a./b..c',
    'https://x.example//a',
    LONGEST,
    'http://127.0.0.1',
    'http://127.0.0.1/cb',
    'http://127.0.0.1?a=b',
    'http://127.0.0.1:1/cb',
    'http://127.0.0.1:65535/cb',
    'http://127.0.0.1:0/cb',
    'http://127.0.0.1:080/cb',
    'http://[::1]',
    'http://[::1]/cb',
    'http://[::1]:8080/cb',
  ])('[RFC6749 §3.1.2] %s', (uri) => {
    expect([web(uri), native(uri)]).toEqual([null, null]);
  });

  it.each(['http://localhost', 'http://localhost/cb', 'http://localhost:3000?a=b'])(
    '[RFC8252 §8.3] where localhost is allowed: %s',
    (uri) => expect(redirectUriProblem(uri, 'web', LOCALHOST)).toBeNull(),
  );

  it.each(['com.example.app:/cb', 'com.example:/', 'com.ex-ample.app2:/a/b?c=d', 'a.b:/'])(
    '[RFC8252 §7.1] of a native application: %s',
    (uri) => expect(native(uri)).toBeNull(),
  );
});

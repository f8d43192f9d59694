/**
 * Hostile requests, byte for byte: too large, too slow, with wrong methods, malformed, and with
 * false host names. Rows IN, MD-01.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Program, stop } from '../processes.ts';
import { makePlace, type Place, startServing } from './command-line.ts';
import { type SlowRun, slowClients } from './slow-clients.ts';
import { type Answer, connect, exchange, parse } from './wire.ts';

const KB = 1024;
const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n';

let place: Place;
let server: Program;
let slow: Promise<SlowRun>;

beforeAll(async () => {
  // The tests connect as a trusted proxy, which may only name the address of the peer.
  place = await makePlace({ VALETKEY_TRUST_PROXY: 'loopback', VALETKEY_LOG_LEVEL: 'debug' });
  server = await startServing(place);
  // The slow clients need many seconds, so they start first and run beside the other tests.
  slow = slowClients(place.port, async () => (await send('/readyz')).status);
});
afterAll(async () => {
  await stop(server);
  await place.remove();
});

const send = async (
  target: string,
  headers = '',
  { method = 'GET', body = '' } = {},
): Promise<Answer> =>
  await exchange(
    place.port,
    `${method} ${target} HTTP/1.1\r\n${/^host:/im.test(headers) ? '' : `Host: localhost:${place.port}\r\n`}Connection: close\r\n${headers}\r\n${body}`,
  );
const sendForm = async (path: string, body: string, headers = ''): Promise<Answer> =>
  await send(path, `${FORM}Content-Length: ${body.length}\r\n${headers}`, { method: 'POST', body });
const chunked = (size: number): string =>
  `${`4000\r\n${'a'.repeat(0x4000)}\r\n`.repeat(size / 0x4000)}0\r\n\r\n`;

describe('requests that are too large', () => {
  it.each([16 * KB, 17 * KB, 32 * KB])('IN-01 a URL of %i bytes is refused', async (size) => {
    for (const path of ['/', '/healthz', '/o/authorize/', '/nowhere'])
      expect([414, 431]).toContain((await send(`${path}?state=${'a'.repeat(size)}`)).status);
  });

  it('IN-01 a URL of 1 MB is not read to its end', async () => {
    // The connection can be reset before the answer arrives.
    expect([0, 414, 431]).toContain((await send(`/?state=${'a'.repeat(1000 * KB)}`)).status);
    expect((await send('/healthz')).status).toBe(200);
  });

  it.each<[name: string, headers: string]>([
    ['a header of 16 KB', `X-A: ${'a'.repeat(16 * KB)}\r\n`],
    ['a cookie of 32 KB', `Cookie: a=${'a'.repeat(32 * KB)}\r\n`],
    ['a header name of 16 KB', `${'a'.repeat(16 * KB)}: x\r\n`],
    [
      '2000 headers',
      Array.from({ length: 2000 }, (_, index) => `X-${index}: 0123456789\r\n`).join(''),
    ],
  ])('IN-01 %s: the request is refused', async (_name, headers) =>
    expect((await send('/o/authorize/', headers)).status).toBe(431),
  );

  const forms = [
    '/o/token/',
    '/o/introspect/',
    '/o/revoke_token/',
    '/o/userinfo/',
    '/o/authorize/',
    '/o/interaction/',
    '/o/logout/',
  ];
  it.each(forms)('IN-01 %s refuses a body over 64 KB', async (path) => {
    const header = `${FORM}Transfer-Encoding: chunked\r\n`;
    const answers = [
      await sendForm(path, 'a='.padEnd(64 * KB + 1, 'a')),
      await sendForm(path, 'a='.padEnd(128 * KB, 'a')),
      await send(path, `${FORM}Content-Length: 1000000000000\r\n`, { method: 'POST', body: 'a=b' }),
      await send(path, header, { method: 'POST', body: chunked(80 * KB) }),
      // The server refuses the body before it is complete.
      await send(path, header, { method: 'POST', body: chunked(96 * KB).slice(0, -5) }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([413, 413, 413, 413, 413]);
  });

  it('IN-01 the server stops reading a body that never ends', async () => {
    const wire = connect(place.port);
    wire.send(
      `POST /o/token/ HTTP/1.1\r\nHost: localhost\r\n${FORM}Transfer-Encoding: chunked\r\n\r\n`,
    );
    const begun = Date.now();
    const more = setInterval(() => wire.send(`4000\r\n${'a'.repeat(0x4000)}\r\n`), 5);
    await wire.over;
    clearInterval(more);
    expect(Date.now() - begun).toBeLessThan(10_000);
    expect([0, 413]).toContain(parse(wire.received()).status);
  });

  it('IN-01 large requests within the limits are answered', async () => {
    expect((await send('/healthz', `X-A: ${'a'.repeat(15 * KB)}\r\n`)).status).toBe(200);
    expect((await send(`/healthz?${'a'.repeat(15 * KB)}`)).status).toBe(200);
    const body = `grant_type=nothing&${Array.from({ length: 9 }, (_, index) => `p${index}=${'a'.repeat(7 * KB)}`).join('&')}`;
    expect(JSON.parse((await sendForm('/o/token/', body)).body)).toMatchObject({
      error: 'unsupported_grant_type',
    });
  });
});

describe('methods', () => {
  const methods = [
    'HEAD',
    'OPTIONS',
    'TRACE',
    'PUT',
    'PATCH',
    'DELETE',
    'POST',
    'QUERY',
    'PROPFIND',
  ];
  it.each<[path: string, allow: string]>([
    ['/o/authorize/', 'GET, POST'],
    ['/o/interaction/', 'GET, POST'],
    ['/o/token/', 'POST'],
    ['/o/userinfo/', 'GET, POST'],
    ['/o/introspect/', 'POST'],
    ['/o/revoke_token/', 'POST'],
    ['/o/logout/', 'GET, POST'],
    ['/.well-known/openid-configuration', 'GET, HEAD'],
    ['/.well-known/oauth-authorization-server', 'GET, HEAD'],
    ['/o/.well-known/jwks.json', 'GET, HEAD'],
    ['/o/assets/style.css', 'GET, HEAD'],
    ['/', 'GET, HEAD'],
    ['/healthz', 'GET, HEAD'],
    ['/readyz', 'GET, HEAD'],
  ])('IN-04 %s allows only %s', async (path, allow) => {
    for (const method of methods.filter((one) => !allow.includes(one))) {
      const { status, headers, text } = await send(path, 'Content-Length: 0\r\n', { method });
      expect([method, status, headers['allow']]).toEqual([method, 405, allow]);
      // The answer to TRACE must not repeat the request.
      expect(text).not.toContain('Connection: close\r\nContent-Length: 0');
    }
    expect([0, 400, 405, 501]).toContain((await send(path, '', { method: 'CONNECT' })).status);
    expect([400, 405, 501]).toContain((await send(path, '', { method: 'NOTHING' })).status);
  });

  it('IN-04 an unknown path answers every method with 404', async () => {
    for (const method of ['GET', ...methods])
      expect([method, (await send('/nowhere', '', { method })).status]).toEqual([method, 404]);
  });
});

describe('malformed requests', () => {
  const encodings = [
    '%',
    '%z',
    '%zz',
    '%00',
    '%ff',
    '%c0%af',
    '%e0%80%af',
    '%ed%a0%80',
    '%f4%90%80%80',
    '%u0041',
  ];
  it.each(encodings)('IN-03 IN-05 %s in any part is answered with 4xx', async (bad) => {
    const basic = Buffer.from(`demo:${bad}`).toString('base64');
    const answers = {
      path: await send(`/o/${bad}`),
      'path of an endpoint': await send(`/o/authorize/${bad}`),
      'path of an asset': await send(`/o/assets/${bad}`),
      'name in a query': await send(`/o/authorize/?${bad}=x`),
      'value in a query': await send(`/o/authorize/?client_id=${bad}`),
      state: await send(
        `/o/authorize/?client_id=demo&response_type=code&redirect_uri=http://127.0.0.1:8400/callback&scope=openid&state=${bad}`,
      ),
      interaction: await send(`/o/interaction/?interaction=${bad}`),
      'hint of a logout': await send(`/o/logout/?id_token_hint=${bad}`),
      'name in a body': await sendForm('/o/token/', `${bad}=x`),
      'value in a body': await sendForm(
        '/o/token/',
        `grant_type=client_credentials&client_id=demo&client_secret=${bad}`,
      ),
      'a token in a body': await sendForm('/o/userinfo/', `access_token=${bad}`),
      cookies: await send('/o/authorize/', `Cookie: vk_session=${bad}; ${bad}=${bad}; =; ;;\r\n`),
      bearer: await send('/o/userinfo/', `Authorization: Bearer ${bad}\r\n`),
      basic: await sendForm(
        '/o/token/',
        'grant_type=client_credentials',
        `Authorization: Basic ${basic}\r\n`,
      ),
      'not even basic': await sendForm(
        '/o/token/',
        'grant_type=client_credentials',
        `Authorization: Basic ${bad}\r\n`,
      ),
      languages: await send(
        '/o/authorize/',
        `Accept-Language: ${bad}\r\nOrigin: ${bad}\r\nReferer: ${bad}\r\n`,
      ),
      'type of a body': await send('/o/token/', `Content-Type: ${bad}\r\nContent-Length: 0\r\n`, {
        method: 'POST',
      }),
      'the peer of a proxy': await send('/o/authorize/', `X-Forwarded-For: ${bad}\r\n`),
    };
    const others = Object.entries(answers).filter(([, { status }]) => status < 400 || status > 499);
    expect(others.map(([place, { status }]) => `${place}: ${status}`)).toEqual([]);
  });

  it.each([
    '%0d%0aSet-Cookie:%20evil=1',
    '%0aSet-Cookie:%20evil=1',
    '%0d%0a%0d%0aevil',
    '%e5%98%8a%e5%98%8dSet-Cookie:%20evil=1',
  ])('IN-03 %s adds no line to the answer', async (bad) => {
    const request = `/o/authorize/?client_id=demo&response_type=code&redirect_uri=http://127.0.0.1:8400/callback&scope=openid`;
    for (const target of [
      `${request}&state=${bad}`,
      `${request}${bad}`,
      `/o/${bad}`,
      `/o/logout/?client_id=demo&state=${bad}`,
    ]) {
      const { status, text } = await send(target);
      expect(status).toBeLessThan(500);
      expect(text.split('\r\n\r\n')[0]).not.toMatch(/^(set-cookie: )?evil/im);
    }
  });

  const host = 'Host: localhost\r\nConnection: close\r\n';
  it.each<[name: string, request: string]>([
    ['NUL in the path', `GET /\0 HTTP/1.1\r\n${host}\r\n`],
    ['NUL in a header', `GET / HTTP/1.1\r\n${host}X-A: a\0b\r\n\r\n`],
    ['a byte beyond ASCII in the path', `GET /\xff HTTP/1.1\r\n${host}\r\n`],
    ['a space in the path', `GET /a b HTTP/1.1\r\n${host}\r\n`],
    ['lines that end in LF', `GET / HTTP/1.1\n${host.replaceAll('\r', '')}\n`],
    ['CR in a header', `GET / HTTP/1.1\r\n${host}X-A: a\rb\r\n\r\n`],
    ['a folded header', `GET / HTTP/1.1\r\n${host}X-A: a\r\n b\r\n\r\n`],
    ['a space before the colon', `GET / HTTP/1.1\r\n${host}X-A : a\r\n\r\n`],
    ['no Host header', 'GET /o/authorize/ HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['no path', `GET ? HTTP/1.1\r\n${host}\r\n`],
    ['a path without the first slash', `GET o/authorize/ HTTP/1.1\r\n${host}\r\n`],
    ['a backslash', `GET /\\evil.example HTTP/1.1\r\n${host}\r\n`],
    ['an asterisk', `OPTIONS * HTTP/1.1\r\n${host}\r\n`],
    [
      'two lengths',
      `POST /o/token/ HTTP/1.1\r\n${host}${FORM}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
    ],
    [
      'a length and chunks',
      `POST /o/token/ HTTP/1.1\r\n${host}${FORM}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['a length below zero', `POST /o/token/ HTTP/1.1\r\n${host}${FORM}Content-Length: -1\r\n\r\n`],
    [
      'a chunk without a valid size',
      `POST /o/token/ HTTP/1.1\r\n${host}${FORM}Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n`,
    ],
    [
      'an unknown expectation',
      `POST /o/token/ HTTP/1.1\r\n${host}${FORM}Content-Length: 3\r\nExpect: x\r\n\r\na=b`,
    ],
    ['an unknown HTTP version', `GET / HTTP/9.9\r\n${host}\r\n`],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03'],
  ])('IN-03 %s is answered with 4xx', async (_name, request) => {
    const { status } = await exchange(place.port, request);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });
});

describe('false host names', () => {
  const targets = [
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server',
    '/',
    '/o/authorize/',
    '/nowhere',
  ];
  const start =
    '/o/authorize/?client_id=demo&response_type=code&scope=openid&state=s&redirect_uri=http%3A%2F%2F127.0.0.1%3A8400%2Fcallback';
  it.each<[name: string, headers: string]>([
    ['another host', 'Host: evil.example\r\n'],
    ['another port', 'Host: localhost:666\r\n'],
    ['two hosts', 'Host: localhost\r\nHost: evil.example\r\n'],
    ['two hosts, the other way', 'Host: evil.example\r\nHost: localhost\r\n'],
    [
      'X-Forwarded',
      'X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: javascript\r\nX-Forwarded-Port: 666\r\nX-Forwarded-Prefix: /evil\r\n',
    ],
    ['Forwarded', 'Forwarded: for=1.2.3.4;host=evil.example;proto=javascript\r\n'],
    ['X-Original-URL', 'X-Original-URL: /evil\r\nX-Rewrite-URL: /evil\r\nX-Host: evil.example\r\n'],
    ['X-Forwarded-For', `X-Forwarded-For: ${'evil, '.repeat(500)}1.2.3.4, ::1\r\n`],
  ])('MD-01 %s: no URL in an answer changes', async (_name, headers) => {
    const documents = await Promise.all(
      targets.slice(0, 2).map(async (target) => await send(target, headers)),
    );
    for (const { body } of documents) {
      const urls = body.match(/https?:[^"]+/g) ?? [];
      expect(urls.length).toBeGreaterThan(5);
      expect(
        urls.filter((url) => url !== place.issuer && !url.startsWith(`${place.issuer}/`)),
      ).toEqual([]);
    }
    for (const target of targets) {
      const { text, status } = await send(target, headers);
      expect([target, status < 500, /evil|javascript|:666/.test(text)]).toEqual([
        target,
        true,
        false,
      ]);
    }
    const { status, headers: given } = await send(
      `${start}&code_challenge=${'a'.repeat(43)}&code_challenge_method=S256`,
      headers,
    );
    expect([status, given['location']?.startsWith(`${place.issuer}/o/interaction/?`)]).toEqual([
      303,
      true,
    ]);
    expect(given['set-cookie']).not.toMatch(/domain/i);
  });

  it.each([
    'http://evil.example/.well-known/openid-configuration',
    'http://evil.example:666/.well-known/openid-configuration',
  ])('MD-01 the absolute form %s: no URL in the answer changes', async (target) =>
    expect((await send(target)).body).not.toMatch(/evil|666/),
  );

  const unreadable = [
    '',
    ' ',
    'a b',
    'user@evil.example',
    '[::1',
    'ev%69l',
    '\xff',
    'localhost, evil.example',
    'localhost#',
    'localhost/x',
  ];
  const unresolvable = [
    'javascript:alert(1)',
    '%00',
    'localhost:99999',
    'xn--a',
    '999.999.999.999',
    '1.2.3.4.5',
    'a..b.',
    '\xad',
  ];
  it.each([...unreadable, ...unresolvable])(
    'MD-01 an invalid host never causes a server error: "%s"',
    async (host) => {
      for (const target of targets) {
        const { status } = await send(target, `Host: ${host}\r\n`);
        expect([target, status >= 200 && status < 500]).toEqual([target, true]);
      }
    },
  );
});

describe('slow clients', () => {
  it('IN-06 the server disconnects slow clients in time, and serves other clients meanwhile', async () => {
    const { late, others } = await slow;
    // 10 s for the headers, 15 s for the request, and 5 s between two checks of the connections.
    expect(Math.max(...late)).toBeLessThan(25_000);
    expect(others.length).toBeGreaterThan(10);
    expect([...new Set(others)]).toEqual([200]);
  }, 60_000);

  it('no request of this file caused a server error, not even an aborted one', () => {
    const lines = server
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'));
    const entries = lines.map(
      (line) =>
        JSON.parse(line) as {
          level: number;
          reason?: string;
          msg: string;
          error?: { message: string };
        },
    );
    // Refusals that name no client are written 30 times a minute; every server error is.
    expect(entries.length).toBeGreaterThan(30);
    const errors = entries
      .filter(({ level }) => level >= 50)
      .map(({ reason, msg, error }) => `${reason}: ${msg}: ${error?.message}`);
    expect([...new Set(errors)]).toEqual([]);
    expect(server.output()).not.toMatch(/^ +at /m);
  });
});

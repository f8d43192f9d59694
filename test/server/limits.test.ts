/**
 * What a stranger can send, byte for byte: too much, too slowly, by the wrong method, broken, and
 * under false names. Rows IN, MD-01.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Program, stop } from '../processes.ts';
import { makePlace, type Place, startServing } from './command-line.ts';
import { type Answer, connect, exchange, parse } from './wire.ts';

const KB = 1024;
const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n';

let place: Place;
let server: Program;
let slow: Promise<{ readonly late: readonly number[]; readonly others: readonly number[] }>;

beforeAll(async () => {
  // The tests are the proxy that is believed: even so it only tells who the peer is.
  place = await makePlace({ VALETKEY_TRUST_PROXY: 'loopback', VALETKEY_LOG_LEVEL: 'debug' });
  server = await startServing(place);
  // Time passes for the slow clients while everything else is tested.
  slow = slowClients();
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

describe('too much', () => {
  it.each([16 * KB, 17 * KB, 32 * KB])('IN-01 an address of %i bytes', async (size) => {
    for (const path of ['/', '/healthz', '/o/authorize/', '/nowhere'])
      expect([414, 431]).toContain((await send(`${path}?state=${'a'.repeat(size)}`)).status);
  });

  it('IN-01 an address of 1 MB is not even read', async () => {
    // Whether the answer comes through depends on who is faster.
    expect([0, 414, 431]).toContain((await send(`/?state=${'a'.repeat(1000 * KB)}`)).status);
    expect((await send('/healthz')).status).toBe(200);
  });

  it.each<[name: string, headers: string]>([
    ['one of 16 KB', `X-A: ${'a'.repeat(16 * KB)}\r\n`],
    ['a cookie of 32 KB', `Cookie: a=${'a'.repeat(32 * KB)}\r\n`],
    ['a name of 16 KB', `${'a'.repeat(16 * KB)}: x\r\n`],
    [
      '2000 of them',
      Array.from({ length: 2000 }, (_, index) => `X-${index}: 0123456789\r\n`).join(''),
    ],
  ])('IN-01 headers: %s', async (_name, headers) =>
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
  it.each(forms)('IN-01 a body over 64 KB for %s', async (path) => {
    const header = `${FORM}Transfer-Encoding: chunked\r\n`;
    const answers = [
      await sendForm(path, 'a='.padEnd(64 * KB + 1, 'a')),
      await sendForm(path, 'a='.padEnd(128 * KB, 'a')),
      await send(path, `${FORM}Content-Length: 1000000000000\r\n`, { method: 'POST', body: 'a=b' }),
      await send(path, header, { method: 'POST', body: chunked(80 * KB) }),
      // It is refused before it has come to its end.
      await send(path, header, { method: 'POST', body: chunked(96 * KB).slice(0, -5) }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([413, 413, 413, 413, 413]);
  });

  it('IN-01 a body without an end is not read for ever', async () => {
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

  it('IN-01 what is large but allowed is read', async () => {
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
  ])('IN-04 %s allows %s', async (path, allow) => {
    for (const method of methods.filter((one) => !allow.includes(one))) {
      const { status, headers, text } = await send(path, 'Content-Length: 0\r\n', { method });
      expect([method, status, headers['allow']]).toEqual([method, 405, allow]);
      // TRACE gives nothing back that it was sent.
      expect(text).not.toContain('Connection: close\r\nContent-Length: 0');
    }
    expect([0, 400, 405, 501]).toContain((await send(path, '', { method: 'CONNECT' })).status);
    expect([400, 405, 501]).toContain((await send(path, '', { method: 'NOTHING' })).status);
  });

  it('IN-04 an unknown path has none', async () => {
    for (const method of ['GET', ...methods])
      expect([method, (await send('/nowhere', '', { method })).status]).toEqual([method, 404]);
  });
});

describe('broken', () => {
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
  it.each(encodings)('IN-03 IN-05 %s is 4xx wherever it stands', async (bad) => {
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
  ])('IN-03 no line of its own comes of %s', async (bad) => {
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
    ['no host', 'GET /o/authorize/ HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['no path', `GET ? HTTP/1.1\r\n${host}\r\n`],
    ['a path without its slash', `GET o/authorize/ HTTP/1.1\r\n${host}\r\n`],
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
      'a chunk of no size',
      `POST /o/token/ HTTP/1.1\r\n${host}${FORM}Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n`,
    ],
    [
      'an expectation nobody has',
      `POST /o/token/ HTTP/1.1\r\n${host}${FORM}Content-Length: 3\r\nExpect: x\r\n\r\na=b`,
    ],
    ['another version', `GET / HTTP/9.9\r\n${host}\r\n`],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03'],
  ])('IN-03 %s', async (_name, request) => {
    const { status } = await exchange(place.port, request);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });
});

describe('false names', () => {
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
  ])('MD-01 change no address: %s', async (_name, headers) => {
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
  ])('MD-01 change no address: the absolute form %s', async (target) =>
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
    'MD-01 a host that is none is never an error of ours: "%s"',
    async (host) => {
      for (const target of targets) {
        const { status } = await send(target, `Host: ${host}\r\n`);
        expect([target, status >= 200 && status < 500]).toEqual([target, true]);
      }
    },
  );
});

describe('too slowly', () => {
  it('IN-06 whoever sends drop by drop is shut out in time, and others are served meanwhile', async () => {
    const { late, others } = await slow;
    // Ten seconds for headers, fifteen for the whole, and the time between two looks.
    expect(Math.max(...late)).toBeLessThan(25_000);
    expect(others.length).toBeGreaterThan(10);
    expect([...new Set(others)]).toEqual([200]);
  }, 60_000);

  it('nothing in this file was an error of ours, not even who hung up', () => {
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
    expect(entries.length).toBeGreaterThan(100);
    const errors = entries
      .filter(({ level }) => level >= 50)
      .map(({ reason, msg, error }) => `${reason}: ${msg}: ${error?.message}`);
    expect([...new Set(errors)]).toEqual([]);
    expect(server.output()).not.toMatch(/^ +at /m);
  });
});

/**
 * How long each slow client was tolerated, in milliseconds, and what others were answered
 * meanwhile.
 */
async function slowClients(): Promise<Awaited<typeof slow>> {
  const starts = [
    '',
    'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ',
    `POST /o/token/ HTTP/1.1\r\nHost: localhost\r\n${FORM}Content-Length: 60000\r\n\r\na=`,
    `POST /o/token/ HTTP/1.1\r\nHost: localhost\r\n${FORM}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n`,
  ];
  const begun = Date.now();
  let waiting = true;
  const clients = starts.flatMap((text) =>
    Array.from({ length: 20 }, async () => {
      const wire = connect(place.port);
      wire.send(text);
      const drop = text.endsWith('\r\na\r\n') ? '1\r\na\r\n' : 'a';
      const drops = setInterval(() => text !== '' && wire.send(drop), 500);
      await wire.over;
      clearInterval(drops);
      return Date.now() - begun;
    }),
  );
  const others: number[] = [];
  const watching = (async () => {
    while (waiting) {
      others.push((await send('/readyz')).status);
      await sleep(250);
    }
  })();
  const late = await Promise.all(clients);
  waiting = false;
  await watching;
  return { late, others };
}

/** Input made to be taken for code, markup, or work without end. Rules IN. */

import { beforeEach, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  authorizeParams,
  authorizeUrl,
  basic,
  browserOf,
  ISSUER,
  logIn,
  makeWorld,
  pkce,
  post,
  read,
  type World,
} from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});

const NASTY = [
  `'`,
  `';--`,
  `' OR '1'='1`,
  `"; DROP TABLE x; --`,
  '{{7*191}}',
  '%',
  '_',
  '\\',
  '__proto__',
  '😀'.repeat(50),
];

it.each(NASTY)(
  'IN-09 finds nothing and changes nothing with this text in every field: %s',
  async (text) => {
    const credentials = { authorization: basic(text, text) };
    for (const [endpoint, form] of [
      [
        'token',
        { grant_type: 'authorization_code', code: text, redirect_uri: text, code_verifier: text },
      ],
      ['token', { grant_type: 'refresh_token', refresh_token: text, scope: text }],
      ['token', { grant_type: text }],
      ['introspect', { token: text, token_type_hint: text }],
      ['revoke-token', { token: text, token_type_hint: text }],
    ] as const) {
      expect((await post(world, endpoint, form)).status).toBeLessThan(500);
      expect([400, 401]).toContain((await post(world, endpoint, form, credentials)).status);
    }
    const visit = await browserOf(world).open(
      authorizeUrl(world, new URLSearchParams({ client_id: text, redirect_uri: text })),
    );
    expect([visit.status, visit.html.includes('1337')]).toEqual([400, false]);
    const browser = browserOf(world);
    const login = await browser.open(
      authorizeUrl(world, authorizeParams(world, pkce().challenge, { login_hint: text })),
    );
    expect((await logIn(browser, login, { username: text, password: text })).html).toContain(
      'login-problem',
    );
  },
);
it.each(['__proto__=x', 'constructor[prototype][a]=b', 'toString=', 'hasOwnProperty=1'])(
  'IN-02 takes the names of parameters as data: %s',
  async (extra) => {
    const answer = await post(world, 'token', `grant_type=client_credentials&${extra}`);
    expect(answer.status).toBe(200);
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  },
);
it('IN-07 answers 100,000 characters of any kind in any field at once: no expression backtracks', async () => {
  const floods = ['a', ' ', '.', '-', '/', '%41', ';', '=', 'a.', '//', '"', '\\'].map((part) =>
    part.repeat(100_000 / part.length),
  );
  for (const flood of floods) {
    const headers = {
      authorization: `Basic ${flood}`,
      cookie: flood,
      accept: flood,
      'accept-language': flood,
      origin: flood,
    };
    const began = process.cpuUsage();
    const sane = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        value.replace(/[^\x20-\x7e]/g, '').trim(),
      ]),
    );
    await world.provider.fetch(
      new Request(world.provider.url('token'), {
        method: 'POST',
        headers: { ...sane, 'content-type': 'application/x-www-form-urlencoded' },
        body: `token=${flood.slice(0, 60_000)}`,
      }),
    );
    await world.provider.fetch(
      new Request(
        `${ISSUER}/o/authorize/?client_id=${encodeURIComponent(flood).slice(0, 16_000)}`,
        { headers: sane },
      ),
    );
    await world.provider.fetch(
      new Request(world.provider.url('userinfo'), {
        headers: { ...sane, authorization: `Bearer ${flood}`.trim() },
      }),
    );
    // A backtracking expression takes minutes here; this bound only has to be far from both.
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(2000);
  }
});

it('IN-03 refuses a body that is not UTF-8, as it refuses %ff', async () => {
  for (const [body, length] of [
    [Buffer.from('grant_type=client_credentials&scope=\xff\xfe', 'latin1'), true],
    [Buffer.from('grant_type=client_credentials&scope=\xff\xfe', 'latin1'), false],
  ] as const) {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: basic(world.web.clientId, world.webSecret),
      ...(length ? { 'content-length': String(body.length) } : {}),
    };
    const request = new Request(`${ISSUER}/o/token/`, { method: 'POST', headers, body });
    expectRefusal(world, await read(await world.provider.fetch(request)), {
      status: 400,
      error: 'invalid_request',
      reason: 'body_encoding',
    });
  }
});
it('CL-13 takes an address with a port, or nonsense, for the same network', async () => {
  const attempt = async (ip: string): Promise<number> => {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: basic(world.web.clientId, 'wrong'),
    };
    const body = 'grant_type=client_credentials';
    const request = new Request(`${ISSUER}/o/token/`, { method: 'POST', headers, body });
    return (await world.provider.fetch(request, { ip })).status;
  };
  for (const spelt of [
    (port: number) => `203.0.113.5:${port}`,
    (port: number) => `[2001:db8::5]:${port}`,
  ]) {
    const statuses = [];
    for (let port = 2000; port < 2030; port += 1) statuses.push(await attempt(spelt(port)));
    expect(statuses.filter((status) => status === 429)).toHaveLength(10);
  }
});

/**
 * Rows of the security requirements that cut across endpoints: entropy, cross-use, limits of work,
 * what a page may load, and who may write.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createProvider, memoryDatabase } from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ALICE,
  allow,
  authorizeParams,
  authorizeUrl,
  basic,
  browserOf,
  getCode,
  getTokens,
  ISSUER,
  isActive,
  logIn,
  makeWorld,
  pkce,
  post,
  REDIRECT_URI,
  redeem,
  type World,
} from './setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});

describe('the authorization request', () => {
  it.each([
    '{',
    '[]',
    '"x"',
    `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`,
    '{"__proto__":{"x":1}}',
    '{"id_token":{"sub":{"value":"other"}}}',
  ])('AZ-22 the claims parameter is not supported, said so, and harmless: %s', async (claims) => {
    const visit = await browserOf(world).open(
      authorizeUrl(world, authorizeParams(world, pkce().challenge, { claims })),
    );
    expect([visit.status, visit.html.includes('id="login-form"')]).toEqual([200, true]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
  it.each(['display', 'acr_values', 'claims_locales', 'ui_locales'])(
    '[OIDC Core §3.1.2.1] %s is accepted, whatever it says',
    async (name) => {
      for (const value of ['page', 'se', '1 2', '<script>', '']) {
        const visit = await browserOf(world).open(
          authorizeUrl(world, authorizeParams(world, pkce().challenge, { [name]: value })),
        );
        expect([name, value, visit.html.includes('id="login-form"')]).toEqual([name, value, true]);
        expect(visit.html).not.toContain('<script>');
      }
    },
  );
  it('[OIDC Core §3.1.2.1] ui_locales reach the pages of sign-in and logout, acr_values the login page', async () => {
    const seen: string[] = [];
    const note = (text: string): string => {
      seen.push(text);
      return text;
    };
    const pages = builtInPages({
      login: (view) => note(`login ${view.locales.join()} ${view.acrValues.join()}`),
      signedOut: (view) => note(`signedOut ${view.locales.join()}`),
    });
    world = await makeWorld({ pages });
    const browser = browserOf(world);
    await browser.open(
      authorizeUrl(
        world,
        authorizeParams(world, pkce().challenge, {
          ui_locales: 'nl de-AT',
          acr_values: 'gold silver',
        }),
      ),
    );
    await browser.open(
      `${world.provider.url('rp-initiated-logout')}?ui_locales=nl&logout_hint=alice`,
    );
    expect(seen).toEqual(['login nl,de-AT gold,silver', 'signedOut nl']);
  });
  it('AZ-24 a client_id is assigned here and looks like no subject', async () => {
    expect(world.web.clientId).toMatch(/^[\w-]{22}$/);
    await expect(
      world.provider.clients.create({ name: 'x', clientId: ALICE.sub } as never),
    ).rejects.toMatchObject({
      problems: [{ field: 'clientId' }],
    });
  });
  it('AZ-26 pages load nothing from elsewhere, and their addresses hold no code or token', async () => {
    const browser = browserOf(world);
    const login = await browser.open(authorizeUrl(world, authorizeParams(world, pkce().challenge)));
    const consent = await logIn(browser, login);
    const error = await browser.open(authorizeUrl(world, 'client_id=nope'));
    for (const { html, url } of [login, consent, error]) {
      for (const [, address = ''] of html.matchAll(
        /<(?:link|img|script)[^>]*(?:href|src)="([^"]*)"/g,
      )) {
        expect(new URL(address, ISSUER).origin).toBe(ISSUER);
      }
      expect(url).not.toMatch(/vk(ac|at|rt|ss)_/);
    }
  });
  it('UI-09 there is no parameter that says where a page goes next', async () => {
    for (const name of ['next', 'return_to', 'returnTo', 'redirect', 'continue', 'url']) {
      for (const target of [
        '//evil.example',
        '/\\evil.example',
        'https:evil.example',
        'javascript:alert(1)',
      ]) {
        const url = new URL(authorizeUrl(world, authorizeParams(world, pkce().challenge)));
        url.searchParams.set(name, target);
        const visit = await browserOf(world).open(url.href);
        expect([
          visit.status,
          visit.html.includes('evil'),
          visit.html.includes('alert(1)'),
        ]).toEqual([200, false, false]);
      }
    }
  });
  it('[RFC6749 §4.1.2.1] a request object may hold another address: without redirect_uri nobody guesses one', async () => {
    const { client } = await world.provider.clients.create({
      name: 'One',
      redirectUris: ['https://one.example/cb'],
    });
    for (const name of ['request', 'request_uri']) {
      const params = authorizeParams(world, pkce().challenge, {
        client_id: client.clientId,
        redirect_uri: null,
        scope: 'read',
        [name]: 'x',
      });
      const visit = await browserOf(world).open(authorizeUrl(world, params));
      expect([visit.status, visit.leaves, world.reasons.at(-1)]).toEqual([
        400,
        null,
        'redirect_uri_missing',
      ]);
    }
  });
});

describe('codes and tokens', () => {
  it('TK-07 handles have 256 bits: no duplicates, every bit as often as not', async () => {
    const seen = new Set<string>();
    const ones = new Array<number>(256).fill(0);
    const samples = 2000;
    for (let index = 0; index < samples; index += 1) {
      const { body } = await post(world, 'token', {
        grant_type: 'client_credentials',
        scope: 'read',
      });
      const token = String(body['access_token']);
      seen.add(token);
      const bytes = Buffer.from(token.slice('vkat_'.length, 'vkat_'.length + 43), 'base64url');
      for (let bit = 0; bit < 256; bit += 1)
        ones[bit] = (ones[bit] ?? 0) + (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1);
    }
    expect(seen.size).toBe(samples);
    // Six standard deviations: a fair bit leaves this range once in 500 million runs.
    const reach = 6 * Math.sqrt(samples / 4);
    for (const count of ones) expect(Math.abs(count - samples / 2)).toBeLessThan(reach);
  });
  it('[RFC7636 §4.6] PK-11 a confidential client that sent a challenge needs the verifier', async () => {
    world = await makeWorld({ allowMissingPkce: true });
    const proof = pkce();
    const code = await getCode(world, proof);
    const answer = await post(world, 'token', {
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT_URI,
    });
    expect([answer.status, answer.body['error'], world.reasons.at(-1)]).toEqual([
      400,
      'invalid_grant',
      'code_verifier_missing',
    ]);
    expect((await redeem(world, code, proof.verifier)).status).toBe(200);
  });
  it('PK-13 the metadata names S256 and nothing else', async () => {
    const metadata = (await (
      await world.provider.fetch(new Request(`${ISSUER}/.well-known/openid-configuration`))
    ).json()) as object;
    expect(metadata).toMatchObject({ code_challenge_methods_supported: ['S256'] });
  });
  it('PK-09 CL-01 secrets are compared in one place, in constant time: no other comparison of a digest or token in src', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
      /^(crypto|domain|engine|features|web)\/.*\.ts$/.test(file),
    );
    expect(files.length).toBeGreaterThan(40);
    const name = '(digest|secret|verifier|challenge|token|mac|password)';
    const suspicious = new RegExp(
      `\\b${name}\\b\\s*[!=]==(?!\\s*(undefined|null|'))|[!=]== (\\w+\\.)*${name}\\b`,
      'i',
    );
    expect(
      ['a.secret === given', 'given !== row.digest'].every((line) => suspicious.test(line)),
    ).toBe(true);
    const found = files.flatMap((file) =>
      readFileSync(`src/${file}`, 'utf8')
        .split('\n')
        .filter((line) => !/^\s*(\*|\/\/)/.test(line) && suspicious.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(found).toEqual([]);
    expect(readFileSync('src/crypto/bytes.ts', 'utf8')).toContain('timingSafeEqual');
  });
  it('TK-12 a scope outside the grant is refused before the code is used up', async () => {
    const { refresh_token } = await getTokens(world);
    expect(
      (
        await post(world, 'token', {
          grant_type: 'refresh_token',
          refresh_token,
          scope: 'openid admin',
        })
      ).body['error'],
    ).toBe('invalid_scope');
    expect(
      (await post(world, 'token', { grant_type: 'refresh_token', refresh_token })).status,
    ).toBe(200);
  });
  it('[RFC9700 §4.14.2] RT-13 ending a family is one call to the store, however many tokens it has', async () => {
    const store = memoryDatabase();
    world = await makeWorld({ store });
    let { refresh_token, access_token } = await getTokens(world);
    const first = refresh_token;
    const all = [access_token];
    for (let index = 0; index < 300; index += 1) {
      ({ refresh_token, access_token } = (
        await post(world, 'token', { grant_type: 'refresh_token', refresh_token })
      ).body as never);
      all.push(access_token);
    }
    const { tokens } = store.forIssuer(ISSUER);
    const writes: string[] = [];
    for (const name of ['revokeFamily', 'revokeAccessToken', 'revokeSubject', 'issue'] as const) {
      const method = tokens[name] as (...args: unknown[]) => unknown;
      const counted = (...args: unknown[]): unknown => {
        writes.push(name);
        return method(...args);
      };
      Object.assign(tokens, { [name]: counted });
    }
    expect(
      (await post(world, 'token', { grant_type: 'refresh_token', refresh_token: first })).body[
        'error'
      ],
    ).toBe('invalid_grant');
    expect(writes).toEqual(['revokeFamily']);
    for (const token of [...all.slice(-3), refresh_token])
      expect(await isActive(world, token)).toBe(false);
  });
  it('RT-12 CHOICE offline_access outlives the session only where it was asked for; else a refresh token ends with it', async () => {
    const browser = browserOf(world);
    const bound = await getTokens(world, {}, browser);
    const offline = await getTokens(world, { scope: 'openid offline_access' }, browser);
    const logout = await browser.open(world.provider.url('rp-initiated-logout'));
    await browser.submit(logout, { decision: 'logout' });
    expect([
      await isActive(world, bound.refresh_token),
      await isActive(world, offline.refresh_token),
    ]).toEqual([false, true]);
  });
  it('IR-04 IR-05 introspection is asked anew each time and knows a disabled account', async () => {
    const { access_token, refresh_token } = await getTokens(world);
    const describe = async (token: string): Promise<Record<string, unknown>> =>
      (await post(world, 'introspect', { token })).body;
    expect(await describe(access_token)).toMatchObject({ active: true, sub: ALICE.sub });
    world.accounts.setEnabled(ALICE.sub, false);
    expect([await describe(access_token), await describe(refresh_token)]).toEqual([
      { active: false },
      { active: false },
    ]);
    world.accounts.setEnabled(ALICE.sub, true);
    expect(await describe(access_token)).toMatchObject({ active: true });
  });
  it('[RFC7662 §2.2] introspection names the person as resource servers do', async () => {
    world = await makeWorld();
    Object.assign(world.accounts, {
      find: async (sub: string) => ({
        sub,
        enabled: true,
        claims: { preferred_username: 'alice' },
      }),
    });
    const { access_token } = await getTokens(world);
    expect((await post(world, 'introspect', { token: access_token })).body['username']).toBe(
      'alice',
    );
  });
});

describe('input is data', () => {
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
  it.each(NASTY)('IN-09 finds nothing and changes nothing, in every field: %s', async (text) => {
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
  });
  it('UI-07 errors reflect nothing raw, and JSON is never HTML', async () => {
    const visit = await browserOf(world).open(
      authorizeUrl(world, 'client_id=x&error_hint=<script>alert(1)</script>&redirect_uri=<b>'),
    );
    expect(visit.html).not.toMatch(/<script>|<b>/);
    const answer = await post(world, 'token', { grant_type: '<script>', '<script>': 'x' });
    expect([
      answer.headers.get('content-type'),
      answer.headers.get('x-content-type-options'),
    ]).toEqual(['application/json', 'nosniff']);
    expect(JSON.stringify(answer.body)).not.toContain('<');
  });
  it('IN-07 no expression backtracks: 100,000 characters of every kind take no time in any field', async () => {
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
          headers: sane,
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
  it('IN-06 a peer that hangs up in the middle of the body has sent a bad request, and no failure of ours', async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('grant_type='));
        controller.error(new Error('aborted'));
      },
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const request = new Request(world.provider.url('token'), {
      method: 'POST',
      headers,
      body,
      duplex: 'half',
    } as RequestInit);
    const response = await world.provider.fetch(request);
    expect([response.status, world.reasons.at(-1)]).toEqual([400, 'body_incomplete']);
  });
  it('MD-01 an address that is none, made of a strange Host header, is a bad request', async () => {
    for (const url of ['http://xn--a/o/token/', 'http://999.999.999.999/', '']) {
      const response = await world.provider.fetch({
        url,
        method: 'GET',
        headers: new Headers(),
      } as Request);
      expect([response.status, world.reasons.at(-1)]).toEqual([400, 'url_malformed']);
    }
  });
  it('IN-08 one person is one counter, however the name is spelt', async () => {
    const browser = browserOf(world);
    let visit = await browser.open(authorizeUrl(world, authorizeParams(world, pkce().challenge)));
    for (const username of ['alice', 'ALICE', 'ａｌｉｃｅ', ' Alice ', 'aLiCe'])
      visit = await logIn(browser, visit, { username, password: 'wrong' });
    visit = await logIn(browser, visit, ALICE);
    expect([visit.status, Number(visit.headers.get('retry-after')) > 0]).toEqual([429, true]);
  });
});

describe('secrets of the provider', () => {
  it('X-5 a form made under the secret before is still a form of ours, and sessions go on', async () => {
    const store = memoryDatabase();
    const [before, after] = [
      'the secret of yesterday, long enough',
      'the secret of today, long enough too!',
    ];
    const accounts = world.accounts;
    const old = await makeWorld({ store, secret: before });
    const secrets = [after, before];
    const rotated = createProvider({
      issuer: ISSUER,
      store,
      accounts,
      pages: builtInPages(),
      secret: secrets,
      clock: () => old.now,
    });
    const browser = browserOf(old);
    const consent = await logIn(
      browser,
      await browser.open(authorizeUrl(old, authorizeParams(old, pkce().challenge))),
    );
    Object.assign(old, { provider: rotated });
    expect((await allow(browser, consent)).leaves?.searchParams.get('code')).toMatch(/^vkac_/);
  });
});

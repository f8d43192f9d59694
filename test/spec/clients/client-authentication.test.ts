/** How clients prove themselves (RFC 6749 §2.3), at every endpoint that asks them to. Rules CL. */

import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { type Answer, basic, makeWorld, post, type World } from '../setup.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});

const ENDPOINTS = ['token', 'introspect', 'revoke-token'] as const;

type Endpoint = (typeof ENDPOINTS)[number];

const base = {
  token: { grant_type: 'client_credentials', scope: 'read' },
  introspect: { token: 'x' },
  'revoke-token': { token: 'x' },
} as const;

const call = async (
  endpoint: Endpoint,
  headers: Record<string, string>,
  more: Record<string, string> = {},
): Promise<Answer> => await post(world, endpoint, { ...base[endpoint], ...more }, headers);

describe.each(ENDPOINTS)('CL-17 at %s', (endpoint) => {
  it('accepts the registered method', async () => {
    expect(
      (await call(endpoint, { authorization: basic(world.web.clientId, world.webSecret) })).status,
    ).toBe(200);
  });

  const failures: [
    string,
    string,
    (world: World) => [Record<string, string>, Record<string, string>?],
  ][] = [
    ['CL-01 no credentials', 'client_credentials_missing', () => [{}]],
    [
      'CL-01 a wrong secret',
      'client_secret_wrong',
      (w) => [{ authorization: basic(w.web.clientId, 'wrong') }],
    ],
    [
      'CL-01 an unknown client',
      'client_unknown',
      () => [{ authorization: basic('nope', 'wrong') }],
    ],
    [
      'CL-02 post though basic is registered',
      'client_authentication_method',
      (w) => [{}, { client_id: w.web.clientId, client_secret: w.webSecret }],
    ],
    [
      'CL-02 basic though post is registered',
      'client_authentication_method',
      (w) => [{ authorization: basic(w.other.clientId, w.otherSecret) }],
    ],
    [
      'CL-02 none though basic is registered',
      'client_authentication_method',
      (w) => [{}, { client_id: w.web.clientId }],
    ],
    [
      'CL-04 an empty secret in the body',
      'client_authentication_method',
      (w) => [{}, { client_id: w.other.clientId, client_secret: '' }],
    ],
    [
      'CL-04 an empty secret in the header',
      'client_authentication_method',
      (w) => [{ authorization: basic(w.web.clientId, '') }],
    ],
    [
      'CL-05 a secret for a public client',
      'client_authentication_method',
      (w) => [{}, { client_id: w.spa.clientId, client_secret: 'whatever' }],
    ],
    [
      'CL-06 no colon',
      'client_credentials_missing',
      () => [{ authorization: `Basic ${Buffer.from('nocolon').toString('base64')}` }],
    ],
    ['CL-06 bad base64', 'client_credentials_missing', () => [{ authorization: 'Basic %%%' }]],
    [
      'CL-06 not UTF-8',
      'client_credentials_missing',
      () => [{ authorization: `Basic ${Buffer.from([0xff, 0x3a, 0xfe]).toString('base64')}` }],
    ],
    [
      'CL-06 bad percent-encoding',
      'client_credentials_missing',
      () => [{ authorization: `Basic ${Buffer.from('%zz:x').toString('base64')}` }],
    ],
    [
      'CL-06 1 MB',
      'client_credentials_missing',
      () => [{ authorization: `Basic ${'A'.repeat(1_000_000)}` }],
    ],
    ['CL-06 another scheme', 'client_credentials_missing', () => [{ authorization: 'Bearer x' }]],
    [
      'CL-12 another client_id in the body',
      'client_id_mismatch',
      (w) => [
        { authorization: basic(w.web.clientId, w.webSecret) },
        { client_id: w.other.clientId },
      ],
    ],
  ];

  it.each(failures)(
    '[RFC6749 §2.3] [RFC6749 §2.3.1] [RFC7591 §2] [RFC6749 §5.2] answers %s with the same invalid_client',
    async (_name, reason, make) => {
      const [headers, more] = make(world);
      const answer = await call(endpoint, headers, more);
      expectRefusal(world, answer, { status: 401, error: 'invalid_client', reason });
      expect(answer.body['error_description']).toBe('Client authentication failed.');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('www-authenticate')).toBe(
        'authorization' in headers ? 'Basic realm="token", charset="UTF-8"' : null,
      );
    },
  );
  it('[RFC6749 §2.3] CL-03 refuses two methods at once', async () => {
    const answer = await call(
      endpoint,
      { authorization: basic(world.web.clientId, world.webSecret) },
      { client_id: world.web.clientId, client_secret: world.webSecret },
    );
    expectRefusal(world, answer, {
      status: 400,
      error: 'invalid_request',
      reason: 'several_client_authentication_methods',
    });
  });
  it.each(['basic', 'BASIC', 'bAsIc'])(
    '[RFC9110 §11.1] CL-06 accepts the scheme spelt %s',
    async (scheme) => {
      expect(
        (
          await call(endpoint, {
            authorization: basic(world.web.clientId, world.webSecret).replace('Basic', scheme),
          })
        ).status,
      ).toBe(200);
    },
  );
  it('[RFC6749 §2.3.1] CL-06 decodes identifier and secret as form values', async () => {
    const secret = 'a+b %:/é'.padEnd(40, 'x');
    const { client } = await world.provider.clients.create(
      {
        name: 'Odd',
        redirectUris: ['https://odd.example/'],
        grantTypes: ['authorization_code', 'client_credentials'],
      },
      { clientId: 'odd:client', clientSecret: secret },
    );
    expect((await call(endpoint, { authorization: basic(client.clientId, secret) })).status).toBe(
      200,
    );
  });
  it('[RFC6749 §2.3.1] CL-13 limits guesses by client and address, and lets all others go on', async () => {
    for (let guess = 0; guess < 20; guess += 1)
      expect(
        (await call(endpoint, { authorization: basic(world.web.clientId, `guess${guess}`) }))
          .status,
      ).toBe(401);
    const limited = await call(endpoint, { authorization: basic(world.web.clientId, 'guess') });
    expectRefusal(world, limited, {
      status: 429,
      error: 'invalid_request',
      reason: 'rate_limited',
    });
    expect(limited.headers.get('retry-after')).toBe('60');
    // Whoever guesses behind the same address does not switch the client itself off.
    expect(
      (await call(endpoint, { authorization: basic(world.web.clientId, world.webSecret) })).status,
    ).toBe(200);
    // Of names that nobody registered there is no end: they are one counter.
    for (let guess = 0; guess < 20; guess += 1)
      expect(
        (await call(endpoint, { authorization: basic(`nobody${guess}`, 'guess') })).status,
      ).toBe(401);
    expect((await call(endpoint, { authorization: basic('somebody', 'guess') })).status).toBe(429);
    const request = new Request(world.provider.url(endpoint), {
      method: 'POST',
      headers: {
        authorization: basic(world.web.clientId, world.webSecret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams(base[endpoint]),
    });
    expect((await world.provider.fetch(request, { ip: '198.51.100.7' })).status).toBe(200);
    world.now += 61;
    expect(
      (await call(endpoint, { authorization: basic(world.web.clientId, world.webSecret) })).status,
    ).toBe(200);
  });
  it('refuses a disabled client at once', async () => {
    await world.provider.clients.update(world.web.clientId, { disabled: true });
    const headers = { authorization: basic(world.web.clientId, world.webSecret) };
    expectRefusal(world, await call(endpoint, headers), {
      status: 401,
      error: 'invalid_client',
      reason: 'client_disabled',
    });
  });
});

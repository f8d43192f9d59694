/**
 * How clients prove themselves: every rule at every endpoint that authenticates clients. Rows CL.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { type Answer, basic, makeWorld, post, type World } from './setup.ts';

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
  it('the registered method works', async () => {
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
      'client_secret_wrong',
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
    '[RFC6749 §2.3] [RFC6749 §2.3.1] [RFC7591 §2] [RFC6749 §5.2] %s is invalid_client, all alike',
    async (_name, reason, make) => {
      const [headers, more] = make(world);
      const answer = await call(endpoint, headers, more);
      expect(answer.status).toBe(401);
      expect(answer.body).toEqual({
        error: 'invalid_client',
        error_description: 'Client authentication failed.',
      });
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.headers.get('www-authenticate')).toBe(
        'authorization' in headers ? 'Basic realm="token", charset="UTF-8"' : null,
      );
      expect(world.reasons.at(-1)).toBe(reason);
    },
  );
  it('[RFC6749 §2.3] CL-03 two methods at once', async () => {
    const answer = await call(
      endpoint,
      { authorization: basic(world.web.clientId, world.webSecret) },
      { client_id: world.web.clientId, client_secret: world.webSecret },
    );
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_request']);
    expect(world.reasons.at(-1)).toBe('several_client_authentication_methods');
  });
  it.each(['basic', 'BASIC', 'bAsIc'])(
    '[RFC9110 §11.1] CL-06 the scheme %s is case-insensitive',
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
  it('[RFC6749 §2.3.1] CL-06 identifier and secret are form-decoded', async () => {
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
  it('[RFC6749 §2.3.1] CL-13 guessing is limited by client and address; others go on', async () => {
    for (let guess = 0; guess < 20; guess += 1)
      expect(
        (await call(endpoint, { authorization: basic(world.web.clientId, `guess${guess}`) }))
          .status,
      ).toBe(401);
    const limited = await call(endpoint, { authorization: basic(world.web.clientId, 'guess') });
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '60']);
    expect(world.reasons.at(-1)).toBe('rate_limited');
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
  it('a disabled client is refused at once', async () => {
    await world.provider.clients.update(world.web.clientId, { disabled: true });
    expect(
      (await call(endpoint, { authorization: basic(world.web.clientId, world.webSecret) })).status,
    ).toBe(401);
    expect(world.reasons.at(-1)).toBe('client_disabled');
  });
});

describe('secrets', () => {
  it('CL-16 a generated secret has 256 bits, is shown once and rests as a digest', async () => {
    expect(world.webSecret).toMatch(/^vkcs_[A-Za-z0-9_-]{49}$/);
    expect(
      JSON.stringify(await world.provider.store.clients.find(world.web.clientId)),
    ).not.toContain(world.webSecret);
  });
  it('several secrets live side by side until the old one ends', async () => {
    const rotated = await world.provider.clients.rotateSecret(world.web.clientId, 60);
    const works = async (secret: string): Promise<boolean> =>
      (await call('token', { authorization: basic(world.web.clientId, secret) })).status === 200;
    expect([await works(world.webSecret), await works(rotated?.clientSecret ?? '')]).toEqual([
      true,
      true,
    ]);
    world.now += 61;
    expect([await works(world.webSecret), await works(rotated?.clientSecret ?? '')]).toEqual([
      false,
      true,
    ]);
  });
});

describe('client credentials', () => {
  it('[RFC6749 §4.4] [RFC6749 §4.4.3] [RFC9700 §4.15] TK-14 a token for the client itself: no refresh token, its own subject', async () => {
    const answer = await call('token', {
      authorization: basic(world.web.clientId, world.webSecret),
    });
    expect(Object.keys(answer.body).sort()).toEqual([
      'access_token',
      'expires_in',
      'scope',
      'token_type',
    ]);
    const token = String(answer.body['access_token']);
    const seen = await post(world, 'introspect', { token });
    expect(seen.body).toMatchObject({
      active: true,
      sub: world.web.clientId,
      client_id: world.web.clientId,
      scope: 'read',
    });
  });
  it('[RFC6749 §3.3] scopes about users mean nothing here', async () => {
    const headers = { authorization: basic(world.web.clientId, world.webSecret) };
    expect((await call('token', headers, { scope: 'openid read' })).body['scope']).toBe('read');
    expect((await call('token', headers, { scope: 'openid' })).body['error']).toBe('invalid_scope');
    expect(world.reasons.at(-1)).toBe('scope_not_available');
  });
  it('[RFC6749 §4.4] a public client has no credentials to act with', async () => {
    await expect(
      world.provider.clients.create({
        name: 'x',
        tokenEndpointAuthMethod: 'none',
        grantTypes: ['client_credentials'],
      }),
    ).rejects.toThrow(/confidential/);
    // Even if a row says otherwise, the grant refuses.
    await world.provider.store.clients.insert(
      {
        ...world.spa,
        clientId: 'forged',
        grantTypes: ['client_credentials'],
      },
      null,
    );
    const answer = await call('token', {}, { client_id: 'forged' });
    expect([answer.status, answer.body['error']]).toEqual([400, 'unauthorized_client']);
    expect(world.reasons.at(-1)).toBe('client_not_confidential');
  });
});

/**
 * What the authorization endpoint refuses: first what must never redirect, then what goes to the
 * proven destination. Rows AZ and PK.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  authorizeParams,
  authorizeUrl,
  browserOf,
  ISSUER,
  makeWorld,
  pkce,
  REDIRECT_URI,
  type World,
} from './setup.ts';

let world: World;
const { challenge } = pkce();
beforeAll(async () => {
  world = await makeWorld();
});

async function ask(
  changes: Record<string, string | null>,
  extra = '',
): Promise<{
  status: number;
  leaves: URL | null;
  reason: string | null;
  html: string;
  headers: Headers;
}> {
  const visit = await browserOf(world).open(
    authorizeUrl(world, authorizeParams(world, challenge, changes)) + extra,
  );
  return {
    ...visit,
    reason: /id="error-reason"[^>]*>([^<]*)</.exec(visit.html)?.[1]?.trim() ?? null,
  };
}

async function expectPage(
  changes: Record<string, string | null>,
  reason: string,
  extra = '',
): Promise<void> {
  const seen = await ask(changes, extra);
  expect(seen.leaves, 'no redirect').toBeNull();
  expect(seen.status).toBe(400);
  expect(seen.headers.get('location')).toBeNull();
  expect(seen.reason).toBe(reason);
}

async function expectRedirect(
  changes: Record<string, string | null>,
  error: string,
  reason: string,
  extra = '',
): Promise<URL> {
  const seen = await ask(changes, extra);
  expect(seen.leaves?.href.startsWith(`${REDIRECT_URI}?`), seen.html).toBe(true);
  expect(seen.leaves?.searchParams.get('error')).toBe(error);
  expect(seen.leaves?.searchParams.get('iss')).toBe(ISSUER);
  expect(world.events.at(-1)).toMatchObject({ type: 'request.refused', reason });
  return seen.leaves as URL;
}

describe('client and redirect URI come first', () => {
  it('[RFC6749 §4.1.2.1] AZ-01 an unknown client is a page', () =>
    expectPage({ client_id: 'nope', redirect_uri: 'https://evil.example' }, 'client_unknown'));
  it('[RFC6749 §4.1.2.1] AZ-01 a missing client is a page', () =>
    expectPage({ client_id: null }, 'client_id_missing'));
  it('[RFC6749 §4.1.2.1] a disabled client is a page', async () => {
    await world.provider.clients.update(world.other.clientId, { disabled: true });
    await expectPage(
      { client_id: world.other.clientId, redirect_uri: 'https://other.example/cb' },
      'client_disabled',
    );
    await world.provider.clients.update(world.other.clientId, { disabled: false });
  });

  const strangers = [
    '/CB',
    '/cb/',
    '/cb?x=1',
    '/cb;x=1',
    '/cb#',
    '/cb#f',
    '/cb/../cb',
    '/cb%2f',
    '/cb%00',
    '/./cb',
    '/cb/.',
    '/cb\\',
    '//cb',
    '/%63b',
    '/cb?',
    '/cb&x',
    '/ cb',
    '/cb%20',
    '/cb%0d%0aX:1',
    '/cb/x',
  ].map((tail) => `https://rp.example${tail}`);
  const tricks = [
    'https://rp.example:443/cb',
    'https://u@rp.example/cb',
    'https://RP.example/cb',
    'http://rp.example/cb',
    'https://rp.example.evil/cb',
    'https://rp.example@evil/cb',
    'https://evil/cb?https://rp.example/cb',
    'https://rp.example%40evil/cb',
    'https://rp.example\\@evil/cb',
    'https://rp。example/cb',
    'https://rp.example%00.evil/cb',
    'javascript:alert(1)',
    '//rp.example/cb',
    'https:rp.example/cb',
    'http://127.0.0.1/cb',
  ];
  it.each([...strangers, ...tricks])(
    '[RFC9700 §2.1] AZ-02 AZ-03 only the registered string matches: %s',
    async (uri) => {
      const seen = await ask({ redirect_uri: uri });
      expect(seen.leaves).toBeNull();
      expect(seen.status).toBe(400);
      expect(['redirect_uri_mismatch', 'control_character']).toContain(seen.reason);
    },
  );

  it.each([
    { prompt: 'none' },
    { response_type: 'nonsense' },
    { response_mode: 'web_message' },
    { scope: '"' },
    { max_age: 'x' },
  ])('[RFC6749 §4.1.2.1] AZ-04 no other mistake redirects to an unproven address: %o', (changes) =>
    expectPage({ ...changes, redirect_uri: 'https://evil.example' }, 'redirect_uri_mismatch'),
  );
  it('[OIDC Core §3.1.2.1] AZ-06 redirect_uri is required', () =>
    expectPage({ redirect_uri: null }, 'redirect_uri_missing'));
  it('[RFC6749 §3.1.2.3] AZ-06 and when several are registered', () =>
    expectPage({ redirect_uri: null, scope: 'read' }, 'redirect_uri_missing'));
  it.each(['client_id', 'redirect_uri'])('[RFC6749 §3.1] AZ-08 a repeated %s is a page', (name) =>
    expectPage({}, 'repeated_parameter', `&${name}=${encodeURIComponent('x')}`),
  );
  it.each(['%', '%zz', '%ff', '%c0%af', '%ed%a0%80'])(
    '[RFC6749 §3.1] IN-03 malformed encoding %s is a page, never a 500',
    (text) => expectPage({}, 'malformed_encoding', `&foo=${text}`),
  );
  it('[RFC6749 §3.1] IN-03 NUL is a page', () => expectPage({}, 'control_character', '&foo=%00'));
  it('[RFC6749 §3.1] IN-01 too many parameters', () =>
    expectPage({}, 'too_many_parameters', '&a=1'.repeat(101)));
  it('[RFC6749 §3.1] IN-01 a value too long', () =>
    expectPage({}, 'parameter_too_long', `&a=${'x'.repeat(8193)}`));
  it('[RFC9110 §15.5.15] IN-01 an address too long', async () => {
    const response = await world.provider.fetch(
      new Request(`${authorizeUrl(world, '')}${'x'.repeat(17_000)}`),
    );
    expect(response.status).toBe(414);
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
    expect(world.reasons.at(-1)).toBe('url_too_long');
  });
  it('[RFC6749 §3.1] AZ-09 query and body are not mixed', async () => {
    const request = new Request(
      `${world.provider.url('authorize')}?client_id=${world.web.clientId}`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: authorizeParams(world, challenge),
      },
    );
    const response = await world.provider.fetch(request);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('query_and_body');
  });
  it('[RFC9700 §2.6] AZ-23 no other origin may read the endpoint', async () => {
    const response = await world.provider.fetch(
      new Request(authorizeUrl(world, authorizeParams(world, challenge)), {
        method: 'OPTIONS',
        headers: { origin: 'https://evil.example', 'access-control-request-method': 'GET' },
      }),
    );
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, POST');
    expect(
      [...response.headers.keys()].filter((name) => name.startsWith('access-control')),
    ).toEqual([]);
  });
  it.each(['HEAD', 'PUT', 'PATCH', 'DELETE'])(
    '[RFC9110 §15.5.6] IN-04 %s is 405 with Allow',
    async (method) => {
      const response = await world.provider.fetch(
        new Request(authorizeUrl(world, authorizeParams(world, challenge)), { method }),
      );
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST']);
      expect(world.reasons.at(-1)).toBe('method_not_allowed');
    },
  );
});

describe('everything else goes to the proven destination', () => {
  it.each<[Record<string, string | null>, string, string]>([
    [{ response_type: null }, 'invalid_request', 'response_type_missing'],
    [{ response_type: '' }, 'invalid_request', 'response_type_missing'],

    [{ response_type: 'code code' }, 'unsupported_response_type', 'response_type'],
    [{ response_type: 'none' }, 'unsupported_response_type', 'response_type'],
    [{ response_mode: 'web_message' }, 'invalid_request', 'response_mode'],
    [{ scope: 'openid "' }, 'invalid_scope', 'malformed_scope'],
    [{ scope: 'admin' }, 'invalid_scope', 'scope_not_available'],
    [
      { scope: Array.from({ length: 101 }, (_, index) => `s${index}`).join(' ') },
      'invalid_scope',
      'too_many_scopes',
    ],
    [{ prompt: 'none login' }, 'invalid_request', 'prompt_none_combined'],
    [{ prompt: 'whatever' }, 'invalid_request', 'prompt'],
    [{ prompt: 'none' }, 'login_required', 'prompt_none'],
    [{ max_age: '-1' }, 'invalid_request', 'max_age'],
    [{ max_age: 'soon' }, 'invalid_request', 'max_age'],
    [{ request: 'a.b.c' }, 'request_not_supported', 'request_object'],
    [{ request_uri: 'http://169.254.169.254/' }, 'request_uri_not_supported', 'request_uri'],
    [{ registration: '{}' }, 'registration_not_supported', 'registration'],
    [{ id_token_hint: 'a.b.c' }, 'invalid_request', 'id_token_hint'],
    [{ nonce: 'n'.repeat(2049) }, 'invalid_request', 'state_too_long'],
  ])(
    '[OIDC Core §3.1.2.6] [RFC6749 §3.3] [RFC9700 §2.1.2] AZ-11 AZ-12 AZ-18 AZ-19 %o',
    async (changes, error, reason) => {
      const url = await expectRedirect(changes, error, reason);
      expect(url.searchParams.get('state')).toBe('the-state');
    },
  );
  it.each([
    { response_type: 'token' },
    { response_type: 'id_token token' },
    { response_type: 'code id_token' },
    { response_type: 'token', response_mode: 'query' },
    { response_type: 'code token', response_mode: 'fragment', state: null },
  ])(
    '[OAuth Multiple Response Types §5] [OIDC Core §3.2.2.6] AZ-12 refusals of a type that brings tokens stand in the fragment: %o',
    async (changes) => {
      const params = authorizeParams(world, challenge, changes);
      const visit = await browserOf(world).open(authorizeUrl(world, params));
      const answer = new URLSearchParams(visit.leaves?.hash.slice(1));
      expect([answer.get('error'), answer.get('iss'), visit.leaves?.search]).toEqual([
        'unsupported_response_type',
        ISSUER,
        '',
      ]);
      expect(answer.get('state')).toBe(params.get('state'));
    },
  );
  it('[RFC6749 §3.1] AZ-08 a repeated state is refused and not echoed', async () => {
    const url = await expectRedirect({}, 'invalid_request', 'repeated_parameter', '&state=second');
    expect(url.searchParams.has('state')).toBe(false);
  });
  it('[RFC6749 §3.1] AZ-08 a repeated scope is refused', () =>
    expectRedirect({}, 'invalid_request', 'repeated_parameter', '&scope=openid').then(
      () => undefined,
    ));
  it('a state too long is refused and not echoed', async () => {
    const url = await expectRedirect(
      { state: 's'.repeat(2049) },
      'invalid_request',
      'state_too_long',
    );
    expect(url.searchParams.has('state')).toBe(false);
  });
  it('[RFC6749 §3.1.1] a client without the response type', async () => {
    const { client } = await world.provider.clients.create({
      name: 'Machine',
      grantTypes: ['client_credentials'],
      redirectUris: ['https://machine.example/cb'],
    });
    const seen = await ask({
      client_id: client.clientId,
      redirect_uri: 'https://machine.example/cb',
    });
    expect(seen.leaves?.searchParams.get('error')).toBe('unauthorized_client');
    expect(world.events.at(-1)?.reason).toBe('response_type_not_allowed');
  });
  it.each(['query', 'fragment', 'form_post'])(
    '[RFC9207 §2] AZ-16 iss stands in errors by %s',
    async (mode) => {
      const seen = await ask({ prompt: 'none', response_mode: mode });
      const params =
        mode === 'form_post'
          ? null
          : new URLSearchParams(
              mode === 'query' ? seen.leaves?.search : seen.leaves?.hash.slice(1),
            );
      if (params === null) expect(seen.html).toContain(`name="iss" value="${ISSUER}"`);
      else expect([params.get('iss'), params.get('error')]).toEqual([ISSUER, 'login_required']);
    },
  );
});

describe('PKCE', () => {
  it.each<[Record<string, string | null>, string]>([
    [{ code_challenge: null, code_challenge_method: null }, 'code_challenge_missing'],
    [{ code_challenge: '' }, 'code_challenge_missing'],
    [{ code_challenge: null }, 'code_challenge_missing'],
    [{ code_challenge_method: 'plain' }, 'code_challenge_method'],
    [{ code_challenge_method: null }, 'code_challenge_method'],
    [{ code_challenge_method: 's256' }, 'code_challenge_method'],
    [{ code_challenge_method: 'S512' }, 'code_challenge_method'],
    [{ code_challenge: challenge.slice(1) }, 'code_challenge_malformed'],
    [{ code_challenge: `${challenge}A` }, 'code_challenge_malformed'],
    [{ code_challenge: `${challenge.slice(1)}=` }, 'code_challenge_malformed'],
    [{ code_challenge: `${challenge.slice(1)}+` }, 'code_challenge_malformed'],
  ])(
    '[RFC7636 §4.2] [RFC7636 §4.3] [RFC7636 §4.4.1] PK-01 PK-02 PK-03 PK-06 %o',
    async (changes, reason) => {
      await expectRedirect(changes, 'invalid_request', reason);
    },
  );
  it.each(['web', 'spa'] as const)(
    '[RFC9700 §2.1.1] allowMissingPkce never covers public clients: %s',
    async (kind) => {
      const lax = await makeWorld({ allowMissingPkce: true });
      const params = authorizeParams(lax, challenge, {
        code_challenge: null,
        code_challenge_method: null,
        client_id: lax[kind].clientId,
        redirect_uri: lax[kind].redirectUris[0] ?? '',
      });
      const visit = await browserOf(lax).open(authorizeUrl(lax, params));
      expect(visit.leaves?.searchParams.get('error') ?? null).toBe(
        kind === 'spa' ? 'invalid_request' : null,
      );
    },
  );
});

describe('loopback redirect URIs', () => {
  const registered = 'http://127.0.0.1:4000/cb';
  let clientId = '';
  beforeAll(async () => {
    clientId = (
      await world.provider.clients.create({
        name: 'CLI',
        tokenEndpointAuthMethod: 'none',
        applicationType: 'native',
        redirectUris: [registered, 'http://[::1]/cb'],
      })
    ).client.clientId;
  });
  it.each(['http://127.0.0.1:51004/cb', 'http://127.0.0.1/cb', 'http://[::1]:9/cb'])(
    '[RFC8252 §7.3] NB-01 any port of the literal: %s',
    async (uri) => {
      const seen = await ask({ client_id: clientId, redirect_uri: uri });
      expect(seen.status).toBe(200);
    },
  );
  it.each([
    'http://127.0.0.1:51004/other',
    'http://127.0.0.1:51004/cb?x=1',
    'http://127.0.0.1@evil/cb',
    'http://127.0.0.1.evil/cb',
    'http://127.1/cb',
    'http://0x7f000001/cb',
    'http://[::ffff:127.0.0.1]/cb',
    'http://localhost:1@evil/cb',
    'http://localhost:5000/cb',
    'https://127.0.0.1/cb',
    'http://127.0.0.1:99999/cb',
    'http://127.0.0.1:0/cb',
  ])('[RFC8252 §8.3] NB-01 NB-02 NB-03 look-alikes are pages: %s', (uri) =>
    expectPage({ client_id: clientId, redirect_uri: uri }, 'redirect_uri_mismatch'),
  );
});

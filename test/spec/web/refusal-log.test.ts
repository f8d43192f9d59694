/**
 * What operators read of a refusal: which client, what was expected and received, and what changes
 * it. Rules ST.
 */
import { type Config, memoryDatabase } from 'valetkey';
import { describe, expect, it } from 'vitest';
import {
  authorizeParams,
  authorizeUrl,
  basic,
  browserOf,
  getTokens,
  logIn,
  makeWorld,
  openAuthorize,
  pkce,
  post,
  type World,
} from '../setup.ts';

type Line = Readonly<Record<string, unknown>>;

async function logged(options: Partial<Config> = {}): Promise<{ world: World; lines: Line[] }> {
  const lines: Line[] = [];
  const note = (facts: object, message: string): void => void lines.push({ ...facts, message });
  const logger = { info: note, warn: note, error: note };
  const world = await makeWorld({ ...options, store: memoryDatabase(), logger });
  return { world, lines };
}

const WITHOUT_PKCE = { code_challenge: null, code_challenge_method: null, nonce: null };

describe('the log line of a refusal', () => {
  const rows: readonly [string, (world: World) => Promise<unknown>, Line][] = [
    [
      'a wrong secret',
      async (w) =>
        await post(
          w,
          'token',
          { grant_type: 'client_credentials' },
          {
            authorization: basic(w.web.clientId, 'wrong'),
          },
        ),
      { reason: 'client_secret_wrong', endpoint: 'token', remedy: /rotate-secret --client-id / },
    ],
    [
      'a secret in another place than registered',
      async (w) =>
        await post(
          w,
          'token',
          {
            grant_type: 'client_credentials',
            client_id: w.web.clientId,
            client_secret: w.webSecret,
          },
          {},
        ),
      {
        reason: 'client_authentication_method',
        expected: /^client_secret_basic$/,
        received: /^client_secret_post$/,
        remedy: /application update --client-id \S+ --auth-method client_secret$/,
      },
    ],
    [
      'a redirect URI that is not registered',
      async (w) =>
        await openAuthorize(w, browserOf(w), { redirect_uri: 'https://rp.example/cb/?secret=1' }),
      {
        reason: 'redirect_uri_mismatch',
        endpoint: 'authorize',
        expected: /^https:\/\/rp\.example\/cb$/,
        received: /^https:\/\/rp\.example\/cb\/ \(differs in: pathname, search\)$/,
        remedy:
          /--redirect-uri https:\/\/rp\.example\/cb --redirect-uri \S+other --redirect-uri https:\/\/rp\.example\/cb\/ \(with its query\)$/,
      },
    ],
    [
      'a refusal that is sent to the client',
      async (w) => await openAuthorize(w, browserOf(w), WITHOUT_PKCE),
      { reason: 'code_challenge_missing', endpoint: 'authorize', remedy: /--no-require-pkce$/ },
    ],
    [
      'a grant type that is not registered',
      async (w) =>
        await post(
          w,
          'token',
          { grant_type: 'client_credentials' },
          {
            authorization: basic(w.web.clientId, w.webSecret),
          },
        ),
      {
        reason: 'grant_type_not_allowed',
        expected: /authorization_code, refresh_token/,
        received: /client_credentials/,
        remedy:
          /--grant-type authorization_code --grant-type refresh_token --grant-type client_credentials$/,
      },
    ],
    [
      'a disabled client',
      async (w) => {
        await w.provider.clients.update(w.web.clientId, { disabled: true });
        return await openAuthorize(w, browserOf(w));
      },
      { reason: 'client_disabled', remedy: /application enable --client-id / },
    ],
    [
      'a scope that the client may not have',
      async (w) => {
        await w.provider.clients.update(w.web.clientId, { scopes: ['openid'] });
        return await openAuthorize(w, browserOf(w), { scope: 'read' });
      },
      { reason: 'scope_not_available', remedy: /--scope openid --scope read$/ },
    ],
    [
      'a scope that does not exist',
      async (w) => await openAuthorize(w, browserOf(w), { scope: 'user:email' }),
      {
        reason: 'scope_not_available',
        received: 'user:email',
        remedy: /^ask for .* such as openid profile email, or define user:email under scopes/,
      },
    ],
    [
      'a response type that does not exist',
      async (w) => await openAuthorize(w, browserOf(w), { response_type: 'token id_token' }),
      {
        reason: 'response_type',
        expected: 'code, id_token, code id_token, none',
        received: 'id_token token',
        remedy:
          /^set the response_type to code in the application, or allowImplicit .* on the server/,
      },
    ],
    [
      'an address with a slash less',
      async (w) => {
        const { clientId } = w.web;
        await w.provider.clients.update(clientId, { redirectUris: ['https://rp.example/'] });
        return await openAuthorize(w, browserOf(w), { redirect_uri: 'https://rp.example' });
      },
      { received: /\(differs in: the slash at the end\)$/ },
    ],
    [
      'a public client that has a secret',
      async (w) => {
        const headers = { authorization: basic(w.spa.clientId, 'a secret') };
        Object.assign(w, { web: w.spa });
        return await post(w, 'token', { grant_type: 'refresh_token', refresh_token: 'x' }, headers);
      },
      {
        reason: 'client_authentication_method',
        remedy:
          /valetkey application create --name NAME --kind web --redirect-uri https:\/\/spa\.example\/cb$/,
      },
    ],
  ];
  it.each(rows)('ST-02 of %s says what would change it', async (_what, ask, expected) => {
    const { world, lines } = await logged();
    const { clientId } = world.web;
    if (expected['reason'] === 'grant_type_not_allowed')
      await world.provider.clients.update(clientId, {
        grantTypes: ['authorization_code', 'refresh_token'],
      });
    await ask(world);
    const told = lines.filter(({ message }) => message === 'request refused');
    expect(told).toHaveLength(1);
    const facts = { clientId: world.web.clientId, requestId: expect.any(String) };
    expect(told[0]).toMatchObject(facts);
    for (const [name, value] of Object.entries(expected)) {
      if (value instanceof RegExp) expect(String(told[0]?.[name])).toMatch(value);
      else expect(told[0]?.[name]).toBe(value);
    }
    expect(JSON.stringify(told)).not.toMatch(/secret=1|webSecret/);
  });
  it('[OIDC Core §5.3] says of a token without openid how to get one, at userinfo', async () => {
    const { world, lines } = await logged();
    const { access_token: token } = await getTokens(world, { scope: 'read', nonce: null });
    const authorization = `Bearer ${token}`;
    expect((await post(world, 'userinfo', '', { authorization })).status).toBe(403);
    expect(lines).toMatchObject([
      {
        reason: 'openid_scope_missing',
        clientId: world.web.clientId,
        received: 'read',
        remedy: expect.stringMatching(
          /--default-scope openid --default-scope profile --default-scope email$/,
        ),
      },
    ]);
  });
  it('[RFC6749 §3.3] says which scopes were left out of a request that goes on, once', async () => {
    const { world, lines } = await logged();
    await getTokens(world, { scope: 'openid groups read' });
    expect(lines).toMatchObject([
      {
        message: 'scopes were left out',
        clientId: world.web.clientId,
        reason: 'scope_left_out',
        received: 'openid groups read',
        remedy: expect.stringMatching(/define groups under scopes in the configuration$/),
      },
    ]);
  });
  it('ST-02 names no command that widens a client, for a request that goes on', async () => {
    const { world, lines } = await logged();
    await world.provider.clients.update(world.web.clientId, { scopes: ['openid'] });
    await getTokens(world, { scope: 'openid read write' });
    await getTokens(world, { scope: 'openid $(id|sh) `id`' });
    const [narrow, odd] = lines.map(({ remedy }) => remedy);
    expect(narrow).toBe('only if the application may have it: its option --scope');
    expect(odd).toMatch(/or define what is missing under scopes in the configuration$/);
  });
  it('ST-02 cuts no command in the middle', async () => {
    const { world, lines } = await logged();
    const redirectUris = Array.from(
      { length: 9 },
      (_, index) => `https://rp.example/${'a'.repeat(60)}${index}`,
    );
    await world.provider.clients.update(world.web.clientId, { redirectUris });
    await openAuthorize(world, browserOf(world));
    expect(lines.at(-1)?.['remedy']).toMatch(
      /: change --redirect-uri of this application with: npx valetkey application update$/,
    );
  });
  it('[RFC6749 §3.2] names a parameter that is empty', async () => {
    const { world, lines } = await logged();
    await post(world, 'token', { grant_type: 'authorization_code', code: '' });
    expect(lines).toMatchObject([
      { reason: 'missing_parameter', expected: 'the parameter code', received: 'an empty one' },
    ]);
  });
  it('ST-02 names a caller that may not see a token', async () => {
    const { world, lines } = await logged();
    const { access_token: token } = await getTokens(world);
    const { client, clientSecret } = await world.provider.clients.create({
      name: 'API',
      grantTypes: ['client_credentials'],
    });
    const answer = await post(
      world,
      'introspect',
      { token: String(token) },
      {
        authorization: basic(client.clientId, clientSecret ?? ''),
      },
    );
    expect(answer.body).toEqual({ active: false });
    expect(lines.at(-1)).toMatchObject({
      clientId: client.clientId,
      reason: 'token_of_another_client',
      remedy: expect.stringMatching(/^only if .*--kind resource-server$/),
    });
  });
  it('ST-02 never has what a person typed', async () => {
    const { world, lines } = await logged();
    const browser = browserOf(world);
    await logIn(browser, await openAuthorize(world, browser), {
      username: 'typed-name',
      password: 'typed-password',
    });
    expect(lines.map(({ message }) => message)).toEqual(['sign-in refused']);
    expect(JSON.stringify(lines)).not.toContain('typed');
  });
  it('ST-02 is one line, of bounded length, whatever a client_id holds', async () => {
    const { world, lines } = await logged();
    const hostile = `x\r\n{"level":50}\u001b[31m\u202e${'y'.repeat(5000)}`;
    const params = authorizeParams(world, pkce().challenge, { client_id: hostile });
    await browserOf(world).open(authorizeUrl(world, params));
    const [line] = lines;
    expect(line?.['received']).toBe('x\\u{d}\\u{a}{"lev… (5021 characters)');
    expect(JSON.stringify(line).length).toBeLessThan(1500);
  });
  it('ST-02 of clients that nobody registered is written 30 times a minute, and then how often', async () => {
    const { world, lines } = await logged();
    const ask = async (): Promise<unknown> =>
      await post(
        world,
        'token',
        { grant_type: 'client_credentials' },
        {
          authorization: basic('nobody', 'x'),
        },
      );
    for (let index = 0; index < 40; index += 1) await ask();
    expect(lines).toHaveLength(30);
    // A client that is registered has lines of its own.
    for (let index = 0; index < 40; index += 1)
      await openAuthorize(world, browserOf(world), WITHOUT_PKCE);
    expect(lines).toHaveLength(60);
    world.now += 60;
    await ask();
    expect(lines.slice(60)).toMatchObject([
      { lost: 10, reason: 'no registered client' },
      { lost: 10, reason: `${world.web.clientId} code_challenge_missing` },
      { reason: 'client_unknown' },
    ]);
  });
  it.each([
    'https://rp.example/cb,https://evil.example/cb',
    'https://rp.example/a&calc',
    "https://rp.example/';calc;'",
    'https://rp.example/$(calc)',
  ])(
    'ST-02 offers no command with an address that a shell or an option reads differently: %s',
    async (uri) => {
      const { world, lines } = await logged();
      await openAuthorize(world, browserOf(world), { redirect_uri: uri });
      const ask = new URLSearchParams({
        client_id: world.web.clientId,
        post_logout_redirect_uri: uri,
      });
      await browserOf(world).open(`${world.provider.url('rp-initiated-logout')}?${ask}`);
      const remedies = lines.map(({ remedy }) => String(remedy));
      expect(remedies).toHaveLength(2);
      for (const remedy of remedies) expect(remedy).not.toMatch(/calc|evil/);
    },
  );
  it('ST-02 tells of a page whose origin is not registered, in plain characters', async () => {
    const { world, lines } = await logged();
    const fields = {
      grant_type: 'refresh_token',
      refresh_token: 'x',
      client_id: world.spa.clientId,
    };
    await post(world, 'token', fields, { origin: 'https://x\u009b2J\u009d0;title' });
    await post(world, 'token', fields, { origin: 'https://new.example' });
    const told = lines.filter(({ reason }) => reason === 'origin_not_allowed');
    expect(told.map(({ received, remedy }) => [received, remedy])).toEqual([
      ['https://x\\u{9b}2J\\u{9d}0;title', undefined],
      [
        'https://new.example',
        `if this page is the application's: npx valetkey application update --client-id ${world.spa.clientId} --allowed-origin https://new.example`,
      ],
    ]);
  });
});

/** Tokens for one API (RFC 8707), and the preset for MCP that has them. */
import {
  type Config,
  clientIdMetadataDocuments,
  createProvider,
  mcp,
  memoryDatabase,
  resourceIndicators,
} from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Device, decideOn } from '../device-authorization/device.ts';
import { expectRefusal, expectRefusedRedirect } from '../refusals.ts';
import {
  type Answer,
  basic,
  browserOf,
  getCode,
  ISSUER,
  makeWorld,
  openAuthorize,
  pkce,
  post,
  REDIRECT_URI,
  read,
  type World,
} from '../setup.ts';

const API = 'https://api.example/mcp';
const OTHER = 'https://other.example/mcp';

let world: World;
const worldWith = async (resources: readonly string[] = [API, OTHER]): Promise<World> => {
  const made = await makeWorld({ features: [resourceIndicators({ enabled: true, resources })] });
  await made.provider.clients.update(made.other.clientId, { scopes: ['introspection'] });
  return made;
};
beforeEach(async () => {
  world = await worldWith();
});

/** Signs somebody in, and redeems the code. */
async function tokens(
  asked: string | null,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const proof = pkce();
  const code = await getCode(world, proof, { resource: asked });
  const fields = { grant_type: 'authorization_code', code, code_verifier: proof.verifier };
  return await post(world, 'token', { ...fields, redirect_uri: REDIRECT_URI, ...more });
}
const refresh = async ({ body }: Answer, more: Readonly<Record<string, string>> = {}) =>
  await post(world, 'token', {
    grant_type: 'refresh_token',
    refresh_token: String(body['refresh_token']),
    ...more,
  });
/** What a resource server hears of a token. */
async function audienceOf({ body }: Answer): Promise<unknown> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const form = {
    token: String(body['access_token']),
    client_id: world.other.clientId,
    client_secret: world.otherSecret,
  };
  const answer = await post(world, 'introspect', form, headers);
  return [answer.body['active'], answer.body['aud']];
}

describe('an authorization request', () => {
  it.each([
    ['an API that is not served', 'https://evil.example/'],
    ['one that only begins like it', `${API}/more`],
    ['a relative URI', '/mcp'],
    ['a text', 'mcp'],
    ['a fragment', `${API}#a`],
    ['an empty fragment', `${API}#`],
  ])('[RFC8707 §2] for %s is invalid_target', async (_what, resource) => {
    const visit = await openAuthorize(world, browserOf(world), { resource });
    expectRefusedRedirect(world, visit, { error: 'invalid_target', reason: 'resource' });
  });
  it('[RFC8707 §2.1] its token is for the API, and so are those that come later', async () => {
    const first = await tokens(API);
    expect([first.status, await audienceOf(first)]).toEqual([200, [true, API]]);
    const second = await refresh(first);
    expect(await audienceOf(second)).toEqual([true, API]);
    expect(await audienceOf(await refresh(second, { resource: API }))).toEqual([true, API]);
  });
  it.each([`${API}/`, 'https://API.example/mcp', 'https://api.example:443/mcp'])(
    '[RFC8707 §2] %s is the same API, and its tokens have the registered spelling',
    async (resource) => {
      expect(await audienceOf(await tokens(resource, { resource: API }))).toEqual([true, API]);
    },
  );
  it('without a resource has a token for no API in particular', async () => {
    expect(await audienceOf(await tokens(null))).toEqual([true, undefined]);
  });
});

describe('a token request', () => {
  it.each([
    ['for another API', OTHER, 'resource_not_granted'],
    ['for one that is not served', 'https://evil.example/', 'resource'],
  ])(
    '[RFC8707 §2.2] %s than was granted is invalid_target, and uses nothing up',
    async (_what, resource, reason) => {
      const proof = pkce();
      const code = await getCode(world, proof, { resource: API });
      const fields = {
        grant_type: 'authorization_code',
        code,
        code_verifier: proof.verifier,
        redirect_uri: REDIRECT_URI,
      };
      const refusal = { status: 400, error: 'invalid_target', reason };
      expectRefusal(world, await post(world, 'token', { ...fields, resource }), refusal);
      const first = await post(world, 'token', fields);
      expect(first.status).toBe(200);
      expectRefusal(world, await refresh(first, { resource }), refusal);
      expect((await refresh(first)).status).toBe(200);
    },
  );
  it('[RFC8707 §2.2] names an API where the authorization request named none', async () => {
    expect(await audienceOf(await tokens(null, { resource: OTHER }))).toEqual([true, OTHER]);
  });
  it('[RFC8707 §2.2] of a client for itself names one, too', async () => {
    const fields = { grant_type: 'client_credentials', resource: API };
    expect(await audienceOf(await post(world, 'token', fields))).toEqual([true, API]);
    const evil = await post(world, 'token', { ...fields, resource: 'https://evil.example/' });
    expect(evil.body['error']).toBe('invalid_target');
  });
  it.each([
    ['for another API', API, { resource: OTHER }],
    ['for no API', API, {}],
  ])(
    '[RFC8707 §2.2] RT-02 that repeats a refresh token %s does not get the answer of the first',
    async (_what, first, again) => {
      const start = await tokens(null);
      expect((await refresh(start, { resource: first })).status).toBe(200);
      expectRefusal(world, await refresh(start, again), {
        status: 400,
        error: 'invalid_grant',
        reason: 'repeated_for_another',
      });
      const same = await refresh(start, { resource: first });
      expect([same.status, await audienceOf(same)]).toEqual([200, [true, first]]);
    },
  );
  it('[RFC8707 §2] of a device names one when it begins', async () => {
    const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
    await world.provider.clients.update(world.web.clientId, {
      grantTypes: ['authorization_code', deviceGrant],
    });
    const headers = { authorization: basic(world.web.clientId, world.webSecret) };
    const begin = async (resource: string): Promise<Answer> => {
      const body = new URLSearchParams({ scope: 'openid', resource });
      const url = world.provider.url('device-authorization');
      return await read(
        await world.provider.fetch(new Request(url, { method: 'POST', headers, body })),
      );
    };
    expect((await begin('https://evil.example/')).body['error']).toBe('invalid_target');
    const device = (await begin(API)).body as unknown as Device;
    await decideOn(browserOf(world), device);
    world.now += 6;
    const fields = { grant_type: deviceGrant, device_code: device.device_code };
    expect(await audienceOf(await post(world, 'token', fields))).toEqual([true, API]);
  });
  it('an API that was taken out of the list gets no tokens any more', async () => {
    const first = await tokens(API);
    const { store } = world.provider;
    const narrowed = createProvider({
      issuer: ISSUER,
      store: { ephemeral: true, forIssuer: () => store },
      accounts: memoryAccounts([
        { sub: 'alice-sub', username: 'alice', password: 'x', claims: {} },
      ]),
      pages: builtInPages(),
      clock: () => world.now,
      secret: 'a secret that is long enough for a test',
      features: [resourceIndicators({ enabled: true, resources: [OTHER] })],
    });
    const request = new Request(narrowed.url('token'), {
      method: 'POST',
      headers: { authorization: basic(world.web.clientId, world.webSecret) },
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: String(first.body['refresh_token']),
      }),
    });
    expect((await read(await narrowed.fetch(request))).body['error']).toBe('invalid_target');
    await narrowed.close();
  });
});

describe('a token for an API', () => {
  const userinfo = async ({ body }: Answer): Promise<Answer> =>
    await read(
      await world.provider.fetch(
        new Request(world.provider.url('userinfo'), {
          headers: { authorization: `Bearer ${String(body['access_token'])}` },
        }),
      ),
    );

  it('[RFC8707 §2] is refused at userinfo: the API could pass it on', async () => {
    const answer = await userinfo(await tokens(API));
    expectRefusal(world, answer, {
      status: 401,
      error: 'invalid_token',
      reason: 'token_audience',
    });
    expect(answer.headers.get('www-authenticate')).toMatch(/invalid_token/);
    expect((await userinfo(await tokens(null))).status).toBe(200);
  });
  it('for this provider itself is accepted there', async () => {
    world = await worldWith([ISSUER]);
    expect((await userinfo(await tokens(ISSUER))).status).toBe(200);
  });
});

describe('options', () => {
  it('without resources any API is accepted where that is said', async () => {
    const any = resourceIndicators({ enabled: true, anyResource: true });
    world = await makeWorld({ features: [any] });
    await world.provider.clients.update(world.other.clientId, { scopes: ['introspection'] });
    expect(await audienceOf(await tokens('https://any.example/'))).toEqual([
      true,
      'https://any.example/',
    ]);
  });
  it.each(['mcp', '/mcp', 'https://api.example/#a'])('%s stops the start', async (resource) => {
    await expect(worldWith([resource])).rejects.toThrow(/absolute URI/);
  });
  it('where it is off, a resource is an unknown parameter', async () => {
    world = await makeWorld();
    expect((await tokens('https://evil.example/')).status).toBe(200);
  });
});

describe('mcp()', () => {
  const discovery = async (config: Partial<Config>): Promise<Record<string, unknown>> => {
    const made = await makeWorld(config);
    const url = `${ISSUER}/.well-known/oauth-authorization-server`;
    return (await (await made.provider.fetch(new Request(url))).json()) as Record<string, unknown>;
  };

  it('turns on metadata documents and resources, and no registration', async () => {
    const documents = await discovery({ features: mcp() });
    expect(documents).toMatchObject({
      client_id_metadata_document_supported: true,
      authorization_response_iss_parameter_supported: true,
      code_challenge_methods_supported: ['S256'],
    });
    expect(documents).not.toHaveProperty('registration_endpoint');
  });
  it('opens registration where it is said, and that is named at the start', async () => {
    const features = mcp({ allowOpenRegistration: true });
    expect(await discovery({ features })).toHaveProperty('registration_endpoint');
    expect((await makeWorld({ features })).provider.weakened).toEqual([
      'dynamicRegistration.allowOpenRegistration',
    ]);
  });
  it('serves both forms of the well-known address of an issuer with a path', async () => {
    const provider = createProvider({
      issuer: `${ISSUER}/tenant`,
      store: memoryDatabase(),
      accounts: memoryAccounts([]),
      pages: builtInPages(),
      features: mcp(),
    });
    for (const path of [
      '/.well-known/oauth-authorization-server/tenant',
      '/tenant/.well-known/openid-configuration',
      '/.well-known/openid-configuration/tenant',
    ])
      expect([path, (await provider.fetch(new Request(ISSUER + path))).status]).toEqual([
        path,
        200,
      ]);
    await provider.close();
  });
  it.each([
    ['https://app.example/cb', 201],
    ['http://localhost:3000/cb', 201],
    ['http://127.0.0.1/cb', 201],
    ['com.example.app:/cb', 400],
    ['http://app.example/cb', 400],
  ])('accepts a redirect URI like %s: %d', async (uri, status) => {
    world = await makeWorld({ features: mcp({ allowOpenRegistration: true }) });
    const request = new Request(world.provider.url('registration'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [uri], token_endpoint_auth_method: 'none' }),
    });
    expect((await world.provider.fetch(request)).status).toBe(status);
  });
  it('gives way to features of the same name that come after it', async () => {
    const own = clientIdMetadataDocuments({ enabled: false });
    const features = [own, ...mcp().filter(({ name }) => name !== own.name)];
    expect(await discovery({ features })).not.toHaveProperty(
      'client_id_metadata_document_supported',
    );
  });
});

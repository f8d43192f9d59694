/** How a client reads, changes and deletes its registration (RFC 7592). Rule RG-04. */
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import { basic, isActive, post, type World } from '../setup.ts';
import {
  GOOD,
  type Registered,
  register,
  registered,
  registeringWorld,
  send,
  tokenFor,
} from './registering.ts';

let world: World;
let own: Registered;
beforeEach(async () => {
  world = await registeringWorld();
  own = await registered(world);
});

const METHODS = ['GET', 'PUT', 'DELETE'] as const;
const REFUSED = { status: 401, error: 'invalid_token', reason: 'registration_token' };

const bodyOf = (method: string, of: Registered = own): unknown =>
  method === 'PUT' ? { ...GOOD, client_id: of.client_id } : undefined;

const get = async (of: Registered = own) =>
  await send(world, 'GET', of.registration_client_uri, undefined, {
    token: of.registration_access_token,
  });
const put = async (body: object, of: Registered = own) =>
  await send(
    world,
    'PUT',
    of.registration_client_uri,
    { ...GOOD, client_id: of.client_id, ...body },
    { token: of.registration_access_token },
  );

describe.each(METHODS)('%s without the right', (method) => {
  const ask = async (url: string, token?: string) =>
    await send(world, method, url, bodyOf(method), token === undefined ? {} : { token });

  it('[RFC7592 §2] RG-04 no token', async () => {
    const answer = await ask(own.registration_client_uri);
    expectRefusal(world, answer, { ...REFUSED, reason: 'registration_token_missing' });
    // RFC 6750 §3.1: no error code where no token came.
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="registration"');
  });
  it.each([
    ['a text', () => 'abc'],
    ['a damaged token', () => `${own.registration_access_token.slice(0, -1)}~`],
    ['an initial access token', async () => await tokenFor(world)],
    ['its secret', () => own.client_secret ?? ''],
  ])('RG-04 %s', async (_what, tokenOf) => {
    expectRefusal(world, await ask(own.registration_client_uri, await tokenOf()), REFUSED);
  });
  it('RG-04 the token of another client', async () => {
    const other = await registered(world);
    const answer = await ask(own.registration_client_uri, other.registration_access_token);
    expectRefusal(world, answer, REFUSED);
  });
  it('RG-04 a client that an operator registered, or nobody', async () => {
    for (const id of [world.web.clientId, 'nobody', '%00', 'a'.repeat(300)]) {
      const url = `${world.provider.url('registration')}${id}/`;
      const { status } = await ask(url, own.registration_access_token);
      expect([401, 404]).toContain(status);
    }
    expect(await world.provider.clients.find(world.web.clientId)).not.toBeNull();
  });
  it('RG-04 a client that was disabled stays so', async () => {
    await world.provider.clients.update(own.client_id, { disabled: true });
    const answer = await ask(own.registration_client_uri, own.registration_access_token);
    expectRefusal(world, answer, { ...REFUSED, reason: 'client_disabled' });
    expect((await world.provider.clients.find(own.client_id))?.disabledAt).toBe(world.now);
  });
  it('RG-04 the token in the address', async () => {
    const url = `${own.registration_client_uri}?access_token=${own.registration_access_token}`;
    expect((await ask(url)).status).toBe(401);
  });
});

describe('reading', () => {
  it('[RFC7592 §2.1] everything that is registered, and never a secret', async () => {
    const { client_secret: _secret, client_secret_expires_at: _ends, ...rest } = own;
    const answer = await get();
    expect([answer.status, answer.body]).toEqual([200, rest]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });
});

describe('changing', () => {
  it('[RFC7592 §2.2] replaces: what is left out has its default', async () => {
    const rich = await registered(world, {
      ...GOOD,
      contacts: ['a@app.example'],
      logo_uri: 'https://app.example/logo.png',
    });
    const answer = await put({ redirect_uris: ['https://app.example/new'] }, rich);
    expect(answer.status).toBe(200);
    expect(answer.body).not.toHaveProperty('contacts');
    expect(answer.body).not.toHaveProperty('logo_uri');
    expect(answer.body).not.toHaveProperty('client_secret');
    expect(answer.body).toMatchObject({ redirect_uris: ['https://app.example/new'] });
  });
  it('[RFC7592 §2.2] RG-04 fields that protect the client stay when they are left out', async () => {
    const kept = {
      default_max_age: 60,
      dpop_bound_access_tokens: true,
      id_token_signed_response_alg: 'ES256',
      jwks: {
        keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }],
      },
      require_pushed_authorization_requests: true,
      scope: 'openid read',
      token_endpoint_auth_method: 'private_key_jwt',
    };
    const strict = await registered(world, { ...GOOD, ...kept });
    const answer = await put({}, strict);
    expect(answer.body).toMatchObject(kept);
    // Named, they change.
    const next = answer.body as unknown as Registered;
    const looser = await put({ dpop_bound_access_tokens: false, scope: 'openid' }, next);
    expect(looser.body).not.toHaveProperty('dpop_bound_access_tokens');
    expect(looser.body['scope']).toBe('openid');
  });
  it('RG-04 null is the same as a member that is left out', async () => {
    const answer = await put({ client_uri: null, token_endpoint_auth_method: null });
    expect(answer.body['token_endpoint_auth_method']).toBe('client_secret_basic');
  });
  it('RG-03 RG-04 what is the operator’s stays as it was', async () => {
    await world.provider.clients.update(own.client_id, {
      skipConsent: true,
      owner: 'bob-sub',
      allowedOrigins: ['https://app.example'],
    });
    const answer = await put({
      skip_consent: false,
      owner: 'alice-sub',
      allowed_origins: ['https://evil.example'],
      scope: 'openid introspection write',
    });
    expect(answer.status).toBe(200);
    expect(await world.provider.clients.find(own.client_id)).toMatchObject({
      skipConsent: true,
      owner: 'bob-sub',
      allowedOrigins: ['https://app.example'],
      scopes: ['openid', 'write'],
      redirectUris: GOOD.redirect_uris,
    });
  });
  it('RG-04 a client that asks for no consent gets no new address', async () => {
    await world.provider.clients.update(own.client_id, { skipConsent: true });
    expectRefusal(world, await put({ redirect_uris: ['https://evil.example/cb'] }), {
      status: 400,
      error: 'invalid_redirect_uri',
      reason: 'registration_privileged',
    });
    expect((await put({ client_name: 'New' })).status).toBe(200);
  });
  it.each([
    ['a scope', { scopes: ['openid'] }],
    ['a redirect URI', { redirectUris: ['https://app.example/two'] }],
    ['a field of a feature', { fields: { dpop_bound_access_tokens: true } }],
  ])(
    'RG-04 where an operator changes %s, the client changes itself no more',
    async (_what, change) => {
      await world.provider.clients.update(own.client_id, change);
      expectRefusal(world, await put({ scope: 'openid read write' }), REFUSED);
      expect(await world.provider.clients.find(own.client_id)).toMatchObject({
        registrationToken: null,
        expiresAt: null,
        ...('fields' in change ? {} : change),
      });
    },
  );
  it('RG-01 changes are limited', async () => {
    world = await registeringWorld({ rotateToken: false, changes: { limit: 3, seconds: 3600 } });
    own = await registered(world);
    const statuses: number[] = [];
    for (let call = 0; call < 4; call += 1) statuses.push((await put({})).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
  });
  it('RG-04 rotateToken: false and 30 parallel changes: none is an error of ours', async () => {
    world = await registeringWorld({ rotateToken: false });
    own = await registered(world);
    const all = await Promise.all(
      Array.from({ length: 30 }, async (_, index) => await put({ client_name: `App ${index}` })),
    );
    const statuses = new Set(all.map(({ status }) => status));
    expect([...statuses].filter((status) => ![200, 503].includes(status))).toEqual([]);
  });
  it('RG-04 one that others change all the time is told to try again', async () => {
    const { clients } = world.provider.store;
    const { replace } = clients;
    Object.assign(clients, {
      replace: async (...args: Parameters<typeof replace>) => {
        const [client] = args;
        const before = await clients.find(client.clientId);
        // Another node is faster each time.
        if (before !== null) await replace({ ...before, version: before.version + 1 }, null);
        return await replace(...args);
      },
    });
    const answer = await put({});
    Object.assign(clients, { replace });
    expectRefusal(world, answer, {
      status: 503,
      error: 'temporarily_unavailable',
      reason: 'registration_contended',
    });
  });
  it('[RFC7592 §2.2] RG-04 the token is replaced, and the one before is worth nothing', async () => {
    const { body } = await put({});
    const next = body as unknown as Registered;
    expect(next.registration_access_token).not.toBe(own.registration_access_token);
    expectRefusal(world, await get(), REFUSED);
    expect((await get(next)).status).toBe(200);
  });
  it('RG-04 rotateToken: false keeps the token', async () => {
    world = await registeringWorld({ rotateToken: false });
    own = await registered(world);
    expect((await put({})).body['registration_access_token']).toBe(own.registration_access_token);
    expect((await get()).status).toBe(200);
  });
  it('RG-04 of 20 parallel changes with one token exactly one happens', async () => {
    const all = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => await put({ client_name: `App ${index}` })),
    );
    const done = all.filter(({ status }) => status === 200);
    expect(done).toHaveLength(1);
    // The others are no server errors: their token is no longer the one, or they came too often.
    expect(all.every(({ status }) => [200, 401, 429].includes(status))).toBe(true);
    const name = (await world.provider.clients.find(own.client_id))?.name;
    expect(name).toBe(done[0]?.body['client_name']);
  });
  it.each<readonly [string, object]>([
    ['the client_id of another', { client_id: 'other' }],
    ['no client_id', { client_id: null }],
    ['another secret', { client_secret: 'vkcs_wrong' }],
    ['a secret that is no text', { client_secret: 1 }],
  ])('[RFC7592 §2.2] %s is refused', async (_what, body) => {
    expectRefusal(world, await put(body), {
      status: 400,
      error: 'invalid_client_metadata',
      reason: 'registration_of_another',
    });
    expect((await get()).status).toBe(200);
  });
  it('[RFC7592 §2.2] who forgets the client_id reads so', async () => {
    const { body } = await put({ client_id: null });
    expect(body['error_description']).toContain('client_id is missing');
  });
  it('[RFC7592 §2.2] its own secret may stand there', async () => {
    expect((await put({ client_secret: own.client_secret })).status).toBe(200);
  });
  it.each([
    ['a bad redirect URI', { redirect_uris: ['javascript:1'] }, 'invalid_redirect_uri'],
    ['no redirect URI', { redirect_uris: [] }, 'invalid_redirect_uri'],
    ['RG-02 no secret any more', { token_endpoint_auth_method: 'none' }, 'invalid_client_metadata'],
    [
      'HS256, whose secret would have to be readable',
      { id_token_signed_response_alg: 'HS256' },
      'invalid_client_metadata',
    ],
  ])('%s is refused and changes nothing', async (_what, body, error) => {
    const before = await world.provider.clients.find(own.client_id);
    const answer = await put(body);
    expect([answer.status, answer.body['error']]).toEqual([400, error]);
    expect(await world.provider.clients.find(own.client_id)).toEqual(before);
    expect((await get()).status).toBe(200);
  });
  it('RG-02 a public client gets no secret', async () => {
    const open = await registered(world, { ...GOOD, token_endpoint_auth_method: 'none' });
    const answer = await put({ token_endpoint_auth_method: 'client_secret_basic' }, open);
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_client_metadata']);
  });
  it('[RFC7592 §2.2] another form of keys replaces the one before', async () => {
    const withKeys = await registered(world, {
      ...GOOD,
      jwks_uri: 'https://app.example/jwks',
      token_endpoint_auth_method: 'private_key_jwt',
    });
    const jwks = {
      keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }],
    };
    const { body } = await put({ jwks }, withKeys);
    expect(body).toMatchObject({ jwks });
    expect(body).not.toHaveProperty('jwks_uri');
  });
});

describe('deleting', () => {
  const remove = async () =>
    await send(world, 'DELETE', own.registration_client_uri, undefined, {
      token: own.registration_access_token,
    });

  it('[RFC7592 §2.3] RG-04 204, and its tokens and its token end with it', async () => {
    world = await registeringWorld({ grantTypes: ['client_credentials'] });
    own = await registered(world, { grant_types: ['client_credentials'], scope: 'read' });
    await world.provider.clients.update(world.web.clientId, { scopes: ['introspection'] });
    const headers = { authorization: basic(own.client_id, own.client_secret ?? '') };
    const token = await post(world, 'token', { grant_type: 'client_credentials' }, headers);
    const text = String(token.body['access_token']);
    expect(await isActive(world, text)).toBe(true);
    expect([(await remove()).status, await isActive(world, text)]).toEqual([204, false]);
    expectRefusal(world, await get(), REFUSED);
    expectRefusal(world, await remove(), REFUSED);
    const again = await post(world, 'token', { grant_type: 'client_credentials' }, headers);
    expect([again.status, again.body['error']]).toEqual([401, 'invalid_client']);
  });
  it('RG-04 one that an operator disables or takes over at the same time stays', async () => {
    for (const act of [
      async () => void (await world.provider.clients.update(own.client_id, { disabled: true })),
      async () =>
        void (await world.provider.clients.ensure({
          clientId: own.client_id,
          name: 'Ours',
          redirectUris: GOOD.redirect_uris,
          clientSecret: 'a secret of the operator, long enough',
        })),
    ]) {
      own = await registered(world);
      const { clients } = world.provider.store;
      const { delete: original } = clients;
      let isFirst = true;
      Object.assign(clients, {
        delete: async (...args: Parameters<typeof original>) => {
          if (isFirst) await act();
          isFirst = false;
          return await original(...args);
        },
      });
      expect((await remove()).status).toBe(401);
      Object.assign(clients, { delete: original });
      expect(await world.provider.clients.find(own.client_id)).not.toBeNull();
    }
  });
  it('audit: who registered, changed and deleted', async () => {
    await put({});
    const { body } = await register(world, GOOD, { token: await tokenFor(world) });
    const rows = await world.provider.store.audit.list({ limit: 20, clientId: own.client_id });
    expect(rows.map(({ type, detail, ip }) => [type, detail['by'], ip])).toEqual([
      ['client.updated', 'itself', '192.0.2.7'],
      ['client.created', 'dynamic', '192.0.2.7'],
    ]);
    expect(JSON.stringify(rows)).not.toContain(String(body['client_secret']));
  });
});

/** What clients that register themselves get and do not get (RFC 7591). Rules RG. */
import { beforeEach, describe, expect, it } from 'vitest';
import { expectRefusal } from '../refusals.ts';
import {
  basic,
  browserOf,
  ISSUER,
  logIn,
  openAuthorize,
  pageOf,
  post,
  type World,
} from '../setup.ts';
import { GOOD, register, registered, registeringWorld, tokenFor } from './registering.ts';

let world: World;
beforeEach(async () => {
  world = await registeringWorld();
});

describe('what is left out', () => {
  it.each([
    ['client_id', 'alice-sub'],
    ['client_secret', 'a'.repeat(40)],
    ['client_type', 'public'],
    ['skip_consent', true],
    ['trusted', true],
    ['owner', 'alice-sub'],
    ['allow_localhost', true],
    ['allowed_origins', ['https://evil.example']],
    ['default_scopes', ['write']],
    ['id_token_claims', true],
    ['allow_endpoint_audience', true],
    ['require_pkce', false],
    ['registration_source', 'manual'],
    ['disabled', false],
    ['fields', { require_pkce: false }],
  ])('AZ-24 RG-03 %s is the operator’s to give', async (member, value) => {
    const body = { ...GOOD, [member]: value };
    const made = await registered(world, body);
    const plain = await registered(world);
    const [client, other] = await Promise.all(
      [made, plain].map(async (one) => await world.provider.clients.find(one.client_id)),
    );
    const own = ['clientId', 'secrets', 'version', 'registrationToken'];
    const rest = (record: unknown): unknown =>
      Object.fromEntries(Object.entries(record as object).filter(([name]) => !own.includes(name)));
    expect(rest(client)).toEqual(rest(other));
    expect(made.client_id).not.toBe(value);
    expect(made.client_secret).not.toBe(value);
  });
  it('RG-03 grant types and scopes that nobody may register are left out', async () => {
    const made = await registered(world, {
      ...GOOD,
      grant_types: ['authorization_code', 'client_credentials', 'password', 'implicit'],
      response_types: ['code', 'token', 'code id_token'],
      scope: 'openid introspection root read',
    });
    expect(made).toMatchObject({
      grant_types: ['authorization_code', 'implicit'],
      response_types: ['code', 'code id_token'],
      scope: 'openid read',
    });
  });
  it('RG-03 a client that registered itself may not ask about tokens', async () => {
    const made = await registered(world);
    const headers = { authorization: basic(made.client_id, made.client_secret ?? '') };
    const answer = await post(world, 'introspect', { token: 'x' }, headers);
    expect([answer.status, answer.body['active']]).not.toEqual([200, true]);
  });
  it('RG-01 limits of the operator: grant types, scopes, hosts', async () => {
    world = await registeringWorld({
      grantTypes: ['client_credentials'],
      scopes: ['read'],
      redirectHosts: ['app.example', 'com.example.app:'],
    });
    const service = await registered(world, {
      grant_types: ['client_credentials', 'authorization_code'],
    });
    expect(service).toMatchObject({ grant_types: ['client_credentials'], scope: 'read' });
    expect(service).not.toHaveProperty('response_types');
    const other = {
      grant_types: ['client_credentials'],
      post_logout_redirect_uris: ['https://evil.example/'],
    };
    const answer = await register(world, other, { token: await tokenFor(world) });
    expect([answer.status, answer.body['error']]).toEqual([400, 'invalid_redirect_uri']);
  });
  it.each([
    ['https://app.example/cb', 201],
    ['https://app.example:8443/cb', 201],
    ['com.example.app:/cb', 201],
    ['https://evil.example/cb', 400],
    ['https://app.example.evil.example/cb', 400],
    ['com.example.other:/cb', 400],
  ])('the host of %s: %d', async (uri, status) => {
    world = await registeringWorld({ redirectHosts: ['app.example', 'com.example.app:'] });
    const body = {
      redirect_uris: [uri],
      application_type: uri.startsWith('com') ? 'native' : 'web',
    };
    expect((await register(world, body, { token: await tokenFor(world) })).status).toBe(status);
  });
});

describe('what a client gets', () => {
  it('[RFC7591 §3.2.1] RG-04 201 with everything that is registered, and its defaults', async () => {
    const answer = await register(world, GOOD, { token: await tokenFor(world) });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const { client_id, client_secret, registration_access_token, ...rest } = answer.body;
    expect(client_id).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(client_secret).toMatch(/^vkcs_[A-Za-z0-9_-]{49}$/);
    expect(registration_access_token).toMatch(/^vkrg_[A-Za-z0-9_-]{49}$/);
    expect(rest).toEqual({
      ...GOOD,
      application_type: 'web',
      client_id_issued_at: world.now,
      client_secret_expires_at: 0,
      grant_types: ['authorization_code'],
      id_token_signed_response_alg: 'RS256',
      registration_client_uri: `${ISSUER}/o/register/${client_id}/`,
      response_types: ['code'],
      // CL-02: the method that holds where none is named.
      token_endpoint_auth_method: 'client_secret_basic',
    });
  });
  it('[OIDC Registration §2] everything that a client may say comes back', async () => {
    const all = {
      ...GOOD,
      application_type: 'native',
      client_uri: 'https://app.example/',
      contacts: ['a@app.example'],
      default_acr_values: ['urn:a'],
      default_max_age: 60,
      dpop_bound_access_tokens: true,
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: 'ES256',
      initiate_login_uri: 'https://app.example/start',
      logo_uri: 'https://app.example/logo.png',
      policy_uri: 'https://app.example/policy',
      post_logout_redirect_uris: ['https://app.example/bye'],
      require_auth_time: true,
      require_pushed_authorization_requests: true,
      response_types: ['code'],
      scope: 'openid read',
      software_id: 'an-app',
      software_version: '1.2',
      token_endpoint_auth_method: 'none',
      tos_uri: 'https://app.example/tos',
    };
    const answer = await register(world, all, { token: await tokenFor(world) });
    expect(answer.body).toMatchObject(all);
    expect(answer.body).not.toHaveProperty('client_secret');
    expect(answer.body).not.toHaveProperty('client_secret_expires_at');
  });
  it('[RFC7591 §5] RG-04 ST-01 its secret and its token are stored as digests alone', async () => {
    const made = await registered(world);
    const stored = JSON.stringify(await world.provider.store.clients.find(made.client_id));
    for (const text of [made.client_secret, made.registration_access_token])
      expect(stored).not.toContain(text);
  });
  it.each([
    ['http://127.0.0.1/cb', 'native'],
    ['http://localhost:7777/cb', 'native'],
    ['com.example.app:/cb', 'native'],
    ['https://app.example/cb', 'web'],
  ])('NB-03 who names no type and comes back to %s is %s', async (uri, type) => {
    const made = await registered(world, { redirect_uris: [uri] });
    expect(made['application_type']).toBe(type);
  });
  it.each([
    [['http://localhost:4242', 'com.example.app:/cb'], 'native'],
    [['https://app.example/cb', 'https://app.example/cb2'], 'web'],
  ])('[RFC7591 §2] NB-03 who says web and comes back to %j is %s', async (uris, type) => {
    const made = await registered(world, { redirect_uris: uris, application_type: 'web' });
    expect(made['application_type']).toBe(type);
  });
  it.each([
    [{ redirect_uris: ['https://app.example:8443/cb'] }, 'app.example:8443'],
    [{ redirect_uris: ['com.example.app:/cb'] }, 'com.example.app'],
    [{ client_name: ' My app ' }, 'My app'],
  ])('a name: %o is called %s', async (body, name) => {
    expect((await registered(world, { ...GOOD, client_name: null, ...body }))['client_name']).toBe(
      name,
    );
  });
  it('CORS: browser applications register from any origin, without credentials', async () => {
    const answer = await register(world, GOOD, {
      token: await tokenFor(world),
      headers: { origin: 'https://anywhere.example' },
    });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  });
  it('CL-02 a name of ours for two methods is the first of them, and held to', async () => {
    const made = await registered(world, { ...GOOD, token_endpoint_auth_method: 'client_secret' });
    expect(made['token_endpoint_auth_method']).toBe('client_secret_basic');
    const { client_id, client_secret = '' } = made;
    const answer = await post(world, 'revoke-token', { token: 'x', client_id, client_secret }, {});
    expectRefusal(world, answer, {
      status: 401,
      error: 'invalid_client',
      reason: 'client_authentication_method',
    });
  });
  it('PK-01 one that registered itself has to send a challenge, nonce or not', async () => {
    world = await registeringWorld({ allowOpenRegistration: true });
    const open = await register(world, GOOD);
    const own = await registered(world);
    for (const client_id of [String(open.body['client_id']), own.client_id]) {
      const browser = browserOf(world);
      await logIn(browser, await openAuthorize(world, browser));
      const ours = { client_id, redirect_uri: 'https://app.example/cb' };
      const bare = { ...ours, code_challenge: null, code_challenge_method: null };
      const visit = await openAuthorize(world, browser, bare);
      expect(visit.leaves?.searchParams.get('error')).toBe('invalid_request');
      expect(world.reasons.at(-1)).toBe('code_challenge_missing');
    }
  });
  it('RG-02 one with a secret is held to it', async () => {
    const made = await registered(world, { ...GOOD, grant_types: ['authorization_code'] });
    const fields = { grant_type: 'authorization_code', code: 'x', client_id: made.client_id };
    const bare = await post(world, 'token', fields, {});
    expectRefusal(world, bare, {
      status: 401,
      error: 'invalid_client',
      reason: 'client_authentication_method',
    });
    const { client_id: _, ...rest } = fields;
    const headers = { authorization: basic(made.client_id, made.client_secret ?? '') };
    const proven = await post(world, 'token', rest, headers);
    expect([proven.status, proven.body['error']]).toEqual([400, 'invalid_grant']);
  });
  it('[OIDC Registration §2] default_max_age asks people to sign in again', async () => {
    const made = await registered(world, { ...GOOD, default_max_age: 60 });
    const ours = { client_id: made.client_id, redirect_uri: 'https://app.example/cb' };
    const signedIn = browserOf(world);
    await logIn(signedIn, await openAuthorize(world, signedIn));
    world.now += 61;
    expect(pageOf(await openAuthorize(world, signedIn, ours))).toBe('login');
    const relaxed = await openAuthorize(world, signedIn, { ...ours, max_age: '3600' });
    expect(pageOf(relaxed)).toBe('consent');
  });
});

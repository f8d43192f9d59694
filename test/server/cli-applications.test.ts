/**
 * `valetkey application …`: every option reaches the record of the client, and an application works
 * with the printed credentials.
 */
import type { Client } from 'valetkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  call,
  calledTold,
  inspect,
  type Json,
  makePlace,
  type Place,
  problemsIn,
  run,
  told,
} from './command-line.ts';

const SECRET = 'a-secret-of-more-than-32-characters';
const URI = 'https://rp.example/cb';

let place: Place;
beforeAll(async () => {
  place = await makePlace({ VALETKEY_SCOPES: '{"read":"Read","write":"Write"}' });
  await told(['init'], place.env);
});
afterAll(async () => await place.remove());

const create = async (...options: string[]): Promise<Json> =>
  await calledTold(['application', 'create', '--name', 'App', ...options], place.env);
const record = async (clientId: unknown): Promise<Client | null> =>
  await inspect(place, async ({ provider }) => await provider.clients.find(String(clientId)));

/** The HTTP status of a token request with these credentials. */
const tokenStatus = async (clientId: string, secret: unknown): Promise<number> =>
  await inspect(place, async ({ provider }) => {
    const authorization = `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`;
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' };
    return (
      await provider.fetch(
        new Request(provider.url('token'), {
          method: 'POST',
          headers,
          body: 'grant_type=client_credentials',
        }),
      )
    ).status;
  });

describe('application commands', () => {
  it('create --kind fills in what is right for the kind; lists may have commas', async () => {
    const uris = 'https://app.example/a,https://app.example/b?x=1,2';
    const options = ['--kind', 'spa', '--redirect-uris', uris, '--scope', 'openid,read'];
    expect(await record((await create(...options))['client_id'])).toMatchObject({
      tokenEndpointAuthMethod: 'none',
      redirectUris: ['https://app.example/a', 'https://app.example/b?x=1,2'],
      allowedOrigins: ['https://app.example'],
      scopes: ['openid', 'read'],
      idTokenClaims: true,
    });
    const server = await create('--kind', 'resource-server');
    expect(await record(server['client_id'])).toMatchObject({
      grantTypes: [],
      scopes: ['introspection'],
    });
    const { stderr } = await run(
      ['application', 'create', '--name', 'x', '--kind', 'website'],
      place.env,
    );
    expect(stderr).toMatch(/Allowed choices are web, spa, native/);
  });
  it('create and update store whether PKCE is required: by default as the rule says', async () => {
    const made = await create('--redirect-uri', URI, '--no-require-pkce');
    const { client_id: clientId } = made;
    expect([made['require_pkce'], made['token_endpoint_auth_method']]).toEqual([
      false,
      'client_secret',
    ]);
    const update = ['application', 'update', '--client-id', String(clientId), '--require-pkce'];
    expect((await told(update, place.env))['require_pkce']).toBe(true);
    expect((await create('--redirect-uri', URI))['require_pkce']).toBeNull();
  });
  it('create stores every option in the record of the client', async () => {
    const options = [
      ...[
        '--client-id',
        'every',
        '--client-secret',
        SECRET,
        '--client-type',
        'confidential',
        '--application-type',
        'native',
      ],
      ...[
        '--redirect-uri',
        'https://rp.example/a',
        '--redirect-uri',
        'com.example.app:/b',
        '--post-logout-redirect-uri',
        'https://rp.example/bye',
      ],
      ...[
        '--allowed-origin',
        'https://rp.example',
        '--grant-type',
        'authorization_code',
        '--grant-type',
        'client_credentials',
      ],
      ...[
        '--scope',
        'openid',
        '--scope',
        'read',
        '--auth-method',
        'client_secret_post',
        '--algorithm',
        'ES256',
        '--skip-consent',
      ],
      ...[
        '--owner',
        'the-owner',
        '--client-uri',
        'https://rp.example/',
        '--logo-uri',
        'https://rp.example/logo.png',
      ],
      ...[
        '--contact',
        'ops@rp.example',
        '--policy-uri',
        'https://rp.example/privacy',
        '--tos-uri',
        'https://rp.example/terms',
      ],
    ];
    const made = await told(['application', 'create', '--name', 'App', ...options], place.env);
    expect(made).toMatchObject({
      client_id: 'every',
      client_secret: SECRET,
      token_endpoint_auth_method: 'client_secret_post',
    });
    expect(await record('every')).toMatchObject({
      clientId: 'every',
      name: 'App',
      applicationType: 'native',
      tokenEndpointAuthMethod: 'client_secret_post',
      redirectUris: ['https://rp.example/a', 'com.example.app:/b'],
      postLogoutRedirectUris: ['https://rp.example/bye'],
      allowedOrigins: ['https://rp.example'],
      grantTypes: ['authorization_code', 'client_credentials'],
      responseTypes: ['code'],
      scopes: ['openid', 'read'],
      idTokenSignedResponseAlg: 'ES256',
      skipConsent: true,
      owner: 'the-owner',
      clientUri: 'https://rp.example/',
      logoUri: 'https://rp.example/logo.png',
      contacts: ['ops@rp.example'],
      policyUri: 'https://rp.example/privacy',
      tosUri: 'https://rp.example/terms',
      disabledAt: null,
    });
    // The keys of all algorithms are published from the first start.
    const algs = await inspect(place, async ({ provider }) =>
      (await provider.keys.list()).map(({ alg }) => alg),
    );
    expect(algs.sort()).toEqual(['ES256', 'EdDSA', 'PS256', 'RS256']);
  });

  it('create accepts the option names of django-oauth-toolkit, and several values in one option', async () => {
    const spelled = [
      '--user',
      'the-owner',
      '--skip-authorization',
      '--algorithm',
      'HS256',
      '--client-type',
      'confidential',
    ];
    const several = [
      '--redirect-uri',
      'https://a.example/ https://b.example/',
      '--grant-type',
      'authorization-code',
      '--scope',
      'read write',
    ];
    const made = await create(
      '--client-id',
      'dot',
      '--client-secret',
      SECRET,
      ...spelled,
      ...several,
    );
    expect(made).toMatchObject({
      client_id: 'dot',
      client_secret: SECRET,
      grant_types: ['authorization_code', 'refresh_token'],
    });
    expect(await record('dot')).toMatchObject({
      owner: 'the-owner',
      skipConsent: true,
      idTokenSignedResponseAlg: 'HS256',
      redirectUris: ['https://a.example/', 'https://b.example/'],
      scopes: ['read', 'write'],
    });
  });

  it('create accepts a complete command line of django-oauth-toolkit', async () => {
    const line = [
      'application',
      'create',
      '--client-id',
      'line',
      '--user',
      'me',
      '--redirect-uris',
      'https://a.example/ https://b.example/',
    ];
    const more = [
      '--post-logout-redirect-uris',
      'https://a.example/bye',
      '--name',
      'Line',
      '--skip-authorization',
      '--algorithm',
      'RS256',
    ];
    await calledTold([...line, ...more, 'public', 'authorization-code'], place.env);
    expect(await record('line')).toMatchObject({
      name: 'Line',
      tokenEndpointAuthMethod: 'none',
      grantTypes: ['authorization_code', 'refresh_token'],
      redirectUris: ['https://a.example/', 'https://b.example/'],
      postLogoutRedirectUris: ['https://a.example/bye'],
      skipConsent: true,
      owner: 'me',
    });
  });

  it('tells what one application has for itself, and takes it away with default', async () => {
    const id = ['--client-id', 'own'];
    const own = ['--access-token-lifetime', '300', '--no-rotate-refresh-tokens'];
    await create(...id, '--redirect-uri', URI, ...own);
    const { stdout } = await run(['application', 'show', ...id], place.env);
    expect(stdout).toMatch(/Access tokens live +300 s/);
    expect(stdout).toMatch(/Refresh tokens +do not rotate/);
    expect(stdout).not.toMatch(/default$|tls_client/m);
    const update = ['application', 'update', ...id, '--access-token-lifetime'];
    expect(await calledTold([...update, 'default'], place.env)).toMatchObject({
      access_token_lifetime: null,
    });
    const { code, stderr } = await run([...update, '0'], place.env);
    expect(code).not.toBe(0);
    expect(stderr).toContain('whole number from 1');
  });

  it('show, update, disable and enable work on one application', async () => {
    await create('--client-id', 'changing', '--redirect-uri', URI, '--scope', 'read');
    const changed = await calledTold(
      ['application', 'update', '--client-id', 'changing', '--name', 'Other', '--scope', 'write'],
      place.env,
    );
    expect(changed).toMatchObject({ client_name: 'Other', scope: 'write', redirect_uris: [URI] });
    const shown = await calledTold(['application', 'show', '--client-id', 'changing'], place.env);
    expect(shown).toMatchObject(changed);
    for (const [name, disabled] of [
      ['disable', true],
      ['enable', false],
    ] as const) {
      expect(await calledTold(['application', name, '--client-id', 'changing'], place.env)).toEqual(
        { client_id: 'changing', disabled },
      );
      expect(((await record('changing'))?.disabledAt ?? null) === null).toBe(!disabled);
    }
  });

  it('create generates a client_id and a secret, and uses safe defaults', async () => {
    const made = await create(
      '--redirect-uri',
      URI,
      '--grant-type',
      'client-credentials authorization_code refresh_token',
    );
    const { secrets, ...rest } = (await record(made['client_id'])) ?? {};
    expect(rest).toMatchObject({
      tokenEndpointAuthMethod: 'client_secret',
      idTokenClaims: false,
      skipConsent: false,
      scopes: null,
      owner: null,
      idTokenSignedResponseAlg: 'RS256',
    });
    expect(JSON.stringify(secrets)).not.toContain(String(made['client_secret']));
    expect(await tokenStatus(String(made['client_id']), made['client_secret'])).toBe(200);
    const { stdout } = await run(
      ['application', 'create', '--name', 'App', '--grant-type', 'client_credentials'],
      place.env,
    );
    const [clientId = '', secret] = ['Client ID', 'Client secret'].map(
      (label) => new RegExp(`^${label} +(\\S+)$`, 'm').exec(stdout)?.[1],
    );
    expect(await tokenStatus(clientId, secret)).toBe(200);
  });

  it('RG-02 create gives a public application no secret, and rotate-secret refuses it', async () => {
    const made = await create('--redirect-uri', URI, '--client-type', 'public');
    expect(made).not.toHaveProperty('client_secret');
    expect(await record(made['client_id'])).toMatchObject({
      tokenEndpointAuthMethod: 'none',
      secrets: [],
    });
    expect(
      problemsIn(
        await call(
          ['application', 'rotate-secret', '--client-id', String(made['client_id'])],
          place.env,
        ),
      ),
    ).toHaveLength(1);
  });

  it('rotate-secret adds a secret, and without overlap it replaces the old one', async () => {
    await create(
      '--client-id',
      'rotated',
      '--client-secret',
      SECRET,
      '--grant-type',
      'client_credentials',
    );
    const beside = await told(
      ['application', 'rotate-secret', '--client-id', 'rotated'],
      place.env,
    );
    expect([
      await tokenStatus('rotated', SECRET),
      await tokenStatus('rotated', beside['client_secret']),
    ]).toEqual([200, 200]);
    const instead = await calledTold(
      ['application', 'rotate-secret', '--client-id', 'rotated', '--overlap', '0'],
      place.env,
    );
    const statuses = [SECRET, beside['client_secret'], instead['client_secret']].map(
      async (secret) => await tokenStatus('rotated', secret),
    );
    expect(await Promise.all(statuses)).toEqual([401, 401, 200]);
  });

  it('list returns pages without secrets, and delete removes an application', async () => {
    await create('--client-id', 'zz-last', '--client-secret', SECRET, '--redirect-uri', URI);
    const all = (await told(['application', 'list'], place.env))['applications'] as Json[];
    expect(all.at(-1)).toMatchObject({
      client_id: 'zz-last',
      client_name: 'App',
      client_type: 'confidential',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [URI],
      disabled: false,
    });
    expect(JSON.stringify(all)).not.toMatch(/client_secret":|"secrets"|digest/);
    const ids = all.map((row) => String(row['client_id']));
    const page = (
      await calledTold(
        ['application', 'list', '--limit', '1', '--after', ids.at(-2) ?? ''],
        place.env,
      )
    )['applications'] as Json[];
    expect(page.map((row) => row['client_id'])).toEqual(['zz-last']);
    expect(await told(['application', 'delete', '--client-id', 'zz-last'], place.env)).toEqual({
      deleted: 'zz-last',
    });
    expect(await record('zz-last')).toBeNull();
    const { stdout } = await call(['application', 'list'], place.env);
    expect(ids.filter((id) => new RegExp(`^${id} `, 'm').test(stdout))).toEqual(ids.slice(0, -1));
    expect(stdout).not.toContain(SECRET);
  });
});

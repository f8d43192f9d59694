/**
 * `valetkey application …`: every option arrives in the record, an application works with what was
 * printed, and mistakes are told by field.
 */
import type { Client } from 'valetkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  call,
  calledTold,
  inspect,
  type Json,
  makePlace,
  oneObject,
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

/** The status of a token request with these credentials. */
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

describe('what is refused', () => {
  it.each<[fields: string[], options: string[]]>([
    [['redirectUris'], []],
    [['redirectUris'], ['--redirect-uri', 'com.example.app:/cb']],
    [['grantTypes'], ['--grant-type', 'client_credentials', '--client-type', 'public']],
    [
      ['tokenEndpointAuthMethod'],
      ['--redirect-uri', URI, '--client-type', 'public', '--auth-method', 'client_secret_basic'],
    ],
    [
      ['idTokenSignedResponseAlg'],
      ['--redirect-uri', URI, '--client-type', 'public', '--algorithm', 'HS256'],
    ],
    [['clientSecret'], ['--redirect-uri', URI, '--client-secret', 'short']],
    [
      [
        'name',
        'redirectUris',
        'redirectUris',
        'postLogoutRedirectUris',
        'allowedOrigins',
        'clientUri',
        'logoUri',
      ].concat(['policyUri', 'tosUri', 'grantTypes', 'tokenEndpointAuthMethod', 'scopes']),
      [
        ...[
          '--name',
          ' ',
          '--redirect-uri',
          'javascript:alert(1)',
          '--redirect-uri',
          'http://rp.example/',
          '--scope',
          'a"b',
        ],
        ...[
          '--post-logout-redirect-uri',
          'nonsense',
          '--allowed-origin',
          'nonsense',
          '--auth-method',
          'nothing',
        ],
        ...[
          '--grant-type',
          'authorization-code',
          '--grant-type',
          'password',
          '--client-uri',
          'x',
          '--logo-uri',
          'http://x.example',
        ],
        ...['--policy-uri', 'javascript:alert(1)', '--tos-uri', '//x.example'],
      ],
    ],
  ])('a registration, for its %o', async (fields, options) => {
    const problems = problemsIn(
      await call(['application', 'create', '--name', 'App', ...options], place.env),
    );
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(fields);
  });

  it.each([
    ['--client-type', 'secretive'],
    ['--application-type', 'desktop'],
    ['--algorithm', 'none'],
    ['--no-hash-client-secret', '--skip-consent'],
  ])('what no application can be: %s %s', async (...options) => {
    expect(
      problemsIn(
        await call(
          ['application', 'create', '--name', 'App', '--redirect-uri', URI, ...options],
          place.env,
        ),
      ),
    ).toHaveLength(1);
  });

  it.each(['demo', 'a b', 'https://rp.example/client'])(
    'the identifier "%s", which is taken or none',
    async (clientId) => {
      const args = [
        'application',
        'create',
        '--name',
        'App',
        '--redirect-uri',
        URI,
        '--client-id',
        clientId,
      ];
      expect(problemsIn(await call(args, place.env))).toHaveLength(1);
    },
  );

  it('--json tells one problem each', async () => {
    const { code, stdout, stderr } = await call(
      ['application', 'create', '--json', '--name', 'App', '--redirect-uri', 'x y'],
      place.env,
    );
    expect([code, stderr]).toEqual([1, '']);
    expect(oneObject(stdout)['error']).toEqual([
      expect.stringMatching(/^redirectUris: /),
      expect.stringMatching(/^redirectUris: /),
    ]);
  });

  it.each([
    ['application', 'delete', '--client-id', 'nobody'],
    ['application', 'rotate-secret', '--client-id', 'nobody'],
    ['application', 'show', '--client-id', 'nobody'],
    ['application', 'disable', '--client-id', 'nobody'],
    ['application', 'enable', '--client-id', 'nobody'],
    ['application', 'update', '--client-id', 'nobody', '--name', 'x'],
    ['application', 'update', '--client-id', 'demo'],
    ['application', 'update', '--client-id', 'demo', '--redirect-uri', 'nonsense'],
  ])('%s %s of nobody, or of nothing', async (...args) =>
    expect(problemsIn(await call(args, place.env))).toHaveLength(1),
  );
});

describe('an application', () => {
  it('has every option in its record', async () => {
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
    // The key it asks for is published with it, not with its first token.
    const algs = await inspect(place, async ({ provider }) =>
      (await provider.keys.list()).map(({ alg }) => alg),
    );
    expect(algs.sort()).toEqual(['ES256', 'RS256']);
  });

  it('is made as django-oauth-toolkit makes it: other spellings, several values in one', async () => {
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

  it('is made with the very line that django-oauth-toolkit takes', async () => {
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

  it('is shown, changed, switched off and on', async () => {
    await create('--client-id', 'changing', '--redirect-uri', URI, '--scope', 'read');
    const changed = await calledTold(
      ['application', 'update', '--client-id', 'changing', '--name', 'Other', '--scope', 'write'],
      place.env,
    );
    expect(changed).toMatchObject({ client_name: 'Other', scope: 'write', redirect_uris: [URI] });
    expect(await calledTold(['application', 'show', '--client-id', 'changing'], place.env)).toEqual(
      changed,
    );
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

  it('gets an identifier, a secret and safe defaults of its own', async () => {
    const made = await create(
      '--redirect-uri',
      URI,
      '--grant-type',
      'client-credentials authorization_code refresh_token',
    );
    const { secrets, ...rest } = (await record(made['client_id'])) ?? {};
    expect(rest).toMatchObject({
      tokenEndpointAuthMethod: 'client_secret_basic',
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

  it('that is public has no secret', async () => {
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

  it('gets a new secret beside the old one, or in its place', async () => {
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

  it('is listed, in pages, without secrets, and deleted', async () => {
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
    expect(JSON.stringify(all)).not.toContain('secret"');
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

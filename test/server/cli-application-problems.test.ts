/** `valetkey application …` with invalid input: each problem is reported by field. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { call, makePlace, oneObject, type Place, problemsIn, told } from './command-line.ts';

const URI = 'https://rp.example/cb';

let place: Place;
beforeAll(async () => {
  place = await makePlace({ VALETKEY_SCOPES: '{"read":"Read","write":"Write"}' });
  await told(['init'], place.env);
});
afterAll(async () => await place.remove());

describe('application commands refuse', () => {
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
  ])('RG-05 a registration with invalid metadata in %o', async (fields, options) => {
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
  ])('an option with an invalid value: %s %s', async (...options) => {
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
    'CM-03 the client_id "%s", which is taken or invalid',
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

  it('--json lists each problem', async () => {
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
  ])('%s %s for an unknown application, or without a valid change', async (...args) =>
    expect(problemsIn(await call(args, place.env))).toHaveLength(1),
  );
});

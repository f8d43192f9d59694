/**
 * Settings of the standalone server: every mistake is reported at once, under the name it was
 * written with. Where settings come from is tested in `settings-sources.test.ts`.
 */
import { join } from 'node:path';
import { type GivenSettings, settingsTable } from 'valetkey/server';
import { describe, expect, it } from 'vitest';
import {
  elliptic,
  GOOD_SECRET,
  options,
  read,
  refused,
  rsa,
  settingsFiles,
} from './settings-input.ts';

const { file, folder, fromFile } = settingsFiles();

const TABLE = settingsTable();

describe('the table', () => {
  it('each setting has one place in the file, one name in the environment, and says what it does', () => {
    const names = TABLE.flatMap(({ env }) => [env, `${env}_FILE`]);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(TABLE.map(({ path }) => path)).size).toBe(TABLE.length);
    for (const { env, about, path } of TABLE) {
      expect([env, /^[A-Z][A-Z_]+$/.test(env)]).toEqual([env, true]);
      expect([path, about.length > 10]).toEqual([path, true]);
    }
  });

  it('names of ours begin with VALETKEY_, so that a misspelt one is recognised; the three that every host knows do not', () => {
    const others = TABLE.filter(({ env }) => !env.startsWith('VALETKEY_')).map(({ env }) => env);
    expect(others.sort()).toEqual(['DATABASE_URL', 'HOST', 'PORT']);
  });

  it('each setting is read from its name', async () => {
    const values: Record<string, string> = {
      text: 'x',
      count: '7',
      port: '7',
      seconds: '7',
      flag: 'true',
      list: 'read',
      map: '{}',
      'rate-limit': '7/9',
    };
    const special: Record<string, string> = {
      issuer: 'https://op.example',
      basePath: '/x',
      databaseUrl: 'sqlite::memory:',
      secret: GOOD_SECRET.replaceAll(' ', '-'),
      accentColor: '#0f766e',
      languages: 'de,fr',
      allowOutbound: 'https://keys.internal:8443',
      logoUrl: '/logo.svg',
      logoFile: file('<svg xmlns="http://www.w3.org/2000/svg"/>', 'svg'),
      styleFile: file('h1 { color: red }', 'css'),
      databaseSchema: 'identity',
      'deviceAuthorization.verificationUri': 'https://op.example/tv',
      rsaPrivateKey: rsa(2048),
      'keySchedule.keepAfter': '90000',
      'keySchedule.rotateEvery': '9000000',
      'keySchedule.publishBefore': '90000',
      trustProxy: 'loopback',
      'mutualTls.origin': 'https://mtls.op.example',
      'resourceIndicators.resources': 'https://api.example/mcp',
      'pairwiseSubjects.salt': GOOD_SECRET,
    };
    // What is written for a feature that is off is refused.
    const switchOf = (path: string): (typeof TABLE)[number] | undefined =>
      TABLE.find((one) => one.path === `${path.split('.')[0]}.enabled` && one.path !== path);
    const needs: Record<string, Record<string, string>> = {
      databaseSchema: { DATABASE_URL: 'postgres://db.example/valetkey' },
    };
    for (const { path, env, kind, choices } of TABLE.filter(
      (one) => one.path !== 'rsaPrivateKeysInactive',
    )) {
      const on = switchOf(path);
      const settings = await read({
        env: {
          ...needs[path],
          ...(on === undefined ? {} : { [on.env]: 'true' }),
          [env]: special[path] ?? choices?.[0] ?? values[kind],
        },
      });
      const others = [...(needs[path] === undefined ? [] : ['databaseUrl']), on?.path ?? []].flat();
      expect([path, Object.keys(settings).sort()]).toEqual([path, [...others, path].sort()]);
    }
  });
});

it('a remedy names settings as they were written, or by their variables', async () => {
  const env = { VALETKEY_RESOURCE_INDICATORS_RESOURCES: 'https://api.example/mcp' };
  const problems = await refused({ env });
  expect(problems).toEqual([
    expect.objectContaining({
      option: 'VALETKEY_RESOURCE_INDICATORS_RESOURCES',
      remedy: expect.stringMatching(/^Set VALETKEY_RESOURCE_INDICATORS_ENABLED to true/),
    }),
  ]);
});

describe('a value that does not fit', () => {
  it.each<[name: string, value: string]>([
    ...['x', '-1', '65536', '1.5', ' 80', '0x50', '1e3'].map((value): [string, string] => [
      'PORT',
      value,
    ]),
    ...['1.5', '-1', '1e3', 'an hour', '60s', '9999999999999999'].map((value): [string, string] => [
      'VALETKEY_LIFETIMES_CODE',
      value,
    ]),
    ...['-5', 'half', '0.5'].map((value): [string, string] => [
      'VALETKEY_REFRESH_TOKENS_GRACE',
      value,
    ]),
    ...['maybe', '2', 'truth'].map((value): [string, string] => ['VALETKEY_AUTO_MIGRATE', value]),
    ...['none', 'rs256', 'RS256,none'].map((value): [string, string] => [
      'VALETKEY_KEY_SCHEDULE_ALGS',
      value,
    ]),
    ...['read', '[]', '1', 'null', '{'].map((value): [string, string] => [
      'VALETKEY_SCOPES',
      value,
    ]),
    ...['5', '5/', '/900', '-5/900', '5/900/1', 'a/b'].map((value): [string, string] => [
      'VALETKEY_RATE_LIMITS_LOGIN',
      value,
    ]),
    ['VALETKEY_LANGUAGES', 'de,tlh'],
    ['VALETKEY_WORDS', '{"de": {"login": {"heading": "x"}}}'],
    ['VALETKEY_LOG_LEVEL', 'verbose'],
    ['VALETKEY_RP_INITIATED_LOGOUT_CONFIRMATION', 'Always'],
  ])('in the environment: %s=%s', async (name, value) =>
    expect(await options({ env: { [name]: value } })).toEqual([name]),
  );

  it.each<[content: object, option: string]>([
    [{ port: '80a' }, 'port'],
    [{ port: 80.5 }, 'port'],
    [{ port: null }, 'port'],
    [{ issuer: 5 }, 'issuer'],
    [{ issuer: '' }, 'issuer'],
    [{ host: ['::1'] }, 'host'],
    [{ autoMigrate: 1 }, 'autoMigrate'],
    [{ scopes: ['read'] }, 'scopes'],
    [{ defaultScopes: [1] }, 'defaultScopes'],
    [{ secret: [GOOD_SECRET, 5] }, 'secret'],
    [{ trustProxy: true }, 'trustProxy'],
    [{ logLevel: 'loud' }, 'logLevel'],
    [{ lifetimes: { code: '1.5' } }, 'lifetimes.code'],
    [{ lifetimes: { code: Number.MAX_VALUE } }, 'lifetimes.code'],
    [{ keySchedule: { algs: ['none'] } }, 'keySchedule.algs'],
    [{ rateLimits: { login: [5, 900] } }, 'rateLimits.login'],
  ])('in the file: %o', async (content, option) =>
    expect(await options(fromFile(content))).toEqual([option]),
  );

  it.each<[overrides: GivenSettings, option: string]>([
    [{ port: 65_536 }, '--port'],
    [{ dataDir: '' }, '--data-dir'],
    [{ host: 5 }, '--host'],
  ])('on the command line: %o', async (overrides, option) =>
    expect(await options({ overrides })).toEqual([option]),
  );
});

describe('what the provider would refuse', () => {
  const cases: [name: string, value: string, label?: string][] = [
    ['VALETKEY_ISSUER', 'nonsense'],
    ['VALETKEY_ISSUER', 'http://op.example'],
    ['VALETKEY_ISSUER', 'ftp://op.example'],
    ['VALETKEY_ISSUER', 'https://op.example/?x=1'],
    ['VALETKEY_ISSUER', 'https://op.example:443'],
    ['VALETKEY_ISSUER', 'https://OP.example'],
    ['VALETKEY_ISSUER', 'https://op.example/a/../b'],
    // Everything that is told to relying parties has to be this very text.
    ['VALETKEY_ISSUER', ' https://op.example'],
    ['VALETKEY_ISSUER', 'https://op.example/a b'],
    ['VALETKEY_ISSUER', 'https://user:password@op.example'],
    ['VALETKEY_BASE_PATH', 'o'],
    ['VALETKEY_BASE_PATH', '/o o'],
    ['VALETKEY_BASE_PATH', '//evil.example'],
    ['VALETKEY_SECRET', 'short'],
    ['VALETKEY_SECRET', `${'long'.repeat(10)},short`],
    ['VALETKEY_SECRET', ','],
    ['VALETKEY_LOGO_URL', 'https://cdn.example/logo.png'],
    ['VALETKEY_LOGO_URL', 'javascript:alert(1)'],
    ['VALETKEY_LOGO_URL', '//cdn.example/logo.png'],
    ['VALETKEY_LOGO_FILE', '/missing/logo.png'],
    ['VALETKEY_LOGO_FILE', file('x', 'exe'), 'no picture'],
    ['VALETKEY_STYLE_FILE', '/missing/style.css'],
    ['VALETKEY_ACCENT_COLOR', 'red'],
    ['VALETKEY_ACCENT_COLOR', '#0f766e;}'],
    ['VALETKEY_LIFETIMES_CODE', '601'],
    ['VALETKEY_LIFETIMES_ACCESS_TOKEN', '0'],
    ['VALETKEY_REFRESH_TOKENS_GRACE', '301'],
    ['VALETKEY_KEY_SCHEDULE_KEEP_AFTER', '60'],
    ['VALETKEY_KEY_SCHEDULE_ALGS', ','],
    ['VALETKEY_RATE_LIMITS_LOGIN', '0/900'],
    ['VALETKEY_PUBLIC_MAX_AGE', '0'],
    ['VALETKEY_DEFAULT_SCOPES', 'nothing'],
    ['VALETKEY_SCOPES', '{"two words":"x"}'],
    ['VALETKEY_SCOPES', '{"read":5}'],
    ['VALETKEY_TRUST_PROXY', 'nonsense'],
    ['VALETKEY_TRUST_PROXY', '10.0.0.0/33'],
    ['VALETKEY_RSA_PRIVATE_KEY', 'nonsense'],
    [
      'VALETKEY_RSA_PRIVATE_KEY',
      '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----',
      'no key',
    ],
    ['VALETKEY_RSA_PRIVATE_KEY', rsa(1024), 'of 1024 bits'],
    ['VALETKEY_RSA_PRIVATE_KEY', elliptic(), 'of another kind'],
    ['VALETKEY_RSA_PRIVATE_KEYS_INACTIVE', 'nonsense'],
    ['VALETKEY_RSA_PRIVATE_KEYS_INACTIVE', rsa(2048), 'without one that signs'],
    ['DATABASE_URL', 'oracle://localhost/x'],
    ['VALETKEY_DATABASE_PREFIX', 'a"b'],
    ['VALETKEY_DATABASE_SCHEMA', 'a"b'],
    ['VALETKEY_DATABASE_POOL_SIZE', '0'],
    ['VALETKEY_DATABASE_TIMEOUT', '0'],
  ];
  it.each(cases.map(([name, value, label = value]) => ({ name, value, label })))(
    'is told under the name in the environment: $name $label',
    async ({ name, value }) => expect(await options({ env: { [name]: value } })).toEqual([name]),
  );

  it('is told under the place in the file, or the flag, when it stands there', async () => {
    expect(await options(fromFile({ issuer: 'nonsense', accentColor: 'red' }))).toEqual([
      'accentColor',
      'issuer',
    ]);
    expect(await options(fromFile({ lifetimes: { code: 601 }, secret: 'short' }))).toEqual([
      'secret',
      'lifetimes.code',
    ]);
    expect(await options(fromFile({ rsaPrivateKey: 'nonsense' }))).toEqual(['rsaPrivateKey']);
    expect(await options({ overrides: { basePath: 'o' } })).toEqual(['--base-path']);
  });

  it('is told under the name of the file variable, when it stands in such a file', async () => {
    expect(await options({ env: { VALETKEY_SECRET_FILE: file('short') } })).toEqual([
      'VALETKEY_SECRET_FILE',
    ]);
  });

  it('any free port needs an issuer, and is told under the name it was written with', async () => {
    expect(await options({ env: { PORT: '0' } })).toEqual(['PORT']);
    expect(await options(fromFile({ port: 0 }))).toEqual(['port']);
    expect(await options({ overrides: { port: 0 } })).toEqual(['--port']);
    expect(
      await read({ env: { PORT: '0', VALETKEY_ISSUER: 'http://localhost:1234' } }),
    ).toMatchObject({ port: 0 });
  });

  it.each([
    '*',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/0',
    '10.0.0.1,*',
    '::ffff:0:0/96',
    '0.0.0.0/1,128.0.0.0/1',
  ])('MD-01 trusting everybody as a proxy: %s', async (value) =>
    expect(await options({ env: { VALETKEY_TRUST_PROXY: value } })).toEqual([
      'VALETKEY_TRUST_PROXY',
    ]),
  );

  it('options that weaken are obeyed', async () => {
    const env = { VALETKEY_ISSUER: 'http://op.example', VALETKEY_ALLOW_INSECURE_ISSUER: 'yes' };
    expect(await read({ env })).toEqual({ issuer: 'http://op.example', allowInsecureIssuer: true });
  });
});

describe('all at once', () => {
  it('every problem of every source in one error', async () => {
    const env = {
      PORT: 'x',
      VALETKEY_ISUER: 'y',
      VALETKEY_ISSUER: 'http://op.example',
      VALETKEY_ACCENT_COLOR: 'red',
      VALETKEY_SECRET_FILE: join(folder, 'missing'),
      VALETKEY_TRUST_PROXY: '*',
    };
    const { configFile } = fromFile({ basePath: 'o', logLevel: 'loud', lifetime: { code: 5 } });
    const found = await options({ env, configFile, overrides: { host: '' } });
    expect(found.sort()).toEqual([
      '--host',
      'PORT',
      'VALETKEY_ACCENT_COLOR',
      'VALETKEY_ISSUER',
      'VALETKEY_ISUER',
      'VALETKEY_SECRET_FILE',
      'VALETKEY_TRUST_PROXY',
      'basePath',
      'lifetime',
      'logLevel',
    ]);
  });
});

describe('an unknown name', () => {
  it.each<[name: string, nearest: string]>([
    ['VALETKEY_ISUER', 'VALETKEY_ISSUER'],
    ['VALETKEY_SECRETS', 'VALETKEY_SECRET'],
    ['VALETKEY_SECRET_FIEL', 'VALETKEY_SECRET_FILE'],
    ['VALETKEY_LIFETIME_CODE', 'VALETKEY_LIFETIMES_CODE'],
    ['VALETKEY_CONFIGS', 'VALETKEY_CONFIG'],
  ])('in the environment: %s', async (name, nearest) => {
    const [problem, ...more] = await refused({ env: { [name]: 'x' } });
    expect([problem?.option, more]).toEqual([name, []]);
    expect(problem?.remedy).toMatch(new RegExp(`\\b${nearest}\\b`));
  });

  it.each<[content: object, option: string, nearest: string]>([
    [{ isuer: 'x' }, 'isuer', 'issuer'],
    [{ database_url: 'x' }, 'database_url', 'databaseUrl'],
    [{ lifetimes: { acessToken: 5 } }, 'lifetimes.acessToken', 'lifetimes.accessToken'],
    [{ logout: { revokeToken: true } }, 'logout.revokeToken', 'logout.revokeTokens'],
    [
      { rpInitiatedLogout: { confirm: 'always' } },
      'rpInitiatedLogout.confirm',
      'rpInitiatedLogout.confirmation',
    ],
    [{ trustproxy: 'loopback' }, 'trustproxy', 'trustProxy'],
  ])('in the file: %o', async (content, option, nearest) => {
    const [problem, ...more] = await refused(fromFile(content));
    expect([problem?.option, more]).toEqual([option, []]);
    expect(problem?.remedy).toContain(nearest);
  });

  it.each(['lifetimes', '__proto__', 'constructor', 'toString', '', 'a.b'])(
    'in the file, of any kind: "%s"',
    async (name) => {
      expect(await options({ configFile: file(`{ ${JSON.stringify(name)}: 5 }`) })).toEqual([name]);
    },
  );

  it('of the environment that is not ours is nobody’s business', async () => {
    expect(
      await read({ env: { PATH: '/bin', VALET: 'x', PORT_NUMBER: 'x', HOST_NAME: 'x' } }),
    ).toEqual({});
  });
});

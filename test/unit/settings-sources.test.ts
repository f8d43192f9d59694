/** Where the settings of the standalone server come from, and which source counts. */
import { join } from 'node:path';
import { issuerOf } from 'valetkey/server';
import { describe, expect, it } from 'vitest';
import { GOOD_SECRET, options, read, rsa, settingsFiles } from './settings-input.ts';

const { file, folder, fromFile } = settingsFiles();

describe('a value in a file of its own', () => {
  it.each<[name: string, env: (path: string) => Record<string, string>]>([
    ['missing', () => ({ VALETKEY_SECRET_FILE: join(folder, 'missing') })],
    ['a folder', () => ({ VALETKEY_SECRET_FILE: folder })],
    ['empty', () => ({ VALETKEY_SECRET_FILE: file(' \n') })],
    [
      'beside the value itself',
      (path) => ({ VALETKEY_SECRET_FILE: path, VALETKEY_SECRET: GOOD_SECRET }),
    ],
  ])('%s', async (_name, env) =>
    expect(await options({ env: env(file(GOOD_SECRET)) })).toEqual(['VALETKEY_SECRET_FILE']),
  );

  it('counts without the white space around it, for every setting', async () => {
    const env = {
      PORT_FILE: file('4711\n'),
      DATABASE_URL_FILE: file('sqlite::memory:\n'),
      VALETKEY_NAME_FILE: file(' Op \n'),
    };
    expect(await read({ env })).toEqual({ port: 4711, databaseUrl: 'sqlite::memory:', name: 'Op' });
  });
});

describe('the settings file', () => {
  it.each<[name: string, path: () => string]>([
    ['missing', () => join(folder, 'missing.json')],
    ['a folder', () => folder],
    ['broken JSON', () => file('{')],
    ['a list', () => file('[]')],
    ['null', () => file('null')],
    ['text', () => file('"issuer"')],
    [
      'a module without a default export',
      () => file('export const issuer = "https://op.example";', 'mjs'),
    ],
    ['a module that throws', () => file('throw new Error("no");', 'mjs')],
    ['a module that cannot be parsed', () => file('export default {', 'mjs')],
  ])('%s', async (_name, path) => {
    const configFile = path();
    expect(await options({ configFile })).toEqual([configFile]);
    expect(await options({ env: { VALETKEY_CONFIG: configFile } })).toEqual([configFile]);
  });

  const content = {
    port: 4711,
    issuer: 'https://op.example',
    scopes: { read: 'Read', write: { description: 'Write', claims: ['email'] } },
    defaultScopes: ['read'],
    lifetimes: { code: 30, accessToken: '600' },
    refreshTokens: { rotation: false },
    'keySchedule.algs': ['ES256'],
    rateLimits: { login: '3/60', clientAuthentication: { limit: 4, seconds: 5 } },
    trustProxy: 2,
    autoMigrate: 'off',
  };
  const expected = {
    port: 4711,
    issuer: 'https://op.example',
    scopes: content.scopes,
    defaultScopes: ['read'],
    'lifetimes.code': 30,
    'lifetimes.accessToken': 600,
    'refreshTokens.rotation': false,
    'keySchedule.algs': ['ES256'],
    'rateLimits.login': { limit: 3, seconds: 60 },
    'rateLimits.clientAuthentication': { limit: 4, seconds: 5 },
    trustProxy: ['2'],
    autoMigrate: false,
  };
  it('JSON, with groups nested or in one word', async () =>
    expect(await read(fromFile(content))).toEqual(expected));
  it('a module', async () => {
    expect(
      await read({ configFile: file(`export default ${JSON.stringify(content)};`, 'mjs') }),
    ).toEqual(expected);
  });
  it('named by the environment, unless the command line names another', async () => {
    const env = { VALETKEY_CONFIG: file('{"name":"environment"}') };
    expect(await read({ env })).toEqual({ name: 'environment' });
    expect(await read({ env, configFile: file('{"name":"flag"}') })).toEqual({ name: 'flag' });
  });
});

describe('what counts', () => {
  it('the command line over the environment over the file, for each setting by itself', async () => {
    const { configFile } = fromFile({ port: 1, host: 'file', name: 'file' });
    const env = { PORT: '2', HOST: 'environment' };
    expect(await read({ configFile, env, overrides: { port: 3 } })).toEqual({
      port: 3,
      host: 'environment',
      name: 'file',
    });
  });
  it('variables of Kubernetes about a service named valetkey are not ours', async () => {
    const ofKubernetes = {
      VALETKEY_SERVICE_HOST: '10.0.0.1',
      VALETKEY_SERVICE_PORT: '80',
      VALETKEY_SERVICE_PORT_HTTP: '80',
      VALETKEY_PORT: 'tcp://10.0.0.1:80',
      VALETKEY_PORT_80_TCP: 'tcp://10.0.0.1:80',
      VALETKEY_PORT_80_TCP_ADDR: '10.0.0.1',
      VALETKEY_PORT_80_TCP_PORT: '80',
      VALETKEY_PORT_80_TCP_PROTO: 'tcp',
    };
    await read({ env: ofKubernetes });
    expect(await options({ env: { VALETKEY_PORT: '4000' } })).toEqual(['VALETKEY_PORT']);
  });
  it('an empty variable is none, as in files for containers', async () => {
    expect(
      await read({ env: { PORT: '', VALETKEY_ISSUER: '', VALETKEY_SECRET_FILE: '' } }),
    ).toEqual({});
  });
  it.each([
    ['true', true],
    ['1', true],
    ['Yes', true],
    ['on', true],
    ['false', false],
    ['0', false],
    ['no', false],
    ['OFF', false],
  ])('a switch: %s', async (value, expected) => {
    expect(await read({ env: { VALETKEY_AUTO_MIGRATE: value } })).toEqual({
      autoMigrate: expected,
    });
  });
  it('a list, with commas or spaces', async () => {
    const env = {
      VALETKEY_DEFAULT_SCOPES: ' read,openid  profile, ',
      VALETKEY_TRUST_PROXY: 'loopback 10.0.0.0/8',
    };
    expect(await read({ env })).toEqual({
      defaultScopes: ['read', 'openid', 'profile'],
      trustProxy: ['loopback', '10.0.0.0/8'],
    });
  });
  it('RSA keys in PEM: of either form, and several that stay published', async () => {
    const inactive = rsa(2048);
    const env = {
      VALETKEY_RSA_PRIVATE_KEY: rsa(2048, 'pkcs1'),
      VALETKEY_RSA_PRIVATE_KEYS_INACTIVE: inactive + rsa(2048),
    };
    expect(Object.keys(await read({ env }))).toEqual(['rsaPrivateKey', 'rsaPrivateKeysInactive']);
    // As files of environment variables hold them: in one line.
    expect(
      await read({ env: { VALETKEY_RSA_PRIVATE_KEY: inactive.replaceAll('\n', '\\n') } }),
    ).toHaveProperty('rsaPrivateKey');
  });
  it('the issuer is where the server listens on this machine, unless it is given', async () => {
    expect(issuerOf(await read({}))).toBe('http://localhost:4000');
    expect(issuerOf(await read({ env: { PORT: '4711' } }))).toBe('http://localhost:4711');
    expect(issuerOf(await read({ overrides: { port: 4712 } }))).toBe('http://localhost:4712');
    expect(
      issuerOf(await read({ env: { PORT: '4711', VALETKEY_ISSUER: 'https://op.example' } })),
    ).toBe('https://op.example');
  });
});

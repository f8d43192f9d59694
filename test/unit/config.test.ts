/**
 * Wrong configuration: every problem at once, each under the name of its option, whatever kind of
 * value stands there.
 */
import { generateKeyPairSync } from 'node:crypto';
import {
  type Config,
  ConfigError,
  type Contributions,
  clientField,
  createProvider,
  declined,
  defineFeature,
  defineGrant,
  definePage,
  type Endpoint,
  empty,
  type Feature,
  type Grant,
  mcp,
  memoryDatabase,
  resourceIndicators,
  rpInitiatedLogout,
  type Step,
} from 'valetkey';
import { builtInPages } from 'valetkey/pages';
import { memoryAccounts } from 'valetkey/testing';
import { describe, expect, it } from 'vitest';

const GOOD: Config = {
  issuer: 'https://op.example',
  store: memoryDatabase(),
  accounts: memoryAccounts([]),
  pages: builtInPages(),
};
const pem = (key: { export(options: { type: 'pkcs8'; format: 'pem' }): string | Buffer }): string =>
  key.export({ type: 'pkcs8', format: 'pem' }).toString();
const RSA = pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);
const SHORT_RSA = pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey);
const EC = pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
const P384 = pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey);
const ED = pem(generateKeyPairSync('ed25519').privateKey);

function problems(config: object): string[] {
  try {
    createProvider({ ...GOOD, ...config });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ option }) => option);
    throw error;
  }
  return [];
}

describe('one option', () => {
  it.each<[option: string, values: readonly unknown[]]>([
    [
      'issuer',
      [
        undefined,
        5,
        'nonsense',
        'http://op.example',
        'https://op.example/?x',
        'https://op.example/?',
        'https://op.example/#',
        'https://u:p@op.example',
        'https://OP.example',
        'https://op.example:443',
        'https://op.example/a/../b',
        'ftp://op.example',
      ],
    ],
    ['store', [undefined, null, {}, 'sqlite:x']],
    ['accounts', [undefined, {}, []]],
    ['pages', [undefined, 'x', []]],
    ['pages.error', [{ ...builtInPages(), error: '/error' }]],
    ['pages.logout', [{ ...builtInPages(), logout: undefined }]],
    ['pages.login', [{ ...builtInPages(), login: 5 }]],
    ['pages.consent', [{ ...builtInPages(), consent: 'http://' }]],
    ['basePath', ['o o', 'o', '/o//p', 5]],
    ['secret', ['short', [], ['x'.repeat(32), 'short'], 5]],
    ['name', ['', 5]],
    ['logoUrl', ['https://cdn.example/logo.svg', '//cdn.example/x', 'javascript:alert(1)', 5]],
    ['scopes', [['read'], 'read', 5]],
    ['scopes.two words', [{ 'two words': 'x' }]],
    [
      'scopes.read',
      [
        { read: 5 },
        { read: {} },
        { read: { description: 'x', claims: 'name' } },
        { read: { description: 'x', claims: [5] } },
        { read: { description: 'x', writes: 'yes' } },
      ],
    ],
    ['claims', [{}, 'roles']],
    ['defaultScopes', ['openid', { 0: 'openid' }, ['nothing']]],
    ['defaultScopes[0]', [[5]]],
    ['lifetimes', ['long', []]],
    ['lifetimes.accessToken', [{ accessToken: -1 }, { accessToken: '900' }, { accessToken: 1.5 }]],
    ['lifetimes.acessToken', [{ acessToken: 60 }]],
    ['lifetimes.code', [{ code: 601 }]],
    ['refreshTokens.grace', [{ grace: -5 }, { grace: 301 }, { grace: '30' }]],
    ['refreshTokens.rotation', [{ rotation: 'no' }]],
    ['keySchedule.algs', [{ algs: [] }, { algs: ['RS1'] }, { algs: 'RS256' }, { algs: ['none'] }]],
    ['keySchedule.keepAfter', [{ keepAfter: 60 }, { keepAfter: 3600 }]],
    ['keySchedule.publishBefore', [{ publishBefore: 3600 }]],
    ['keySchedule.rotateEvery', [{ rotateEvery: 86_400 }, { rotateEvery: 1.5 }]],
    ['signingKeys', [[], {}, [{ pem: RSA, alg: 'RS256', active: false }]]],
    [
      'signingKeys[0]',
      [
        [{ pem: 'x', alg: 'RS256', active: true }],
        [{ pem: SHORT_RSA, alg: 'RS256', active: true }],
        [{ pem: EC, alg: 'RS256', active: true }],
        [{ pem: RSA, alg: 'ES256', active: true }],
        [{ pem: P384, alg: 'ES256', active: true }],
        [{ pem: ED, alg: 'RS256', active: true }],
        [{ pem: RSA, alg: 'HS256', active: true }],
        [{ pem: RSA, alg: 'none', active: true }],
      ],
    ],
    ['publicMaxAge', [0, '3600']],
    ['logout.confirmation', [{ confirmation: 'always' }]],
    ['logout.revokeTokens', [{ revokeTokens: 'yes' }]],
    ['grants[0]', [[{ type: 'x' }], [{}]]],
    ['grants', [{}]],
    ['features', [{}]],
    ['features[0]', [[{}], [rpInitiatedLogout], [mcp()]]],
    ['features[1]', [[rpInitiatedLogout(), rpInitiatedLogout()]]],
    ['clientAuthenticationMethods[0]', [[{ name: 'x' }], [{ detect: () => null }]]],
    [
      'rateLimits.login',
      [
        { login: { limit: 0, seconds: 900 } },
        { login: { limit: '5', seconds: 900 } },
        { login: { limt: 5, seconds: 900 } },
      ],
    ],
    ['rateLimits.logins', [{ logins: { limit: 5, seconds: 900 } }]],
    ['clientCacheSeconds', [0, 'x', -1]],
    ['allowMissingPkce', ['false', 1]],
    ['allowLocalhostRedirect', ['true']],
    ['clock', [5]],
    ['random', ['x']],
    ['logger', [{}, { info: () => undefined }]],
    ['onEvent', [{}]],
  ])('[RFC8414 §2] [OIDC Discovery §3] [RFC6749 §4.1.2] [RFC7518 §3.3] %s', (option, values) => {
    const top = option.split(/[.[]/)[0] ?? '';
    for (const value of values)
      expect([value, problems({ [top]: value })]).toEqual([value, [option]]);
  });

  it.each<object>([
    {},
    { issuer: 'http://localhost:4000' },
    { issuer: 'http://127.0.0.1:4000' },
    { issuer: 'https://op.example/' },
    { issuer: 'https://op.example/tenant/one' },
    { issuer: 'http://op.example', allowInsecureIssuer: true },
    { basePath: '' },
    { basePath: '/auth/v1/' },
    { logoUrl: null },
    { logoUrl: '/logo.svg' },
    {
      scopes: {
        read: 'x',
        phone: null,
        team: { description: 'y', claims: ['team'], writes: true },
      },
      defaultScopes: ['read'],
    },
    { publicMaxAge: 60, keySchedule: { publishBefore: 180, keepAfter: 3780, rotateEvery: 181 } },
    { signingKeys: [{ pem: RSA, alg: 'RS256', active: true }] },
    {
      signingKeys: [
        { pem: EC, alg: 'ES256', active: true },
        { pem: ED, alg: 'EdDSA', active: false },
      ],
    },
    {
      lifetimes: undefined,
      name: undefined,
      accounts: { find: async () => null },
      pages: { ...builtInPages(), login: '/login' },
    },
  ])('nothing is wrong with %o', (config) => expect(problems(config)).toEqual([]));
});

describe('features', () => {
  const grant = (type: string): Grant => defineGrant({ type, params: () => null, redeem });
  const redeem = async (): Promise<never> => Promise.reject(new Error('never called'));
  const named = (name: string, contributions: Contributions): Feature =>
    defineFeature({ name, description: 'x', options: {}, create: () => contributions })();
  const step = (name: string, more: Partial<Step> = {}): Step => ({
    name,
    silentError: 'interaction_required',
    page: definePage('login'),
    due: () => null,
    view: () => ({}),
    answer: async () => declined(),
    ...more,
  });
  const endpoint = (name: string, path: string, more: Partial<Endpoint> = {}): Endpoint => ({
    name,
    path,
    methods: ['GET'],
    errors: 'json',
    handle: async () => empty(204),
    ...more,
  });

  it.each<[what: string, contributions: Contributions, told: RegExp]>([
    ['a grant type', { grants: [grant('refresh_token')] }, /the grant type refresh_token twice/],
    ['an endpoint’s name', { endpoints: [endpoint('token', 'x')] }, /the endpoint token twice/],
    [
      'an endpoint’s path',
      { endpoints: [endpoint('x', 'token')] },
      /an endpoint at \/o\/token twice/,
    ],
    [
      'a member of the metadata',
      { metadata: () => ({ token_endpoint: 'x' }) },
      /declare token_endpoint twice \(the endpoint token, own\)/,
    ],
    [
      'an address in the metadata',
      { endpoints: [endpoint('x', 'x', { metadataName: 'jwks_uri' })] },
      /declare jwks_uri twice/,
    ],
    ['a step', { steps: [step('consent')] }, /the step consent twice/],
    [
      'a response type with its words in another order',
      { responseTypes: [{ name: 'token code', artifacts: [] }] },
      /bring the response type token code\. Write code token\./,
    ],
    [
      'a response mode',
      { responseModes: [{ name: 'query', carriesTokens: false, send: () => empty(204) }] },
      /the response mode query twice/,
    ],
    [
      'a client field',
      {
        clientFields: [
          clientField({
            wireName: 'client_name',
            flag: 'x',
            kind: 'text',
            default: '',
            setBy: 'client',
            description: 'x',
          }),
        ],
      },
      /the client field client_name twice/,
    ],
    [
      'an option of a client on the command line',
      {
        clientFields: [
          clientField({
            wireName: 'x',
            flag: 'name',
            kind: 'text',
            default: '',
            setBy: 'client',
            description: 'x',
          }),
        ],
      },
      /the client option name twice/,
    ],
  ])('%s that comes twice is told at start', (_what, contributions, told) => {
    expect(problems({ features: [named('own', contributions)] })).toEqual(['features']);
    expect(() => createProvider({ ...GOOD, features: [named('own', contributions)] })).toThrow(
      told,
    );
  });
  it('a page without template, a step beside none, and a response type that nothing makes are told at start', () => {
    const wrong = named('own', {
      pages: [definePage('mine')],
      steps: [step('terms', { before: 'nothing' })],
      responseTypes: [{ name: 'code ticket', artifacts: ['code', 'ticket'] }],
    });
    expect(problems({ features: [wrong] })).toEqual(['features', 'features', 'pages.mine']);
  });
  it('options are checked under the name of their feature, with the nearest name for a misspelt one', () => {
    const wrong = { confirmation: 'never', confirmatoin: 'always' } as never;
    expect(problems({ features: [rpInitiatedLogout(wrong)] })).toEqual([
      'rpInitiatedLogout.confirmation',
      'rpInitiatedLogout.confirmatoin',
    ]);
  });
  it('options of one that is off by default are told, unless it says that it is off', () => {
    const resources = ['https://api.example.com/v1'];
    expect(problems({ features: [resourceIndicators({ resources })] })).toEqual([
      'resourceIndicators.resources',
    ]);
    for (const enabled of [true, false])
      expect(problems({ features: [resourceIndicators({ resources, enabled })] })).toEqual([]);
    expect(problems({ features: [resourceIndicators()] })).toEqual([]);
  });
  it('a misspelt switch is told once, and a misspelt list of MCP servers opens nothing', () => {
    const resources = ['https://api.example.com/v1'];
    const wrong = { enable: true, resources } as never;
    expect(problems({ features: [resourceIndicators(wrong)] })).toEqual([
      'resourceIndicators.enable',
      'resourceIndicators.resources',
    ]);
    expect(() => mcp({ resource: resources } as never)).toThrow(/Did you mean mcp.resources/);
    expect(() => mcp({ resources: 'https://api.example.com/v1' } as never)).toThrow(ConfigError);
  });
  it('one that is switched off is gone whole', async () => {
    const provider = createProvider({ ...GOOD, features: [rpInitiatedLogout({ enabled: false })] });
    expect(provider.handles('/o/logout/')).toBe(false);
    expect(() => provider.url('rp-initiated-logout')).toThrow(/There is no endpoint/);
  });
  it('steps stand where they say, whatever the order of features', () => {
    const one = named('one', { steps: [step('late', { after: 'later' })] });
    const two = named('two', { steps: [step('later'), step('early', { before: 'account' })] });
    expect(problems({ features: [one, two] })).toEqual([]);
  });
});

describe('together', () => {
  it('a host that says who is signed in has a login page of its own', () => {
    const accounts = { ...memoryAccounts([]), current: async () => null };
    expect(problems({ accounts })).toEqual(['accounts.current']);
    const { current: _, ...rest } = accounts;
    expect(problems({ accounts: { ...rest, signOut: async () => null } })).toEqual([
      'accounts.signOut',
    ]);
    const pages = { ...builtInPages(), login: '/login' };
    expect(problems({ pages, accounts })).toEqual([]);
  });
  it('[OIDC Discovery §3] every problem at once', () => {
    expect(
      problems({
        isuer: 'x',
        issuer: 'x',
        secret: 'short',
        store: undefined,
        rateLimits: { login: 5 },
      }),
    ).toEqual(['isuer', 'secret', 'rateLimits.login', 'store', 'issuer']);
  });
  it('a login page needs accounts that authenticate', () => {
    expect(problems({ accounts: { find: async () => null } })).toEqual(['accounts.authenticate']);
  });
  it('a store that lasts needs a secret that lasts', () => {
    expect(problems({ store: { ...memoryDatabase(), ephemeral: false } })).toEqual(['secret']);
  });
  it('a scope that was taken away is no default', () => {
    expect(problems({ scopes: { phone: null }, defaultScopes: ['phone'] })).toEqual([
      'defaultScopes',
    ]);
  });
  it('an unknown option names the nearest one', () => {
    expect(() => createProvider({ ...GOOD, accessTokenTtl: 1, basePaht: '/x' } as Config)).toThrow(
      /Did you mean basePath\?/,
    );
    expect(() =>
      createProvider({ ...GOOD, lifetimes: { acessToken: 1 } } as unknown as Config),
    ).toThrow(/Did you mean lifetimes.accessToken\?/);
  });
  it('options that weaken security are named at start-up', () => {
    const warned: object[] = [];
    const logger = {
      info: () => undefined,
      warn: (fields: object) => void warned.push(fields),
      error: () => undefined,
    };
    createProvider({ ...GOOD, allowMissingPkce: true, allowLocalhostRedirect: false, logger });
    expect(warned).toEqual([{ options: ['allowMissingPkce'] }]);
  });
});

/**
 * What a client may be registered as, as tables: metadata → defaults, or the fields that are wrong.
 */
import { describe, expect, it } from 'vitest';
import { CLIENT_FIELDS } from '../../src/protocol/client-field-definitions.ts';
import type { ClientMetadata, CompleteClientMetadata } from '../../src/protocol/client-metadata.ts';
import {
  completeMetadata,
  type MetadataProblem,
  type MetadataRules,
  metadataProblems,
  metadataTypeProblems,
} from '../../src/protocol/client-metadata-rules.ts';
import { KNOWN } from './feature-fields.ts';

const KEYS = { jwks: null, jwksUri: null, tokenEndpointAuthSigningAlg: null } as const;
const LATER = {
  ...KEYS,
  defaultScopes: null,
  idTokenClaims: false,
  allowLocalhost: false,
  codeLifetime: null,
  accessTokenLifetime: null,
  idTokenLifetime: null,
  refreshTokenIdleLifetime: null,
  refreshTokenAbsoluteLifetime: null,
  rotateRefreshTokens: null,
  defaultMaxAge: null,
  requireAuthTime: false,
  defaultAcrValues: [],
  initiateLoginUri: null,
  softwareId: null,
  softwareVersion: null,
} as const;
const HYBRID = ['authorization_code', 'implicit'];
const RULES: MetadataRules = {
  allowLocalhost: false,
  privateSchemes: [],
  allowWildcards: false,
  grantTypes: ['authorization_code', 'refresh_token', 'client_credentials', 'implicit'],
  responseTypes: new Map([
    ['code', ['authorization_code']],
    ['code id_token', ['authorization_code', 'implicit']],
    ['id_token', ['implicit']],
    ['none', []],
  ]),
  authMethods: new Map([
    ['client_secret_basic', 'secret'],
    ['none', 'none'],
    ['private_key_jwt', 'keys'],
    ['tls_client_auth', 'certificate'],
  ]),
  methodProblems: new Map(),
  checks: [],
  idTokenAlgs: ['RS256', 'ES256', 'HS256'],
  assertionAlgs: ['ES256', 'RS256'],
  outboundOrigins: ['http://keys.internal:8080'],
  fields: KNOWN,
};

/** Fields and codes; every problem has words. */
function found(problems: readonly MetadataProblem[]): [field: string, code: string][] {
  for (const { problem } of problems) expect(problem).toMatch(/^[\x20-\x7e]{5,400}$/);
  return problems.map(({ field, code }) => [field, code]);
}
const INVALID = 'invalid_client_metadata';
const INVALID_URI = 'invalid_redirect_uri';

describe('kinds of values', () => {
  type Wrong = readonly [member: string, values: readonly unknown[]];
  const texts = [null, 'x', 5, {}, [5], ['x', null], true] as const;
  const nullableTexts = texts.filter((value) => value !== null);
  it.each<Wrong>([
    ['name', [undefined, null, 5, ['x'], {}, true]],
    ['clientType', [null, '', 'Public', 'native', 5, ['public']]],
    ['applicationType', [null, '', 'WEB', 'browser', 5]],
    ['tokenEndpointAuthMethod', [null, 5, ['none'], true]],
    ['redirectUris', texts],
    ['postLogoutRedirectUris', texts],
    ['allowedOrigins', texts],
    ['grantTypes', texts],
    ['responseTypes', texts],
    ['contacts', texts],
    ['scopes', nullableTexts],
    ['idTokenSignedResponseAlg', [null, 5, ['RS256']]],
    ['skipConsent', [null, 'true', 1, []]],
    ['partialConsent', [null, 'true', 1, []]],
    ...['owner', 'clientUri', 'logoUri', 'policyUri', 'tosUri'].map(
      (member): Wrong => [member, [5, true, ['https://x.example'], {}]],
    ),
    ...['redirect_uris', 'clientId', 'secrets', '', 'constructor', 'toString', 'Name'].map(
      (member): Wrong => [member, ['x', null, undefined]],
    ),
  ])('[RFC7591 §2] refuses %s', (member, values) => {
    for (const value of values) {
      const metadata = { name: 'x', [member]: value } as unknown as ClientMetadata;
      expect([value, found(metadataTypeProblems(metadata, KNOWN))]).toEqual([
        value,
        [[member, INVALID]],
      ]);
    }
  });

  it.each<[field: string, fields: unknown]>([
    ['fields', 'x'],
    ['fields', 5],
    ['fields', ['x_level']],
    ['fields', []],
    ['x_other', { x_other: 'low' }],
    ['x_other', { x_other: undefined }],
    ['name', { name: 'x' }],
    ['__proto__', JSON.parse('{"__proto__":"x"}')],
    ['constructor', { constructor: 'x' }],
    ['x_level', { x_level: 'middle' }],
    ['x_level', { x_level: null }],
    ['x_level', { x_level: undefined }],
    ['x_limit', { x_limit: 5 }],
    ['x_limit', { x_limit: '5a' }],
    ['x_mark', { x_mark: 'true' }],
    ['x_mark', { x_mark: null }],
    ['x_owners', { x_owners: 'ada' }],
    ['x_owners', { x_owners: [5] }],
  ])('refuses %s among the fields of features: %o', (field, fields) => {
    const metadata = { name: 'x', fields } as unknown as ClientMetadata;
    expect(found(metadataTypeProblems(metadata, KNOWN))).toEqual([[field, INVALID]]);
  });

  it('checks a field only when its kind is right, and says what the check says', () => {
    const problems = (value: unknown): readonly string[] =>
      metadataTypeProblems({ name: 'x', fields: { x_limit: value } }, KNOWN).map(
        ({ problem }) => problem,
      );
    expect(problems('5a')).toEqual(['is no number']);
    expect(problems(5.5)).not.toEqual(['is no number']);
    expect(problems(5.5)).toHaveLength(1);
  });

  it('tells everything at once', () => {
    const metadata = { skipConsent: 5, grants: [], contacts: 'x', fields: { y: 1, x_mark: 2 } };
    expect(found(metadataTypeProblems(metadata as unknown as ClientMetadata, KNOWN))).toEqual(
      ['name', 'skipConsent', 'grants', 'contacts', 'y', 'x_mark'].map((field) => [field, INVALID]),
    );
  });

  it.each<Record<string, unknown>>([
    {},
    Object.fromEntries(Object.keys(CLIENT_FIELDS).map((member) => [member, undefined])),
    { clientType: 'public', applicationType: 'native', tokenEndpointAuthMethod: 'anything' },
    { redirectUris: [], scopes: null, grantTypes: ['a', ''], contacts: [], skipConsent: false },
    { owner: null, clientUri: null, logoUri: null, policyUri: null, tosUri: null },
    { owner: '', clientUri: 'x' },
    { fields: {} },
    { fields: { x_level: 'high', x_limit: '5', x_mark: true, x_owners: null } },
    { fields: { x_owners: ['ada'] } },
  ])('finds nothing wrong with %o', (metadata) => {
    expect(metadataTypeProblems({ ...metadata, name: 'x' }, KNOWN)).toEqual([]);
  });
});

describe('defaults', () => {
  const DEFAULTS: CompleteClientMetadata = {
    name: 'x',
    applicationType: 'web',
    tokenEndpointAuthMethod: 'client_secret_basic',
    redirectUris: [],
    postLogoutRedirectUris: [],
    allowedOrigins: [],
    grantTypes: ['authorization_code', 'refresh_token'],
    responseTypes: ['code'],
    scopes: null,
    ...LATER,
    idTokenSignedResponseAlg: 'RS256',
    skipConsent: false,
    partialConsent: false,
    clientUri: null,
    logoUri: null,
    policyUri: null,
    tosUri: null,
    contacts: [],
    owner: null,
    fields: {},
  };
  const GIVEN: CompleteClientMetadata = {
    name: 'y',
    applicationType: 'native',
    tokenEndpointAuthMethod: 'none',
    redirectUris: ['https://x.example/'],
    postLogoutRedirectUris: ['https://x.example/out'],
    allowedOrigins: ['https://x.example'],
    grantTypes: ['client_credentials'],
    responseTypes: ['none'],
    scopes: [],
    ...LATER,
    idTokenSignedResponseAlg: 'ES256',
    skipConsent: true,
    partialConsent: true,
    clientUri: 'https://x.example/1',
    logoUri: 'https://x.example/2',
    policyUri: 'https://x.example/3',
    tosUri: 'https://x.example/4',
    contacts: ['a@x.example'],
    owner: 'ada',
    fields: { x_level: 'high' },
  };
  const CREDENTIALS = { grantTypes: ['client_credentials'] };
  type Algs = MetadataRules['idTokenAlgs'];
  it.each<[given: Partial<ClientMetadata>, expected: object, algs?: Algs]>([
    [{}, {}],
    [{ name: ' \t x\n' }, {}],
    [{ name: '  ' }, { name: '' }],
    [{}, {}, ['ES256', 'RS256']],
    [{}, { idTokenSignedResponseAlg: 'ES256' }, ['ES256', 'HS256']],
    [{}, {}, []],
    [{ clientType: 'public' }, { tokenEndpointAuthMethod: 'none' }],
    [{ clientType: 'confidential' }, {}],
    [{ clientType: 'public', tokenEndpointAuthMethod: 'client_secret_basic' }, {}],
    [CREDENTIALS, { ...CREDENTIALS, responseTypes: [] }],
    [{ grantTypes: [] }, { grantTypes: [], responseTypes: [] }],
    [{ grantTypes: ['authorization_code'] }, { grantTypes: ['authorization_code'] }],
    [{ responseTypes: [] }, { responseTypes: [] }],
    [GIVEN, GIVEN],
  ])('[RFC7591 §2] of %o: %o', (given, expected, idTokenAlgs = ['RS256']) => {
    const complete = completeMetadata({ name: 'x', ...given }, { ...RULES, idTokenAlgs });
    expect(complete).toEqual({ ...DEFAULTS, ...expected });
    expect(Object.keys(complete)).not.toContain('clientType');
  });
});

describe('what is refused', () => {
  const GOOD = completeMetadata({ name: 'x', redirectUris: ['https://x.example/cb'] }, RULES);
  const problems = (change: object, rules: Partial<MetadataRules> = {}): [string, string][] =>
    found(metadataProblems({ ...GOOD, ...change }, { ...RULES, ...rules }));
  const words = (text: string): string[] => text.split(' ');
  const BAD_ORIGINS = [
    ...words(
      '* null https://x.example/ https://X.example https://x.example:443 https://u@x.example',
    ),
    ...words(
      'https://x.example? https://x.exämple http://x.example ftp://x.example http://127.0.0.2',
    ),
    ...words('http://localhost.x.example http://127.0.0.1.x.example http://127.0.0.1:80'),
    ...words('com.example.app: blob:https://x.example https://*.example https://x;y.example'),
    ...['', 'é'.repeat(500)],
  ];
  const BAD_NAMES = ['', 'x'.repeat(256), 'a\nb', 'a\u202eb', 'a\u2067b', 'a\u200f'];
  const BAD_PAGES = [
    ...words('http://x.example/ javascript:alert(1) HTTPS://x.example/ https:x.example https://'),
    ...words('https://x.example/ü https://x.example:65536/ https://u@x.example https:///x'),
    ...['', 'https://x.example/a b', 'https://x.example/\n'],
    `https://x.example/${'a'.repeat(2048 - 17)}`,
  ];
  const CREDENTIALS = { grantTypes: ['client_credentials'], responseTypes: [] };

  const refused: Record<string, readonly object[]> = {
    name: BAD_NAMES.map((name) => ({ name })),
    allowedOrigins: BAD_ORIGINS.map((origin) => ({
      allowedOrigins: ['https://x.example', origin],
    })),
    clientUri: BAD_PAGES.map((clientUri) => ({ clientUri })),
    logoUri: BAD_PAGES.map((logoUri) => ({ logoUri })),
    policyUri: BAD_PAGES.map((policyUri) => ({ policyUri })),
    tosUri: BAD_PAGES.map((tosUri) => ({ tosUri })),
    grantTypes: [
      { grantTypes: ['authorization_code', 'password'] },
      { grantTypes: ['authorization_code', ''] },
      { grantTypes: ['authorization_code', 'é'.repeat(500)] },
      { grantTypes: [], responseTypes: [] },
    ],
    responseTypes: [
      { responseTypes: ['code', 'token'] },
      { responseTypes: ['code', 'id_token code'] },
      { responseTypes: ['code', 'é'.repeat(500)] },
      { ...CREDENTIALS, responseTypes: ['codes'] },
    ],
    tokenEndpointAuthMethod: ['client_secret_post', '', 'constructor'].flatMap((method) => [
      { tokenEndpointAuthMethod: method },
      { tokenEndpointAuthMethod: method, idTokenSignedResponseAlg: 'HS256' },
    ]),
    idTokenSignedResponseAlg: ['none', 'PS256', 'rs256', ''].map((alg) => ({
      idTokenSignedResponseAlg: alg,
    })),
    scopes: ['', 'a b', '"', '\\', 'é', 'a\n', 'é'.repeat(500)].map((scope) => ({
      scopes: ['openid', scope],
    })),
  };
  const refusedUris: Record<string, readonly object[]> = {
    redirectUris: [
      { redirectUris: [] },
      { redirectUris: ['https://x.example/cb', 'https://x.example/#é'] },
      { redirectUris: ['com.example.app:/cb'] },
      { redirectUris: ['http://localhost/cb'] },
      { redirectUris: [`https://x.example/${'é'.repeat(500)}`] },
      { ...CREDENTIALS, redirectUris: ['http://x.example/cb'] },
    ],
    postLogoutRedirectUris: [
      { postLogoutRedirectUris: ['http://x.example/'] },
      { postLogoutRedirectUris: ['https://x.example/', 'com.example.app:/'] },
    ],
  };
  it.each([
    ...Object.entries(refused).map(([field, changes]) => ({ field, code: INVALID, changes })),
    ...Object.entries(refusedUris).map(([field, changes]) => ({
      field,
      code: INVALID_URI,
      changes,
    })),
  ])('[RFC7591 §2] $field as $code', ({ field, code, changes }) => {
    for (const change of changes)
      expect([change, problems(change)]).toEqual([change, [[field, code]]]);
  });

  it.each<object>([
    { responseTypes: [] },
    { responseTypes: ['none'] },
    { responseTypes: ['code', 'token'] },
    { responseTypes: ['code id_token'] },
    { grantTypes: ['refresh_token'], responseTypes: ['code'] },
    { ...CREDENTIALS, responseTypes: ['code'] },
    { ...CREDENTIALS, responseTypes: ['id_token code'] },
    { ...CREDENTIALS, responseTypes: ['id_token'] },
  ])('[RFC7591 §2.1] grant types and response types that do not fit: %o', (change) => {
    expect(problems(change)).toEqual([['responseTypes', INVALID]]);
  });

  it('[RFC6749 §4.4] client_credentials of a public client', () => {
    const grantTypes = ['authorization_code', 'client_credentials'];
    expect(problems({ grantTypes, tokenEndpointAuthMethod: 'none' })).toEqual([
      ['grantTypes', INVALID],
    ]);
    expect(problems({ grantTypes, tokenEndpointAuthMethod: 'tls_client_auth' })).toEqual([]);
  });

  it.each(['none', 'tls_client_auth'])(
    '[OIDC Core §10.1] HS256 without a secret: %s',
    (tokenEndpointAuthMethod) => {
      const change = { tokenEndpointAuthMethod, idTokenSignedResponseAlg: 'HS256' };
      expect(problems(change)).toEqual([['idTokenSignedResponseAlg', INVALID]]);
      expect(problems(change, { idTokenAlgs: ['RS256'] })).toHaveLength(2);
    },
  );

  it('everything at once', () => {
    const change = { name: '', redirectUris: [], clientUri: '', grantTypes: [], scopes: [''] };
    expect(problems(change)).toEqual([
      ['name', INVALID],
      ['clientUri', INVALID],
      ['responseTypes', INVALID],
      ['redirectUris', 'invalid_redirect_uri'],
      ['scopes', INVALID],
    ]);
    const uris = { redirectUris: ['x', 'y'], postLogoutRedirectUris: ['x'] };
    expect(problems(uris)).toHaveLength(3);
  });

  it.each<[change: object, rules?: Partial<MetadataRules>]>([
    [{}],
    [{ name: 'x'.repeat(255) }],
    [{ name: 'Naïve 👩‍👩‍👧 تطبيق' }],
    [{ applicationType: 'native', redirectUris: ['com.example.app:/cb'] }],
    [{ applicationType: 'native', postLogoutRedirectUris: ['com.example.app:/'] }],
    [{ redirectUris: ['http://localhost/cb'] }, { allowLocalhost: true }],
    [{ ...CREDENTIALS, redirectUris: [] }],
    [{ grantTypes: ['refresh_token'], responseTypes: [], redirectUris: [] }],
    [{ grantTypes: HYBRID, responseTypes: ['code id_token'] }],
    [{ grantTypes: HYBRID, responseTypes: ['id_token code', 'id_token'] }],
    [{ grantTypes: ['implicit'], responseTypes: ['id_token'] }],
    [{ responseTypes: ['none', 'code'] }],
    [{ tokenEndpointAuthMethod: 'none' }],
    [{ tokenEndpointAuthMethod: 'tls_client_auth', idTokenSignedResponseAlg: 'ES256' }],
    [{ idTokenSignedResponseAlg: 'HS256' }],
    [{ scopes: ['openid', '!', '[~]'] }],
    [{ clientUri: `https://x.example/${'a'.repeat(2048 - 18)}`, logoUri: 'https://x.example' }],
    [{ policyUri: 'https://x.example:8443/?a=b#c', tosUri: 'https://x.example/%20' }],
    [{ allowedOrigins: ['https://x.example', 'https://x.example:8443', 'https://[::1]'] }],
    [{ allowedOrigins: ['http://127.0.0.1', 'http://[::1]:99', 'http://localhost:3000'] }],
  ])('but not %o', (change, rules) => expect(problems(change, rules)).toEqual([]));
});

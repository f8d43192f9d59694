/** The words of response types, and which of them a client gets. */
import { expect, it } from 'vitest';
import {
  bringsTokens,
  defaultResponseTypes,
  expandedGrantTypes,
  responseTypeName,
} from '../../src/protocol/response-types.ts';

const HYBRID = ['authorization_code', 'implicit'];
const OFFERED = new Map([
  ['code', ['authorization_code']],
  ['id_token', ['implicit']],
  ['code id_token', HYBRID],
  ['none', []],
]);

it.each<[grantTypes: readonly string[], responseTypes: readonly string[]]>([
  [['authorization_code'], ['code']],
  [['implicit'], ['id_token']],
  [HYBRID, ['code', 'id_token', 'code id_token']],
  [['openid-hybrid'], ['code', 'code id_token']],
  [
    ['openid-hybrid', 'implicit'],
    ['code', 'id_token', 'code id_token'],
  ],
  [['client_credentials'], []],
  [[], []],
])('[OIDC Registration §2] the grant types %o are for %o', (grantTypes, responseTypes) => {
  expect(defaultResponseTypes(grantTypes, OFFERED)).toEqual(responseTypes);
});

it('openid-hybrid is the name of Django OAuth Toolkit for the grant types of the hybrid flow', () => {
  const three = ['authorization_code', 'implicit', 'refresh_token'];
  expect(expandedGrantTypes(['openid-hybrid'])).toEqual(three);
  expect(expandedGrantTypes(['implicit', 'openid-hybrid']).toSorted()).toEqual(three.toSorted());
  expect(expandedGrantTypes(['openid_hybrid'])).toEqual(['openid_hybrid']);
});

it('[OAuth Multiple Response Types §3] words come in any order, and are compared in one', () => {
  expect(responseTypeName('token code id_token')).toBe('code id_token token');
  const all = ['code', 'none', 'token', 'id_token', 'code token', 'idtoken', 'tokens'];
  expect(all.filter(bringsTokens)).toEqual(['token', 'id_token', 'code token']);
});

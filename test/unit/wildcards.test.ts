/** Wildcard hosts, where the operator allows them: what may be registered, and what matches. */
import { describe, expect, it } from 'vitest';
import { matchesRedirectUri, redirectUriProblem } from '../../src/protocol/redirect-uri.ts';

const RULES = { allowLocalhost: false, privateSchemes: [], allowWildcards: true };
const WITHOUT = { ...RULES, allowWildcards: false };

describe('what may be registered', () => {
  it.each([
    'https://*.example.com/cb',
    'https://*.example.com:8443/cb?x=1',
    'https://*-app.example.com/cb',
    'https://*--app.example.com/cb',
    'https://*.a.b.example.com',
  ])('%s, where it is allowed', (uri) => {
    expect(redirectUriProblem(uri, 'web', RULES)).toBeNull();
    expect(redirectUriProblem(uri, 'web', WITHOUT)).not.toBeNull();
  });
  it.each([
    'https://*/cb',
    'https://*.com/cb',
    'https://*example.com/cb',
    'https://a.*.example.com/cb',
    'https://*.*.example.com/cb',
    'https://*.example.com/*',
    'https://*.example.com/cb?x=*',
    'https://app.example.com/*',
    'https://app.example.com:*/cb',
    'http://*.example.com/cb',
    'http://*.0.0.1/cb',
    '*://app.example.com/cb',
    'com.*.app:/cb',
    'https://user@*.example.com/cb',
    'https://*.example.com@evil.example/cb',
    'https://*.example.com/cb#f',
    'https://*.example.com/../cb',
    'https://*.example.com/cb?code=a',
  ])('AZ-05 never %s', (uri) => {
    expect(redirectUriProblem(uri, 'native', RULES)).not.toBeNull();
  });
});

describe('what matches https://*.example.com/cb?x=1', () => {
  const registered = 'https://*.example.com/cb?x=1';

  it.each([
    'https://a.example.com/cb?x=1',
    'https://a-b-1.example.com/cb?x=1',
    'https://a.b.example.com/cb?x=1',
  ])('%s does, where it is allowed', (uri) => {
    expect(matchesRedirectUri(uri, registered, RULES)).toBe(true);
    expect(matchesRedirectUri(uri, registered, WITHOUT)).toBe(false);
  });
  it.each([
    'https://example.com/cb?x=1',
    'https://.example.com/cb?x=1',
    'https://*.example.com/cb?x=1',
    'https://evil.example/a.example.com/cb?x=1',
    'https://evil.example/.example.com/cb?x=1',
    'https://evil.example?.example.com/cb?x=1',
    'https://evil.example#.example.com/cb?x=1',
    'https://evil.example\\.example.com/cb?x=1',
    'https://evil.example%2f.example.com/cb?x=1',
    'https://evil.example:80@a.example.com/cb?x=1',
    'https://user@a.example.com/cb?x=1',
    'https://a.example.com:444/cb?x=1',
    'https://a..example.com/cb?x=1',
    'https://a.example.com/cb',
    'https://a.example.com/cb?x=1&y=2',
    'https://a.example.com/cb/?x=1',
    'https://aexample.com/cb?x=1',
    'http://a.example.com/cb?x=1',
    'HTTPS://a.example.com/cb?x=1',
    'https://аpp.example.com/cb?x=1',
    'https://a b.example.com/cb?x=1',
    'https://a\t.example.com/cb?x=1',
    'https://a\n.example.com/cb?x=1',
  ])('AZ-03 %j does not', (uri) => {
    expect(matchesRedirectUri(uri, registered, RULES)).toBe(false);
  });
  it('[RFC9700 §2.1] it is not itself an address', () => {
    expect(matchesRedirectUri(registered, registered, RULES)).toBe(false);
    expect(matchesRedirectUri(registered, registered, WITHOUT)).toBe(false);
  });
});

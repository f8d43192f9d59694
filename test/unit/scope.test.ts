/** Scopes, as tables: syntax, sets, and which of them a client gets. */
import { sample } from 'valetkey/testing';
import { describe, expect, it } from 'vitest';
import { availableScopes, resolveScopes } from '../../src/domain/scopes.ts';
import type { Settings } from '../../src/domain/settings.ts';
import { OAuthError } from '../../src/protocol/errors.ts';
import { covers, formatScope, isScopeToken, parseScope } from '../../src/protocol/scope.ts';

/** Scopes; or the reason of the refusal as `invalid_scope`. */
async function told(
  act: () => readonly string[] | Promise<readonly string[]>,
): Promise<readonly string[] | string> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    expect([error.code, error.status, error.redirectable]).toEqual(['invalid_scope', 400, true]);
    return error.reason;
  }
}
/** So many different names. */
const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `s${n}`);

describe('syntax', () => {
  it.each([
    '',
    ' ',
    'a b',
    ' a',
    'a ',
    '"',
    'a"b',
    '\\',
    'a\\',
    '\t',
    'a\n',
    '\0',
    '\u007f',
    'é',
    '€',
    '🔑',
  ])('[RFC6749 §3.3] %j is no scope', (text) => expect(isScopeToken(text)).toBe(false));
  it.each([
    '!',
    '#',
    '[',
    ']',
    '~',
    'openid',
    'https://api.example/read',
    "a'b",
    '0',
    'A:b',
    '^`{|}',
  ])('[RFC6749 §3.3] %j is a scope', (text) => expect(isScopeToken(text)).toBe(true));
  it('[RFC6749 §3.3] it is made of 92 characters', () => {
    const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
    const allowed = all.filter((character) => isScopeToken(`a${character}b`)).join('');
    expect(allowed).toBe(all.slice(0x21, 0x7f).join('').replaceAll('"', '').replaceAll('\\', ''));
    expect(allowed).toHaveLength(92);
  });

  it.each<[what: string, text: string, expected: readonly string[] | string]>([
    ['a quote', 'openid "', 'malformed_scope'],
    ['a backslash', 'openid\\', 'malformed_scope'],
    ['a tab between', 'openid\tread', 'malformed_scope'],
    ['a line end', 'openid\n', 'malformed_scope'],
    ['a space that is no space', 'openid\u00a0read', 'malformed_scope'],
    ['a letter outside', 'openid é', 'malformed_scope'],
    ['101 names', names(101).join(' '), 'too_many_scopes'],
    ['101 names, one malformed', `${names(100).join(' ')} "`, 'too_many_scopes'],
    ['very many names', names(5000).join(' '), 'too_many_scopes'],
    ['nothing', '', []],
    ['spaces', '   ', []],
    ['one', 'openid', ['openid']],
    ['several, in order', 'read openid email', ['read', 'openid', 'email']],
    ['spaces around and between', '  read   openid ', ['read', 'openid']],
    ['the same twice', 'read openid read', ['read', 'openid']],
    ['another case', 'Read read', ['Read', 'read']],
    ['100 names', names(100).join(' '), names(100)],
    ['100 names twice', [...names(100), ...names(100)].join(' '), names(100)],
  ])('[RFC6749 §3.3] a list with %s', async (_, text, expected) => {
    expect(await told(() => parseScope(text))).toEqual(expected);
  });
});

describe('sets', () => {
  it.each([
    [[], ['a'], false],
    [['b'], ['a'], false],
    [['a'], ['a', 'b'], false],
    [['A'], ['a'], false],
    [['ab'], ['a'], false],
    [[], [], true],
    [['a'], [], true],
    [['a'], ['a'], true],
    [['b', 'a'], ['a', 'b'], true],
    [['a', 'b'], ['a', 'a'], true],
  ])('%j covers %j: %s', (held, wanted, expected) => expect(covers(held, wanted)).toBe(expected));

  it('has a wire form, which is read again', () => {
    expect([[], ['a'], ['b', 'a']].map(formatScope)).toEqual(['', 'a', 'b a']);
    expect(parseScope(formatScope(['b', 'a']))).toEqual(['b', 'a']);
  });
});

const ABOUT_USERS = ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'];
const KNOWN = [...ABOUT_USERS, 'read', 'write', 'admin'];

interface Row {
  /** The parameter; absent: none was sent. */
  readonly scope?: string;
  /** Scopes of the client; null: all. */
  readonly own?: readonly string[] | null;
  readonly acting?: 'for-client';
  readonly defaults?: readonly string[];
}

async function resolved({
  scope,
  own = null,
  acting,
  defaults = [],
}: Row): Promise<readonly string[] | string> {
  const scopes = new Map(KNOWN.map((name) => [name, { description: name, claims: [] }]));
  const settings = {
    scopes,
    defaultScopes: defaults,
    scopesFor: null,
  } as unknown as Settings;
  const client = { ...sample.client('app'), scopes: own };
  const who = acting ?? 'for-user';
  const result = await told(async () => await resolveScopes(settings, client, scope, who));
  // Of names already split the same are available; there nothing is refused.
  if (typeof result !== 'string') {
    const asked = parseScope(scope ?? '');
    const wanted = asked.length === 0 ? defaults : asked;
    expect(availableScopes(settings, client, wanted, who)).toEqual(result);
  }
  return result;
}

describe('scopes of a request', () => {
  it.each<[what: string, row: Row, reason: string]>([
    ['malformed', { scope: 'openid "' }, 'malformed_scope'],
    ['malformed, though nothing of it exists', { scope: 'x "' }, 'malformed_scope'],
    ['too many', { scope: names(101).join(' ') }, 'too_many_scopes'],
    ['none exists', { scope: 'x y' }, 'scope_not_available'],
    ['another case', { scope: 'OpenID' }, 'scope_not_available'],
    ['a name of the language', { scope: 'constructor __proto__' }, 'scope_not_available'],
    ['a part of a name', { scope: 'rea' }, 'scope_not_available'],
    ['none that the client may have', { scope: 'write', own: ['read'] }, 'scope_not_available'],
    ['a client without scopes', { scope: 'read', own: [] }, 'scope_not_available'],
    ['what the client may have is gone', { scope: 'x', own: ['x'] }, 'scope_not_available'],
    ['a default does not help', { scope: 'x', defaults: ['read'] }, 'scope_not_available'],
    ...ABOUT_USERS.map((scope): [string, Row, string] => [
      `${scope} without a user`,
      { scope, acting: 'for-client', own: [scope] },
      'scope_not_available',
    ]),
    [
      'all about users, without a user',
      { scope: ABOUT_USERS.join(' '), acting: 'for-client' },
      'scope_not_available',
    ],
  ])('[RFC6749 §3.3] refused: %s', async (_, row, reason) =>
    expect(await resolved(row)).toBe(reason),
  );

  it.each<[what: string, row: Row, expected: readonly string[]]>([
    ['one', { scope: 'read' }, ['read']],
    ['all, in the order asked', { scope: 'write openid read' }, ['write', 'openid', 'read']],
    ['once each', { scope: 'read openid read' }, ['read', 'openid']],
    ['unknown ones', { scope: 'x read y' }, ['read']],
    ['unknown ones of the client', { scope: 'x read', own: ['x', 'read'] }, ['read']],
    ['those of others', { scope: 'read write admin', own: ['admin', 'read'] }, ['read', 'admin']],
    ['openid for a client without it', { scope: 'openid read', own: ['read'] }, ['read']],
    ['all about users', { scope: ABOUT_USERS.join(' ') }, ABOUT_USERS],
    ['users, for a client', { scope: 'openid read email', acting: 'for-client' }, ['read']],
    [
      'every one for a client',
      { scope: KNOWN.join(' '), acting: 'for-client' },
      ['read', 'write', 'admin'],
    ],
  ])('[OIDC Core §3.1.2.1] left out, or kept: %s', async (_, row, expected) =>
    expect(await resolved(row)).toEqual(expected),
  );

  it.each<[what: string, row: Row, expected: readonly string[]]>([
    ['no default', {}, []],
    ['none for this client', { defaults: ['read'], own: ['write'] }, []],
    ['none without a user', { defaults: ['openid'], acting: 'for-client' }, []],
    ['one', { defaults: ['read'] }, ['read']],
    ['one, for a blank scope', { scope: ' ', defaults: ['read'] }, ['read']],
    ['several, in their order', { defaults: ['write', 'openid'] }, ['write', 'openid']],
    ['those of this client', { defaults: ['read', 'write'], own: ['write', 'admin'] }, ['write']],
    ['without users', { defaults: ['openid', 'read'], acting: 'for-client' }, ['read']],
    ['not beside what is asked', { scope: 'write', defaults: ['read'] }, ['write']],
  ])('[RFC6749 §3.3] the default scopes: %s', async (_, row, expected) =>
    expect(await resolved(row)).toEqual(expected),
  );
});

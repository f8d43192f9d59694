/** What routes ask of tokens: scopes, audiences, sign-ins (RFC 6750 §3.1, RFC 9470). */
import { ConfigError } from 'valetkey';
import { byMethod, type Rule, readWrite, scopeByMethod } from 'valetkey/resource';
import { describe, expect, it } from 'vitest';
import { quoted } from '../../src/resource/challenge.ts';
import { apiOf, DOCUMENT, refusedBy, request } from './apis.ts';
import { API, NOW } from './signed.ts';

const about = `resource_metadata="${DOCUMENT}"`;

/** What differs in the token, the rule, and the reason of the refusal; null: it passes. */
type Row = readonly [
  what: string,
  token: Readonly<Record<string, unknown>>,
  rule: Rule,
  reason: string | null,
  method?: string,
];

const RW = readWrite({ read: 'read', write: 'write' }, { scope: 'photos' });
const NAMED = scopeByMethod('photos');
const OAS = byMethod({ GET: [['a'], ['b', 'c']], POST: { scope: 'p' } });
const FRESH = { auth_time: NOW - 60, acr: 'gold' };

const ROWS: readonly Row[] = [
  ['a scope of two', { scope: 'a' }, { scope: 'a b' }, 'scope_missing'],
  ['a scope of two in a list', { scope: 'b' }, { scope: ['a', 'b'] }, 'scope_missing'],
  ['no scope at all', { scope: undefined }, { scope: 'a' }, 'scope_missing'],
  ['a scope in capitals', { scope: 'A' }, { scope: 'a' }, 'scope_missing'],
  ['a longer scope', { scope: 'ab' }, { scope: 'a' }, 'scope_missing'],
  ['half of an alternative', { scope: 'b' }, { anyScope: ['a', 'b c'] }, 'scope_missing'],
  ['an alternative alone', { scope: 'a' }, { scope: 'x', anyScope: ['a', 'b'] }, 'scope_missing'],
  ['no alternative', { scope: 'x' }, { scope: 'x', anyScope: ['a', 'b'] }, 'scope_missing'],
  ['writing with read', { scope: 'photos read' }, RW, 'scope_missing', 'POST'],
  ['deleting with read', { scope: 'photos read' }, RW, 'scope_missing', 'DELETE'],
  ['reading with write', { scope: 'photos write' }, RW, 'scope_missing', 'GET'],
  ['reading without the other scope', { scope: 'read' }, RW, 'scope_missing', 'GET'],
  ['writing with photos:read', { scope: 'photos:read' }, NAMED, 'scope_missing', 'PATCH'],
  ['half of an alternative by method', { scope: 'c' }, OAS, 'scope_missing', 'GET'],
  ['half of an alternative for HEAD', { scope: 'c' }, OAS, 'scope_missing', 'HEAD'],
  ['a method without a rule', { scope: 'a b c p' }, OAS, 'method_without_rule', 'DELETE'],
  ['a method of that name in objects', { scope: 'a' }, OAS, 'method_without_rule', 'CONSTRUCTOR'],
  ['another API', { aud: 'https://other.example' }, {}, 'token_audience'],
  ['no API', { aud: undefined }, {}, 'token_audience'],
  ['the API, on a route of another', {}, { audience: 'urn:x' }, 'token_audience'],
  ['no acr', {}, { acr: 'gold' }, 'acr_missing'],
  ['a lower acr', { acr: 'silver' }, { acr: ['gold', 'platinum'] }, 'acr_missing'],
  ['no auth_time', {}, { maxAge: 60 }, 'sign_in_too_old'],
  ['an old sign-in', { auth_time: NOW - 61 }, { maxAge: 60 }, 'sign_in_too_old'],
  ['a sign-in of before', { auth_time: NOW - 1 }, { maxAge: 0 }, 'sign_in_too_old'],
  [
    'a good sign-in, no scope',
    { ...FRESH, scope: 'x' },
    { scope: 'a', acr: 'gold' },
    'scope_missing',
  ],

  ['any good token', {}, {}, null],
  ['both scopes', { scope: 'c b a' }, { scope: 'a b' }, null],
  ['the first alternative', { scope: 'a' }, { anyScope: ['a', 'b c'] }, null],
  ['the second alternative', { scope: 'b c' }, { anyScope: ['a', 'b c'] }, null],
  ['a scope and an alternative', { scope: 'x b' }, { scope: 'x', anyScope: ['a', 'b'] }, null],
  ['reading with read', { scope: 'photos read' }, RW, null, 'HEAD'],
  ['writing with write', { scope: 'photos write' }, RW, null, 'PUT'],
  ['photos:write', { scope: 'photos:write' }, NAMED, null, 'POST'],
  ['an alternative by method', { scope: 'c b' }, OAS, null, 'GET'],
  ['HEAD as GET', { scope: 'a' }, OAS, null, 'HEAD'],
  ['one of its audiences', { aud: ['urn:x', API] }, {}, null],
  ['the audience of a route', { aud: 'urn:y' }, { audience: ['urn:x', 'urn:y'] }, null],
  ['one of two acr', { acr: 'platinum' }, { acr: ['gold', 'platinum'] }, null],
  ['a sign-in that is young enough', FRESH, { acr: 'gold', maxAge: 60 }, null],
];

const CASES = ROWS.map(([what, token, rule, reason, method = 'GET']) => ({
  ...{ what, token, rule },
  ...{ reason, method },
}));

describe('a token', () => {
  it.each(CASES)(
    '[RFC6750 §3.1] [RFC8707 §2] [RFC9110 §9.3.2] RS-03 is judged with $what',
    async (one) => {
      const { token, rule, reason, method } = one;
      const { api, refusals } = apiOf({ good: token });
      const checked = await api.check(request('Bearer good', { method }), rule);
      expect([refusals.at(-1)?.reason ?? null, checked.auth?.sub ?? null]).toEqual([
        reason,
        reason === null ? 'alice-sub' : null,
      ]);
    },
  );
  it('that names no API is accepted where that is allowed, but not on a route of another', async () => {
    const { api } = apiOf({ good: { aud: undefined } }, { allowMissingAudience: true });
    expect((await api.check(request('Bearer good'))).auth?.audience).toEqual([]);
    const { response } = await api.check(request('Bearer good'), { audience: 'urn:x' });
    expect((await refusedBy(response)).status).toBe(401);
    const other = apiOf({ good: { aud: 'urn:x' } }, { allowMissingAudience: true });
    expect((await other.api.check(request('Bearer good'))).response?.status).toBe(401);
  });
  it('may name another audience than the identifier', async () => {
    const { api } = apiOf({ good: { aud: 'urn:api' } }, { audience: ['urn:api', 'urn:old'] });
    expect((await api.check(request('Bearer good'))).auth?.sub).toBe('alice-sub');
  });
  it('of a client itself says so', async () => {
    const { api } = apiOf({ own: { sub: 'printer' }, none: { sub: undefined } });
    for (const token of ['own', 'none'])
      expect((await api.check(request(`Bearer ${token}`))).auth?.isClientOnly).toBe(true);
  });
  it('is told to the handler frozen, with everything in it', async () => {
    const claims = { act: { sub: 'x' }, authorization_details: [{ type: 'pay' }], amr: ['pwd'] };
    const { api } = apiOf({ good: claims });
    const { auth } = await api.check(request('Bearer good'));
    expect(auth).toMatchObject({
      act: { sub: 'x' },
      authorizationDetails: [{ type: 'pay' }],
      amr: ['pwd'],
      expiresAt: NOW + 300,
      claims: { jti: expect.any(String) },
    });
    const inside = [auth, auth?.scopes, auth?.claims, auth?.act, auth?.authorizationDetails[0]];
    expect(inside.every(Object.isFrozen)).toBe(true);
  });
});

describe('a refusal', () => {
  const scheme = 'DPoP algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519"';
  it.each<[string, Rule, number, string]>([
    [
      'scopes',
      { scope: 'a b' },
      403,
      'error="insufficient_scope", error_description="The access token lacks a scope.", scope="a b"',
    ],
    [
      'alternatives, of which it names the first',
      { scope: 'x', anyScope: ['a', 'b c'] },
      403,
      'error="insufficient_scope", error_description="The access token lacks a scope.", scope="x a"',
    ],
    [
      'an authentication context',
      { acr: ['gold', 'platinum'] },
      401,
      'error="insufficient_user_authentication", error_description="A different authentication level is required.", acr_values="gold platinum"',
    ],
    [
      'a recent sign-in',
      { maxAge: 60 },
      401,
      'error="insufficient_user_authentication", error_description="A more recent sign-in is required.", max_age="60"',
    ],
    [
      'both',
      { acr: 'gold', maxAge: 0 },
      401,
      'error="insufficient_user_authentication", error_description="A different authentication level is required.", acr_values="gold", max_age="0"',
    ],
  ])(
    '[RFC6750 §3.1] [RFC9470 §3] [RFC9728 §5.1] tells what is needed: %s',
    async (_what, rule, status, told) => {
      const { api } = apiOf({ good: {} });
      const refused = await refusedBy((await api.check(request('Bearer good'), rule)).response);
      expect(refused.status).toBe(status);
      expect(refused.challenge).toBe(`Bearer ${told}, ${about}, ${scheme}, ${about}`);
      expect(refused.challenge).toContain(`error="${String(refused.body['error'])}"`);
    },
  );
  it('[RFC9110 §5.6.4] RS-11 writes no quote, backslash or control character as it came', () => {
    expect(quoted('a"b\\c\r\nSet-Cookie: x=y é')).toBe('"a\\"b\\\\c??Set-Cookie: x=y ?"');
  });
});

describe('a wrong rule', () => {
  it.each<[string, unknown, string]>([
    ['an empty scope', { scope: '' }, 'rule.scope'],
    ['an empty list', { scope: [] }, 'rule.scope'],
    ['two spaces', { scope: 'a  b' }, 'rule.scope'],
    ['a quote', { scope: 'a"b' }, 'rule.scope'],
    ['a new line', { scope: 'a\nb' }, 'rule.scope'],
    ['a number', { scope: 7 }, 'rule.scope'],
    ['no alternative', { anyScope: [] }, 'rule.anyScope'],
    ['an empty alternative', { anyScope: ['a', ''] }, 'rule.anyScope[1]'],
    ['an empty audience', { audience: '' }, 'rule.audience'],
    ['no audience', { audience: [] }, 'rule.audience'],
    ['an acr with a space', { acr: 'a b' }, 'rule.acr'],
    ['an acr with a quote', { acr: ['gold', '"'] }, 'rule.acr'],
    ['a negative age', { maxAge: -1 }, 'rule.maxAge'],
    ['an age that is a text', { maxAge: '60' }, 'rule.maxAge'],
    ['a misspelt member', { scopes: 'a' }, 'rule.scopes'],
    ['a method in small letters', byMethod({ get: [['a']] }), 'rule.methods.get'],
    ['a method without alternatives', byMethod({ GET: [] }), 'rule.methods.GET.anyScope'],
    ['an empty alternative of a method', byMethod({ GET: [[]] }), 'rule.methods.GET.anyScope[0]'],
    ['no method', byMethod({}), 'rule.methods'],
    ['a misspelt member of a method', { methods: { GET: { scop: 'a' } } }, 'rule.methods.GET.scop'],
    ['another member beside methods', { ...byMethod({ GET: [['a']] }), scope: 'a' }, 'rule.scope'],
    ['an empty name', scopeByMethod('a b', { scope: '' }), 'rule.methods.GET.scope'],
    ['a text', 'photos.read', 'rule'],
    ['nothing', null, 'rule'],
  ])('RS-06 is refused at the start: %s', (_what, rule, option) => {
    const { api } = apiOf({});
    const make = (): unknown => api.protect(rule as Rule, () => new Response());
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(
      expect.objectContaining({ message: expect.stringContaining(`- ${option}:`) }),
    );
  });
});

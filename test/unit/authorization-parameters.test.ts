/**
 * The authorization parameters of the core, as tables: query → value, or code and reason of the
 * refusal; and what holds for any parameter. Hints are verified in test/spec.
 */
import type { Client } from 'valetkey';
import { sample } from 'valetkey/testing';
import { describe, expect, it } from 'vitest';
import {
  type AuthorizationParameter,
  authorizationParameter,
} from '../../src/engine/contracts/parameter.ts';
import {
  acrValues,
  CORE_PARAMETERS,
  hintedSub,
  LONGEST_STATE,
  loginHint,
  maxAge,
  nonce,
  prompts,
  uiLocales,
} from '../../src/engine/parameters.ts';
import { OAuthError } from '../../src/protocol/errors.ts';
import { PROMPTS } from '../../src/protocol/names.ts';
import { parseParams } from '../../src/protocol/params.ts';
import type { RequestContext } from '../../src/web/request.ts';

const LIMITS = { total: 100_000, count: 100, value: 50_000 };
/** None of these looks at its context. */
const CONTEXT = {} as RequestContext;

async function read<T>(
  parameter: AuthorizationParameter<T>,
  query: string,
  defaults: Partial<Client> = { defaultMaxAge: null, defaultAcrValues: [] },
): Promise<T> {
  return await parameter.definition.read(CONTEXT, {
    params: parseParams(query, LIMITS),
    source: 'front-channel',
    client: { ...sample.client('app'), ...defaults },
    destination: { redirectUri: 'https://rp.example/cb', responseMode: 'query', state: null },
    artifacts: ['code'],
    isSigned: false,
    promptValues: PROMPTS,
    request: {
      clientId: 'app',
      scopes: [],
      consentScopes: [],
      artifacts: ['code'],
      demands: [],
      values: {},
    },
  });
}

/** Code and reason; every refusal may go to the client. */
async function refusal(
  parameter: AuthorizationParameter<unknown>,
  query: string,
): Promise<readonly [code: string, reason: string] | null> {
  try {
    await read(parameter, query);
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    expect(error.redirectable).toBe(true);
    return [error.code, error.reason];
  }
  return null;
}

describe('prompt', () => {
  it.each([
    ['prompt', 'create'],
    ['prompt', 'Login'],
    ['prompt', 'NONE'],
    ['prompt', 'login,consent'],
    ['prompt', 'login%09consent'],
    ['prompt', 'login%0A'],
    ['prompt', 'login+x'],
    ['prompt', 'none+x'],
    ['prompt', 'loginx'],
    ['prompt', 'constructor'],
    ['prompt_none_combined', 'none+login'],
    ['prompt_none_combined', 'login+none'],
    ['prompt_none_combined', 'consent+none+select_account'],
    ['prompt_none_combined', 'none+none'],
    ['repeated_parameter', 'login&prompt=consent'],
    ['repeated_parameter', 'login&prompt=login'],
  ])('[OIDC Core §3.1.2.1] %s: prompt=%s', async (reason, query) => {
    expect(await refusal(prompts, `prompt=${query}`)).toEqual(['invalid_request', reason]);
  });

  it.each([
    ['', []],
    ['prompt', []],
    ['prompt=', []],
    ['prompt=+', []],
    ['Prompt=login', []],
    ['prompt=none', ['none']],
    ['prompt=+none++', ['none']],
    ['prompt=login', ['login']],
    ['prompt=consent', ['consent']],
    ['prompt=select_account', ['select_account']],
    ['prompt=select_account+login++consent', ['select_account', 'login', 'consent']],
    ['prompt=login%20consent', ['login', 'consent']],
    ['prompt=login+login', ['login', 'login']],
  ])('[OIDC Core §3.1.2.1] %s is read as %j', async (query, expected) => {
    expect(await read(prompts, query)).toEqual(expected);
  });
});

describe('nonce', () => {
  it.each([
    ['state_too_long', `nonce=${'n'.repeat(LONGEST_STATE + 1)}`],
    ['state_too_long', `nonce=${'%6E'.repeat(LONGEST_STATE + 1)}`],
    ['repeated_parameter', 'nonce=a&nonce=a'],
  ])('is refused: %s', async (reason, query) => {
    expect(await refusal(nonce, query)).toEqual(['invalid_request', reason]);
  });

  it.each<[query: string, expected: string | null]>([
    ['', null],
    ['nonce=', null],
    ['nonce=0', '0'],
    ['nonce=+a%0A', ' a\n'],
    ['nonce=%C3%A9', 'é'],
    [`nonce=${'n'.repeat(LONGEST_STATE)}`, 'n'.repeat(2048)],
  ])('[OIDC Core §3.1.2.1] is read unchanged: %j', async (query, expected) => {
    expect(await read(nonce, query)).toBe(expected);
  });
});

describe('max_age', () => {
  it.each([
    '-1',
    '-0',
    '%2B5',
    '+5',
    '5+',
    '5%0A',
    '1.5',
    '1.0',
    '1e3',
    '0x10',
    '1_000',
    '1,000',
    'NaN',
    'Infinity',
    'a',
    '%D9%A5',
    '10000000000',
    '00000000000',
    '9'.repeat(400),
  ])('[OIDC Core §3.1.2.1] is no number of seconds: %s', async (text) => {
    expect(await refusal(maxAge, `max_age=${text}`)).toEqual(['invalid_request', 'max_age']);
  });
  it('[RFC6749 §3.1] is refused when it is repeated', async () => {
    const expected = ['invalid_request', 'repeated_parameter'];
    expect(await refusal(maxAge, 'max_age=1&max_age=1')).toEqual(expected);
  });

  it.each<[query: string, expected: number | null]>([
    ['', null],
    ['max_age', null],
    ['max_age=', null],
    ['maxage=5', null],
    ['max_age=0', 0],
    ['max_age=00', 0],
    ['max_age=1', 1],
    ['max_age=010', 10],
    ['max_age=3600', 3600],
    ['max_age=9999999999', 9_999_999_999],
  ])('[OIDC Core §3.1.2.1] %s is read as %s', async (query, expected) => {
    expect(await read(maxAge, query)).toBe(expected);
  });
});

describe('what is a wish only', () => {
  it.each<[name: string, parameter: AuthorizationParameter<unknown>]>([
    ['login_hint', loginHint],
    ['ui_locales', uiLocales],
    ['acr_values', acrValues],
  ])('[RFC6749 §3.1] %s is refused when it is repeated', async (name, parameter) => {
    const expected = ['invalid_request', 'repeated_parameter'];
    expect(await refusal(parameter, `${name}=a&${name}=a`)).toEqual(expected);
  });

  it.each<[query: string, expected: string | null]>([
    ['', null],
    ['login_hint=', null],
    ['login_hint=ada%40x.example', 'ada@x.example'],
    ['login_hint=+Ada+', ' Ada '],
    ['login_hint=%3Cb%3E', '<b>'],
    [`login_hint=${'a'.repeat(255)}`, 'a'.repeat(255)],
    [`login_hint=${'a'.repeat(256)}`, 'a'.repeat(255)],
    [`login_hint=${'a'.repeat(5000)}`, 'a'.repeat(255)],
    [`login_hint=${'a'.repeat(254)}%F0%9F%94%91`, 'a'.repeat(254)],
  ])('[OIDC Core §3.1.2.1] login_hint is cut, never refused: %.40s', async (query, expected) => {
    expect(await read(loginHint, query)).toBe(expected);
  });

  it.each<[query: string, expected: readonly string[]]>([
    ['', []],
    ['ui_locales=', []],
    ['ui_locales=+', []],
    ['ui_locales=%3Cb%3E+de_AT+*+%C3%A9+../en', []],
    [`ui_locales=${'a'.repeat(36)}`, []],
    ['ui_locales=en%0A', []],
    ['ui_locales=de,en', []],
    ['ui_locales=de-AT+x/y++en', ['de-AT', 'en']],
    [`ui_locales=${'a'.repeat(35)}+nl`, ['a'.repeat(35), 'nl']],
    ['ui_locales=fr-CA+fr+en', ['fr-CA', 'fr', 'en']],
  ])('[OIDC Core §3.1.2.1] ui_locales keeps tags, in order: %s', async (query, expected) => {
    expect(await read(uiLocales, query)).toEqual(expected);
  });

  it.each<[query: string, expected: readonly string[]]>([
    ['', []],
    ['acr_values=', []],
    ['acr_values=+', []],
    ['acr_values=gold++silver+', ['gold', 'silver']],
    ['acr_values=silver+gold+silver', ['silver', 'gold', 'silver']],
    ['acr_values=urn%3Amace%3Aincommon%3Aiap%3Asilver', ['urn:mace:incommon:iap:silver']],
  ])('[OIDC Core §3.1.2.1] acr_values are kept in order: %s', async (query, expected) => {
    expect(await read(acrValues, query)).toEqual(expected);
  });
});

describe('the table', () => {
  it('is read in this order, by these names', () => {
    expect(CORE_PARAMETERS.map(({ definition }) => definition.names)).toEqual([
      ['prompt'],
      ['approval_prompt'],
      ['nonce'],
      ['max_age'],
      ['login_hint'],
      ['id_token_hint'],
      ['ui_locales'],
      ['acr_values'],
    ]);
  });

  it.each<[name: string, absent: unknown, parameter: AuthorizationParameter<unknown>]>([
    ['prompt', [], prompts],
    ['nonce', null, nonce],
    ['max_age', null, maxAge],
    ['login_hint', null, loginHint],
    ['id_token_hint', null, hintedSub],
    ['ui_locales', [], uiLocales],
    ['acr_values', [], acrValues],
  ])('%s is %j when it was not sent, and when it was not read', async (name, absent, parameter) => {
    expect(await read(parameter, '')).toEqual(absent);
    expect(parameter({ values: {} })).toEqual(absent);
    expect(await read(parameter, `${name}=`)).toEqual(absent);
    expect(parameter.definition.onlyIn).toBeUndefined();
  });
});

describe('any parameter', () => {
  const fruit = authorizationParameter<string | null | undefined>({
    names: ['fruit', 'fruit_colour'],
    absent: 'none',
    read: (_ctx, { params }) => params.get('fruit'),
  });
  const inherited = authorizationParameter({ names: ['toString'], absent: 5, read: () => 6 });
  const nameless = authorizationParameter({ names: [], absent: 5, read: () => 6 });

  it.each<[values: Record<string, unknown>, expected: unknown]>([
    [{}, 'none'],
    [{ fruit_colour: 'red' }, 'none'],
    [{ Fruit: 'pear' }, 'none'],
    [Object.create({ fruit: 'pear' }) as Record<string, unknown>, 'none'],
    [{ fruit: null }, null],
    [{ fruit: undefined }, undefined],
    [{ fruit: '' }, ''],
    [{ fruit: 'pear', fruit_colour: 'red' }, 'pear'],
  ])('has its value under its first name, and else what is absent: %o', (values, expected) => {
    expect(fruit({ values })).toBe(expected);
  });

  it('has no value of the language, and none without a name', () => {
    expect(inherited({ values: {} })).toBe(5);
    expect(inherited({ values: { toString: 7 } })).toBe(7);
    expect(nameless({ values: { x: 7 } })).toBe(5);
  });

  it('is read by its definition', async () => {
    expect(await read(fruit, 'fruit=pear')).toBe('pear');
    expect(await refusal(fruit, 'fruit=pear&fruit=pear')).toEqual([
      'invalid_request',
      'repeated_parameter',
    ]);
  });
});

describe('what a client registered, where its request says nothing', () => {
  it.each([
    ['', 60],
    ['max_age=5', 5],
    ['max_age=0', 0],
  ])('[OIDC Registration §2] default_max_age 60: %s is read as %s', async (query, value) => {
    expect(await read(maxAge, query, { defaultMaxAge: 60 })).toBe(value);
  });
  it.each([
    ['', ['urn:a', 'urn:b']],
    ['acr_values=', ['urn:a', 'urn:b']],
    ['acr_values=urn:c', ['urn:c']],
  ])('[OIDC Registration §2] default_acr_values: %s is read as %j', async (query, values) => {
    const registered = { defaultAcrValues: ['urn:a', 'urn:b'] };
    expect(await read(acrValues, query, registered)).toEqual(values);
  });
});

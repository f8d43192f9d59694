/** Request parameters, as tables: encoded text → values, or the reason why it is refused. */
import { describe, expect, it } from 'vitest';
import { OAuthError } from '../../src/protocol/errors.ts';
import { type ParamLimits, type Params, paramsOf, parseParams } from '../../src/protocol/params.ts';

const LIMITS: ParamLimits = { total: 64, count: 4, value: 8 };
const parse = (text: string, limits: Partial<ParamLimits> = {}): Params =>
  parseParams(text, { ...LIMITS, ...limits });

/** Code, reason and status of the refusal; null when there was none. */
function refusal(act: () => unknown): readonly [string, string, number] | null {
  try {
    act();
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return [error.code, error.reason, error.status];
  }
  return null;
}

describe('limits', () => {
  it.each<[reason: string, status: number, what: string, text: string]>([
    ['request_too_large', 413, 'one character too many', `a=${'&'.repeat(63)}`],
    ['request_too_large', 413, 'encoded, though short when decoded', `a=${'%61'.repeat(21)}`],
    ['request_too_large', 413, 'and malformed as well', '%'.repeat(65)],
    ['too_many_parameters', 400, 'one too many', 'a=1&b=2&c=3&d=4&e=5'],
    ['too_many_parameters', 400, 'of one name', 'a&a&a&a&a'],
    ['too_many_parameters', 400, 'without a name', '=&=&=&=&='],
    ['too_many_parameters', 400, 'the last one malformed', 'a&b&c&d&%'],
    ['parameter_too_long', 400, 'one character too many', 'a=123456789'],
    ['parameter_too_long', 400, 'encoded', 'a=12345678%39'],
    ['parameter_too_long', 400, 'the second value of a name', 'a=1&a=123456789'],
    ['parameter_too_long', 400, 'without a name', '=123456789'],
    ['parameter_too_long', 400, 'five characters of two units', `a=${'%F0%9F%94%91'.repeat(5)}`],
  ])('%s with status %i: %s', (reason, status, _, text) => {
    expect(refusal(() => parse(text))).toEqual(['invalid_request', reason, status]);
  });

  it.each<[what: string, text: string, limits: Partial<ParamLimits>]>([
    ['as long as may be', `a=${'&'.repeat(62)}`, {}],
    ['as many as may be', 'a=1&b=2&c=3&d=4', {}],
    ['empty pairs do not count', '&&a=1&&&b=2&&c=3&d=4&&', {}],
    ['a value as long as may be', 'a=12345678', {}],
    ['a value that is short when decoded', `a=${'%61'.repeat(8)}`, {}],
    ['four characters of two units', `a=${'%F0%9F%94%91'.repeat(4)}`, {}],
    ['a long name', `${'a'.repeat(60)}=1`, {}],
    ['nothing where nothing may be', '', { total: 0, count: 0, value: 0 }],
    ['empty values where no value may be', 'a=&b', { value: 0 }],
  ])('passes %s', (_, text, limits) => expect(refusal(() => parse(text, limits))).toBeNull());
});

describe('encoding', () => {
  it.each([
    ['an escape without digits', 'a=%'],
    ['an escape with one digit', 'a=%4'],
    ['an escape with a letter', 'a=%4g'],
    ['the escape of old browsers', 'a=%u0041'],
    ['in a name', '%zz=1'],
    ['in a name without a value', 'a=1&%'],
    ['a byte that begins nothing', 'a=%FF'],
    ['a byte that goes on from nothing', 'a=%80'],
    ['half a character', 'a=%C3'],
    ['half a character, then another', 'a=%C3a'],
    ['Latin 1', 'a=%E9'],
    ['an overlong slash', 'a=%C0%AF'],
    ['an overlong NUL', 'a=%C0%80'],
    ['an overlong slash of three bytes', 'a=%E0%80%AF'],
    ['a surrogate', 'a=%ED%A0%80'],
    ['a pair of surrogates', 'a=%ED%A0%BD%ED%B4%91'],
    ['beyond Unicode', 'a=%F4%90%80%80'],
    ['five bytes', 'a=%F8%88%80%80%80'],
  ])('[RFC6749 §3.1] refuses %s', (_, text) => {
    const expected = ['invalid_request', 'malformed_encoding', 400];
    expect(refusal(() => parse(text))).toEqual(expected);
    expect(refusal(() => parse(`b=1&${text}`))).toEqual(expected);
  });

  it.each([
    ['alone', 'a=%00'],
    ['in a value', 'a=x%00y'],
    ['in a name', 'a%00=1'],
    ['in a name alone', '%00'],
    ['as it is', 'a=\0'],
  ])('refuses a NUL %s', (_, text) => {
    expect(refusal(() => parse(text))).toEqual(['invalid_request', 'control_character', 400]);
  });

  it.each([
    ['a=b', 'b'],
    ['a=%62', 'b'],
    ['%61=b', 'b'],
    ['a=b=c', 'b=c'],
    ['a==', '='],
    ['a=b+c', 'b c'],
    ['a=+b+c+', ' b c '],
    ['a=+', ' '],
    ['a=b%2Bc', 'b+c'],
    ['a=b%2bc', 'b+c'],
    ['a=%2B+%2B', '+ +'],
    ['a=b%20c', 'b c'],
    ['a=b%26c%3Dd', 'b&c=d'],
    ['a=%2525', '%25'],
    ['a=b;c', 'b;c'],
    ['a=b?c#d', 'b?c#d'],
    ['?a=b', undefined],
    ['a=%0A%09', '\n\t'],
    ['a=%EF%BB%BFb', '\ufeffb'],
    ['a=%E2%82%AC', '€'],
    ['a=€', '€'],
    ['a=%F0%9F%94%91', '🔑'],
    ['a=%C3%A9', 'é'],
    ['A=b', undefined],
    ['+a=b', undefined],
    ['a[]=b', undefined],
    ['b=a', undefined],
  ])('[RFC6749 §3.1] reads %j as %j', (text, value) => expect(parse(text).get('a')).toBe(value));
});

describe('one parameter', () => {
  const REPEATED = ['invalid_request', 'repeated_parameter', 400];
  const MISSING = ['invalid_request', 'missing_parameter', 400];

  it.each(['a=1&a=2', 'a=1&a=1', 'a=1&b=3&a=2', 'a=1&a=', 'a=&a=2', 'a&a', 'a=1&%61=2'])(
    '[RFC6749 §3.1] refuses a repeated one where it is read: %s',
    (text) => {
      const params = parse(text);
      expect(refusal(() => params.get('a'))).toEqual(REPEATED);
      expect(refusal(() => params.need('a'))).toEqual(REPEATED);
      expect(refusal(() => params.refuseRepeated(['a']))).toEqual(REPEATED);
      expect(refusal(() => params.refuseRepeated(['b', 'c', 'a']))).toEqual(REPEATED);
      expect(refusal(() => params.refuseRepeated(['b', 'c']))).toBeNull();
      expect(params.only('a')).toBeNull();
      expect(params.has('a')).toBe(true);
      expect(refusal(() => params.get('b'))).toBeNull();
    },
  );

  it.each<[text: string, has: boolean]>([
    ['', false],
    ['&&', false],
    ['=a', false],
    ['b=a', false],
    ['A=1', false],
    ['aa=1', false],
    ['a', true],
    ['a=', true],
    ['b=1&a&c', true],
  ])('[RFC6749 §3.1] an empty one counts as absent, though it is there: %j', (text, has) => {
    const params = parse(text);
    expect(params.get('a')).toBeUndefined();
    expect(refusal(() => params.need('a'))).toEqual(MISSING);
    expect(params.only('a')).toBeNull();
    expect(params.has('a')).toBe(has);
    expect(refusal(() => params.refuseRepeated(['a']))).toBeNull();
  });

  it.each([
    ['a=1', '1'],
    ['b=2&a=1', '1'],
    ['a=0', '0'],
    ['a=false', 'false'],
    ['a=+', ' '],
    ['b=2&b=3&a=1', '1'],
  ])('is there: %j', (text, value) => {
    const params = parse(text);
    expect([params.get('a'), params.need('a'), params.only('a')]).toEqual([value, value, value]);
    expect(params.has('a')).toBe(true);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])(
    'has no name of the language: %j',
    (name) => {
      for (const params of [parse(''), paramsOf({})]) {
        expect([params.get(name), params.only(name), params.has(name)]).toEqual([
          undefined,
          null,
          false,
        ]);
      }
      const sent = parse(`${name}=1`);
      expect([sent.get(name), sent.only(name), sent.has(name)]).toEqual(['1', '1', true]);
    },
  );

  it('tells nothing of a name but its letters', () => {
    for (const act of [
      () => parse('').need('<a>\n"b_'),
      () => parse('%3Cab=1&%3Cab=2').get('<ab'),
    ]) {
      expect(act).toThrow(OAuthError);
      expect(act).not.toThrow(/[<>"\n]/);
    }
  });
});

describe('parameters that were checked before', () => {
  const sealed = paramsOf({
    a: '1',
    empty: '',
    odd: '%zz\0',
    long: 'x'.repeat(5000),
    ['__proto__']: 'p',
  });
  it.each<[name: string, value: string | undefined, has: boolean]>([
    ['b', undefined, false],
    ['constructor', undefined, false],
    ['empty', undefined, true],
    ['a', '1', true],
    ['odd', '%zz\0', true],
    ['long', 'x'.repeat(5000), true],
    ['__proto__', 'p', true],
  ])('are read as they are: %s', (name, value, has) => {
    expect([sealed.get(name), sealed.only(name), sealed.has(name)]).toEqual([
      value,
      value ?? null,
      has,
    ]);
    if (value === undefined)
      expect(refusal(() => sealed.need(name))?.[1]).toBe('missing_parameter');
    else expect(sealed.need(name)).toBe(value);
    expect(refusal(() => sealed.refuseRepeated([name]))).toBeNull();
  });
});

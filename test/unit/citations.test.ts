import { describe, expect, it } from 'vitest';
import { bySection, citationsIn, isCovered, sectionsIn, titlesIn } from '../../tools/citations.ts';

/** Written apart, so that the samples here are no titles themselves. */
const S = String.fromCharCode(0xa7);

describe('citations', () => {
  it('reads a line comment that begins with a section', () => {
    expect(
      citationsIn('a.ts', `  // RFC 6749 ${S}4.1.3: the code was issued to this client.`),
    ).toEqual([
      {
        spec: 'RFC 6749',
        number: '4.1.3',
        file: 'a.ts',
        kind: 'must',
        text: 'the code was issued to this client.',
      },
    ]);
  });

  it('reads several sections, and a comment after code', () => {
    const found = citationsIn(
      'a.ts',
      `x(); // OIDC Core ${S}3.1.2.1, RFC 9207 ${S}2 and RP-Initiated Logout ${S}2: so.`,
    );
    expect(found.map(({ spec, number }) => `${spec} ${number}`)).toEqual([
      'OIDC Core 3.1.2.1',
      'RFC 9207 2',
      'RP-Initiated Logout 2',
    ]);
  });

  it('tells our own decisions apart', () => {
    const source = `// CHOICE RFC 6749 ${S}5.2: one body.\n// DEVIATION ${S}3: later.`;
    expect(
      citationsIn('a.ts', source).map(({ kind, spec, number }) => [kind, spec, number]),
    ).toEqual([
      ['choice', 'RFC 6749', '5.2'],
      ['deviation', '', '3'],
    ]);
  });

  it('leaves prose alone', () => {
    expect(
      citationsIn(
        'a.ts',
        `/** As in RFC 6749 ${S}5.1. */\n// see RFC 6749 ${S}5.1: there\n// JSON (RFC 6749 ${S}5.1)`,
      ),
    ).toEqual([]);
  });
});

describe('titles', () => {
  it('reads brackets at the beginning of a string', () => {
    const source = `it('[RFC6749 ${S}4.1.3] once', () => {}); it("[RFC7636 ${S}4.6, ${S}4.1] [OIDC Core ${S}2] both", f)`;
    expect(
      titlesIn('a.test.ts', source).map(({ spec, number, title }) => [spec, number, title]),
    ).toEqual([
      ['RFC 6749', '4.1.3', 'once'],
      ['RFC 7636', '4.6', 'both'],
      ['RFC 7636', '4.1', 'both'],
      ['OIDC Core', '2', 'both'],
    ]);
  });

  it('covers a section by itself or by a part of it', () => {
    const [cited] = sectionsIn(`RFC 6749 ${S}4.1`);
    const covers = (title: string): boolean =>
      cited !== undefined && isCovered(cited, sectionsIn(title));
    expect(covers(`RFC6749 ${S}4.1`)).toBe(true);
    expect(covers(`RFC 6749 ${S}4.1.3`)).toBe(true);
    expect(covers(`RFC 6749 ${S}4.10`)).toBe(false);
    expect(covers(`RFC 6749 ${S}4`)).toBe(false);
    expect(covers(`RFC 7009 ${S}4.1`)).toBe(false);
  });

  it('sorts sections as people count', () => {
    const sorted = sectionsIn(`RFC 6749 ${S}4.10, ${S}4.2, OIDC Core ${S}3`).sort(bySection);
    expect(sorted.map(({ number }) => number)).toEqual(['3', '4.2', '4.10']);
  });
});

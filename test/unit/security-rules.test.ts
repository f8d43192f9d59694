import { describe, expect, it } from 'vitest';
import {
  type NamedRule,
  namesIn,
  problemsOf,
  rulesIn,
  withTests,
} from '../../tools/security-rules.ts';

/** Made here, so that the samples are no titles themselves. */
const SECTION = `[RFC1 ${String.fromCharCode(0xa7)}2]`;
const id = (number: number, letters = 'QQ'): string =>
  `${letters}-${String(number).padStart(2, '0')}`;
const row = (rule: string, tests = '', place = '`src/a.ts`'): string =>
  `| ${rule} | The server does it, because. | RFC 1 §2 | ${place} | ${tests} |`;
const pageOf = (...rows: string[]): string =>
  ['## Things (QQ)', '', '| id | rule | source | enforced in | tests |', ...rows, ''].join('\n');
const named = (rule: string, file = 'test/a.test.ts'): NamedRule => ({ id: rule, file });
const problems = (page: string, ...names: NamedRule[]): string[] =>
  problemsOf(page, names, (path) => path === 'src/a.ts');

describe('titles', () => {
  it('name rules at their beginning, beside sections and one another', () => {
    const source = [
      `it('${SECTION} ${SECTION} ${id(1)} ${id(2)} does', f);`,
      `it("${id(3)} ${SECTION} does", f); describe.each(X)(\`${id(4)} at %s\`, f);`,
      `['${id(5)}', 'x'], ['${id(1)} once more'],`,
      `[\n  '${id(1, 'Q')} of one letter'`,
    ].join('\n');
    const ids = namesIn('test/a.test.ts', source).map((name) => name.id);
    expect(ids).toEqual([id(1), id(2), id(3), id(4), id(5), id(1, 'Q')]);
  });

  it.each([
    ['in their middle', `it('does ${id(1)}', f)`],
    ['in a comment', `// ${id(1)}: so`],
    ['in brackets', `it('[${id(1)}] does', f)`],
    ['in a longer word', `it('${id(1)}-x does', f); it('${id(1)}7 does', f)`],
  ])('name no rule %s', (_where, source) => {
    expect(namesIn('test/a.test.ts', source)).toEqual([]);
  });
});

describe('the page', () => {
  it('is read row by row', () => {
    const page = pageOf(row(id(1), '', '`src/a.ts`, `src/b.ts`'), '| no | rule |');
    expect(rulesIn(page)).toEqual([
      {
        id: id(1),
        text: 'The server does it, because.',
        source: 'RFC 1 §2',
        places: ['src/a.ts', 'src/b.ts'],
      },
    ]);
  });

  it('gets the files of its tests, in order and once each, and keeps all else', () => {
    const page = pageOf(row(id(1), 'old'), row(id(2)));
    const names = [named(id(1), 'test/b.test.ts'), named(id(1)), named(id(2))];
    expect(withTests(page, names)).toBe(
      pageOf(row(id(1), '`test/a.test.ts`, `test/b.test.ts`'), row(id(2), '`test/a.test.ts`')),
    );
  });

  it('is right as the tool wrote it', () => {
    const names = [named(id(1)), named(id(2))];
    const page = withTests(pageOf(row(id(1)), row(id(2))), names);
    expect(problems(page, ...names)).toEqual([]);
    expect(withTests(page, names)).toBe(page);
  });

  const tested = (rule: string, place?: string): string => row(rule, '`test/a.test.ts`', place);
  it.each<[what: string, page: string, names: NamedRule[], told: RegExp]>([
    ['a missing rule', pageOf(tested(id(1))), [named(id(1)), named(id(2))], /names QQ-02/],
    ['a row without a test', pageOf(row(id(1))), [], /no test title names QQ-01/],
    ['a file that is gone', pageOf(tested(id(1), '`src/b.ts`')), [named(id(1))], /src\/b\.ts/],
    ['a row without a file', pageOf(tested(id(1), '')), [named(id(1))], /names no file/],
    [
      'numbers out of order',
      pageOf(tested(id(2)), tested(id(1))),
      [named(id(1)), named(id(2))],
      /QQ-01 is out of order/,
    ],
    [
      'a rule that is explained twice',
      pageOf(tested(id(1)), tested(id(1))),
      [named(id(1))],
      /QQ-01 is out of order/,
    ],
    [
      'letters that stand in two places',
      pageOf(tested(id(1)), tested(id(1, 'A')), tested(id(2))),
      [named(id(1)), named(id(1, 'A')), named(id(2))],
      /QQ-02 is out of order/,
    ],
    ['a page without rules', '', [], /has no rules/],
  ])('tells %s', (_what, page, names, told) => {
    expect(problems(page, ...names)).toEqual([expect.stringMatching(told)]);
  });
});

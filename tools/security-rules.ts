/**
 * docs/security-rules.md. People write the rows of the page; this tool fills in the last column,
 * the tests whose titles name the rule. It is a problem when a title names a rule that the page
 * does not explain, when no title names a rule, and when a row names a file that does not exist.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { GeneratedPage } from './generated-page.ts';
import { filesUnder } from './tree.ts';

const PAGE = 'docs/security-rules.md';

/** One row of the page: `| id | rule | source | enforced in | tests |`. */
export interface Rule {
  readonly id: string;
  readonly text: string;
  readonly source: string;
  /** Files of src/ that enforce it. */
  readonly places: readonly string[];
}

/** A rule that the title of a test names. */
export interface NamedRule {
  readonly id: string;
  readonly file: string;
}

const ID = '[A-Z]{1,2}-\\d{1,2}';
const ROW = new RegExp(`^\\| (${ID}) \\|`);
/**
 * The beginning of a title: `it('[RFC7636 §4.6] PK-04 PK-06 …')`. Sections in brackets and rules
 * can be in any order.
 */
const TITLE = new RegExp(`['"\`]((?:(?:\\[[^\\]\\n]*\\]|${ID}(?![\\w-])) *)+)`, 'g');

/** The rules that the titles of this test file name, each once. */
export function namesIn(file: string, source: string): NamedRule[] {
  const ids = [...source.matchAll(TITLE)].flatMap(([, beginning = '']) =>
    [...beginning.replace(/\[[^\]]*\]/g, ' ').matchAll(new RegExp(ID, 'g'))].map(([id]) => id),
  );
  return [...new Set(ids)].map((id) => ({ id, file }));
}

export function rulesIn(page: string): Rule[] {
  return page.split('\n').flatMap((line) => {
    if (!ROW.test(line)) return [];
    const [id = '', text = '', source = '', places = ''] = cellsOf(line);
    return [{ id, text, source, places: [...places.matchAll(/`([^`]+)`/g)].map(pathIn) }];
  });
}

function cellsOf(line: string): string[] {
  const cells = line.split(/(?<!\\)\|/).slice(1, -1);
  return cells.map((cell) => cell.trim());
}

function pathIn([, path = '']: RegExpMatchArray): string {
  return path;
}

/** The page with the last column filled in. Everything else stays unchanged. */
export function withTests(page: string, names: readonly NamedRule[]): string {
  return page
    .split('\n')
    .map((line) => {
      const id = ROW.exec(line)?.[1];
      if (id === undefined) return line;
      return `| ${[...cellsOf(line).slice(0, 4), testsOf(id, names)].join(' | ')} |`;
    })
    .join('\n');
}

function testsOf(id: string, names: readonly NamedRule[]): string {
  const files = names.filter((named) => named.id === id).map(({ file }) => `\`${file}\``);
  return [...new Set(files)].sort().join(', ');
}

/**
 * Every problem, as one sentence each.
 * @param exists whether a path names a file
 */
export function problemsOf(
  page: string,
  names: readonly NamedRule[],
  exists: (path: string) => boolean,
): string[] {
  const rules = rulesIn(page);
  const explained = new Set(rules.map(({ id }) => id));
  const named = new Set(names.map(({ id }) => id));
  return [
    ...(rules.length === 0 ? [`${PAGE} has no rules: nothing was checked`] : []),
    ...names
      .filter(({ id }) => !explained.has(id))
      .map(({ id, file }) => `${file} names ${id}, which ${PAGE} does not explain`),
    ...rules.filter(({ id }) => !named.has(id)).map(({ id }) => `no test title names ${id}`),
    ...rules.flatMap((rule) => rowProblems(rule, exists)),
    ...orderProblems(rules),
  ];
}

function rowProblems(
  { id, text, source, places }: Rule,
  exists: (path: string) => boolean,
): string[] {
  return [
    ...(text === '' || source === '' ? [`${id} has no text or no source`] : []),
    ...(places.length === 0 ? [`${id} names no file that enforces it`] : []),
    ...places
      .filter((path) => !exists(path))
      .map((path) => `${id} is enforced in ${path}, which does not exist`),
  ];
}

/** Numbers must increase, and rules with the same letters must follow each other. */
function orderProblems(rules: readonly Rule[]): string[] {
  const ended = new Set<string>();
  let [lastLetters, lastNumber] = ['', 0];
  return rules.flatMap(({ id }) => {
    const [letters = '', digits] = id.split('-');
    const number = Number(digits);
    const inOrder = letters === lastLetters ? number > lastNumber : !ended.has(letters);
    if (letters !== lastLetters) ended.add(lastLetters);
    [lastLetters, lastNumber] = [letters, number];
    return inOrder ? [] : [`${id} is out of order`];
  });
}

/** The page as it should be. People write the rows, so the page must exist. */
export function securityRulesPage(): GeneratedPage {
  const names = filesUnder('test', '.ts').flatMap((file) =>
    namesIn(file, readFileSync(file, 'utf8')),
  );
  const page = readFileSync(PAGE, 'utf8');
  return {
    path: PAGE,
    text: withTests(page, names),
    problems: problemsOf(page, names, existsSync),
    summary: `${rulesIn(page).length} rules`,
  };
}

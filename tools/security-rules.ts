/**
 * Keeps docs/security-rules.md complete. People write the rows of the page; this tool fills in the
 * last column, the tests whose titles name the rule. With `--check` it writes nothing, and fails
 * when a title names a rule that the page does not explain, when no title names a rule, when a row
 * names a file that is not there, and when the last column is out of date.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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
 * may come in any order.
 */
const TITLE = new RegExp(`['"\`]((?:(?:\\[[^\\]\\n]*\\]|${ID}(?![\\w-])) *)+)`, 'g');

/** Rules that titles of this test file name, each once. */
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

/** The page with the last column as it should be. All else stays as it is. */
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

/** Everything that is wrong, one sentence each. @param exists whether there is a file at a path */
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
    ...(withTests(page, names) === page ? [] : [`${PAGE} is not up to date: npm run docs`]),
  ];
}

function rowProblems(
  { id, text, source, places }: Rule,
  exists: (path: string) => boolean,
): string[] {
  return [
    ...(text === '' || source === '' ? [`${id} has no words or no source`] : []),
    ...(places.length === 0 ? [`${id} names no file that enforces it`] : []),
    ...places
      .filter((path) => !exists(path))
      .map((path) => `${id} is enforced in ${path}, which is not there`),
  ];
}

/** Numbers go up, and rules with the same letters stand together. */
function orderProblems(rules: readonly Rule[]): string[] {
  const ended = new Set<string>();
  let [lastLetters, lastNumber] = ['', 0];
  return rules.flatMap(({ id }) => {
    const [letters = '', digits] = id.split('-');
    const number = Number(digits);
    const inOrder = letters === lastLetters ? number > lastNumber : !ended.has(letters);
    if (letters !== lastLetters) ended.add(lastLetters);
    [lastLetters, lastNumber] = [letters, number];
    return inOrder ? [] : [`${id} stands out of order`];
  });
}

function main(check: boolean): void {
  const names = filesUnder('test', '.test.ts').flatMap((file) =>
    namesIn(file, readFileSync(file, 'utf8')),
  );
  const before = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
  const page = check ? before : withTests(before, names);
  if (page !== before) writeFileSync(PAGE, page);
  const problems = problemsOf(page, names, existsSync);
  for (const problem of problems) console.error(`✗ ${problem}`);
  console.log(`${rulesIn(page).length} security rules, ${problems.length} problems`);
  if (check && problems.length > 0) process.exitCode = 1;
}

// The unit test imports this file; only a call of the tool itself runs it.
if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.includes('--check'));

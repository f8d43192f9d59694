/**
 * `npm run floors`: reads src/, prints floors and features, and fails when a module breaks a rule
 * of `floor-rules.ts`, or when a test, tool or example is too long.
 */
import { existsSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import {
  FLOORS,
  featuresOf,
  folderOf,
  LONGEST_COMMENT,
  type Module,
  problemsOf,
  RING,
  sizeProblems,
  WATCHED,
} from './floor-rules.ts';
import { filesUnder } from './tree.ts';

const ARCHITECTURE = 'docs/ARCHITECTURE.md';

function readModule(path: string): Module {
  const text = readFileSync(`src/${path}`, 'utf8');
  const code = withoutComments(text);
  return {
    path,
    ...sizesOf(text),
    imports: ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName),
    uses: Object.entries(WATCHED).flatMap(([word, pattern]) => (pattern.test(code) ? [word] : [])),
  };
}

function sizesOf(text: string): Pick<Module, 'lines' | 'longComments'> {
  return { lines: text.trimEnd().split('\n').length, longComments: longComments(text) };
}

/** Numbers of the lines whose comments are too long. */
function longComments(text: string): number[] {
  const isLong = (line: string): boolean =>
    line.length > LONGEST_COMMENT && /^\s*(\/\*\*|\*|\/\/) /.test(line);
  return text.split('\n').flatMap((line, index) => (isLong(line) ? [index + 1] : []));
}

/**
 * Removes comments, because they may mention what code must not use. A comment sign inside a string
 * also removes the rest of that line, which is acceptable for this check.
 */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}

function printTable(modules: readonly Module[]): void {
  const folders = [...Object.keys(FLOORS), ...RING];
  for (const folder of folders) {
    const here = modules.filter((module) => folderOf(module.path) === folder);
    if (here.length === 0) continue;
    const level = String(FLOORS[folder]?.level ?? 'ring').padStart(5);
    const name = (folder === '' ? '(root)' : `${folder}/`).padEnd(14);
    const sizes = here.map((module) => module.lines).sort((a, b) => a - b);
    const total = sizes.reduce((sum, lines) => sum + lines, 0);
    console.log(
      `${level}  ${name} ${count(here.length)} files ${count(total)} lines   median ${sizes[sizes.length >> 1]}, most ${sizes.at(-1)}`,
    );
  }
}

function printFeatures(modules: readonly Module[]): void {
  for (const [feature, files] of featuresOf(modules))
    console.log(`       ${feature.padEnd(32)} ${files.join(' ')}`);
}

function count(value: number): string {
  return String(value).padStart(6);
}

const modules = filesUnder('src', '.ts').map((path) => readModule(path.slice('src/'.length)));
const architecture = existsSync(ARCHITECTURE) ? readFileSync(ARCHITECTURE, 'utf8') : '';
const others = ['test', 'tools', 'examples'].flatMap((folder) => filesUnder(folder, '.ts'));
const problems = [
  ...problemsOf(modules, architecture),
  ...others.flatMap((path) => sizeProblems({ path, ...sizesOf(readFileSync(path, 'utf8')) })),
];

printTable(modules);
printFeatures(modules);
for (const problem of problems) console.error(`✗ ${problem}`);
console.log(`${modules.length} modules, ${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;

/**
 * Writes the generated pages of docs/. With `--check` it writes nothing, and fails when a page is
 * not up to date or its facts have a problem: a cited section without a test, or a reason, an event
 * or a rule that no test names.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { apiPage } from './api-page.ts';
import { coveragePages } from './coverage-pages.ts';
import { eventsPage } from './events-page.ts';
import type { GeneratedPage } from './generated-page.ts';
import { securityRulesPage } from './security-rules.ts';
import { settingsPage } from './settings-page.ts';
import { sourceProgram } from './source-program.ts';

const check = process.argv.includes('--check');
const program = sourceProgram();
const pages: readonly GeneratedPage[] = [
  ...coveragePages(program),
  eventsPage(program),
  settingsPage(),
  securityRulesPage(),
  apiPage(program),
];

const problems = pages.flatMap((page) => page.problems);
for (const { path, text } of pages) {
  const isCurrent = existsSync(path) && readFileSync(path, 'utf8') === text;
  if (isCurrent) continue;
  if (check) problems.push(`${path} is not up to date: npm run docs`);
  else writeFileSync(path, text);
}
for (const problem of problems) console.error(`✗ ${problem}`);
console.log(
  `${pages.map(({ path, summary }) => `${path}: ${summary}`).join('\n')}\n${problems.length} problems`,
);
if (check && problems.length > 0) process.exitCode = 1;

/**
 * docs/spec-coverage.md: the sections that the source cites, and the titles of tests that name
 * them. docs/reasons.md: the reasons for refusals. Every cited section and every reason needs a
 * test.
 */
import { readFileSync } from 'node:fs';
import type ts from 'typescript';
import {
  bySection,
  type Citation,
  citationsIn,
  isCovered,
  sameSpec,
  type TitledTest,
  titlesIn,
} from './citations.ts';
import { GENERATED, type GeneratedPage } from './generated-page.ts';
import { type Reason, reasonsIn } from './reasons.ts';
import { filesUnder } from './tree.ts';

/** Both pages. */
export function coveragePages(program: ts.Program): readonly GeneratedPage[] {
  const sources = filesUnder('src', '.ts');
  const testTexts = filesUnder('test', '.ts').map((file) => ({
    file,
    text: readFileSync(file, 'utf8'),
  }));
  const citations = sources
    .flatMap((file) => citationsIn(file, readFileSync(file, 'utf8')))
    .sort(bySection);
  const tests = testTexts.flatMap(({ file, text }) => titlesIn(file, text));
  const found = reasonsIn(program, sources);
  const reasons = [...found.reasons].sort((a, b) =>
    a.slug < b.slug ? -1 : a.slug > b.slug ? 1 : a.file < b.file ? -1 : 1,
  );
  return [
    {
      path: 'docs/spec-coverage.md',
      text: coverageText(citations, tests),
      problems: [...untestedSections(citations, tests), ...strayTitles(citations, tests)],
      summary: `${citations.length} citations, ${tests.length} titles`,
    },
    {
      path: 'docs/reasons.md',
      text: reasonsText(reasons),
      problems: [
        ...found.problems,
        ...untestedReasons(
          reasons,
          testTexts.map(({ text }) => text),
        ),
      ],
      summary: `${reasons.length} reasons`,
    },
  ];
}

function coverageText(citations: readonly Citation[], tests: readonly TitledTest[]): string {
  const musts = citations.filter((citation) => citation.kind === 'must');
  const rows = unique(musts.map(sectionKey)).map((key) => {
    const cited = musts.filter((citation) => sectionKey(citation) === key);
    const [first] = cited;
    const proofs = first === undefined ? [] : tests.filter((test) => isCovered(first, [test]));
    return `| ${key} | ${list(cited.map((c) => c.file))} | ${list(proofs.map((t) => t.file)) || '**none**'} |`;
  });
  return [
    `# Specification coverage\n\n${GENERATED}The sections that the source enforces, and the tests that cover them.\n`,
    `| section | enforced in | tested in |\n| --- | --- | --- |\n${rows.join('\n')}\n`,
    decisions('Choices', 'choice', citations),
    decisions('Deviations', 'deviation', citations),
  ].join('\n');
}

function decisions(title: string, kind: Citation['kind'], citations: readonly Citation[]): string {
  const ours = citations.filter((citation) => citation.kind === kind);
  if (ours.length === 0) return '';
  return `## ${title}\n\n${ours.map((c) => `- ${sectionKey(c)} (\`${c.file}\`): ${c.text}`).join('\n')}\n`;
}

function reasonsText(reasons: readonly Reason[]): string {
  const rows = reasons.map(
    ({ slug, code, file, description }) =>
      `| \`${slug}\` | ${code} | \`${file}\` | ${description.replaceAll('|', '\\|')} |`,
  );
  const intro =
    'Every refusal has a stable reason. Audit events and logs contain the reason; the client sees the code and the description.\n';
  const table = `| reason | code | refused in | description |\n| --- | --- | --- | --- |\n${unique(rows).join('\n')}\n`;
  return `# Reasons\n\n${GENERATED}${intro}\n${table}`;
}

function sectionKey({ spec, number }: Citation): string {
  return `${spec} §${number}`.trim();
}

function list(files: readonly string[]): string {
  return unique(files)
    .sort()
    .map((file) => `\`${file}\``)
    .join(', ');
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

function untestedSections(citations: readonly Citation[], tests: readonly TitledTest[]): string[] {
  // A choice or deviation that cites no specification is listed, but a test has no section to name
  // for it.
  const open = citations.filter((citation) => citation.spec !== '' && !isCovered(citation, tests));
  return unique(
    open.map((c) => `no test title names [${sectionKey(c)}], cited in ${c.file}: ${c.text}`),
  );
}

function untestedReasons(reasons: readonly Reason[], testTexts: readonly string[]): string[] {
  const named = (slug: string): boolean =>
    testTexts.some((text) => new RegExp(`(['"\`])${slug}\\1`).test(text));
  return unique(
    reasons
      .filter(({ slug }) => !named(slug))
      .map(({ slug, file }) => `no test names the reason '${slug}' of ${file}`),
  );
}

/** Titles that name a specification which src/ never cites. Most of them are misspelt. */
function strayTitles(citations: readonly Citation[], tests: readonly TitledTest[]): string[] {
  const stray = tests.filter((test) => !citations.some((citation) => sameSpec(citation, test)));
  return unique(
    stray.map(
      ({ spec, file }) => `${file} names ${spec || 'no specification'}, which src/ never cites`,
    ),
  );
}

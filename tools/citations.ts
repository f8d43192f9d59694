/**
 * Pure functions that read the two sides of the specification coverage: the citations in comments
 * of the source, and the sections in titles of tests. A citation is a line comment that begins with
 * sections and a colon, `// RFC 6749 §4.1.3: …`. A section elsewhere in a comment is prose and
 * needs no test. `coverage-pages.ts` compares the two sides.
 */

export interface Section {
  /** 'RFC 6749', 'OIDC Core'. Empty for a decision of this project that cites no specification. */
  readonly spec: string;
  /** '4.1.3', 'A.2'. */
  readonly number: string;
}

export interface Citation extends Section {
  readonly file: string;
  readonly kind: 'must' | 'choice' | 'deviation';
  readonly text: string;
}

export interface TitledTest extends Section {
  readonly file: string;
  readonly title: string;
}

const NUMBER = /§\s?([A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*)/;
const LINE_COMMENT = /(?:^|\s)\/\/ (.*)$/;
/** One or more sections before a colon: `RFC 6749 §4.1, §5.2`. */
const CITED =
  /^(?:(CHOICE|DEVIATION)\b:?\s*)?((?:[A-Z][\w .-]*?\s)?§\s?[\w.]+(?:(?:,| and|;)\s(?:[A-Z][\w .-]*?\s)?§\s?[\w.]+)*)\s*:\s*(.*)$/;
/** A test title that begins with sections: `[RFC6749 §4.1.3] …`. Brackets can contain several. */
const TITLE = /(['"`])((?:\[[^\]\n]*§[^\]\n]*\]\s*)+)((?:\\.|(?!\1).)*)\1/g;

/** The citations in the line comments of a source file. */
export function citationsIn(file: string, source: string): Citation[] {
  return source.split('\n').flatMap((line) => {
    const comment = LINE_COMMENT.exec(line)?.[1] ?? '';
    const cited = CITED.exec(comment);
    if (cited === null) return [];
    const kind = cited[1] === 'CHOICE' ? 'choice' : cited[1] === 'DEVIATION' ? 'deviation' : 'must';
    return sectionsIn(cited[2] ?? '').map((section) => ({
      ...section,
      file,
      kind,
      text: cited[3] ?? '',
    }));
  });
}

/** The test titles of a file, once for each section that they name. */
export function titlesIn(file: string, source: string): TitledTest[] {
  return [...source.matchAll(TITLE)].flatMap(([, , brackets = '', rest = '']) =>
    [...brackets.matchAll(/\[([^\]]*)\]/g)]
      .flatMap(([, inside = '']) => sectionsIn(inside))
      .map((section) => ({ ...section, file, title: rest.trim() })),
  );
}

/**
 * `RFC 6749 §4.1.2, §5.2; OIDC Core §3` → three sections. A section without a specification belongs
 * to the specification of the section before it.
 */
export function sectionsIn(text: string): Section[] {
  let spec = '';
  return text.split(/,\s|;\s| and /).flatMap((part) => {
    const number = NUMBER.exec(part);
    if (number === null) return [];
    spec = specName(part.slice(0, number.index)) || spec;
    return [{ spec, number: (number[1] ?? '').replace(/\.$/, '') }];
  });
}

/** One spelling for `RFC6749` and `RFC 6749`. */
function specName(text: string): string {
  return text
    .trim()
    .replace(/^RFC\s*(\d+)$/i, 'RFC $1')
    .replace(/\s+/g, ' ');
}

/** True when a test names the cited section, or a part of it. */
export function isCovered(cited: Section, tests: readonly Section[]): boolean {
  return tests.some(
    (test) =>
      sameSpec(test, cited) &&
      (test.number === cited.number || test.number.startsWith(`${cited.number}.`)),
  );
}

export function sameSpec(a: Section, b: Section): boolean {
  const plain = (spec: string): string => spec.replace(/\s/g, '').toLowerCase();
  return plain(a.spec) === plain(b.spec);
}

/** Sorts by specification, then by section number: §4.2 before §4.10. */
export function bySection(a: Section, b: Section): number {
  const order = new Intl.Collator('en', { numeric: true });
  return order.compare(a.spec, b.spec) || order.compare(a.number, b.number);
}

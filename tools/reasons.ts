/**
 * Finds every reason we refuse for: the second argument of `new OAuthError('code', 'reason', 'description')`. A reason that is computed is
 * read from its type, which therefore has to be a union of literals.
 */
import ts from 'typescript';

export interface Reason {
  readonly slug: string;
  readonly code: string;
  readonly file: string;
  readonly description: string;
}

export interface FoundReasons {
  readonly reasons: readonly Reason[];
  /** Refusals whose reasons nobody can list, as sentences. */
  readonly problems: readonly string[];
}

const SLUG = /^[a-z][a-z0-9_]*$/;

export function reasonsIn(files: readonly string[]): FoundReasons {
  const program = ts.createProgram([...files], compilerOptions());
  const checker = program.getTypeChecker();
  const reasons: Reason[] = [];
  const problems: string[] = [];
  for (const file of files) {
    const source = program.getSourceFile(file);
    if (source === undefined) continue;
    for (const refusal of refusalsIn(source)) {
      const [code, reason, description] = refusal.arguments ?? [];
      const slugs = reason === undefined ? null : literalsOf(checker, reason);
      if (slugs === null || slugs.some((slug) => !SLUG.test(slug))) {
        const { line } = source.getLineAndCharacterOfPosition(refusal.getStart(source));
        problems.push(`${file}:${line + 1}: the type of this reason is no union of literal slugs`);
        continue;
      }
      const codes = code === undefined ? null : literalsOf(checker, code);
      for (const slug of slugs) {
        reasons.push({
          slug,
          code: codes?.join(', ') ?? '(computed)',
          file,
          description: textOf(description),
        });
      }
    }
  }
  return { reasons, problems };
}

function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile) as { config: unknown };
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, '.');
  return parsed.options;
}

function refusalsIn(source: ts.SourceFile): ts.NewExpression[] {
  const found: ts.NewExpression[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isNewExpression(node) && node.expression.getText(source) === 'OAuthError')
      found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The strings this expression can be, or null when it can be any. */
function literalsOf(checker: ts.TypeChecker, expression: ts.Expression): string[] | null {
  const type = checker.getTypeAtLocation(expression);
  const members = type.isUnion() ? type.types : [type];
  if (members.length === 0 || !members.every((member) => member.isStringLiteral())) return null;
  return members.map((member) => member.value);
}

/** The description as written; what is filled in at run time becomes an ellipsis. */
function textOf(expression: ts.Expression | undefined): string {
  if (expression === undefined) return '';
  if (ts.isStringLiteralLike(expression)) return expression.text;
  if (ts.isTemplateExpression(expression)) {
    return (
      expression.head.text +
      expression.templateSpans.map((span) => `…${span.literal.text}`).join('')
    );
  }
  if (ts.isConditionalExpression(expression))
    return `${textOf(expression.whenTrue)} / ${textOf(expression.whenFalse)}`;
  return '(computed)';
}

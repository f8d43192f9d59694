/**
 * Finds every reason for a refusal: the second argument of `new OAuthError('code', 'reason',
 * 'description')`. A computed reason is read from its type, which must be a union of string
 * literals. A reason that is a parameter of a function is read from every call of that function.
 * `coverage-pages.ts` checks that a test names each reason.
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
  /** Refusals whose reasons cannot be listed, as one sentence each. */
  readonly problems: readonly string[];
}

const SLUG = /^[a-z][a-z0-9_]*$/;

/** Every reason in these files of the program. */
export function reasonsIn(program: ts.Program, files: readonly string[]): FoundReasons {
  const checker = program.getTypeChecker();
  const sources = files.flatMap((file) => program.getSourceFile(file) ?? []);
  const calls = callsByFunction(sources, checker);
  const reasons: Reason[] = [];
  const problems: string[] = [];
  for (const source of sources) {
    // The class itself only copies the reason of another error.
    if (source.fileName.endsWith('protocol/errors.ts')) continue;
    for (const refusal of refusalsIn(source)) {
      for (const [code, reason, description, at] of argumentsOf(refusal, checker, calls)) {
        const file = relative(at.getSourceFile(), files);
        const slugs = reason === undefined ? null : literalsOf(checker, reason);
        if (slugs === null || slugs.some((slug) => !SLUG.test(slug))) {
          const { line } = ts.getLineAndCharacterOfPosition(at.getSourceFile(), at.getStart());
          problems.push(
            `${file}:${line + 1}: the type of the reason must be a union of literal slugs`,
          );
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
  }
  return { reasons, problems };
}

function relative(source: ts.SourceFile, files: readonly string[]): string {
  return files.find((file) => source.fileName.endsWith(file)) ?? source.fileName;
}

type Arguments = readonly [
  code: ts.Expression | undefined,
  reason: ts.Expression | undefined,
  description: ts.Expression | undefined,
  at: ts.Node,
];
type Calls = ReadonlyMap<ts.Symbol, readonly ts.CallExpression[]>;

/**
 * The arguments of a refusal. When the reason is a parameter of the function around it, the
 * arguments of each call of that function.
 */
function argumentsOf(
  refusal: ts.NewExpression,
  checker: ts.TypeChecker,
  calls: Calls,
): readonly Arguments[] {
  const [code, reason, description] = refusal.arguments ?? [];
  const maker = reason === undefined ? null : makerOf(reason, checker);
  if (maker === null) return [[code, reason, description, refusal]];
  return (calls.get(maker.symbol) ?? []).map((call) => {
    const given = (expression: ts.Expression | undefined): ts.Expression | undefined => {
      const index = maker.parameters.findIndex(
        ({ name }) => expression !== undefined && name.getText() === expression.getText(),
      );
      return index < 0 ? expression : call.arguments[index];
    };
    return [given(code), given(reason), given(description), call];
  });
}

/** The function that has this reason as a parameter; null when the reason is no parameter. */
function makerOf(
  reason: ts.Expression,
  checker: ts.TypeChecker,
): { readonly symbol: ts.Symbol; readonly parameters: readonly ts.ParameterDeclaration[] } | null {
  const declaration = checker.getSymbolAtLocation(reason)?.valueDeclaration;
  if (declaration === undefined || !ts.isParameter(declaration)) return null;
  const { parent } = declaration;
  if (!ts.isFunctionDeclaration(parent) && !ts.isArrowFunction(parent)) return null;
  const named = ts.isFunctionDeclaration(parent) ? parent : parent.parent;
  const name =
    ts.isFunctionDeclaration(named) || ts.isVariableDeclaration(named) ? named.name : null;
  const symbol = name && checker.getSymbolAtLocation(name);
  return symbol ? { symbol, parameters: [...parent.parameters] } : null;
}

/** Calls of functions by their name; a method makes no refusal. */
function callsByFunction(sources: readonly ts.SourceFile[], checker: ts.TypeChecker): Calls {
  const calls = new Map<ts.Symbol, ts.CallExpression[]>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
      const symbol = checker.getSymbolAtLocation(node.expression);
      const original =
        symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0
          ? checker.getAliasedSymbol(symbol)
          : symbol;
      if (original !== undefined) calls.set(original, [...(calls.get(original) ?? []), node]);
    }
    ts.forEachChild(node, visit);
  };
  for (const source of sources) visit(source);
  return calls;
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

/** The strings that this expression can be; null when it can be any string. */
function literalsOf(checker: ts.TypeChecker, expression: ts.Expression): string[] | null {
  const type = checker.getTypeAtLocation(expression);
  const members = type.isUnion() ? type.types : [type];
  if (members.length === 0 || !members.every((member) => member.isStringLiteral())) return null;
  return members.map((member) => member.value);
}

/** The description as written, with an ellipsis for each part that is computed at run time. */
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

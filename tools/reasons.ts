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
  { node, given: refusal }: Refusal,
  checker: ts.TypeChecker,
  calls: Calls,
): readonly Arguments[] {
  const [code, reason, description] = refusal;
  const maker = reason === undefined ? null : makerOf(reason, checker);
  if (maker === null) return [[code, reason, description, node]];
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

/** A refusal in the source: what makes it, and its arguments `code`, `reason`, `description`. */
interface Refusal {
  readonly node: ts.Node;
  readonly given: readonly (ts.Expression | undefined)[];
}

/** Errors that are made, errors of a kind of their own, and refusals that are only logged. */
function refusalsIn(source: ts.SourceFile): Refusal[] {
  const found: Refusal[] = [];
  const visit = (node: ts.Node): void => {
    const name =
      ts.isNewExpression(node) || ts.isCallExpression(node) ? node.expression.getText(source) : '';
    if (ts.isNewExpression(node) && name === 'OAuthError')
      found.push({ node, given: node.arguments ?? [] });
    else if (ts.isCallExpression(node) && name === 'super' && isInRefusal(node, source))
      found.push({ node, given: node.arguments });
    else if (ts.isCallExpression(node) && name === 'logRefusal')
      found.push(...loggedIn(node, source));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** True inside of a class that extends the error of refusals. */
function isInRefusal(node: ts.Node, source: ts.SourceFile): boolean {
  const own = ts.findAncestor(node, ts.isClassDeclaration);
  const parents = own?.heritageClauses?.flatMap(({ types }) => types) ?? [];
  return parents.some(({ expression }) => expression.getText(source) === 'OAuthError');
}

/** What is logged as it stands: an error that was thrown has its reason where it was made. */
function loggedIn(call: ts.CallExpression, source: ts.SourceFile): readonly Refusal[] {
  const facts = call.arguments[2];
  if (facts === undefined || !ts.isObjectLiteralExpression(facts)) return [];
  const given = ['code', 'reason'].map((wanted) => {
    const member = facts.properties.find((one) => one.name?.getText(source) === wanted);
    return member !== undefined && ts.isPropertyAssignment(member) ? member.initializer : undefined;
  });
  return [{ node: call, given }];
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

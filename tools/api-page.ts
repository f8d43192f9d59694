/**
 * docs/api.md: every public name of each entry point with its declaration, so that a review sees
 * each change of the public API.
 */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { GENERATED, type GeneratedPage } from './generated-page.ts';

const INTRO = `# Public API

${GENERATED}Every public name with its declaration, without comments. A change here is a change for users: say so in
the changelog. The reference with all comments is \`npm run docs:api\`.
`;

interface EntryPoint {
  /** `valetkey/sql`. */
  readonly name: string;
  readonly file: string;
}

export function apiPage(program: ts.Program): GeneratedPage {
  const checker = program.getTypeChecker();
  const points = entryPoints().map(({ name, file }) => ({
    name,
    symbols: publicSymbols(program, file),
  }));
  const sections = points.map(({ name, symbols }) => {
    const declarations = symbols.flatMap(
      (symbol) =>
        originalOf(checker, symbol).declarations?.map((node) => textOf(symbol.name, node)) ?? [],
    );
    const text = `\n## ${name}\n\n\`\`\`ts\n${declarations.join('\n\n')}\n\`\`\`\n`;
    return { text, count: declarations.length };
  });
  return {
    path: 'docs/api.md',
    text: INTRO + sections.map(({ text }) => text).join(''),
    problems: hiddenTypes(
      checker,
      points.flatMap(({ symbols }) => symbols),
    ),
    summary: `${sections.reduce((sum, { count }) => sum + count, 0)} public declarations`,
  };
}

function entryPoints(): readonly EntryPoint[] {
  const { name, exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    name: string;
    exports: Record<string, string | { readonly source: string }>;
  };
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string' ? [] : [{ name: name + path.slice(1), file: target.source }],
  );
}

/** The public names of a module, in order. */
function publicSymbols(program: ts.Program, file: string): readonly ts.Symbol[] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${file} is no module.`);
  return checker.getExportsOfModule(module).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function originalOf(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
  return isAlias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** Types of ours that a public declaration names and nobody can import, as one sentence each. */
function hiddenTypes(checker: ts.TypeChecker, symbols: readonly ts.Symbol[]): readonly string[] {
  const { intentionallyNotExported: allowed } = JSON.parse(
    readFileSync('typedoc.json', 'utf8'),
  ) as { intentionallyNotExported: readonly string[] };
  const originals = new Set(symbols.map((symbol) => originalOf(checker, symbol)));
  const problems = new Set<string>();
  const visit = (name: string, node: ts.Node): void => {
    // What stands in a body is no part of the declaration.
    if (ts.isBlock(node)) return;
    if (ts.isTypeReferenceNode(node)) {
      const found = checker.getSymbolAtLocation(node.typeName);
      const type = found && originalOf(checker, found);
      const file = type?.declarations?.[0]?.getSourceFile().fileName ?? '';
      const isOurs = /(^|\/)src\//.test(file) && !file.includes('node_modules');
      const isParameter = type !== undefined && (type.flags & ts.SymbolFlags.TypeParameter) !== 0;
      if (type && isOurs && !isParameter && !originals.has(type) && !allowed.includes(type.name))
        problems.add(`${name} names ${type.name}, which is not public: export its type`);
    }
    ts.forEachChild(node, (child) => visit(name, child));
  };
  for (const symbol of symbols)
    for (const declaration of originalOf(checker, symbol).declarations ?? [])
      visit(
        symbol.name,
        ts.isVariableDeclaration(declaration)
          ? (declaration.type ?? declaration.name)
          : declaration,
      );
  return [...problems];
}

const printer = ts.createPrinter({ removeComments: true });

/** The declaration as written; `isolatedDeclarations` makes sure that its types are written. */
function textOf(name: string, node: ts.Declaration): string {
  const source = node.getSourceFile();
  if (ts.isClassDeclaration(node)) return classText(node, source);
  if (ts.isVariableDeclaration(node))
    return `const ${name}${node.type ? `: ${print(node.type, source)}` : ` = ${print(node.initializer ?? node, source)}`};`;
  if (ts.isFunctionDeclaration(node)) return functionText(name, node, source);
  return print(node, source).replace(/^export /, '');
}

function print(node: ts.Node, source: ts.SourceFile): string {
  return printer.printNode(ts.EmitHint.Unspecified, node, source);
}

/** A function without its body. */
function functionText(
  name: string,
  { typeParameters = ts.factory.createNodeArray(), parameters, type }: ts.FunctionDeclaration,
  source: ts.SourceFile,
): string {
  const generics = typeParameters.map((one) => print(one, source)).join(', ');
  const taken = parameters.map((one) => print(one, source)).join(', ');
  const result = type === undefined ? '' : `: ${print(type, source)}`;
  return `function ${name}${generics && `<${generics}>`}(${taken})${result};`;
}

/** A class without the bodies of its methods. */
function classText(node: ts.ClassDeclaration, source: ts.SourceFile): string {
  const members = node.members.map((member) =>
    print(member, source)
      .replace(/ \{[\s\S]*\}$/, ';')
      .replace(/^/gm, '    '),
  );
  const parents = (node.heritageClauses ?? []).map((clause) => ` ${clause.getText(source)}`);
  return `class ${node.name?.text}${parents.join('')} {\n${members.join('\n')}\n}`;
}

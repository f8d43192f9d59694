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
  const sections = entryPoints().map(({ name, file }) => {
    const declarations = declarationsOf(program, file);
    const text = `\n## ${name}\n\n\`\`\`ts\n${declarations.join('\n\n')}\n\`\`\`\n`;
    return { text, count: declarations.length };
  });
  return {
    path: 'docs/api.md',
    text: INTRO + sections.map(({ text }) => text).join(''),
    problems: [],
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

/** The declarations behind the public names of a module, in the order of the names. */
function declarationsOf(program: ts.Program, file: string): readonly string[] {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${file} is no module.`);
  return checker
    .getExportsOfModule(module)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((symbol) => {
      const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
      const original = isAlias ? checker.getAliasedSymbol(symbol) : symbol;
      return (original.declarations ?? []).map((node) => textOf(symbol.name, node));
    });
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

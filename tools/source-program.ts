/** The source under src/ as the compiler sees it, for tools that read declarations and types. */
import ts from 'typescript';
import { filesUnder } from './tree.ts';

/**
 * A program of all files of src/. It leaves out the types of packages, because reading them takes
 * most of the time and no tool asks for them.
 * @throws when src/ has no files, because then nothing would be checked
 */
export function sourceProgram(): ts.Program {
  const files = filesUnder('src', '.ts');
  if (files.length === 0) throw new Error('No sources were found under src/.');
  const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, '.');
  const host = ts.createCompilerHost(options);
  host.resolveModuleNameLiterals = (names, importer, _redirect, used) =>
    names.map(({ text }) =>
      /^(\.|valetkey(\/|$))/.test(text)
        ? ts.resolveModuleName(
            text,
            importer,
            used,
            host,
            undefined,
            undefined,
            ts.ModuleKind.ESNext,
          )
        : { resolvedModule: undefined },
    );
  return ts.createProgram(files, { ...options, types: [] }, host);
}

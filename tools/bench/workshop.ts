/**
 * The folder of one run: the servers compiled to JavaScript, and a `node_modules` with Valetkey and
 * oidc-provider, so each server imports them as the program of a user does. It lies outside the
 * project and is removed when the benchmark ends. Valetkey is a copy, so another build during a
 * long run changes nothing.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import ts from 'typescript';

const SOURCES = join(import.meta.dirname, 'servers');
const COMPILER: ts.CompilerOptions = {
  module: ts.ModuleKind.ESNext,
  target: ts.ScriptTarget.ES2023,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};

export interface Workshop {
  /** Path of the program that a child process runs. */
  readonly program: string;
  /** Connection string of an SQLite file in this folder. */
  readonly sqliteUrl: string;
  remove(): void;
}

/** @param peerModules the folder with oidc-provider; null when it is not measured */
export function openWorkshop(peerModules: string | null): Workshop {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-bench-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.once('exit', remove);
  for (const file of readdirSync(SOURCES)) {
    const source = readFileSync(join(SOURCES, file), 'utf8');
    const { outputText } = ts.transpileModule(source, { compilerOptions: COMPILER });
    writeFileSync(join(folder, file.replace(/\.ts$/, '.js')), outputText);
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n');
  const modules = join(folder, 'node_modules');
  const valetkey = join(modules, 'valetkey');
  mkdirSync(valetkey, { recursive: true });
  for (const part of ['package.json', 'dist'])
    cpSync(part, join(valetkey, part), { recursive: true });
  symlinkSync(resolve('node_modules'), join(valetkey, 'node_modules'));
  if (peerModules !== null)
    for (const name of ['oidc-provider', 'pg'])
      symlinkSync(join(peerModules, name), join(modules, name));
  return {
    program: join(folder, 'server.js'),
    sqliteUrl: `sqlite:${join(folder, 'bench.db')}`,
    remove() {
      process.off('exit', remove);
      remove();
    },
  };
}

/**
 * Runs the command line for tests, in its own process or in this one, and checks the form of its
 * output. Gives each server its own folder, database, port and issuer.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Assembly, assemble, readSettings } from 'valetkey/server';
import { expect } from 'vitest';
import { DATABASES, type DatabaseKind } from '../databases.ts';
import { freePort, type Program, start, untilUp } from '../processes.ts';

export type Env = Readonly<Record<string, string>>;
export type Json = Readonly<Record<string, unknown>>;

/** How a command ended. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const path = (relative: string): string =>
  fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const NODE = [
  '--import',
  path('node_modules/tsx/dist/loader.mjs'),
  '--conditions=source',
  path('src/cli/main.ts'),
];

/** Runs a command in its own process until it ends. `input` becomes its standard input. */
export async function run(
  args: readonly string[],
  env: Env = {},
  more: { readonly input?: string; readonly cwd?: string } = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [...NODE, ...args], {
    cwd: more.cwd ?? path('.'),
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      TSX_TSCONFIG_PATH: path('tsconfig.json'),
      ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.end(more.input ?? '');
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    code,
    stdout: Buffer.concat(stdout).toString(),
    stderr: Buffer.concat(stderr).toString(),
  };
}

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).href;
let calls = 0;

/**
 * Runs a command in this process, which is much faster. Only one call can run at a time, because it
 * replaces members of `process`.
 */
export async function call(args: readonly string[], env: Env = {}): Promise<Ran> {
  const { argv, env: environment, exitCode, stdout, stderr } = process;
  const [out, err]: [string[], string[]] = [[], []];
  const into = (lines: string[]) =>
    ((chunk: string) => lines.push(chunk) > 0) as typeof stdout.write;
  const write = { stdout: stdout.write, stderr: stderr.write };
  Object.assign(process, {
    argv: [process.execPath, 'valetkey', ...args],
    env: { ...env },
    exitCode: 0,
  });
  Object.assign(stdout, { write: into(out) });
  Object.assign(stderr, { write: into(err) });
  try {
    calls += 1;
    // A new query makes the module a new one, so that the command line runs again. The modules that
    // it imports stay loaded.
    await import(/* @vite-ignore */ `${MAIN}?call=${calls}`);
    return { code: Number(process.exitCode), stdout: out.join(''), stderr: err.join('') };
  } finally {
    Object.assign(process, { argv, env: environment, exitCode });
    Object.assign(stdout, { write: write.stdout });
    Object.assign(stderr, { write: write.stderr });
  }
}

/** Runs a command that must succeed, in its own process, and returns the JSON that it prints. */
export async function told(
  args: readonly string[],
  env: Env,
  more: { readonly input?: string } = {},
): Promise<Json> {
  return objectOf(await run([...args, '--json'], env, more));
}

/** The same in this process (`call`). */
export async function calledTold(args: readonly string[], env: Env): Promise<Json> {
  return objectOf(await call([...args, '--json'], env));
}

function objectOf({ code, stdout, stderr }: Ran): Json {
  expect([code, stderr], stdout).toEqual([0, '']);
  return oneObject(stdout);
}

/** The JSON object in an output that must be exactly one line. */
export function oneObject(stdout: string): Json {
  expect(stdout.trimEnd().split('\n'), stdout).toHaveLength(1);
  return JSON.parse(stdout) as Json;
}

/**
 * The problems that a failed command printed. Asserts exit code 1, an empty standard output, one
 * line per problem, and no stack trace.
 */
export function problemsIn({ code, stdout, stderr }: Ran): readonly string[] {
  const lines = stderr.split('\n').filter((line) => line.startsWith('✗ '));
  expect([code, stdout], stderr).toEqual([1, '']);
  // Only a group that is called without a command prints more, namely its help.
  if (!stderr.startsWith('Usage: ')) expect(stderr.trimEnd().split('\n')).toEqual(lines);
  expect(stderr).not.toMatch(/^\s+at .+:\d+:\d+/m);
  return lines.map((line) => line.slice(2));
}

/** The surroundings of one server: its own folder, database, port and issuer. */
export interface Place {
  readonly folder: string;
  readonly port: number;
  readonly issuer: string;
  readonly env: Env;
  remove(): Promise<void>;
}

export async function makePlace(
  more: Env = {},
  kind: DatabaseKind | undefined = DATABASES[0],
): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-server-'));
  const port = await freePort();
  const database = kind?.make();
  const { url = '', schema } = database?.options ?? {};
  const issuer = `http://localhost:${port}`;
  return {
    folder,
    port,
    issuer,
    env: {
      PORT: String(port),
      VALETKEY_ISSUER: issuer,
      VALETKEY_DATA_DIR: join(folder, 'data'),
      DATABASE_URL: url,
      ...(schema === undefined ? {} : { VALETKEY_DATABASE_SCHEMA: schema }),
      ...more,
    },
    async remove() {
      await database?.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts `serve` and waits until it is ready. */
export async function startServing(
  { env, issuer }: Pick<Place, 'env' | 'issuer'>,
  args: readonly string[] = [],
): Promise<Program> {
  const program = start('src/cli/main.ts', ['serve', ...args], env);
  await untilUp(`${issuer}/readyz`, program);
  // The output arrives through a pipe, possibly later than the first answer over HTTP.
  while (program.output() === '') await sleep(10);
  return program;
}

/** Inspects the result of a command, with an assembly in this process. */
export async function inspect<T>(
  { env }: Pick<Place, 'env'>,
  look: (assembly: Assembly) => Promise<T>,
): Promise<T> {
  const assembly = await assemble(await readSettings({ env }), { create: false });
  try {
    return await look(assembly);
  } finally {
    await assembly.close();
  }
}

/**
 * Waits for the JSON that `serve --json` prints when it listens.
 * @throws Error when the server ends instead
 */
export async function untilTold({ output, child }: Program): Promise<Json> {
  while (!output().includes('\n')) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${output()}`);
    await sleep(50);
  }
  return oneObject(output());
}

/** The sorted `kid` values of the published keys. */
export async function kidsAt(origin: string): Promise<readonly string[]> {
  const { keys } = (await (await fetch(`${origin}/.well-known/jwks.json`)).json()) as {
    keys: { kid: string }[];
  };
  return keys.map(({ kid }) => kid).sort();
}

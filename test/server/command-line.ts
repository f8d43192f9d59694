/**
 * The command line as tests call it: what it printed where, its one JSON object, and a place of its
 * own for each server.
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

/** Runs a command to its end, with an empty standard input unless something is typed in. */
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
 * The same without a process of its own, at a fraction of the cost: for tables of refusals. One
 * call at a time.
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
    // Another name is another module: the command line is read anew, and what it imports is there
    // already.
    await import(/* @vite-ignore */ `${MAIN}?call=${calls}`);
    return { code: Number(process.exitCode), stdout: out.join(''), stderr: err.join('') };
  } finally {
    Object.assign(process, { argv, env: environment, exitCode });
    Object.assign(stdout, { write: write.stdout });
    Object.assign(stderr, { write: write.stderr });
  }
}

/** Runs a command that has to do its work, and reads the one JSON object it prints. */
export async function told(
  args: readonly string[],
  env: Env,
  more: { readonly input?: string } = {},
): Promise<Json> {
  return objectOf(await run([...args, '--json'], env, more));
}

/** The same with `call`. */
export async function calledTold(args: readonly string[], env: Env): Promise<Json> {
  return objectOf(await call([...args, '--json'], env));
}

function objectOf({ code, stdout, stderr }: Ran): Json {
  expect([code, stderr], stdout).toEqual([0, '']);
  return oneObject(stdout);
}

/** One line, one object. */
export function oneObject(stdout: string): Json {
  expect(stdout.trimEnd().split('\n'), stdout).toHaveLength(1);
  return JSON.parse(stdout) as Json;
}

/**
 * A command that could not do its work: exit code 1, nothing on stdout, one line per problem, and
 * no stack. Resolves to the problems.
 */
export function problemsIn({ code, stdout, stderr }: Ran): readonly string[] {
  const lines = stderr.split('\n').filter((line) => line.startsWith('✗ '));
  expect([code, stdout], stderr).toEqual([1, '']);
  // Only a group called without a command prints more: its help.
  if (!stderr.startsWith('Usage: ')) expect(stderr.trimEnd().split('\n')).toEqual(lines);
  expect(stderr).not.toMatch(/^\s+at .+:\d+:\d+/m);
  return lines.map((line) => line.slice(2));
}

/** Where a server of a test lives: its own data folder, database, port and issuer. */
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
  // What it tells comes by another way than its answers.
  while (program.output() === '') await sleep(10);
  return program;
}

/** Looks into what a command left behind, with the parts of the server in this process. */
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

/** Waits until a server told that it is up. @throws Error when it ended instead */
export async function untilTold({ output, child }: Program): Promise<Json> {
  while (!output().includes('\n')) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${output()}`);
    await sleep(50);
  }
  return oneObject(output());
}

/** The identifiers of the published keys. */
export async function kidsAt(origin: string): Promise<readonly string[]> {
  const { keys } = (await (await fetch(`${origin}/.well-known/jwks.json`)).json()) as {
    keys: { kid: string }[];
  };
  return keys.map(({ kid }) => kid).sort();
}

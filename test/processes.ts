/** Starts programs for tests: from source, on a free port. Each is stopped by its process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A port that no program listens on. */
export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      );
    });
  });
}

export interface Program {
  readonly child: ChildProcess;
  /** Everything that it has printed so far. */
  output(): string;
  /** Resolves to the exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** Starts a TypeScript program of this repository from source. */
export function start(
  file: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  cwd: string = ROOT,
): Program {
  const tsx = fileURLToPath(new URL('../node_modules/tsx/dist/loader.mjs', import.meta.url));
  const child = spawn(
    process.execPath,
    [
      '--import',
      tsx,
      '--conditions=source',
      fileURLToPath(new URL(file, new URL('../', import.meta.url))),
      ...args,
    ],
    {
      cwd,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '',
        TSX_TSCONFIG_PATH: fileURLToPath(new URL('../tsconfig.json', import.meta.url)),
        ...env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  child.stdin.end();
  return watched(child);
}

/** Collects what a program that was just started prints, and how it ends. */
export function watched(child: ChildProcess): Program {
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown')),
  );
  return { child, output: () => text, ended };
}

/**
 * Waits until the URL answers with a 2xx status.
 * @param seconds how long to wait
 * @throws Error with the output of the program when it ends, or does not answer in time
 */
export async function untilUp(url: string, program: Program, seconds = 30): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (Date.now() < deadline) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // The program does not listen yet.
    }
    if (program.child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing at ${url}:\n${program.output()}`);
}

/** Stops a program by its process id and waits until it has ended. */
export async function stop(
  program: Program,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<number | string> {
  if (program.child.exitCode === null && program.child.signalCode === null)
    program.child.kill(signal);
  return await program.ended;
}

/**
 * Waits until a program has printed a text. Resolves to everything that it has printed.
 * @throws Error with the output when the text does not appear within 30 seconds
 */
export async function untilPrinted(program: Program, text: string): Promise<string> {
  const deadline = Date.now() + 30_000;
  while (!program.output().includes(text)) {
    if (Date.now() > deadline) throw new Error(`not printed: ${text}\n${program.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return program.output();
}

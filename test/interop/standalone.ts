/** The standalone server with its defaults and one person, set up with its commands. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { freePort, start, stop, untilUp } from '../processes.ts';
import { ALICE } from './provider.ts';

export interface Standalone {
  readonly issuer: string;
  /** Runs a command of the command line, and resolves to its answer. */
  command(...args: readonly string[]): Promise<Readonly<Record<string, string>>>;
  /** What the log names to change, for requests of this client that were refused. */
  remedies(clientId: string): readonly string[];
  stop(): Promise<void>;
}

/** @param more environment variables of the server */
export async function standalone(more: Readonly<Record<string, string>> = {}): Promise<Standalone> {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-interop-'));
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const env = { PORT: String(port), VALETKEY_DATA_DIR: folder, ...more };
  const command = async (...args: readonly string[]): Promise<Record<string, string>> => {
    const program = start('src/cli/main.ts', [...args, '--json'], env);
    expect(await program.ended, program.output()).toBe(0);
    return JSON.parse(program.output()) as Record<string, string>;
  };
  await command('init');
  const person = Object.entries(ALICE).flatMap(([name, value]) => [`--${name}`, value]);
  await command('user', 'create', ...person);
  const server = start('src/cli/main.ts', ['serve'], env);
  await untilUp(`${issuer}/readyz`, server);
  return {
    issuer,
    command,
    remedies: (clientId) =>
      server
        .output()
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, string>)
        .filter((line) => line['msg'] === 'request refused' && line['clientId'] === clientId)
        .map((line) => line['remedy'] ?? ''),
    async stop() {
      expect(await stop(server), 'the exit code after SIGTERM').toBe(0);
      rmSync(folder, { recursive: true });
    },
  };
}

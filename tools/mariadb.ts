/**
 * A private MariaDB server in a temporary folder, with its own port and password, default
 * durability, and no trace after it stops.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, freePort } from './postgres.ts';

const SERVER = '/usr/sbin/mariadbd';
const READY_WITHIN_MS = 60_000;

/** The path of the server; null when it is not installed. */
export function findMariadb(): string | null {
  return existsSync(SERVER) && existsSync('/usr/bin/mariadb-install-db') ? SERVER : null;
}

/**
 * Creates and starts a server with an account that may make databases.
 * @param program path of the server
 * @throws Error when the server is not ready within 60 seconds
 */
export async function startMariadb(program: string): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-maria-'));
  const password = randomBytes(16).toString('hex');
  const data = join(folder, 'data');
  const socket = join(folder, 'socket');
  // A root process runs it as the user mysql.
  const user = process.getuid?.() === 0 ? ['--user=mysql'] : [];
  let server: ChildProcess | null = null;
  try {
    chmodSync(folder, 0o777);
    execFileSync(
      'mariadb-install-db',
      [
        '--no-defaults',
        ...user,
        `--datadir=${data}`,
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const port = await freePort();
    server = spawn(
      program,
      [
        '--no-defaults',
        ...user,
        `--datadir=${data}`,
        `--socket=${socket}`,
        `--port=${port}`,
        '--bind-address=127.0.0.1',
        '--max-connections=400',
        '--skip-name-resolve',
      ],
      { stdio: 'ignore' },
    );
    const admin = (statement: string): Buffer =>
      execFileSync('mariadb', ['--no-defaults', '-uroot', `-S${socket}`, '-e', statement], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    await untilReady(() => admin('select 1'), server);
    admin(`create database valetkey;
      create user valetkey@'127.0.0.1' identified by '${password}';
      grant all on *.* to valetkey@'127.0.0.1' with grant option`);
    const url = `mysql://valetkey:${password}@127.0.0.1:${port}/valetkey`;
    return running(server, folder, url);
  } catch (failure) {
    server?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    throw failure;
  }
}

async function untilReady(ask: () => unknown, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      ask();
      return;
    } catch {
      if (server.exitCode !== null) throw new Error('MariaDB ended while it started');
      if (Date.now() > deadline) throw new Error('MariaDB is not ready');
      await sleep(200);
    }
  }
}

function running(server: ChildProcess, folder: string, url: string): Cluster {
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  // Also remove everything when the process exits without stop().
  const abandon = (): void => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', abandon);
  return {
    url,
    pid: server.pid ?? 0,
    data: join(folder, 'data'),
    async stop() {
      process.off('exit', abandon);
      if (server.exitCode === null && server.signalCode === null) server.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

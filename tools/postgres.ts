/**
 * A private PostgreSQL cluster in a temporary folder, with its own port and password, default
 * durability, and no trace after it stops. The test command starts one for all tests; a test that
 * crashes its database starts another one.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const DEBIAN = '/usr/lib/postgresql';
const USER = 'valetkey';
const READY_WITHIN_MS = 30_000;

export interface Cluster {
  /** Connection string of a superuser, for an empty database. It contains the password. */
  readonly url: string;
  readonly pid: number;
  /** The folder of its data. */
  readonly data: string;
  /** Stops the server by its process id and removes its folder. */
  stop(): Promise<void>;
}

interface Owner {
  uid?: number;
  gid?: number;
}

/** The folder with initdb and postgres of the newest installed version; null when none is. */
export function findPostgres(): string | null {
  if (!existsSync(DEBIAN)) return null;
  const newestFirst = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
  const bins = newestFirst.map((version) => join(DEBIAN, version, 'bin'));
  return bins.find((bin) => existsSync(join(bin, 'initdb'))) ?? null;
}

/**
 * Creates and starts a cluster.
 * @param bin the folder with initdb and postgres
 * @throws Error when the server is not ready within 30 seconds
 */
export async function startPostgres(bin: string): Promise<Cluster> {
  const password = randomBytes(16).toString('hex');
  return await launch(bin, password, (folder, owner) => {
    createCluster(bin, folder, password, owner);
    return (port) => {
      const env = { ...process.env, PGPASSWORD: password };
      const where = ['-h', '127.0.0.1', '-p', String(port), '-U', USER];
      execFileSync(join(bin, 'createdb'), [...where, USER], { env });
    };
  });
}

/**
 * Starts a standby: a copy of a running cluster that follows it until it is promoted.
 * @throws Error when the server is not ready within 30 seconds
 */
export async function startStandby(bin: string, primary: Cluster): Promise<Cluster> {
  const { password } = new URL(primary.url);
  return await launch(bin, password, (folder, owner) => {
    const args = [
      '-d',
      primary.url,
      '-D',
      join(folder, 'data'),
      '-R',
      '-X',
      'stream',
      '-c',
      'fast',
    ];
    execFileSync(join(bin, 'pg_basebackup'), args, { ...owner, cwd: folder });
    return () => undefined;
  });
}

/** @param prepare fills the folder, and returns what to do once the server answers */
async function launch(
  bin: string,
  password: string,
  prepare: (folder: string, owner: Owner) => (port: number) => void,
): Promise<Cluster> {
  const owner = serverOwner();
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-pg-'));
  let server: ChildProcess | null = null;
  try {
    if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid);
    const finish = prepare(folder, owner);
    const port = await freePort();
    server = spawn(join(bin, 'postgres'), settings(folder, port), {
      ...owner,
      stdio: 'ignore',
      cwd: folder,
    });
    await untilReady(bin, port, server);
    finish(port);
    return cluster(server, folder, `postgres://${USER}:${password}@127.0.0.1:${port}/${USER}`);
  } catch (failure) {
    server?.kill('SIGQUIT');
    rmSync(folder, { recursive: true, force: true });
    throw failure;
  }
}

/** PostgreSQL refuses to run as root, so a root process starts it as the user `postgres`. */
export function serverOwner(): Owner {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function createCluster(bin: string, folder: string, password: string, owner: Owner): void {
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (owner.uid !== undefined && owner.gid !== undefined)
    chownSync(passwordFile, owner.uid, owner.gid);
  const args = [
    '-D',
    join(folder, 'data'),
    '-U',
    USER,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
  ];
  // --no-sync skips fsync only while the cluster is created. The running server keeps fsync=on.
  execFileSync(join(bin, 'initdb'), [...args, '--encoding=UTF8', '--locale=C', '--no-sync'], {
    ...owner,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function settings(folder: string, port: number): string[] {
  const values = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: folder,
    // Each of many test files has its own pool.
    max_connections: '300',
    logging_collector: 'off',
  };
  return [
    '-D',
    join(folder, 'data'),
    ...Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

function cluster(server: ChildProcess, folder: string, url: string): Cluster {
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  // Also remove everything when the process exits without stop(), for example after an uncaught
  // error. SIGQUIT ends the server at once.
  const abandon = (): void => {
    server.kill('SIGQUIT');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', abandon);
  return {
    url,
    pid: server.pid ?? 0,
    data: join(folder, 'data'),
    async stop() {
      process.off('exit', abandon);
      // SIGINT is the "fast" shutdown: the server closes open connections instead of waiting.
      if (server.exitCode === null && server.signalCode === null) server.kill('SIGINT');
      await ended;
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function untilReady(bin: string, port: number, server: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (server.exitCode !== null)
      throw new Error(`postgres ended with ${server.exitCode} before it was ready`);
    if (accepts(bin, port)) return;
    await sleep(50);
  }
  throw new Error(`postgres was not ready within ${READY_WITHIN_MS / 1000} s`);
}

function accepts(bin: string, port: number): boolean {
  try {
    execFileSync(join(bin, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

/** A port that the system chose. It is free again until PostgreSQL opens it a moment later. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  });
}

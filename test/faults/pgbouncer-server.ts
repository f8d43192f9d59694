/** A private PgBouncer in transaction mode, in front of the PostgreSQL server of the test run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverOwner } from '../../tools/postgres.ts';
import { freePort } from '../processes.ts';

export interface PgBouncer {
  /** The same database, through the pooler. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts a pooler with few connections to the server, so that transactions of one client get
 * different ones.
 * @param ignored start-up parameters that it ignores; it refuses all that it does not know
 */
export async function startPgBouncer(
  program: string,
  server: URL,
  ignored: readonly string[],
): Promise<PgBouncer> {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-bouncer-'));
  const port = await freePort();
  const user = decodeURIComponent(server.username);
  writeFileSync(join(folder, 'users'), `"${user}" "${decodeURIComponent(server.password)}"\n`);
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: folder,
    auth_type: 'scram-sha-256',
    auth_file: join(folder, 'users'),
    pool_mode: 'transaction',
    default_pool_size: 4,
    max_client_conn: 200,
    ignore_startup_parameters: ['extra_float_digits', ...ignored].join(','),
  };
  writeFileSync(
    join(folder, 'pgbouncer.ini'),
    [
      '[databases]',
      `* = host=${server.hostname} port=${server.port}`,
      '[pgbouncer]',
      ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
      '',
    ].join('\n'),
  );
  // It refuses to run as root, so a root process starts it as the user `postgres`.
  const owner = serverOwner();
  if (owner.uid !== undefined && owner.gid !== undefined) {
    chmodSync(folder, 0o755);
    for (const file of [folder, join(folder, 'users'), join(folder, 'pgbouncer.ini')])
      chownSync(file, owner.uid, owner.gid);
  }
  const child = spawn(program, ['-q', join(folder, 'pgbouncer.ini')], {
    ...owner,
    stdio: 'ignore',
  });
  await untilListening(port, child);
  return {
    url: Object.assign(new URL(server), { port: String(port) }).href,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null) child.kill('SIGINT');
      await Promise.race([ended, sleep(2000)]);
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let waited = 0; waited < 15_000; waited += 50) {
    if (child.exitCode !== null) throw new Error('PgBouncer ended while it started');
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
    });
    if (isOpen) return;
    await sleep(50);
  }
  throw new Error('PgBouncer does not listen');
}

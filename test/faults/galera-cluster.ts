/**
 * Three MariaDB servers on loopback that are one Galera cluster: each has all rows, each accepts
 * writes, and two of them go on when one dies. Servers are ended by their process ids.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../processes.ts';

const NODES = 3;
const PASSWORD = 'valetkey';
/** Milliseconds that a server may need to join. */
const READY_WITHIN = 90_000;

export interface Galera {
  /** The URL of each server. */
  readonly urls: readonly string[];
  /** Ends a server at once. */
  kill(node: number): Promise<void>;
  /** Starts it again, and waits until it has all rows. */
  join(node: number): Promise<void>;
  stop(): Promise<void>;
}

interface Node {
  readonly folder: string;
  readonly port: number;
  /** The port of the group; the two after it carry what a server that joins has missed. */
  readonly group: number;
  server: ChildProcess | null;
}

/** @param library path of the Galera library */
export async function startGalera(library: string): Promise<Galera> {
  const folder = mkdtempSync(join(tmpdir(), 'valetkey-galera-'));
  chmodSync(folder, 0o755);
  const nodes: Node[] = [];
  for (let index = 0; index < NODES; index += 1) {
    const place = join(folder, `n${index}`);
    mkdirSync(join(place, 'data'), { recursive: true });
    nodes.push({ folder: place, port: await freePort(), group: await groupPort(), server: null });
  }
  const members = nodes.map(({ group }) => `127.0.0.1:${group}`).join(',');
  const boot = async (node: Node, ...more: readonly string[]): Promise<void> => {
    start(node, library, members, more);
    await untilSynced(node);
  };
  const [first] = nodes as [Node];
  await boot(first, '--wsrep-new-cluster');
  ask(
    first,
    `create database valetkey; create user valetkey@'127.0.0.1' identified by '${PASSWORD}';
    grant all on *.* to valetkey@'127.0.0.1'`,
  );
  for (const node of nodes.slice(1)) await boot(node);
  const end = async (node: Node, signal: NodeJS.Signals): Promise<void> => {
    const { server } = node;
    if (server === null) return;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill(signal);
    await ended;
    node.server = null;
  };
  return {
    urls: nodes.map(({ port }) => `mysql://valetkey:${PASSWORD}@127.0.0.1:${port}/valetkey`),
    kill: async (node) => await end(nodes[node] as Node, 'SIGKILL'),
    join: async (node) => await boot(nodes[node] as Node),
    async stop() {
      for (const node of [...nodes].reverse()) await end(node, 'SIGTERM');
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A port with two free ones after it. */
async function groupPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if ((await isFree(port + 1)) && (await isFree(port + 2))) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function start(node: Node, library: string, members: string, more: readonly string[]): void {
  const data = join(node.folder, 'data');
  const asRoot = process.getuid?.() === 0;
  const provider = [
    `base_port=${node.group}`,
    `gmcast.listen_addr=tcp://127.0.0.1:${node.group}`,
    `ist.recv_addr=127.0.0.1:${node.group + 1}`,
    'gcache.size=32M',
    `gcache.dir=${data}`,
  ];
  const settings = {
    datadir: data,
    socket: join(node.folder, 's'),
    port: node.port,
    'bind-address': '127.0.0.1',
    ...(asRoot ? { user: 'mysql' } : {}),
    'innodb-buffer-pool-size': '64M',
    'innodb-flush-log-at-trx-commit': 2,
    'innodb-autoinc-lock-mode': 2,
    'binlog-format': 'ROW',
    'max-connections': 300,
    'skip-name-resolve': 1,
    'wsrep-on': 'ON',
    'wsrep-provider': library,
    'wsrep-cluster-name': 'valetkey',
    'wsrep-cluster-address': `gcomm://${members}`,
    'wsrep-node-address': `127.0.0.1:${node.group}`,
    'wsrep-sst-method': 'rsync',
    'wsrep-sst-receive-address': `127.0.0.1:${node.group + 2}`,
    'wsrep-provider-options': `"${provider.join(';')}"`,
  };
  const file = join(node.folder, 'my.cnf');
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  writeFileSync(file, `[mysqld]\n${lines.join('\n')}\n`);
  if (asRoot) execFileSync('chown', ['-R', 'mysql:', node.folder]);
  if (!existsSync(join(data, 'mysql')))
    execFileSync(
      'mariadb-install-db',
      [`--defaults-file=${file}`, '--auth-root-authentication-method=normal', '--skip-test-db'],
      { stdio: 'ignore' },
    );
  node.server = spawn('mariadbd', [`--defaults-file=${file}`, ...more], { stdio: 'ignore' });
}

function ask(node: Node, statement: string): string {
  const where = ['--no-defaults', '-uroot', `-S${join(node.folder, 's')}`, '-Nse', statement];
  return execFileSync('mariadb', where, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

async function untilSynced(node: Node): Promise<void> {
  for (let waited = 0; waited < READY_WITHIN; waited += 300) {
    await sleep(300);
    if (node.server?.exitCode !== null) throw new Error('a server of the cluster ended');
    try {
      if (ask(node, "show status like 'wsrep_local_state_comment'").includes('Synced')) return;
    } catch {
      // It does not answer yet.
    }
  }
  throw new Error('a server of the cluster did not join');
}

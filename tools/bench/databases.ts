/**
 * Private PostgreSQL and MariaDB servers with default durability for one run. A server that is not
 * installed is named instead of measured.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { findMariadb, startMariadb } from '../mariadb.ts';
import { type Cluster, findPostgres, startPostgres } from '../postgres.ts';
import type { StoreName } from './servers/server.ts';

export interface DatabaseServer {
  readonly store: StoreName;
  /** `PostgreSQL 17.2`. */
  readonly version: string;
  readonly cluster: Cluster;
}

export interface Databases {
  readonly running: readonly DatabaseServer[];
  /** Names of the products that are not installed. */
  readonly missing: readonly string[];
  stop(): Promise<void>;
}

interface Kind {
  readonly store: StoreName;
  readonly title: string;
  find(): string | null;
  start(found: string): Promise<Cluster>;
  /** The program that prints its version, from what `find` found. */
  program(found: string): string;
}

const KINDS: readonly Kind[] = [
  {
    store: 'postgres',
    title: 'PostgreSQL',
    find: findPostgres,
    start: startPostgres,
    program: (bin) => join(bin, 'postgres'),
  },
  {
    store: 'mariadb',
    title: 'MariaDB',
    find: findMariadb,
    start: startMariadb,
    program: (server) => server,
  },
];

export async function startDatabases(stores: readonly StoreName[]): Promise<Databases> {
  const running: DatabaseServer[] = [];
  const missing: string[] = [];
  for (const kind of KINDS.filter(({ store }) => stores.includes(store))) {
    const found = kind.find();
    if (found === null) {
      missing.push(kind.title);
      console.error(`${kind.title} is not installed, so it is left out.`);
      continue;
    }
    const version = `${kind.title} ${versionOf(kind.program(found))}`;
    running.push({ store: kind.store, version, cluster: await kind.start(found) });
  }
  return {
    running,
    missing,
    async stop() {
      for (const { cluster } of running) await cluster.stop();
    },
  };
}

function versionOf(program: string): string {
  const text = execFileSync(program, ['--version'], { encoding: 'utf8' });
  return /\d+(\.\d+)+/.exec(text)?.[0] ?? 'of an unknown version';
}

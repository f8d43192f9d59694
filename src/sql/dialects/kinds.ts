/**
 * The kinds of database, in one list: how each is named, recognised and opened. A new kind is its
 * dialect in this folder, its errors in `faults.ts`, and an entry here.
 */
import type { PostgresPool } from 'kysely';
import type { PoolOptions, SqlDialect } from '../dialect.ts';
import { mysql, mysqlPool } from './mysql.ts';
import type { MysqlPool } from './mysql-pool.ts';
import { postgres, postgresPool } from './postgres.ts';
import { sqlite } from './sqlite.ts';

/** A kind of database. */
export type DialectName = 'sqlite' | 'postgres' | 'mysql';

/** A pool that the host opened. */
export type HostPool = PostgresPool | MysqlPool;

/** One kind of database. */
export interface Kind {
  /** Its name. */
  readonly name: DialectName;
  /** What people call it. */
  readonly title: string;
  /** Matches its URLs. */
  readonly urls: RegExp;
  /** What a URL of it looks like. */
  readonly example: string;
  /** Whether it is reached over the network, so that its URLs must be well-formed. */
  readonly isServer: boolean;
  /** Whether `SqlOptions.schema` means something in it. */
  readonly hasSchemas: boolean;
  /**
   * Parameters that its driver would ignore in a URL, though they ask for security, and what to
   * write instead.
   */
  readonly ignored: { readonly parameters: RegExp; readonly remedy: string } | null;
  /** Opens a database by its URL. */
  readonly open: (url: string, limits: PoolOptions) => SqlDialect;
  /** Opens a database by a pool of the host. Null if the pool is of another kind. */
  readonly onPool: (pool: HostPool) => SqlDialect | null;
}

const EMBEDDED = 'sqlite:';
const IN_MEMORY = ':memory:';

export const KINDS: readonly Kind[] = [
  {
    name: 'sqlite',
    title: 'SQLite',
    urls: /^sqlite:./,
    example: 'sqlite:path/to/file.db',
    isServer: false,
    hasSchemas: false,
    ignored: null,
    open: (url) => sqlite(url.slice(EMBEDDED.length).replace(/^\/\/(?=\/)/, '')),
    onPool: () => null,
  },
  {
    name: 'postgres',
    title: 'PostgreSQL',
    urls: /^postgres(ql)?:\/\//,
    example: 'postgres://user:password@host/database',
    isServer: true,
    hasSchemas: true,
    ignored: null,
    open: postgres,
    onPool: (pool) => ('connect' in pool ? postgresPool(pool) : null),
  },
  {
    name: 'mysql',
    title: 'MariaDB or MySQL',
    urls: /^(mysql|mariadb):\/\//,
    example: 'mysql://user:password@host/database',
    isServer: true,
    hasSchemas: false,
    ignored: {
      parameters: /^(ssl-?mode|use-?ssl|tls)$/i,
      remedy: 'Write ?ssl={} for TLS with a verified certificate, percent-encoded: ?ssl=%7B%7D.',
    },
    open: mysql,
    onPool: (pool) => ('getConnection' in pool ? mysqlPool(pool) : null),
  },
];

/** The kind of database that a URL names; null when there is none. */
export function kindOf(url: string | undefined): Kind | null {
  return KINDS.find(({ urls }) => url !== undefined && urls.test(url)) ?? null;
}

/**
 * The URL of the embedded database, which needs no server.
 * @param file path of its file; null: it is kept in memory, for one process
 */
export function embeddedUrl(file: string | null): string {
  return EMBEDDED + (file ?? IN_MEMORY);
}

/** The file of the embedded database; null when the URL names another database, or memory. */
export function embeddedFile(url: string): string | null {
  if (!url.startsWith(EMBEDDED)) return null;
  const file = url.slice(EMBEDDED.length);
  return file === IN_MEMORY ? null : file;
}

/** PostgreSQL through `pg`, an optional peer: our own pool, or the host's. Times come as numbers on our pool only. */
import { createRequire } from 'node:module';
import { type Dialect, PostgresDialect, type PostgresPool } from 'kysely';

/** Limits of our own pool. */
export interface PoolOptions {
  readonly size: number;
  /** Milliseconds after which a statement or a wait for a connection counts as "the database does not answer". */
  readonly timeout: number;
}

/** int8: seconds since 1970 fit a number for longer than this code will run. */
const INT8 = 20;

export function postgresDialect(url: string, options: PoolOptions): Dialect {
  const pg = loadPg();
  const pool = new pg.Pool({
    connectionString: url,
    max: options.size,
    connectionTimeoutMillis: options.timeout,
    statement_timeout: options.timeout,
    query_timeout: options.timeout + 500,
    idle_in_transaction_session_timeout: 10_000,
    lock_timeout: options.timeout,
    keepAlive: true,
    types: {
      getTypeParser: ((oid: number, format: 'text' | 'binary') =>
        oid === INT8 ? Number : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
    },
  });
  // An idle connection that breaks must not end the process; the next query finds out.
  pool.on('error', () => undefined);
  return new PostgresDialect({ pool });
}

/** A pool the host made; its parsers stay as they are, so int8 is converted where rows are read. */
export function hostPoolDialect(pool: PostgresPool): Dialect {
  return new PostgresDialect({ pool });
}

function loadPg(): typeof import('pg') {
  try {
    // Required, not imported: only who uses PostgreSQL has it, and opening a database needs no waiting.
    return createRequire(import.meta.url)('pg') as typeof import('pg');
  } catch (cause) {
    throw new Error('PostgreSQL needs the package pg: npm install pg', { cause });
  }
}

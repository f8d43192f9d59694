/** PostgreSQL through `pg`, an optional peer: our own pool, or the host's. What makes either safe to rely on is in `pool.ts`. */
import { createRequire } from 'node:module';
import { type Dialect, PostgresDialect, type PostgresPool } from 'kysely';
import { reliablePool } from './pool.ts';

/** Limits of our own pool. */
export interface PoolOptions {
  readonly size: number;
  /** Milliseconds after which a statement or a wait for a connection counts as "the database does not answer". */
  readonly timeout: number;
  /** Migrations may take their time, and wait for one another; only connecting is bounded then. */
  readonly patient?: boolean;
}

/** The server gives up a little before we do: then the connection is still good. */
const SERVER_SHARE = 0.9;

export function postgresDialect(
  url: string,
  { size, timeout, patient = false }: PoolOptions,
): Dialect {
  const pg = loadPg();
  const onServer = Math.ceil(timeout * SERVER_SHARE);
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    keepAlive: true,
    connectionTimeoutMillis: timeout,
    ...(patient
      ? {}
      : {
          query_timeout: timeout,
          statement_timeout: onServer,
          lock_timeout: onServer,
          idle_in_transaction_session_timeout: 10_000,
        }),
  });
  // An idle connection that breaks must not end the process; the next query finds out.
  pool.on('error', () => undefined);
  return new PostgresDialect({
    pool: reliablePool(pool as unknown as PostgresPool, { prepare: true }),
  });
}

/** A pool the host made, with its own limits. */
export function hostPoolDialect(pool: PostgresPool): Dialect {
  return new PostgresDialect({ pool: reliablePool(pool, { prepare: false }) });
}

function loadPg(): typeof import('pg') {
  try {
    // Required, not imported: only who uses PostgreSQL has it, and opening a database needs no waiting.
    return createRequire(import.meta.url)('pg') as typeof import('pg');
  } catch (cause) {
    throw new Error('PostgreSQL needs the package pg: npm install pg', { cause });
  }
}

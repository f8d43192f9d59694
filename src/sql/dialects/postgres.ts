/**
 * The PostgreSQL dialect, on the optional peer dependency `pg`: on a pool of our own, or on the
 * host's pool. An act is one statement. Lost connections and timed-out queries are handled in
 * `postgres-pool.ts`.
 */
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { type Kysely, PostgresDialect, type PostgresPool, sql } from 'kysely';
import { StoreUnavailable } from 'valetkey';
import type { PoolOptions, SqlCheck, SqlDialect } from '../dialect.ts';
import { causeOf } from '../faults.ts';
import type { Preparing } from '../hot.ts';
import type { Tables } from '../schema.ts';
import { ON_CONFLICT } from './on-conflict.ts';
import type { BatchStatement } from './postgres-batch.ts';
import { hotOn } from './postgres-hot.ts';
import { type ReliablePool, reliablePool } from './postgres-pool.ts';

/**
 * The server's share of the timeout. The server cancels a statement a little before we give up, so
 * that the connection stays usable.
 */
const SERVER_SHARE = 0.9;
/** Key of the advisory lock. It is arbitrary, but all processes on one database must share it. */
const MIGRATION_LOCK = 7_318_349_394_477_056;
/**
 * How long a migration waits for a table before it begins anew. Requests that want the table wait
 * behind it, and may hold what it wants next.
 */
const MIGRATION_LOCK_WAIT = '100ms';
/** Milliseconds in which a migration must get all its tables. */
const MIGRATION_PATIENCE = 3_600_000;
const LOCK_NOT_AVAILABLE = '55P03';
const UNDEFINED_TABLE = '42P01';

export function postgres(url: string, options: PoolOptions): SqlDialect {
  const pool = openPool(url, options, limitsOf(options.timeout));
  return {
    ...onPool(pool),
    // Migrations may run long and wait for one another, so only connecting has a timeout.
    patient: () => new PostgresDialect({ pool: openPool(url, { ...options, size: 1 }, NO_LIMITS) }),
  };
}

/** The dialect on a pool that the host made. The limits of that pool apply. */
export function postgresPool(pool: PostgresPool): SqlDialect {
  return { ...onPool(reliablePool(pool, { isOurs: false, limits: null })), patient: null };
}

function onPool(pool: ReliablePool): Omit<SqlDialect, 'patient'> {
  const close = async (): Promise<void> => await pool.end();
  return { ...POSTGRES, ...hotOn(pool), close, kysely: new PostgresDialect({ pool }) };
}

const POSTGRES: Omit<SqlDialect, 'kysely' | 'patient' | 'close' | keyof Preparing> = {
  ...ON_CONFLICT,
  // By the places of the rows (ctid): by their keys, each would be looked up once more.
  async deleteSome(db, { table, by, where, limit }) {
    const { numAffectedRows } = await sql`delete from ${sql.table(table)} where ${where}
      and ctid = any(array(select ctid from ${sql.table(table)} where ${where}
        order by ${sql.id(by)} limit ${limit}))`.execute(db);
    return Number(numAffectedRows ?? 0);
  },
  async migrating(db, schema, work) {
    const deadline = Date.now() + MIGRATION_PATIENCE;
    for (;;) {
      try {
        return await db.transaction().execute(async (trx) => {
          await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK}::bigint)`.execute(trx);
          await sql`select set_config('lock_timeout', ${MIGRATION_LOCK_WAIT}, true)`.execute(trx);
          if (schema !== null) await createSchema(trx, schema);
          return await work(trx);
        });
      } catch (error) {
        const { code } = causeOf(error) as { readonly code?: unknown };
        if (code !== LOCK_NOT_AVAILABLE || Date.now() > deadline) throw error;
        await pause(100 + Math.random() * 400);
      }
    }
  },
  // PostgreSQL translates its messages, so compare the code.
  isMissingTable: (error) => (error as { code?: unknown } | null)?.code === UNDEFINED_TABLE,
  check,
};

/**
 * Looks for the schema first, because "create schema if not exists" needs the right to create
 * schemas even if the schema exists.
 */
async function createSchema(db: Kysely<Tables>, name: string): Promise<void> {
  const { rows } = await sql`select 1 from pg_catalog.pg_namespace where nspname = ${name}`.execute(
    db,
  );
  if (rows.length === 0) await sql`create schema if not exists ${sql.id(name)}`.execute(db);
}

async function check(db: Kysely<Tables>): Promise<SqlCheck> {
  const { rows } = await sql<{
    version: string;
    now: number;
    fsync: string;
    commit: string;
  }>`select current_setting('server_version') as version,
    extract(epoch from clock_timestamp())::bigint as now,
    current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new StoreUnavailable('The database does not answer.');
  const warnings = [
    ...(row.fsync === 'on' ? [] : ['fsync is off: a crash may lose acknowledged writes.']),
    ...(row.commit === 'off'
      ? [
          'synchronous_commit is off: a crash may lose the last commits, so a consumed code could be redeemed again.',
        ]
      : []),
  ];
  return { driver: 'pg', version: row.version, serverTime: Number(row.now), warnings };
}

/** Limits of a connection, in milliseconds: those that the server keeps, and ours. */
interface Limits {
  readonly ours: { readonly query_timeout?: number };
  readonly server: Readonly<Record<string, number>>;
}

const NO_LIMITS: Limits = { ours: {}, server: {} };

function limitsOf(timeout: number): Limits {
  const onServer = Math.ceil(timeout * SERVER_SHARE);
  return {
    ours: { query_timeout: timeout },
    server: {
      statement_timeout: onServer,
      lock_timeout: onServer,
      idle_in_transaction_session_timeout: 10_000,
    },
  };
}

function openPool(url: string, { size, timeout }: PoolOptions, limits: Limits): ReliablePool {
  const pg = loadPg();
  const make = (given: object): PostgresPool => {
    const pool = new pg.Pool({
      connectionString: url,
      max: size,
      keepAlive: true,
      connectionTimeoutMillis: timeout,
      ...given,
    });
    // Without a listener an idle connection that breaks would end the process. The pool replaces
    // the connection at the next query.
    pool.on('error', () => undefined);
    return pool as unknown as PostgresPool;
  };
  const full = make({ ...limits.ours, ...limits.server });
  let pool = full;
  const fitting: PostgresPool = {
    async connect() {
      try {
        return await pool.connect();
      } catch (error) {
        if (!refusesParameters(error)) throw error;
        // A pooler that takes no limits at the start: each transaction sets its own. The first pool
        // stays open until the end, because others may wait in its queue.
        if (pool === full) pool = make(limits.ours);
        return await pool.connect();
      }
    },
    async end() {
      await full.end();
      if (pool !== full) await pool.end();
    },
  };
  return reliablePool(fitting, { isOurs: true, limits: settingLimits(limits) });
}

/** PgBouncer refuses parameters that it does not know, before it asks a server. */
function refusesParameters(error: unknown): boolean {
  return /unsupported startup parameter/i.test((error as Error | null)?.message ?? '');
}

/** Sets the limits of the server for one transaction. */
function settingLimits({ server }: Limits): BatchStatement | null {
  const settings = Object.entries(server).map(
    ([name, milliseconds]) => `set_config('${name}', '${milliseconds}ms', true)`,
  );
  return settings.length === 0 ? null : { text: `select ${settings.join(', ')}`, values: [] };
}

function loadPg(): typeof import('pg') {
  try {
    // Loaded by `require`, because `pg` is installed only by users of PostgreSQL, and because
    // opening a database is synchronous, unlike a dynamic import.
    return createRequire(import.meta.url)('pg') as typeof import('pg');
  } catch (cause) {
    throw new Error('PostgreSQL needs the package pg: npm install pg', { cause });
  }
}

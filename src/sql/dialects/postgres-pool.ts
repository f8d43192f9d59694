/**
 * A wrapper of a `pg` pool for Kysely that makes the pool reliable. It reads int8 as numbers
 * without changing the parsers of the host. It throws errors as the store port defines them. After
 * a connection did not answer once, it never uses that connection again. Which error is of which
 * kind is decided in `../faults.ts`.
 */
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import { asUnavailable } from '../faults.ts';
import type { Row } from '../schema.ts';
import { Batch, type BatchStatement, PreparedStatements } from './postgres-batch.ts';
import { endsConnection, isStaleStatement } from './postgres-faults.ts';

/** The part of a `pg` client that we use and that Kysely's type does not declare. */
interface Client {
  query<R>(config: QueryConfig): Promise<PostgresQueryResult<R>>;
  query(batch: Batch): unknown;
  /** What speaks the protocol; drivers other than that of `pg` itself may have none. */
  readonly connection?: { readonly parse?: unknown };
  /** The process of the server, as the server told at the start. */
  readonly processID?: number;
  release(destroy?: boolean): void;
  on?(event: 'error', listener: () => void): unknown;
  getTypeParser?(oid: number, format?: string): (value: string) => unknown;
}

interface QueryConfig {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly types?: Parsers;
}

interface Parsers {
  getTypeParser(oid: number, format?: string): (value: string) => unknown;
}

/** Type id of int8. Our int8 values are seconds and counts, which a JavaScript number can hold. */
const INT8 = 20;
/**
 * How often the prepared statements of a connection may be lost or become stale. After that it has
 * none: behind a pooler that changes connections under us, they are of no use.
 */
const MOST_STALE = 3;

/** Runs statements in one transaction. Resolves to the rows of each when all is committed. */
export type RunBatch = (
  statements: readonly BatchStatement[],
) => Promise<readonly (readonly Row[])[]>;

/** A pool for Kysely, and for hot statements. */
export interface ReliablePool extends PostgresPool {
  readonly batch: RunBatch;
}

export interface ReliableOptions {
  /** Whose pool it is. A pool of the host may lead through a pooler, so nothing is prepared. */
  readonly isOurs: boolean;
  /** Sets the limits of one transaction, for a pooler, which takes none at the start. */
  readonly limits: BatchStatement | null;
}

/** The same pool, made reliable. */
export function reliablePool(pool: PostgresPool, options: ReliableOptions): ReliablePool {
  const known = new WeakMap<PostgresPoolClient, ReliableClient>();
  let ended: Promise<void> | null = null;
  /** Each transaction may get another connection. Null until the first connection tells. */
  let isBehindPooler = options.isOurs ? null : true;
  const connect = async (): Promise<ReliableClient> => {
    let client: PostgresPoolClient;
    try {
      client = await pool.connect();
    } catch (error) {
      throw asUnavailable(error) ?? error;
    }
    const before = known.get(client);
    if (before !== undefined) return before;
    const raw = client as unknown as Client;
    const reliable = reliableClient(raw);
    known.set(client, reliable);
    try {
      isBehindPooler ??= await leadsThroughPooler(raw, reliable);
    } catch (error) {
      reliable.release();
      throw error;
    }
    if (!isBehindPooler) reliable.prepare();
    return reliable;
  };
  return {
    connect,
    async batch(statements) {
      const client = await connect();
      const first = isBehindPooler && options.limits !== null ? [options.limits] : [];
      try {
        return (await client.batch([...first, ...statements])).slice(first.length);
      } finally {
        client.release();
      }
    },
    end() {
      ended ??= pool.end();
      return ended;
    },
  };
}

/**
 * A pooler in between gives the client a process id of its own, because it must recognize requests
 * to cancel.
 */
async function leadsThroughPooler(raw: Client, client: ReliableClient): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid', []);
  return rows[0]?.pid !== raw.processID;
}

interface ReliableClient extends PostgresPoolClient {
  readonly batch: RunBatch;
  /** From now on the statements of batches are parsed and planned once. */
  prepare(): void;
}

function reliableClient(client: Client): ReliableClient {
  let lost: unknown = null;
  let prepared: PreparedStatements | null = null;
  let stale = 0;
  const types = typesOf(client);
  // A connection that breaks between two queries emits 'error', and an 'error' event without a
  // listener ends the process.
  client.on?.('error', () => {
    lost ??= asUnavailable(new Error('the connection was lost'));
  });
  /** The error as the store port defines it. After some errors the connection is not used again. */
  const failed = (error: unknown): unknown => {
    const unavailable = asUnavailable(error);
    if (endsConnection(error)) lost = unavailable ?? error;
    return unavailable ?? error;
  };
  const query = async <R>(
    text: string,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> => {
    // On a lost connection a ROLLBACK would only wait for the timeout again.
    if (lost !== null) throw lost;
    const values = parameters.some(hasNul) ? parameters.map(withoutNul) : parameters;
    try {
      return await client.query<R>({
        text,
        values,
        ...(types === null ? {} : { types }),
      });
    } catch (error) {
      throw failed(error);
    }
  };
  const inTransaction: RunBatch = async (statements) => {
    const results: (readonly Row[])[] = [];
    await query('begin');
    try {
      for (const { text, values } of statements)
        results.push((await query<Row>(text, values)).rows);
      await query('commit');
      return results;
    } catch (error) {
      await query('rollback').catch(() => undefined);
      throw error;
    }
  };
  return {
    async batch(statements) {
      if (lost !== null) throw lost;
      if (typeof client.connection?.parse !== 'function') return await inTransaction(statements);
      return await new Promise((resolve, reject) => {
        const done: Batch['callback'] = (error, results) => {
          if (results !== undefined) return resolve(results);
          if (isStaleStatement(error)) stale += 1;
          if (stale > MOST_STALE) prepared = null;
          reject(failed(error));
        };
        void client.query(new Batch(statements, prepared, done));
      });
    },
    prepare() {
      prepared = new PreparedStatements();
    },
    query: query as PostgresPoolClient['query'],
    release: () => client.release(lost !== null),
  };
}

function typesOf(client: Client): Parsers | null {
  if (client.getTypeParser === undefined) return null;
  return {
    getTypeParser: (oid, format) =>
      oid === INT8 && format !== 'binary'
        ? Number
        : (client.getTypeParser?.(oid, format) ?? String),
  };
}

// PostgreSQL's text cannot hold NUL. A value from a request that contains one must find nothing
// instead of causing an error, so the NUL is replaced.
const hasNul = (value: unknown): boolean => typeof value === 'string' && value.includes('\0');
export const withoutNul = <T>(value: T): T =>
  typeof value === 'string' ? (value.replaceAll('\0', '\ufffd') as T) : value;

/**
 * A wrapper of a `pg` pool for Kysely that makes the pool reliable. It reads int8 as numbers
 * without changing the parsers of the host. It throws errors as the store port defines them. After
 * a connection did not answer once, it never uses that connection again. Which error is of which
 * kind is decided in `../faults.ts`.
 */
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import { asUnavailable, endsConnection, isStaleStatement } from '../faults.ts';
import type { Row } from '../schema.ts';
import { Batch, type BatchStatement, PreparedStatements } from './postgres-batch.ts';

/** The part of a `pg` client that we use and that Kysely's type does not declare. */
interface Client {
  query<R>(config: QueryConfig): Promise<PostgresQueryResult<R>>;
  query(batch: Batch): unknown;
  /** What speaks the protocol; drivers other than that of `pg` itself may have none. */
  readonly connection?: { readonly parse?: unknown };
  release(destroy?: boolean): void;
  on?(event: 'error', listener: () => void): unknown;
  getTypeParser?(oid: number, format?: string): (value: string) => unknown;
}

interface QueryConfig {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly name?: string;
  readonly types?: Parsers;
}

interface Parsers {
  getTypeParser(oid: number, format?: string): (value: string) => unknown;
}

/** Type id of int8. Our int8 values are seconds and counts, which a JavaScript number can hold. */
const INT8 = 20;
/**
 * Most statements that get a name. Later ones run without, because a statement whose text varies
 * (an insert of any number of rows) could otherwise create names without limit.
 */
const MOST_NAMES = 300;

/**
 * How often the statements of a connection get new names after one of them became stale. After that
 * they have none: behind a pooler that changes connections under us, names are of no use.
 */
const MOST_RENEWALS = 3;

/** Runs statements in one transaction. Resolves to the rows of each when all is committed. */
export type RunBatch = (
  statements: readonly BatchStatement[],
) => Promise<readonly (readonly Row[])[]>;

/** A pool for Kysely, and for hot statements. */
export interface ReliablePool extends PostgresPool {
  readonly batch: RunBatch;
}

export interface ReliableOptions {
  /**
   * Name the statements, so that the server parses and plans each once per connection. False for a
   * pool of the host and behind a pooler, where each transaction may get another connection.
   */
  readonly prepare: boolean;
}

/** The same pool, made reliable. */
export function reliablePool(pool: PostgresPool, { prepare }: ReliableOptions): ReliablePool {
  const known = new WeakMap<PostgresPoolClient, ReliableClient>();
  const names = new Map<string, string>();
  let ended: Promise<void> | null = null;
  const nameOf = (text: string): string | undefined => {
    const given = names.get(text);
    if (given !== undefined || !prepare || names.size >= MOST_NAMES) return given;
    if (!/^(select|insert|update|delete|with)\b/.test(text)) return undefined;
    const name = `valetkey_${names.size}`;
    names.set(text, name);
    return name;
  };
  const connect = async (): Promise<ReliableClient> => {
    let client: PostgresPoolClient;
    try {
      client = await pool.connect();
    } catch (error) {
      throw asUnavailable(error) ?? error;
    }
    const before = known.get(client);
    if (before !== undefined) return before;
    const reliable = reliableClient(
      client as unknown as Client,
      nameOf,
      prepare ? new PreparedStatements() : null,
    );
    known.set(client, reliable);
    return reliable;
  };
  return {
    connect,
    async batch(statements) {
      const client = await connect();
      try {
        return await client.batch(statements);
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

interface ReliableClient extends PostgresPoolClient {
  readonly batch: RunBatch;
}

function reliableClient(
  client: Client,
  nameOf: (text: string) => string | undefined,
  prepared: PreparedStatements | null,
): ReliableClient {
  let lost: unknown = null;
  let renewals = 0;
  // A new name makes the server prepare the statement anew.
  const renewed = (name: string | undefined): string | undefined =>
    name === undefined || renewals === 0 ? name : `${name}_${renewals}`;
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
    const name = renewals > MOST_RENEWALS ? undefined : renewed(nameOf(text));
    const values = parameters.some(hasNul) ? parameters.map(withoutNul) : parameters;
    try {
      return await client.query<R>({
        text,
        values,
        ...(types === null ? {} : { types }),
        ...(name === undefined ? {} : { name }),
      });
    } catch (error) {
      if (isStaleStatement(error)) renewals += 1;
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
          if (results === undefined) reject(failed(error));
          else resolve(results);
        };
        void client.query(new Batch(statements, prepared, done));
      });
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

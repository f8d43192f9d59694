/**
 * A wrapper of a `pg` pool for Kysely that makes the pool reliable. It reads int8 as numbers
 * without changing the parsers of the host. It throws errors as the store port defines them. After
 * a connection did not answer once, it never uses that connection again. Which error is of which
 * kind is decided in `../faults.ts`.
 */
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import { asUnavailable, endsConnection, isStaleStatement } from '../faults.ts';

/** The part of a `pg` client that we use and that Kysely's type does not declare. */
interface Client {
  query<R>(config: QueryConfig): Promise<PostgresQueryResult<R>>;
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

/**
 * The same pool, made reliable.
 * @param options.prepare name the statements, so that the server parses and plans each once per
 * connection; false for a pool of the host, which may connect through a pooler without support for
 * named statements
 */
export function reliablePool(
  pool: PostgresPool,
  options: { readonly prepare: boolean },
): PostgresPool {
  const known = new WeakMap<PostgresPoolClient, PostgresPoolClient>();
  const names = new Map<string, string>();
  let ended: Promise<void> | null = null;
  const nameOf = (text: string): string | undefined => {
    const given = names.get(text);
    if (given !== undefined || !options.prepare || names.size >= MOST_NAMES) return given;
    if (!/^(select|insert|update|delete|with)\b/.test(text)) return undefined;
    const name = `valetkey_${names.size}`;
    names.set(text, name);
    return name;
  };
  return {
    async connect() {
      let client: PostgresPoolClient;
      try {
        client = await pool.connect();
      } catch (error) {
        throw asUnavailable(error) ?? error;
      }
      const before = known.get(client);
      if (before !== undefined) return before;
      const reliable = reliableClient(client as unknown as Client, nameOf);
      known.set(client, reliable);
      return reliable;
    },
    end() {
      ended ??= pool.end();
      return ended;
    },
  };
}

function reliableClient(
  client: Client,
  nameOf: (text: string) => string | undefined,
): PostgresPoolClient {
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
      const unavailable = asUnavailable(error);
      if (isStaleStatement(error)) renewals += 1;
      if (endsConnection(error)) lost = unavailable ?? error;
      throw unavailable ?? error;
    }
  };
  return {
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

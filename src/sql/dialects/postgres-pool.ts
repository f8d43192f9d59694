/**
 * A `pg` pool as Kysely sees it, made safe to rely on: int8 as numbers without touching anybody's
 * parsers, errors as the store's port knows them, and a connection that once did not answer is
 * never used again. What is an error of which kind is said in `../faults.ts`.
 */
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import { asUnavailable, endsConnection } from '../faults.ts';

/** What a client of `pg` offers beyond Kysely's idea of it. */
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

/** int8: seconds since 1970 fit a number for longer than this code will run. */
const INT8 = 20;
/**
 * Texts that get a name; what comes later, as an insert of ever another number of rows, goes
 * without.
 */
const MOST_NAMES = 300;

/**
 * @param options.prepare give statements names, so that the server parses and plans each once per
 * connection; not on a pool of the host, which may lead through a pooler that cannot
 */
export function reliablePool(
  pool: PostgresPool,
  options: { readonly prepare: boolean },
): PostgresPool {
  const known = new WeakMap<PostgresPoolClient, PostgresPoolClient>();
  const names = new Map<string, string>();
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
    end: async () => await pool.end(),
  };
}

function reliableClient(
  client: Client,
  nameOf: (text: string) => string | undefined,
): PostgresPoolClient {
  let lost: unknown = null;
  const types = typesOf(client);
  // A connection that breaks between two queries tells it as an event, and an unheard 'error' ends
  // the process.
  client.on?.('error', () => {
    lost ??= asUnavailable(new Error('the connection was lost'));
  });
  const query = async <R>(
    text: string,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> => {
    // After a lost connection a ROLLBACK would only wait once more.
    if (lost !== null) throw lost;
    const name = nameOf(text);
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

// PostgreSQL's text cannot hold NUL. What comes from the wire with one is to find nothing rather
// than to be an error.
const hasNul = (value: unknown): boolean => typeof value === 'string' && value.includes('\0');
const withoutNul = (value: unknown): unknown =>
  typeof value === 'string' ? value.replaceAll('\0', '\ufffd') : value;

/**
 * The SQLite dialect, on `node:sqlite` where Node has it, else on the package `libsql`. Neither
 * compiles or downloads anything when it is installed. An act is one transaction. Commits are
 * durable by default (WAL, synchronous=FULL). Statements that PostgreSQL shares are in
 * `on-conflict.ts`.
 */
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { CompiledQuery, type Kysely, sql } from 'kysely';
import { statementsOf } from '../act-statements.ts';
import type { SqlCheck, SqlDialect } from '../dialect.ts';
import { asUnavailable } from '../faults.ts';
import { compiled, lookupAlone, type Preparing, type Values } from '../hot.ts';
import type { Row, Tables } from '../schema.ts';
import { ON_CONFLICT, theRow, upsertion } from './on-conflict.ts';
import { sharedTransactions, type WriteShared } from './sqlite-group.ts';
import { retriedForLock, WaitingSqlite } from './sqlite-lock.ts';

/** A prepared statement, as Kysely expects it from a driver. */
interface Statement {
  readonly reader: boolean;
  all(parameters: readonly unknown[]): unknown[];
  run(parameters: readonly unknown[]): {
    changes: number | bigint;
    lastInsertRowid: number | bigint;
  };
  iterate(parameters: readonly unknown[]): IterableIterator<unknown>;
}

interface SqliteDatabase {
  exec(statements: string): unknown;
  prepare(statement: string): Statement;
  close(): void;
}

/** An open database, which knows whether a transaction is open. */
interface Connection extends SqliteDatabase {
  isInTransaction(): boolean;
}

/** The part of node:sqlite that we use. The types of Node 20 do not declare it. */
interface NodeSqlite {
  readonly DatabaseSync: new (
    path: string,
  ) => {
    exec(statements: string): void;
    close(): void;
    prepare(statement: string): {
      columns?(): readonly unknown[];
      all(...parameters: unknown[]): unknown[];
      run(...parameters: unknown[]): { changes: number; lastInsertRowid: number };
      iterate(...parameters: unknown[]): IterableIterator<unknown>;
    };
  };
}

const require = createRequire(import.meta.url);
/** 64 MB of pages: with the 2 MB of SQLite a look-up in a large file costs half as much again. */
const PRAGMAS =
  'pragma journal_mode=WAL; pragma synchronous=FULL; pragma foreign_keys=ON; pragma cache_size=-65536;';
const MOST_STATEMENTS = 200;
/** What begins a transaction, and what ends it. */
const BOUNDS: Readonly<Record<string, boolean>> = {
  'begin immediate': true,
  commit: false,
  rollback: false,
};

/**
 * A file that only this user can read, because it holds what people allowed. SQLite gives its side
 * files the mode of the database file. A file that exists keeps its mode, and is not opened:
 * closing it would free the locks that this process holds on it.
 */
function makePrivate(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error;
    // A link to a file that is not there yet.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
  }
}

/**
 * Opens a database file. One that does not exist is created with its folder, for this user alone.
 * @param path path of the file, or `:memory:`
 */
export function sqlite(path: string): SqlDialect {
  if (path !== ':memory:') makePrivate(path);
  const { database, driver } = open(path);
  // Switching to WAL takes the lock, and waits for it. From then on waiting is `sqlite-lock.ts`.
  telling(() => database.exec('pragma busy_timeout=5000;'));
  telling(() => database.exec(`${PRAGMAS} pragma busy_timeout=0;`));
  const connection = reliable(database);
  const writeShared = sharedTransactions(connection);
  return {
    ...ON_CONFLICT,
    ...hotOn(connection, writeShared),
    // It shares a transaction, because a burst of sign-ins counts many attempts at once.
    async upsert(db, upsert) {
      if (db.isTransaction) return await ON_CONFLICT.upsert(db, upsert);
      const { text, parameters } = compiled(db, upsertion(upsert));
      const write = () => connection.prepare(text).all(parameters({})) as readonly Row[];
      return theRow(upsert, await writeShared(db, write, false));
    },
    async deleteSome(db, { table, by, where, limit }) {
      const { numAffectedRows } = await sql`delete from ${sql.table(table)} where rowid in
        (select rowid from ${sql.table(table)} where ${where}
          order by ${sql.id(by)} limit ${limit})`.execute(db);
      return Number(numAffectedRows ?? 0);
    },
    close: async () => connection.close(),
    kysely: new WaitingSqlite({ database: connection as never }, connection.isInTransaction),
    patient: null,
    migrating: async (db, _schema, work) => await migrating(db, work),
    isMissingTable: (error) => /no such table/.test(String(error)),
    check: async (db) => await check(db, driver),
  };
}

/** Undoes what an act wrote before a statement that affected no row. */
class NoRowAffected extends Error {
  readonly statement: string;

  constructor(statement: string) {
    super('The statement affected no row.');
    this.statement = statement;
  }
}

/** Hot statements, straight on the driver. Acts share transactions (`sqlite-group.ts`). */
function hotOn(connection: Connection, writeShared: WriteShared): Preparing {
  const prepareQuery: Preparing['prepareQuery'] = (db, query) => {
    const { text, parameters } = compiled(db, query);
    const read = (values: Values): readonly Row[] =>
      connection.prepare(text).all(parameters(values)) as readonly Row[];
    // A transaction of the query builder may be open, and what it wrote may not be seen yet.
    return async (values) =>
      await retriedForLock(async () =>
        connection.isInTransaction()
          ? await db.connection().execute(async () => read(values))
          : read(values),
      );
  };
  return {
    prepareQuery,
    prepareLookup: lookupAlone(prepareQuery),
    prepareAct(db, act) {
      const statements = statementsOf(act).map((one) => ({ ...one, ...compiled(db, one.sql) }));
      const perform = (values: Values): void => {
        for (const { name, reads, text, parameters } of statements) {
          const statement = connection.prepare(text);
          const affected = reads
            ? statement.all(parameters(values)).length
            : Number(statement.run(parameters(values)).changes);
          if (name !== null && affected === 0) throw new NoRowAffected(name);
        }
      };
      const needsSavepoint = statements.length > 1;
      return async (values) => {
        try {
          await writeShared(db, () => perform(values), needsSavepoint);
          return null;
        } catch (error) {
          if (error instanceof NoRowAffected) return error.statement;
          throw error;
        }
      };
    },
  };
}

async function migrating<T>(
  db: Kysely<Tables>,
  work: (db: Kysely<Tables>) => Promise<T>,
): Promise<T> {
  return await db.connection().execute(async (connection) => {
    // IMMEDIATE takes the write lock before anything is read, so that two processes cannot both
    // decide that a migration is missing.
    await sql`begin immediate`.execute(connection);
    try {
      const result = await work(connection);
      await sql`commit`.execute(connection);
      return result;
    } catch (error) {
      await sql`rollback`.execute(connection);
      throw error;
    }
  });
}

async function check(db: Kysely<Tables>, driver: string): Promise<SqlCheck> {
  const { rows } = await sql<{
    version: string;
    now: number;
  }>`select sqlite_version() as version, cast(strftime('%s','now') as integer) as now`.execute(db);
  const durable = await db.executeQuery<Record<string, unknown>>(
    CompiledQuery.raw('pragma synchronous'),
  );
  const full = String(Object.values(durable.rows[0] ?? {})[0]) === '2';
  const warnings = full ? [] : ['synchronous is not FULL: a power cut may undo the last commits.'];
  return { driver, version: rows[0]?.version ?? '', serverTime: Number(rows[0]?.now), warnings };
}

function open(path: string): { readonly database: SqliteDatabase; readonly driver: string } {
  const builtIn = nodeSqlite();
  if (builtIn !== null) return { database: fromNode(builtIn, path), driver: 'node:sqlite' };
  const Libsql = libsql();
  return { database: telling(() => new Libsql(path)), driver: 'libsql' };
}

function libsql(): new (path: string) => SqliteDatabase {
  try {
    return require('libsql') as new (
      path: string,
    ) => SqliteDatabase;
  } catch (cause) {
    throw new Error('SQLite needs Node 22.13 or later, or the package libsql: npm install libsql', {
      cause,
    });
  }
}

function nodeSqlite(): NodeSqlite | null {
  try {
    return require('node:sqlite') as NodeSqlite;
  } catch {
    return null;
  }
}

function fromNode({ DatabaseSync }: NodeSqlite, path: string): SqliteDatabase {
  const database = new DatabaseSync(path);
  return {
    exec: (statements) => database.exec(statements),
    close: () => database.close(),
    prepare(text) {
      const statement = database.prepare(text);
      return {
        reader:
          statement.columns === undefined ? returnsRows(text) : statement.columns().length > 0,
        all: (parameters) => statement.all(...parameters),
        run: (parameters) => statement.run(...parameters),
        iterate: (parameters) => statement.iterate(...parameters),
      };
    },
  };
}

/**
 * True if the statement returns rows. The first versions of node:sqlite cannot tell, because they
 * have no `columns()`.
 */
function returnsRows(text: string): boolean {
  return (
    /^\s*(select|pragma)|\breturning\b/i.test(text) ||
    (/^\s*with\b/i.test(text) && !/\b(insert|update|delete)\b/i.test(text))
  );
}

/**
 * The same database, which keeps prepared statements, because the same few dozen texts repeat, and
 * which throws errors as the store port defines them.
 */
function reliable(database: SqliteDatabase): Connection {
  const prepared = new Map<string, Statement>();
  let isInTransaction = false;
  let isClosed = false;
  return {
    isInTransaction: () => isInTransaction,
    exec: (statements) => database.exec(statements),
    close() {
      prepared.clear();
      if (!isClosed) database.close();
      isClosed = true;
    },
    prepare(given) {
      // All our transactions write. A transaction that takes the write lock at its begin waits for
      // it; one that takes it after a read can fail at once.
      const text = given === 'begin' ? 'begin immediate' : given;
      const known = prepared.get(text);
      if (known !== undefined) return known;
      const bounds = BOUNDS[text];
      const statement = telling(() =>
        reliableStatement(
          database.prepare(text),
          () => {
            isInTransaction = bounds ?? isInTransaction;
          },
          () => {
            // SQLite refuses to roll back when it has done so itself, as after a full disk.
            if (text === 'rollback') isInTransaction = false;
          },
        ),
      );
      // Other statements are not kept: they change the schema and run only once.
      if (
        /^\s*(select|insert|update|delete|with|begin|commit|rollback|savepoint|release)/i.test(text)
      ) {
        if (prepared.size >= MOST_STATEMENTS) prepared.clear();
        prepared.set(text, statement);
      }
      return statement;
    },
  };
}

/** @param done called after each run that succeeded @param failed after each other run */
function reliableStatement(statement: Statement, done: () => void, failed: () => void): Statement {
  return {
    reader: statement.reader,
    all: (parameters) => telling(() => statement.all(parameters)),
    run: (parameters) =>
      telling(() => {
        try {
          const result = statement.run(parameters);
          done();
          return result;
        } catch (error) {
          failed();
          throw error;
        }
      }),
    iterate: (parameters) => statement.iterate(parameters),
  };
}

function telling<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw asUnavailable(error) ?? error;
  }
}

/**
 * The dialect of MariaDB and MySQL, on the optional peer dependency `mysql2`: on a pool of our own,
 * or on the host's. An act is a transaction that begins with its first conditional write and reads
 * nothing before. It uses what both servers have: no RETURNING, no writes inside WITH.
 */
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Kysely,
  MysqlDialect,
  MysqlQueryCompiler,
  type RawBuilder,
  sql,
  ValueNode,
} from 'kysely';
import { StoreUnavailable } from 'valetkey';
import { ALWAYS, insertion } from '../act.ts';
import { statementsOf } from '../act-statements.ts';
import type { PoolOptions, SqlCheck, SqlDialect, Upsert } from '../dialect.ts';
import { compiled, lookupAlone, type Preparing, type Values } from '../hot.ts';
import type { Row, Tables } from '../schema.ts';
import {
  type MysqlConnection,
  type MysqlPool,
  type ReliablePool,
  reliablePool,
} from './mysql-pool.ts';
import { theRow } from './on-conflict.ts';

const NO_SUCH_TABLE = 1146;
const DUPLICATE = 1062;
const DEADLOCK = 1213;
/** Seconds that a migration waits for another one. */
const MIGRATION_WAIT = 3600;
/** Seconds after which the lock of a process that died is free. */
const LEASE = 10;
/** Milliseconds. */
const LOOK_AGAIN = 200;

export function mysql(url: string, { size, timeout }: PoolOptions): SqlDialect {
  const open = (limits: PoolOptions, forMigrations = false): ReliablePool =>
    reliablePool(
      loadMysql().createPool({ uri: url, ...poolSettings(limits) }) as unknown as MysqlPool,
      limits.timeout,
      forMigrations,
    );
  const text: TextRules = { collation: 'utf8mb4_nopad_bin' };
  return {
    ...onPool(open({ size, timeout }), text),
    // Migrations may run long and wait for one another; a second connection renews their lock.
    patient: () => kyselyOn(open({ size: 2, timeout: MIGRATION_WAIT * 1000 }, true), text),
  };
}

/** The dialect on a pool of `mysql2` that the host made. Its limits apply. */
export function mysqlPool(pool: MysqlPool): SqlDialect {
  const text: TextRules = { collation: 'utf8mb4_nopad_bin' };
  return {
    ...onPool(reliablePool(pool, null), text),
    // On the same connections, which the end of the migration must not close.
    patient: () => kyselyOn({ ...reliablePool(pool, null, true), end: (done) => done(null) }, text),
  };
}

function poolSettings({ size, timeout }: PoolOptions): object {
  return {
    connectionLimit: size,
    connectTimeout: timeout,
    charset: 'utf8mb4',
    // A row that a write meets counts as affected, also when nothing of it changes.
    flags: ['FOUND_ROWS'],
    enableKeepAlive: true,
  };
}

/** How texts compare. MariaDB and MySQL have different names for a collation that pads nothing. */
interface TextRules {
  collation: string;
}

function onPool(pool: ReliablePool, text: TextRules): Omit<SqlDialect, 'patient'> {
  return {
    ...hotOn(pool),
    close: async () =>
      await new Promise<void>((resolve, reject) =>
        pool.end((error) => (error ? reject(error) : resolve())),
      ),
    kysely: kyselyOn(pool, text),
    async perform(trx, { sql: make, mayExist }) {
      try {
        const { numAffectedRows } = await make(ALWAYS).execute(trx);
        return (numAffectedRows ?? 0n) > 0n;
      } catch (error) {
        if (mayExist === true && numberOf(error) === DUPLICATE) return false;
        throw error;
      }
    },
    async insertNew(db, table, row) {
      try {
        await insertion(table as keyof Tables, row).execute(db);
        return true;
      } catch (error) {
        if (numberOf(error) === DUPLICATE) return false;
        throw error;
      }
    },
    insertIfAbsent: (name, table, row) => [
      { name, sql: () => insertion(table, row), mayExist: true },
    ],
    upsertIf: (name, upsert, where) => [
      // This inserts the row or locks it. The next write checks the condition.
      { name, sql: () => upsertion(upsert) },
      {
        name,
        sql: () => sql`update ${sql.table(upsert.table)} set ${changes(upsert)}
          where ${keyOf(upsert)} and ${where}`,
      },
    ],
    async upsert(db, upsert) {
      const run = async (trx: Kysely<Tables>): Promise<Row> => {
        await upsertion(upsert).execute(trx);
        const { rows } = await sql<Row>`select * from ${sql.table(upsert.table)}
          where ${keyOf(upsert)}`.execute(trx);
        return theRow(upsert, rows);
      };
      return db.isTransaction ? await run(db) : await db.transaction().execute(run);
    },
    async deleteSome(db, { table, where, limit }) {
      const { numAffectedRows } =
        await sql`delete from ${sql.table(table)} where ${where} limit ${sql.lit(limit)}`.execute(
          db,
        );
      return Number(numAffectedRows ?? 0);
    },
    migrating: async (db, _schema, work) => await migrating(db, text, work),
    isMissingTable: (error) => numberOf(error) === NO_SUCH_TABLE,
    check,
  };
}

function kyselyOn(pool: ReliablePool, text: TextRules): MysqlDialect {
  const dialect = new MysqlDialect({ pool: pool as never });
  return Object.assign(dialect, { createQueryCompiler: () => new Compiler(text) });
}

/** Text is as long as ours may be, and compares byte by byte: `a`, `A` and `a ` are three names. */
class Compiler extends MysqlQueryCompiler {
  readonly #text: TextRules;

  constructor(text: TextRules) {
    super();
    this.#text = text;
  }

  protected override visitDataType(node: Parameters<MysqlQueryCompiler['visitDataType']>[0]): void {
    this.append(node.dataType === 'text' ? 'mediumtext' : node.dataType);
  }

  /** MySQL has no IF NOT EXISTS here; an index that exists is told apart by its error. */
  protected override visitCreateIndex(
    node: Parameters<MysqlQueryCompiler['visitCreateIndex']>[0],
  ): void {
    super.visitCreateIndex({ ...node, ifNotExists: false });
  }

  /** A number in the text: MySQL takes no number of JavaScript as the value of a LIMIT. */
  protected override visitLimit(node: Parameters<MysqlQueryCompiler['visitLimit']>[0]): void {
    const { limit } = node;
    if (ValueNode.is(limit) && Number.isSafeInteger(limit.value))
      this.append(`limit ${limit.value as number}`);
    else super.visitLimit(node);
  }

  protected override visitCreateTable(
    node: Parameters<MysqlQueryCompiler['visitCreateTable']>[0],
  ): void {
    super.visitCreateTable(node);
    this.append(` engine = InnoDB default charset = utf8mb4 collate = ${this.#text.collation}`);
  }
}

function numberOf(error: unknown): number | undefined {
  return (error as { errno?: number } | null)?.errno;
}

function upsertion(upsert: Upsert): RawBuilder<unknown> {
  return sql`${insertion(upsert.table, upsert.row)} on duplicate key update ${changes(upsert)}`;
}

function changes({ set }: Upsert): RawBuilder<unknown> {
  return sql.join(Object.entries(set).map(([name, value]) => sql`${sql.id(name)} = ${value}`));
}

function keyOf({ key, row }: Upsert): RawBuilder<unknown> {
  const parts = key.map((name) => sql`${sql.id(name)} = ${row[name]}`);
  return sql.join(parts, sql` and `);
}

/** Hot statements: prepared on each connection; an act of several is a transaction. */
function hotOn(pool: ReliablePool): Preparing {
  const prepareQuery: Preparing['prepareQuery'] = (db, query) => {
    const { text, parameters } = compiled(db, query);
    return async (values) => (await pool.execute(text, parameters(values))).rows;
  };
  return {
    prepareQuery,
    prepareLookup: lookupAlone(prepareQuery),
    prepareAct(db, act) {
      const statements = statementsOf(act).map((one) => ({ ...one, ...compiled(db, one.sql) }));
      const perform = async (on: MysqlConnection, values: Values): Promise<string | null> => {
        for (const { name, mayExist, text, parameters } of statements) {
          const count = await affectedBy(on, text, parameters(values), mayExist);
          if (name !== null && count === 0) return name;
        }
        return null;
      };
      // One statement is atomic by itself, where it commits and reads as ours do.
      return statements.length === 1 && pool.isOurs
        ? async (values) => await perform(pool, values)
        : async (values) =>
            await pool.transaction(async (connection) => await perform(connection, values));
    },
  };
}

/** How many rows a statement affected, or found. */
async function affectedBy(
  connection: MysqlConnection,
  text: string,
  parameters: readonly unknown[],
  mayExist: boolean,
): Promise<number> {
  try {
    const { rows, affected } = await connection.execute(text, parameters);
    return affected + rows.length;
  } catch (error) {
    if (mayExist && numberOf(error) === DUPLICATE) return 0;
    throw error;
  }
}

/**
 * Statements that change the schema commit at once. A migration that was ended midway is begun
 * anew, and a step that it had done already counts as done (`mysql-pool.ts`). In a cluster a lock
 * of one server is not seen by the others, so the lock is a row.
 */
async function migrating<T>(
  db: Kysely<Tables>,
  text: TextRules,
  work: (db: Kysely<Tables>) => Promise<T>,
): Promise<T> {
  return await db.connection().execute(async (connection) => {
    const { rows } = await sql<{ version: string }>`select version() as version`.execute(
      connection,
    );
    text.collation = /mariadb/i.test(rows[0]?.version ?? '')
      ? 'utf8mb4_nopad_bin'
      : 'utf8mb4_0900_bin';
    const holder = randomUUID();
    await makeLock(connection);
    for (let waited = 0; !(await lease(connection, holder, LEASE)); waited += LOOK_AGAIN) {
      if (waited > MIGRATION_WAIT * 1000)
        throw new StoreUnavailable('Another migration did not end.');
      await pause(LOOK_AGAIN);
    }
    // On another connection, because this one may be busy for longer than the lease.
    let isLost = false;
    const renew = async (): Promise<void> => {
      isLost ||= !(await lease(db, holder, LEASE));
    };
    const renewal = setInterval(() => void renew().catch(() => undefined), (LEASE * 1000) / 3);
    try {
      const result = await work(connection);
      if (isLost) throw new StoreUnavailable('Another migration began meanwhile.');
      return result;
    } finally {
      clearInterval(renewal);
      // Without this the lock is free when the lease ends.
      await lease(connection, holder, 0).catch(() => undefined);
    }
  });
}

const LOCK = sql.table('migration_lock');

async function makeLock(db: Kysely<Tables>): Promise<void> {
  await sql`create table if not exists ${LOCK} (id integer primary key, holder varchar(36) not null,
    held_until bigint not null) engine = InnoDB`.execute(db);
  await sql`insert ignore into ${LOCK} values (1, '', 0)`.execute(db);
}

/** Takes, renews or (with 0 seconds) gives back the lock. False when somebody else has it. */
async function lease(db: Kysely<Tables>, holder: string, seconds: number): Promise<boolean> {
  try {
    const { numAffectedRows } = await sql`update ${LOCK}
      set holder = ${holder}, held_until = unix_timestamp() + ${seconds}
      where id = 1 and (held_until <= unix_timestamp() or holder = ${holder})`.execute(db);
    return (numAffectedRows ?? 0n) > 0n;
  } catch (error) {
    // Another server of a cluster was first.
    if (numberOf(error) === DEADLOCK) return false;
    throw error;
  }
}

async function check(db: Kysely<Tables>): Promise<SqlCheck> {
  const { rows } = await sql<{
    version: string;
    now: number;
    flush: number;
  }>`select version() as version, unix_timestamp() as now,
    @@innodb_flush_log_at_trx_commit as flush`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new StoreUnavailable('The database does not answer.');
  const warnings =
    Number(row.flush) === 1
      ? []
      : ['innodb_flush_log_at_trx_commit is not 1: a crash may lose the last commits.'];
  return { driver: 'mysql2', version: row.version, serverTime: Number(row.now), warnings };
}

function loadMysql(): typeof import('mysql2') {
  try {
    return createRequire(import.meta.url)('mysql2') as typeof import('mysql2');
  } catch (cause) {
    throw new Error('MariaDB and MySQL need the package mysql2: npm install mysql2', { cause });
  }
}

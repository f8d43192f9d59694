/** Statements that travel together on PostgreSQL: what one of them does to the others. */
import { randomBytes } from 'node:crypto';
import { type PostgresPool, sql } from 'kysely';
import pg from 'pg';
import { type Issue, StoreUnavailable } from 'valetkey';
import { type SqlDatabase, type SqlOptions, sqlDatabase } from 'valetkey/sql';
import { insertCode, sample, withClient, withCode, withFamily } from 'valetkey/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Batch, PreparedStatements } from '../../src/sql/dialects/postgres-batch.ts';
import { services } from '../services.ts';
import { startRelay } from './tcp-relay.ts';

const ISSUER = 'https://op.example';
const NOW = 1_800_000_000;
const SCHEMA = `test_${randomBytes(6).toString('hex')}`;

/** Of a client that is registered. */
const FACTS = sample.facts();
const issueOf = (digest?: string): Issue => ({
  ...sample.issue(FACTS, null, null, digest === undefined ? {} : { digest }),
  consumption: null,
  subject: null,
  family: null,
});
/** An act that consumes a record and then stores the same access token as another one. */
const taking = (record: ReturnType<typeof sample.oneTime>, taken: Issue): Issue => ({
  ...taken,
  consumption: { kind: 'one_time_record', record },
});

describe.skipIf(services.postgres === null)('PostgreSQL', () => {
  const url = new URL(services.postgres ?? 'postgres://localhost/none');
  const opened: SqlDatabase[] = [];
  const pools: pg.Pool[] = [];
  let admin: SqlDatabase;
  const open = (options: SqlOptions = { url: url.href }): SqlDatabase => {
    const database = sqlDatabase({ schema: SCHEMA, ...options });
    opened.push(database);
    return database;
  };
  const hostPool = (): pg.Pool => {
    const pool = new pg.Pool({ connectionString: url.href, max: 3 });
    pools.push(pool);
    return pool;
  };
  /** A driver without the interface that a batch needs. */
  const otherDriver = (pool: pg.Pool): PostgresPool => ({
    async connect() {
      const client = await pool.connect();
      return {
        query: async (text: string, values: unknown[]) => await client.query(text, values),
        getTypeParser: (oid: number) => pg.types.getTypeParser(oid),
        release: () => client.release(),
      } as never;
    },
    end: async () => await pool.end(),
  });

  beforeAll(async () => {
    admin = open();
    await admin.migrate();
    await withClient(admin.forIssuer(ISSUER), FACTS);
    opened.splice(0);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(async (database) => await database.close()));
    await Promise.all(pools.splice(0).map(async (pool) => await pool.end()));
  });
  afterAll(async () => {
    await admin.kysely.schema.dropSchema(SCHEMA).cascade().execute();
    await admin.close();
  });

  const KINDS: readonly (readonly [name: string, make: () => SqlDatabase])[] = [
    ['a pool of our own', () => open()],
    ['a pool of the host', () => open({ pool: hostPool() as unknown as PostgresPool })],
    ['a pool of another driver', () => open({ pool: otherDriver(hostPool()) })],
  ];
  describe.each(KINDS)('on %s', (_, make) => {
    it('[store] rows that are stored together: one that fails fails alone', async () => {
      const { tokens } = make().forIssuer(ISSUER);
      const [taken, ...good] = [issueOf(), issueOf(), issueOf(), issueOf()] as const;
      await tokens.issue(taken, NOW);
      const outcomes = await Promise.all(
        [good[0], taken, good[1], taken, good[2]].map(
          async (one) => await tokens.issue(one as Issue, NOW).catch(() => 'failed'),
        ),
      );
      expect(outcomes).toEqual(['fresh', 'failed', 'fresh', 'failed', 'fresh']);
      for (const one of good)
        expect((await tokens.findAccessToken(one.accessToken?.digest ?? ''))?.live).toBe(true);
    });
    it('[store] acts of different kinds: one that fails changes nothing, the others are done', async () => {
      const { oneTime, tokens } = make().forIssuer(ISSUER);
      const [failing, free] = [sample.oneTime(), sample.oneTime()];
      await Promise.all([oneTime.put(failing), oneTime.put(free)]);
      const taken = issueOf();
      await tokens.issue(taken, NOW);
      const outcomes = await Promise.all([
        tokens.issue(taking(failing, taken), NOW).catch(() => 'failed'),
        oneTime.consume(free, NOW),
        oneTime.put(sample.oneTime()),
        oneTime.consume(free, NOW),
      ]);
      expect(outcomes[0]).toBe('failed');
      expect(outcomes[2]).toBe(true);
      expect([outcomes[1], outcomes[3]].filter(Boolean)).toHaveLength(1);
      expect((await oneTime.find(failing))?.consumedAt).toBeNull();
      expect((await oneTime.find(free))?.consumedAt).toBe(NOW);
    });
    it('[store] acts on one record that travel together: exactly one is done', async () => {
      const { oneTime } = make().forIssuer(ISSUER);
      const record = sample.oneTime();
      await oneTime.put(record);
      const outcomes = await Promise.all(
        Array.from({ length: 120 }, async () => await oneTime.consume(record, NOW)),
      );
      expect(outcomes.filter(Boolean)).toHaveLength(1);
    });
    it('[store] look-ups with keys of any characters find their own rows', async () => {
      const { tokens } = make().forIssuer(ISSUER);
      const keys = ['a"b', 'a\\b', 'a,b', '{a}', 'NULL', 'null', '', ' a ', "a'b", 'ä🔑', 'a\nb'];
      const mark = randomBytes(4).toString('hex');
      for (const key of keys) await tokens.issue(issueOf(`${key}#${mark}`), NOW);
      const wanted = [...keys, 'nobody', 'a\0b'];
      const found = await Promise.all(
        wanted.map(
          async (key) => (await tokens.findAccessToken(`${key}#${mark}`))?.token.digest ?? null,
        ),
      );
      expect(found).toEqual([...keys.map((key) => `${key}#${mark}`), null, null]);
    });
  });

  it('[store] an act is answered when it is committed, not before', async () => {
    await sql`create function ${sql.id(SCHEMA, 'refuse')}() returns trigger language plpgsql as
      'begin if new.sid = ''refused'' then raise exception ''refused''; end if; return null; end'`.execute(
      admin.kysely,
    );
    await sql`create constraint trigger refuse after insert on ${sql.table('access_tokens')}
      deferrable initially deferred for each row
      execute function ${sql.id(SCHEMA, 'refuse')}()`.execute(admin.kysely);
    const { tokens } = open().forIssuer(ISSUER);
    const [first, last] = [issueOf(), issueOf()];
    const refused: Issue = {
      ...issueOf(),
      ...sample.issue({ ...FACTS, sid: 'refused' }, null, null),
    };
    const outcomes = await Promise.all(
      [first, refused, last].map(async (one) => await tokens.issue(one, NOW).catch(() => 'failed')),
    );
    expect(outcomes).toEqual(['fresh', 'failed', 'fresh']);
    expect(await tokens.issue(refused, NOW).catch(() => 'failed')).toBe('failed');
    await sql`drop trigger refuse on ${sql.table('access_tokens')}`.execute(admin.kysely);
  });

  it('[store] an act that waits for a lock holds up the others for a moment only', async () => {
    const store = open().forIssuer(ISSUER);
    const { tokens } = store;
    const { facts, session } = await withFamily(admin.forIssuer(ISSUER));
    const code = sample.code(facts, 'a');
    const done: string[] = [];
    let locked: Promise<unknown> = Promise.resolve();
    await admin.kysely.transaction().execute(async (trx) => {
      await trx
        .selectFrom('sessions')
        .selectAll()
        .where('handle', '=', session.handle)
        .forUpdate()
        .execute();
      locked = insertCode(store, code, session.handle).then((outcome) => done.push(outcome));
      const others = [issueOf(), issueOf(), issueOf()].map(
        async (one) => await tokens.issue(one, NOW),
      );
      expect(await Promise.all(others)).toEqual(['fresh', 'fresh', 'fresh']);
      expect(done).toEqual([]);
    });
    await locked;
    expect(done).toEqual(['stored']);
  });

  it('[store] a group that hangs does not hold up the next ones', async () => {
    const { tokens } = open().forIssuer(ISSUER);
    const issue = issueOf();
    await tokens.issue(issue, NOW);
    await admin.kysely.transaction().execute(async (trx) => {
      await sql`lock table ${sql.table('one_time_records')} in access exclusive mode`.execute(trx);
      const { oneTime } = open().forIssuer(ISSUER);
      const hanging = oneTime.find(sample.oneTime()).catch((error: unknown) => error);
      const again = oneTime.find(sample.oneTime()).catch((error: unknown) => error);
      const found = await tokens.findAccessToken(issue.accessToken?.digest ?? '');
      expect(found?.live).toBe(true);
      expect(await hanging).toBeInstanceOf(StoreUnavailable);
      expect(await again).toBeInstanceOf(StoreUnavailable);
    });
  });

  it('[store] D-1 what a lost connection was reading is read again once', async () => {
    const relay = await startRelay({ host: url.hostname, port: Number(url.port) });
    const through = Object.assign(new URL(url), { port: String(relay.port) }).href;
    const store = open({ url: through, poolSize: 1 }).forIssuer(ISSUER);
    const { code } = await withCode(store);
    relay.silence();
    const reading = store.codes.find(code.digest);
    await new Promise((resolve) => setTimeout(resolve, 100));
    relay.restore();
    relay.cut();
    expect((await reading)?.code.digest).toBe(code.digest);
    await relay.close();
  });
  it('[store] D-1 what a lost connection was writing is not written again: whether it was done is unknown', async () => {
    const relay = await startRelay({ host: url.hostname, port: Number(url.port) });
    const through = Object.assign(new URL(url), { port: String(relay.port) }).href;
    const store = open({ url: through, poolSize: 1 }).forIssuer(ISSUER);
    const one = issueOf();
    await store.tokens.findAccessToken('a');
    relay.silence();
    const writing = Promise.all(
      [one, issueOf()].map(async (each) => await store.tokens.issue(each, NOW)),
    ).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 100));
    relay.restore();
    relay.cut();
    expect(await writing).toBeInstanceOf(StoreUnavailable);
    expect(await store.tokens.findAccessToken(one.accessToken?.digest ?? '')).toBeNull();
    await relay.close();
  });

  it('[store] a connection keeps at most 300 texts prepared, and none that failed', async () => {
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    const prepared = new PreparedStatements();
    const run = async (text: string): Promise<unknown> =>
      await new Promise((resolve, reject) => {
        const done: Batch['callback'] = (error, results) => {
          if (results === undefined) reject(error);
          else resolve(results[0]?.[0]?.['found']);
        };
        void client.query(new Batch([{ text, values: [] }], prepared, done) as never);
      });
    for (let index = 0; index < 301; index += 1)
      expect(await run(`select ${index} as found`)).toBe(index);
    const count = 'select count(*) as found from pg_prepared_statements';
    expect(await run(count)).toBe(2);
    await expect(run('select 1 from nowhere')).rejects.toMatchObject({ code: '42P01' });
    await expect(run('select 1 / 0 as found')).rejects.toMatchObject({ code: '22012' });
    expect(await run(count)).toBe(1);
    await client.end();
  });
});

/**
 * Databases that refuse connections, do not answer, are locked, or are full: the store throws
 * `StoreUnavailable` soon, and works again when the database does.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import pg from 'pg';
import { StoreUnavailable } from 'valetkey';
import { accountsMigrations, passwordAccounts } from 'valetkey/accounts';
import { type SqlDatabase, type SqlOptions, sqlDatabase } from 'valetkey/sql';
import { redeem, sample, withCode, withFamily } from 'valetkey/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { services } from '../services.ts';
import { startRelay } from './tcp-relay.ts';

const NOW = 1_800_000_000;
const ISSUER = 'https://faults.example';
const SCHEMA = `faults_${process.pid}`;
/** Milliseconds that a caller waits at most: the timeout of two seconds, and a margin. */
const SOON = 3000;

async function unavailable(work: Promise<unknown>): Promise<number> {
  const begun = Date.now();
  await expect(work).rejects.toBeInstanceOf(StoreUnavailable);
  return Date.now() - begun;
}

describe.skipIf(services.postgres === null)('PostgreSQL', () => {
  const url = new URL(services.postgres ?? 'postgres://localhost/none');
  const opened: SqlDatabase[] = [];
  let admin: SqlDatabase;

  const through = (port: number): string =>
    Object.assign(new URL(url), { port: String(port) }).href;
  const open = (options: SqlOptions = {}): SqlDatabase => {
    const database = sqlDatabase({
      url: url.href,
      schema: SCHEMA,
      migrations: accountsMigrations,
      ...options,
    });
    opened.push(database);
    return database;
  };

  beforeAll(async () => {
    admin = sqlDatabase({ url: url.href, schema: SCHEMA, migrations: accountsMigrations });
    await admin.migrate();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(async (database) => await database.close()));
  });
  afterAll(async () => {
    await admin.kysely.schema.dropSchema(SCHEMA).cascade().execute();
    await admin.close();
  });

  it('[store] a refused connection throws StoreUnavailable at once, for accounts as well', async () => {
    const relay = await startRelay(null);
    await relay.close();
    const database = open({ url: through(relay.port) });
    const store = database.forIssuer(ISSUER);
    expect(await unavailable(store.clients.find('a'))).toBeLessThan(1000);
    expect(
      await unavailable(store.sessions.end({ handle: 'a', sub: 'a', sid: 'a' }, NOW, true, null)),
    ).toBeLessThan(1000);
    expect(await unavailable(database.migrate())).toBeLessThan(1000);
    expect(await unavailable(database.pendingMigrations())).toBeLessThan(1000);
    expect(await unavailable(database.check())).toBeLessThan(1000);
    expect(
      await unavailable(passwordAccounts({ sql: database, issuer: ISSUER }).find('a')),
    ).toBeLessThan(1000);
  });

  it('[store] a database that does not exist throws StoreUnavailable, and reports no pending migrations', async () => {
    const database = open({
      url: Object.assign(new URL(url), { pathname: '/no_such_database' }).href,
    });
    await unavailable(database.pendingMigrations());
  });

  it('[store] D-3 a server that accepts a connection and never answers throws StoreUnavailable within the timeout', async () => {
    const relay = await startRelay(null);
    const store = open({ url: through(relay.port) }).forIssuer(ISSUER);
    expect(await unavailable(store.clients.find('a'))).toBeLessThan(SOON);
    await relay.close();
  });

  it('[store] D-3 a server that stops answering throws StoreUnavailable within the timeout, and the store works at once when it is back', async () => {
    const relay = await startRelay({ host: url.hostname, port: Number(url.port) });
    const store = open({ url: through(relay.port), poolSize: 4 }).forIssuer(ISSUER);
    const { facts, authorization, code } = await withCode(store);
    // Open every connection of the pool before the server stops answering.
    await Promise.all(Array.from({ length: 8 }, async () => await store.codes.find(code.digest)));
    relay.silence();
    const family = sample.family(facts, authorization.id);
    const waits = await Promise.all([
      unavailable(store.clients.find('a')),
      unavailable(store.sessions.end({ handle: 'a', sub: 'a', sid: 'a' }, NOW, true, null)),
      unavailable(
        redeem(store, code.digest, family, sample.issue(facts, family.id, authorization.id), NOW),
      ),
      unavailable(store.tokens.revokeSubject('a', NOW, null)),
    ]);
    expect(Math.max(...waits)).toBeLessThan(SOON);
    relay.restore();
    const begun = Date.now();
    const answers = await Promise.all(
      Array.from({ length: 8 }, async () => await store.codes.find(code.digest)),
    );
    expect(answers.every((found) => found?.code.consumedAt === null)).toBe(true);
    expect(Date.now() - begun).toBeLessThan(1000);
    await relay.close();
  });

  it('[store] a row that another transaction locks throws StoreUnavailable within one timeout, not after several', async () => {
    const store = open().forIssuer(ISSUER);
    const { session } = await withFamily(store);
    await admin.kysely.transaction().execute(async (trx) => {
      await trx
        .selectFrom('sessions')
        .selectAll()
        .where('handle', '=', session.handle)
        .forUpdate()
        .execute();
      expect(await unavailable(store.sessions.end(session, NOW, true, null))).toBeLessThan(SOON);
    });
    expect(await store.sessions.end(session, NOW, true, null)).toBe(true);
  });

  it('[store] D-2 a pool without a free connection throws StoreUnavailable within the timeout', async () => {
    const database = open({ poolSize: 1 });
    await database.kysely.connection().execute(async () => {
      expect(await unavailable(database.forIssuer(ISSUER).clients.find('a'))).toBeLessThan(SOON);
    });
    expect(await database.forIssuer(ISSUER).clients.find('a')).toBeNull();
  });

  it('[store] D-1 connections that the server closed fail at most once each, only with StoreUnavailable', async () => {
    const store = open({ poolSize: 2, url: `${url.href}?application_name=doomed` }).forIssuer(
      ISSUER,
    );
    await Promise.all([store.clients.find('a'), store.clients.find('a')]);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'doomed'`.execute(
      admin.kysely,
    );
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const outcome = await store.clients.find('a').catch((error: unknown) => error);
      if (outcome !== null) expect(outcome).toBeInstanceOf(StoreUnavailable);
    }
    expect(await store.clients.find('a')).toBeNull();
  });

  it('[store] D-6 a read-only server, as after a failover, throws StoreUnavailable for writes', async () => {
    const store = open({
      url: `${url.href}?options=-c%20default_transaction_read_only%3Don`,
    }).forIssuer(ISSUER);
    await unavailable(store.clients.insert(sample.client(), null));
    await unavailable(store.tokens.revokeSubject('a', NOW, null));
  });

  describe('a statement that was prepared', () => {
    const schema = `${SCHEMA}_stale`;
    let database: SqlDatabase;
    beforeAll(async () => {
      database = sqlDatabase({ url: url.href, schema, poolSize: 2 });
      await database.migrate();
    });
    afterAll(async () => {
      await database.kysely.schema.dropSchema(schema).cascade().execute();
      await database.close();
    });

    it('[store] is prepared again after a migration under the running server', async () => {
      const store = database.forIssuer(ISSUER);
      const client = sample.client();
      await store.clients.insert(client, null);
      const { family, issue } = await withFamily(store);
      const all = async (): Promise<readonly unknown[]> =>
        await Promise.all([
          store.clients.find(client.clientId),
          store.sessions.listBySubject(family.sub),
          store.tokens.findFamily(family.id),
          store.tokens.findAccessToken(issue.accessToken.digest),
        ]);
      // Ten times, so that each statement is prepared on every connection.
      for (let round = 0; round < 10; round += 1) await all();
      const before = await all();
      for (const column of ['one', 'two', 'three', 'four', 'five']) {
        for (const table of ['clients', 'sessions', 'families', 'access_tokens'])
          await sql`alter table ${sql.table(table)} add column ${sql.id(column)} text`.execute(
            database.kysely,
          );
        for (let round = 0; round < 5; round += 1) expect(await all()).toEqual(before);
      }
    });
    it('[store] is prepared again when a pooler lost it', async () => {
      const store = database.forIssuer(ISSUER);
      const client = sample.client();
      await store.clients.insert(client, null);
      for (let round = 0; round < 12; round += 1) {
        expect(await store.clients.find(client.clientId)).toEqual(client);
        await sql`deallocate all`.execute(database.kysely);
      }
    });
  });

  it('[store] a closed database throws StoreUnavailable', async () => {
    const database = sqlDatabase({ url: url.href, schema: SCHEMA });
    const store = database.forIssuer(ISSUER);
    // Only hot statements, so that the query builder opened nothing.
    await store.codes.find('a');
    await database.close();
    await database.close();
    await unavailable(store.codes.find('a'));
    await unavailable(store.clients.find('a'));
  });

  it('[store] migrate waits for another migration longer than a statement may take', async () => {
    const extra = { name: '9001-nothing', up: async (): Promise<void> => undefined };
    const database = open({ timeout: 500, migrations: [...accountsMigrations, extra] });
    const migrating = await admin.kysely.transaction().execute(async (trx) => {
      await sql`select pg_advisory_xact_lock(7318349394477056)`.execute(trx);
      const waiting = database.migrate();
      await sleep(1500);
      return { waiting };
    });
    expect(await migrating.waiting).toEqual(['9001-nothing']);
  });

  it('[store] a migration may take longer than a statement of a request', async () => {
    const slow = {
      name: '9000-slow',
      up: async (db: Parameters<(typeof accountsMigrations)[number]['up']>[0]) =>
        void (await sql`select pg_sleep(1.5)`.execute(db)),
    };
    const database = open({ timeout: 500, migrations: [...accountsMigrations, slow] });
    expect(await database.migrate()).toEqual(['9000-slow']);
  });

  it('[store] a pool of the host, with its own parsers, returns the same records', async () => {
    const pool = new pg.Pool({ connectionString: url.href });
    const database = sqlDatabase({ pool, schema: SCHEMA, migrations: accountsMigrations });
    const store = database.forIssuer(ISSUER);
    const { session, family, issue, facts } = await withFamily(store);
    expect(await store.sessions.find(session.handle)).toEqual(session);
    expect((await store.tokens.findFamily(family.id))?.family).toEqual(family);
    expect((await store.tokens.findAccessToken(issue.accessToken?.digest ?? ''))?.token).toEqual(
      issue.accessToken,
    );
    expect((await store.authorizations.find(facts.sub, facts.clientId))?.createdAt).toBe(NOW);
    expect(await pool.query('select 1::int8 as n')).toMatchObject({ rows: [{ n: '1' }] });
    await database.close();
  });

  it('[store] a value with a NUL character finds no record and causes no error', async () => {
    const store = open().forIssuer(ISSUER);
    expect(await store.clients.find('a\0b')).toBeNull();
    expect(await store.tokens.findIdToken('\0')).toBeNull();
    expect((await store.counters.hit(`login \0${Date.now()}`, 60, NOW)).count).toBe(1);
    const event = {
      id: `nul-${Date.now()}`,
      at: NOW,
      type: 'nul',
      sub: null,
      clientId: 'a\0b',
      ip: null,
      requestId: null,
      reason: null,
      detail: {},
    };
    await store.audit.append([event]);
    expect(await store.audit.list({ limit: 1, type: 'nul' })).toHaveLength(1);
  });
});

describe('SQLite', () => {
  it('[store] a file that another connection locks throws StoreUnavailable after one timeout, not after several', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'valetkey-locked-'));
    const url = `sqlite:${join(folder, 'test.db')}`;
    const [one, two] = [sqlDatabase({ url }), sqlDatabase({ url })];
    await one.migrate();
    await one.kysely.connection().execute(async (connection) => {
      await sql`begin immediate`.execute(connection);
      expect(
        await unavailable(two.forIssuer(ISSUER).clients.insert(sample.client(), null)),
      ).toBeLessThan(8000);
      await sql`rollback`.execute(connection);
    });
    expect(await two.forIssuer(ISSUER).clients.insert(sample.client(), null)).toBe(true);
    await one.close();
    await two.close();
    await unavailable(two.forIssuer(ISSUER).clients.find('a'));
    rmSync(folder, { recursive: true, force: true });
  });
});

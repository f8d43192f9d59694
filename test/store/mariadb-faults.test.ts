/**
 * A MariaDB that refuses connections, does not answer, is locked or read-only: the store throws
 * `StoreUnavailable` soon, and works again when the server does. Also what its texts compare.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import mysql from 'mysql2';
import { StoreUnavailable } from 'valetkey';
import { type SqlDatabase, type SqlOptions, sqlDatabase } from 'valetkey/sql';
import { redeem, sample, withCode, withFamily } from 'valetkey/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DATABASES, type EmptyDatabase } from '../databases.ts';
import { services } from '../services.ts';
import { startRelay } from './tcp-relay.ts';

const NOW = 1_800_000_000;
const ISSUER = 'https://faults.example';
/** Milliseconds that a caller waits at most: the timeout of two seconds, and a margin. */
const SOON = 3500;

async function unavailable(work: Promise<unknown>): Promise<number> {
  const begun = Date.now();
  await expect(work).rejects.toBeInstanceOf(StoreUnavailable);
  return Date.now() - begun;
}

describe.skipIf(services.mariadb === null)('MariaDB', () => {
  const kind = DATABASES.find(({ name }) => name === 'MariaDB');
  const opened: SqlDatabase[] = [];
  let empty: EmptyDatabase;
  let admin: SqlDatabase;
  let url: URL;
  const through = (port: number): string =>
    Object.assign(new URL(url), { port: String(port) }).href;
  const open = (options: SqlOptions = {}): SqlDatabase => {
    const database = sqlDatabase({ url: url.href, ...options });
    opened.push(database);
    return database;
  };
  beforeAll(async () => {
    if (kind === undefined) throw new Error('there is no MariaDB');
    empty = kind.make();
    url = new URL(empty.options.url ?? '');
    admin = sqlDatabase(empty.options);
    await admin.migrate();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(async (database) => await database.close()));
  });
  afterAll(async () => {
    await admin.close();
    await empty.remove();
  });

  it('[store] a refused connection throws StoreUnavailable at once', async () => {
    const relay = await startRelay(null);
    await relay.close();
    const database = open({ url: through(relay.port) });
    const store = database.forIssuer(ISSUER);
    expect(await unavailable(store.clients.find('a'))).toBeLessThan(1000);
    expect(await unavailable(store.codes.find('a'))).toBeLessThan(1000);
    expect(await unavailable(database.migrate())).toBeLessThan(1000);
  });
  it('[store] D-3 a server that accepts a connection and never answers throws StoreUnavailable within the timeout', async () => {
    const relay = await startRelay(null);
    const store = open({ url: through(relay.port) }).forIssuer(ISSUER);
    expect(await unavailable(store.codes.find('a'))).toBeLessThan(SOON);
    await relay.close();
  });
  it('[store] D-3 a server that stops answering throws StoreUnavailable within the timeout, and the store works at once when it is back', async () => {
    const relay = await startRelay({ host: url.hostname, port: Number(url.port) });
    const store = open({ url: through(relay.port), poolSize: 4 }).forIssuer(ISSUER);
    const { facts, authorization, code } = await withCode(store);
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
  it('[store] a row that another transaction locks throws StoreUnavailable within one timeout', async () => {
    const store = open().forIssuer(ISSUER);
    const { session } = await withFamily(store);
    await admin.kysely.transaction().execute(async (trx) => {
      await sql`select * from ${sql.table('sessions')} where handle = ${session.handle}
        for update`.execute(trx);
      expect(await unavailable(store.sessions.end(session, NOW, true, null))).toBeLessThan(SOON);
    });
    expect(await store.sessions.end(session, NOW, true, null)).toBe(true);
  });
  it('[store] a migration that waits for a table does not make requests wait for long', async () => {
    const widens = {
      name: '9000-wider',
      up: async (db: typeof admin.kysely): Promise<void> =>
        await db.schema.alterTable('access_tokens').addColumn('more', 'text').execute(),
    };
    const store = open().forIssuer(ISSUER);
    const newer = open({ migrations: [widens] });
    let migrating: Promise<readonly string[]> = Promise.resolve([]);
    // A backup holds such a transaction for a long time.
    await admin.kysely.transaction().execute(async (trx) => {
      await sql`select 1 from ${sql.table('access_tokens')}`.execute(trx);
      migrating = newer.migrate();
      for (let asked = 0; asked < 30; asked += 1) {
        expect(await store.tokens.findAccessToken('a')).toBeNull();
        await sleep(100);
      }
    });
    expect(await migrating).toEqual(['9000-wider']);
  });
  it.each(['our own', 'the host'])(
    '[store] a migration that was ended midway is begun anew, on a pool of %s',
    async (whose) => {
      const fresh = kind?.make();
      const pool = mysql.createPool({ uri: fresh?.options.url ?? '' });
      const database = sqlDatabase(whose === 'the host' ? { pool } : (fresh?.options ?? {}));
      const all = await database.migrate();
      const { kysely } = database;
      // What stands when the process ends after the last step, before it is written down.
      await kysely
        .deleteFrom('migrations')
        .where('name', '!=', all[0] ?? '')
        .execute();
      expect(await database.migrate()).toEqual(all.slice(1));
      const store = database.forIssuer(ISSUER);
      const { family } = await withFamily(store);
      expect((await store.tokens.findFamily(family.id))?.clientVersion).not.toBeNull();
      await database.close();
      await pool.promise().end();
      await fresh?.remove();
    },
  );
  it('[store] D-2 a pool without a free connection throws StoreUnavailable within the timeout', async () => {
    const database = open({ poolSize: 1 });
    await database.kysely.connection().execute(async () => {
      expect(await unavailable(database.forIssuer(ISSUER).codes.find('a'))).toBeLessThan(SOON);
    });
    expect(await database.forIssuer(ISSUER).codes.find('a')).toBeNull();
  });
  it('[store] D-1 connections that the server closed fail at most once each, only with StoreUnavailable', async () => {
    const store = open({ poolSize: 2 }).forIssuer(ISSUER);
    await Promise.all([store.codes.find('a'), store.codes.find('b')]);
    // Those of this database: other tests use the same server.
    const { rows } = await sql<{ id: number }>`select id from information_schema.processlist
      where db = database() and id <> connection_id()`.execute(admin.kysely);
    for (const { id } of rows) await sql.raw(`kill ${id}`).execute(admin.kysely);
    const failures: unknown[] = [];
    for (let attempt = 0; attempt < 6; attempt += 1)
      await store.codes.find('a').catch((error: unknown) => failures.push(error));
    expect(failures.length).toBeLessThanOrEqual(2);
    for (const failure of failures) expect(failure).toBeInstanceOf(StoreUnavailable);
  });
  it('[store] D-6 a read-only server, as after a failover, throws StoreUnavailable for writes', async () => {
    const { hostname, port } = url;
    const administer = async (text: string): Promise<unknown> =>
      await sql.raw(text).execute(admin.kysely);
    await administer(`create or replace user reader@'127.0.0.1' identified by 'reader'`);
    await administer(`grant select, insert, update, delete on *.* to reader@'127.0.0.1'`);
    const reader = `mysql://reader:reader@${hostname}:${port}${url.pathname}`;
    const store = open({ url: reader }).forIssuer(ISSUER);
    await administer('set global read_only = on');
    try {
      await unavailable(store.clients.insert(sample.client(), null));
      expect(await store.codes.find('a')).toBeNull();
    } finally {
      await administer('set global read_only = off');
    }
    expect(await store.clients.insert(sample.client(), null)).toBe(true);
  });
  it('[store] texts compare byte by byte: case, spaces at the end and NUL make other names', async () => {
    const { clients } = open().forIssuer(ISSUER);
    const client = sample.client('name');
    await clients.insert(client, null);
    for (const other of ['Name', 'name ', 'náme', 'name\0', ' name'])
      expect(await clients.find(other)).toBeNull();
    expect((await clients.find('name'))?.clientId).toBe('name');
    const spaced = sample.client('name ');
    expect(await clients.insert(spaced, null)).toBe(true);
  });
  it('[store] a closed database throws StoreUnavailable', async () => {
    const database = sqlDatabase(empty.options);
    const store = database.forIssuer(ISSUER);
    await store.codes.find('a');
    await database.close();
    await unavailable(store.codes.find('a'));
    await unavailable(store.clients.find('a'));
  });
});

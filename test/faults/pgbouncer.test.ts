/**
 * PostgreSQL behind PgBouncer in transaction mode: each transaction may get another connection to
 * the server, where no statement is prepared and no limit of ours is set.
 */
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { StoreUnavailable } from 'valetkey';
import { type SqlDatabase, sqlDatabase } from 'valetkey/sql';
import { storeContract, withFamily } from 'valetkey/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { services } from '../services.ts';
import { makeCluster } from './cluster.ts';
import { type PgBouncer, startPgBouncer } from './pgbouncer-server.ts';

/** Milliseconds, for tests that are not about limits. */
const PATIENCE = 20_000;
const NOW = 1_800_000_000;
const LIMITS = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'];
const POOLERS: readonly (readonly [name: string, ignored: readonly string[]])[] = [
  ['that refuses start-up parameters', []],
  ['that ignores start-up parameters', LIMITS],
];

describe.skipIf(services.pgbouncer === null || services.postgres === null)('PgBouncer', () => {
  const server = new URL(services.postgres ?? 'postgres://localhost/none');
  describe.each(POOLERS)('%s', (_, ignored) => {
    const schema = `test_${randomBytes(6).toString('hex')}`;
    let pooler: PgBouncer;
    let databases: readonly SqlDatabase[];
    let direct: SqlDatabase;
    beforeAll(async () => {
      pooler = await startPgBouncer(services.pgbouncer ?? '', server, ignored);
      databases = [1, 2].map(() => sqlDatabase({ url: pooler.url, schema, timeout: PATIENCE }));
      direct = sqlDatabase({ url: server.href, schema });
      await databases[0]?.migrate();
    });
    afterAll(async () => {
      await direct.kysely.schema.dropSchema(schema).cascade().execute();
      await Promise.all([direct, ...databases].map(async (database) => await database.close()));
      await pooler.stop();
    });
    const some = (): SqlDatabase => databases[0] as SqlDatabase;

    for (const { name, run } of storeContract())
      it(`[store] ${name}`, async () => {
        const issuer = `https://${randomBytes(6).toString('hex')}.example`;
        await run(some().forIssuer(issuer), some());
      });

    it('[store] D-3 a locked row throws StoreUnavailable within the timeout: the limits of the server hold', async () => {
      const database = sqlDatabase({ url: pooler.url, schema });
      const store = database.forIssuer('https://op.example');
      const { family } = await withFamily(store);
      await direct.kysely.transaction().execute(async (trx) => {
        await sql`select 1 from ${sql.table('families')} where id = ${family.id} for update`.execute(
          trx,
        );
        const revoking = store.tokens.revokeFamily(family.id, NOW, null);
        await expect(revoking).rejects.toBeInstanceOf(StoreUnavailable);
        // Nobody waits for the row any more: the server ended the statement, not only we.
        const { rows } = await sql<{
          waiting: number;
        }>`select count(*)::int as waiting from pg_locks where not granted`.execute(direct.kysely);
        expect(rows[0]?.waiting).toBe(0);
      });
      expect(await store.tokens.revokeFamily(family.id, NOW, null)).toBe(true);
      await database.close();
    });

    it('[store] two clients of the pooler that do everything at once meet no error', async () => {
      const work = Array.from({ length: 60 }, async (__, index) => {
        const store = (databases[index % 2] as SqlDatabase).forIssuer('https://op.example');
        const { family, session } = await withFamily(store);
        const [found, signedIn] = await Promise.all([
          store.tokens.findFamily(family.id),
          store.sessions.find(session.handle),
        ]);
        return [
          found?.family.id,
          signedIn?.handle,
          await store.sessions.end(session, NOW, true, null),
        ];
      });
      for (const [id, handle, ended] of await Promise.all(work))
        expect([typeof id, typeof handle, ended]).toEqual(['string', 'string', true]);
    });
  });

  it('[store] servers behind it redeem each code once', async () => {
    const pooler = await startPgBouncer(services.pgbouncer ?? '', server, []);
    const schema = `test_${randomBytes(6).toString('hex')}`;
    const options = { url: pooler.url, schema };
    const cluster = await makeCluster(
      {
        name: 'PgBouncer',
        missing: false,
        make: () => ({ options, remove: async () => undefined }),
      },
      2,
    );
    await cluster.start();
    for (let round = 0; round < 5; round += 1) {
      const form = cluster.exchange(await cluster.code());
      const replies = await Promise.all(
        Array.from(
          { length: 40 },
          async (_, index) => await cluster.post('token', form, index % 2),
        ),
      );
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
      for (const { status, body } of replies)
        if (status !== 200) expect([status, body['error']]).toEqual([400, 'invalid_grant']);
    }
    await cluster.end('SIGTERM');
    await cluster.remove();
    const direct = sqlDatabase({ url: server.href, schema });
    await direct.kysely.schema.dropSchema(schema).cascade().execute();
    await direct.close();
    await pooler.stop();
  });
});

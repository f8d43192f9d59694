/**
 * PostgreSQL that ends statements which take too long, and PostgreSQL whose certificate is not
 * trusted.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import pg from 'pg';
import { StoreUnavailable } from 'valetkey';
import { sqlDatabase } from 'valetkey/sql';
import { issueFreely, sample, withClient } from 'valetkey/testing';
import { describe, expect, it } from 'vitest';
import { findPostgres, serverOwner, startPostgres } from '../../tools/postgres.ts';
import { services } from '../services.ts';

const ISSUER = 'https://op.example';
const NOW = 1_800_000_000;

describe.skipIf(services.postgres === null)('PostgreSQL', () => {
  const url = new URL(services.postgres ?? 'postgres://localhost/none');

  it('[store] clear goes on in smaller pieces where a statement takes too long', async () => {
    const schema = `test_${randomBytes(6).toString('hex')}`;
    const admin = sqlDatabase({ url: url.href, schema });
    await admin.migrate();
    await sql`create function ${sql.id(schema, 'slowly')}() returns trigger language plpgsql
      as 'begin perform pg_sleep(0.02); return old; end'`.execute(admin.kysely);
    await sql`create trigger slowly before delete on ${sql.table('access_tokens')}
      for each row execute function ${sql.id(schema, 'slowly')}()`.execute(admin.kysely);
    const database = sqlDatabase({ url: url.href, schema, timeout: 500 });
    const store = database.forIssuer(ISSUER);
    const expired = await withClient(store);
    for (let index = 0; index < 60; index += 1)
      await issueFreely(store, sample.issue(expired, null, null, { expiresAt: NOW - 1 }), null);
    const cleared = await store.clear(NOW, 100, 0);
    expect(cleared.accessTokens).toBe(60);
    expect((await store.clear(NOW, 100, 0)).accessTokens).toBe(0);
    await database.close();
    await admin.kysely.schema.dropSchema(schema).cascade().execute();
    await admin.close();
  });

  it('[store] a migration that waits for a table does not make requests wait', async () => {
    const schema = `test_${randomBytes(6).toString('hex')}`;
    const admin = sqlDatabase({ url: url.href, schema });
    await admin.migrate();
    const store = sqlDatabase({ url: url.href, schema });
    const widens = {
      name: '9000-wider',
      up: async (db: typeof admin.kysely): Promise<void> =>
        await db.schema.alterTable('access_tokens').addColumn('more', 'text').execute(),
    };
    const newer = sqlDatabase({ url: url.href, schema, migrations: [widens] });
    let migrating: Promise<readonly string[]> = Promise.resolve([]);
    // A backup holds such a transaction for a long time.
    await admin.kysely.transaction().execute(async (trx) => {
      await sql`select 1 from ${sql.table('access_tokens')}`.execute(trx);
      migrating = newer.migrate();
      for (let asked = 0; asked < 30; asked += 1) {
        expect(await store.forIssuer(ISSUER).tokens.findAccessToken('a')).toBeNull();
        await sleep(100);
      }
    });
    expect(await migrating).toEqual(['9000-wider']);
    await Promise.all([store.close(), newer.close()]);
    await admin.kysely.schema.dropSchema(schema).cascade().execute();
    await admin.close();
  });

  it('[store] a server without TLS, asked for TLS, throws StoreUnavailable', async () => {
    const database = sqlDatabase({ url: `${url.href}?sslmode=require` });
    const asked = database.forIssuer(ISSUER).clients.find('a');
    await expect(asked).rejects.toBeInstanceOf(StoreUnavailable);
    await database.close();
  });

  it('[store] a certificate that is not trusted, or is for another name, throws StoreUnavailable', async () => {
    const server = await startPostgres(findPostgres() ?? '');
    const [certificate, key] = [join(server.data, 'server.crt'), join(server.data, 'server.key')];
    const subject = ['-subj', '/CN=another.example', '-days', '2'];
    const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-out', certificate];
    execFileSync('openssl', [...args, '-keyout', key, ...subject], {
      ...serverOwner(),
      cwd: '/',
      stdio: 'ignore',
    });
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await client.query('alter system set ssl = on');
    await client.query('select pg_reload_conf()');
    await client.end();
    for (const query of [
      'sslmode=verify-full',
      `sslmode=verify-full&sslrootcert=${encodeURIComponent(certificate)}`,
    ]) {
      const database = sqlDatabase({ url: `${server.url}?${query}` });
      const error = await database
        .forIssuer(ISSUER)
        .clients.find('a')
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(StoreUnavailable);
      expect(String((error as Error).cause)).toMatch(/certificate|altnames/i);
      await database.close();
    }
    await server.stop();
  });
});

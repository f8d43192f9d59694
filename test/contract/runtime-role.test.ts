/**
 * The database role that serves requests does not need the rights of the role that creates the
 * tables: it only reads and writes rows.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { type SqlDatabase, sqlDatabase } from 'valetkey/sql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { services } from '../services.ts';
import { getTokens, isActive, makeWorld, post } from '../spec/setup.ts';

describe.skipIf(services.postgres === null)(
  'a PostgreSQL role without the right to change the schema',
  () => {
    const schema = `test_${randomBytes(6).toString('hex')}`;
    const role = `runtime_${randomBytes(6).toString('hex')}`;
    const password = randomBytes(12).toString('hex');
    let admin: pg.Client;
    let runtime: SqlDatabase;
    const urlOfRole = (): string => {
      const url = new URL(services.postgres ?? '');
      url.username = role;
      url.password = password;
      return url.href;
    };

    beforeAll(async () => {
      admin = new pg.Client({ connectionString: services.postgres ?? '' });
      await admin.connect();
      await admin.query(`create role ${role} login password '${password}'`);
      runtime = sqlDatabase({ url: urlOfRole(), schema });
    });
    afterAll(async () => {
      await runtime.close();
      await admin.query(`drop schema if exists ${schema} cascade`);
      await admin.query(`drop role ${role}`);
      await admin.end();
    });

    it('ST-03 cannot create tables', async () => {
      expect(await runtime.pendingMigrations()).not.toEqual([]);
      await expect(runtime.migrate()).rejects.toThrow(/permission denied/);
    });
    it('ST-03 serves every flow from tables of another role, and cannot drop one', async () => {
      const owner = sqlDatabase({ url: services.postgres ?? '', schema });
      await owner.migrate();
      await owner.close();
      await admin.query(`grant usage on schema ${schema} to ${role}`);
      await admin.query(
        `grant select, insert, update, delete on all tables in schema ${schema} to ${role}`,
      );
      expect([await runtime.pendingMigrations(), await runtime.migrate()]).toEqual([[], []]);
      const world = await makeWorld({
        store: runtime,
        secret: 'a secret that is long enough to be one',
      });
      const { access_token, refresh_token } = await getTokens(world);
      expect(
        (await post(world, 'token', { grant_type: 'refresh_token', refresh_token })).status,
      ).toBe(200);
      await world.provider.subjects.revoke('alice-sub');
      expect(await isActive(world, access_token)).toBe(false);
      await world.provider.maintain();
      await expect(runtime.kysely.schema.dropTable('codes').execute()).rejects.toThrow(
        /owner|permission/,
      );
      await world.provider.close();
    });
  },
);

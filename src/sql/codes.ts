/**
 * Authorization codes, stored by digest. A consumed code stays, so that a replay is recognised,
 * until `clear.ts` deletes it. The single use of a code is in `tokens.ts`.
 */
import { type Kysely, sql, type UpdateQueryBuilder, type UpdateResult } from 'kysely';
import type { CodeStore } from 'valetkey';
import type { ActWrite } from './act.ts';
import type { SqlDialect } from './dialect.ts';
import { consumeOneTime } from './one-time.ts';
import { CODE, recordOf, rowOf, type Tables } from './schema.ts';

/**
 * The statement that consumes the unconsumed codes of a subject. The caller may add conditions, and
 * must execute it.
 */
export function consumeCodes(
  db: Kysely<Tables>,
  tenant: string,
  now: number,
  sub: string,
): UpdateQueryBuilder<Tables, 'codes', 'codes', UpdateResult> {
  return db
    .updateTable('codes')
    .set({ consumed_at: now })
    .where('tenant', '=', tenant)
    .where('sub', '=', sub)
    .where('consumed_at', 'is', null);
}

export function codeStore(db: Kysely<Tables>, dialect: SqlDialect, tenant: string): CodeStore {
  const exists = async (digest: string): Promise<boolean> =>
    (await db
      .selectFrom('codes')
      .select('digest')
      .where('tenant', '=', tenant)
      .where('digest', '=', digest)
      .executeTakeFirst()) !== undefined;
  return {
    async insert(code, session, consumes) {
      const writes: ActWrite[] = [
        // This is a write, not a read: the end of the session writes the same row, so one of the
        // two waits for the other, on every node.
        {
          name: 'session',
          sql: () => sql`update ${sql.table('sessions')} set writes = writes + 1
            where tenant = ${tenant} and handle = ${session} and sid = ${code.sid}`,
        },
      ];
      if (consumes !== null) writes.push(consumeOneTime(tenant, consumes, code.createdAt));
      writes.push(...dialect.insertIfAbsent('code', 'codes', rowOf(CODE, tenant, code)));
      const failed = await dialect.act(db, { writes, rows: [] });
      if (failed === null) return 'stored';
      // A concurrent request that completes the same interaction may have stored this code first
      // and consumed the same one-time record.
      if (await exists(code.digest)) return 'exists';
      return failed === 'session' ? 'session_ended' : 'consumed';
    },
    async find(digest) {
      const row = await db
        .selectFrom('codes')
        .leftJoin('authorizations', (join) =>
          join
            .onRef('authorizations.tenant', '=', 'codes.tenant')
            .onRef('authorizations.id', '=', 'codes.authorization_id'),
        )
        .selectAll('codes')
        .select('authorizations.id as authorized')
        .where('codes.tenant', '=', tenant)
        .where('codes.digest', '=', digest)
        .executeTakeFirst();
      if (row === undefined) return null;
      const authorized = row['authorization_id'] === null || row['authorized'] !== null;
      return { code: recordOf(CODE, row), authorized };
    },
    async countFailure(digest) {
      await db
        .updateTable('codes')
        .set({ failed_attempts: sql<number>`failed_attempts + 1` })
        .where('tenant', '=', tenant)
        .where('digest', '=', digest)
        .execute();
    },
  };
}

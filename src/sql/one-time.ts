/**
 * One-time records. Put if absent, compare and swap, and consume are one conditional statement
 * each. The payload belongs to the feature that stored it and is not read here.
 */
import { type Kysely, sql } from 'kysely';
import type { OneTimeKey, OneTimeStore } from 'valetkey';
import type { ActWrite } from './act.ts';
import type { SqlDialect } from './dialect.ts';
import { ONE_TIME_RECORD, recordOf, rowOf, type Tables } from './schema.ts';

/**
 * The write that consumes the record if it still has the judged version, is not consumed and is not
 * expired.
 */
export function consumeOneTime(tenant: string, key: OneTimeKey, now: number): ActWrite {
  return {
    name: 'one-time record',
    sql: (after) => sql`update ${sql.table('one_time_records')} set consumed_at = ${now}
      where tenant = ${tenant} and kind = ${key.kind} and digest = ${key.digest}
        and version = ${key.version} and consumed_at is null and expires_at > ${now} and ${after}`,
  };
}

export function oneTimeStore(
  db: Kysely<Tables>,
  dialect: SqlDialect,
  tenant: string,
): OneTimeStore {
  return {
    async put(record) {
      // If either of the two keys is taken, nothing is stored.
      const row = rowOf(ONE_TIME_RECORD, tenant, record);
      const writes = dialect.insertIfAbsent('one-time record', 'one_time_records', row);
      return (await dialect.act(db, { writes, rows: [] })) === null;
    },
    async find(lookup) {
      const [column, value] =
        'digest' in lookup ? ['digest', lookup.digest] : ['second_key', lookup.secondKey];
      const row = await db
        .selectFrom('one_time_records')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('kind', '=', lookup.kind)
        .where(column, '=', value)
        .executeTakeFirst();
      return row === undefined ? null : recordOf(ONE_TIME_RECORD, row);
    },
    async swap({ kind, digest, version, payload, expiresAt }) {
      const result = await db
        .updateTable('one_time_records')
        .set({ version, payload, expires_at: expiresAt })
        .where('tenant', '=', tenant)
        .where('kind', '=', kind)
        .where('digest', '=', digest)
        .where('version', '=', version - 1)
        .where('consumed_at', 'is', null)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async consume(key, now) {
      const writes = [consumeOneTime(tenant, key, now)];
      return (await dialect.act(db, { writes, rows: [] })) === null;
    },
  };
}

/**
 * One-time records. Put if absent, compare and swap, and consume are one conditional statement
 * each. The payload belongs to the feature that stored it and is not read here.
 */
import { sql } from 'kysely';
import type { OneTimeKey, OneTimeStore } from 'valetkey';
import type { ActWrite } from './act.ts';
import type { SqlDialect } from './dialect.ts';
import { type Hot, slot, slotsOf, type Values } from './hot.ts';
import { columnNames, ONE_TIME_RECORD, recordOf, rowOf } from './schema.ts';

/**
 * The write that consumes the record if it still has the judged version, is not consumed and is not
 * expired. A hot statement: `recordValues` gives the values.
 */
export const CONSUME_ONE_TIME: ActWrite = {
  name: 'one-time record',
  sql: (after) => sql`update ${sql.table('one_time_records')} set consumed_at = ${slot('now')}
    where tenant = ${slot('tenant')} and kind = ${slot('record.kind')}
      and digest = ${slot('record.digest')} and version = ${slot('record.version')}
      and consumed_at is null and expires_at > ${slot('now')} and ${after}`,
};

/** The values that name the record in `CONSUME_ONE_TIME`. */
export function recordValues({ kind, digest, version }: OneTimeKey): Values {
  return { 'record.kind': kind, 'record.digest': digest, 'record.version': version };
}

const COLUMNS = sql.join(columnNames(ONE_TIME_RECORD).map((name) => sql.ref(name)));

export function oneTimeStore(hot: Hot, dialect: SqlDialect, tenant: string): OneTimeStore {
  const table = sql.table('one_time_records');
  return {
    async put(record) {
      // If either of the two keys is taken, nothing is stored.
      const places = slotsOf(['tenant', ...columnNames(ONE_TIME_RECORD)], '');
      const failed = await hot.act(
        'put one-time record',
        () => ({
          writes: dialect.insertIfAbsent('one-time record', 'one_time_records', places),
          rows: [],
        }),
        rowOf(ONE_TIME_RECORD, tenant, record),
      );
      return failed === null;
    },
    async find(lookup) {
      const [column, key] =
        'digest' in lookup
          ? (['digest', lookup.digest] as const)
          : (['second_key', lookup.secondKey] as const);
      const [row] = await hot.rows(
        `one-time record by ${column}`,
        () => sql`select ${COLUMNS} from ${table} where tenant = ${slot('tenant')}
          and kind = ${slot('kind')} and ${sql.ref(column)} = ${slot('key')}`,
        { tenant, kind: lookup.kind, key },
      );
      return row === undefined ? null : recordOf(ONE_TIME_RECORD, row);
    },
    async swap({ kind, digest, version, payload, expiresAt }) {
      const failed = await hot.act(
        'swap one-time record',
        () => ({
          writes: [
            {
              name: 'one-time record',
              sql: () => sql`update ${table} set version = ${slot('version')},
                  payload = ${slot('payload')}, expires_at = ${slot('expiresAt')}
                where tenant = ${slot('tenant')} and kind = ${slot('kind')}
                  and digest = ${slot('digest')} and version = ${slot('before')}
                  and consumed_at is null`,
            },
          ],
          rows: [],
        }),
        { tenant, kind, digest, version, before: version - 1, payload, expiresAt },
      );
      return failed === null;
    },
    async consume(key, now) {
      const values = { tenant, now, ...recordValues(key) };
      const make = () => ({ writes: [CONSUME_ONE_TIME], rows: [] });
      return (await hot.act('consume one-time record', make, values)) === null;
    },
  };
}

/**
 * One-time records replace stored interactions. Codes, families and access tokens get a column for
 * the details of features. Sessions and subjects count their writes: an act that depends on such a
 * row writes it instead of reading it, so that a concurrent change of the row is not missed. Audit
 * rows get the id of the request. The column that says when a code was consumed is named so.
 */
import type { Kysely } from 'kysely';
import type { Migration } from '../migration.ts';

export const oneTimeRecords: Migration = {
  name: '0002-one-time-records',
  async up(db, prefix) {
    await db.schema
      .createTable('one_time_records')
      .ifNotExists()
      .addColumn('tenant', 'varchar(11)', (column) => column.notNull())
      .addColumn('kind', 'varchar(64)', (column) => column.notNull())
      .addColumn('digest', 'varchar(43)', (column) => column.notNull())
      .addColumn('second_key', 'varchar(43)')
      .addColumn('payload', 'text', (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('consumed_at', 'bigint')
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${prefix}one_time_records_pk`, [
        'tenant',
        'kind',
        'digest',
      ] as never[])
      .execute();
    await db.schema
      .createIndex(`${prefix}one_time_records_second_key`)
      .ifNotExists()
      .on('one_time_records')
      .columns(['tenant', 'kind', 'second_key'])
      .unique()
      .execute();
    await db.schema
      .createIndex(`${prefix}one_time_records_expiry`)
      .ifNotExists()
      .on('one_time_records')
      .columns(['expires_at'])
      .execute();
    for (const table of ['codes', 'families', 'access_tokens'])
      await db.schema.alterTable(table).addColumn('details', 'text').execute();
    for (const table of ['sessions', 'subjects']) await addCount(db, table);
    await db.schema.alterTable('codes').renameColumn('redeemed_at', 'consumed_at').execute();
    await db.schema.alterTable('audit').addColumn('request_id', 'varchar(64)').execute();
    await db.schema.dropTable('interactions').ifExists().execute();
  },
};

async function addCount(db: Kysely<never>, table: string): Promise<void> {
  await db.schema
    .alterTable(table)
    .addColumn('writes', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
}

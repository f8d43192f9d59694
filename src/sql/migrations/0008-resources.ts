/**
 * APIs that operators registered. An older server does not know them, and issues tokens for those
 * of its configuration.
 */
import type { Kysely } from 'kysely';
import type { Migration } from '../migration.ts';

export const resources: Migration = {
  name: '0008-resources',
  async up(db: Kysely<never>, prefix) {
    await db.schema
      .createTable('resources')
      .ifNotExists()
      .addColumn('tenant', 'varchar(11)', (column) => column.notNull())
      .addColumn('digest', 'varchar(43)', (column) => column.notNull())
      .addColumn('definition', 'text', (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${prefix}resources_pk`, ['tenant', 'digest'] as never[])
      .execute();
  },
};

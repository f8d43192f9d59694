/**
 * Clients of sessions, and what they have to be told. An older server ends sessions without telling
 * anybody.
 */
import type { Kysely } from 'kysely';
import type { Migration } from '../migration.ts';

export const deliveries: Migration = {
  name: '0007-deliveries',
  async up(db: Kysely<never>, prefix) {
    await db.schema
      .createTable('session_clients')
      .ifNotExists()
      .addColumn('tenant', 'varchar(11)', (column) => column.notNull())
      .addColumn('sid', 'varchar(43)', (column) => column.notNull())
      .addColumn('client_id', 'varchar(255)', (column) => column.notNull())
      .addColumn('sub', 'varchar(255)', (column) => column.notNull())
      .addColumn('wants_delivery', 'integer', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${prefix}session_clients_pk`, [
        'tenant',
        'sid',
        'client_id',
      ] as never[])
      .execute();
    await db.schema
      .createIndex(`${prefix}session_clients_expiry`)
      .ifNotExists()
      .on('session_clients')
      .columns(['expires_at'])
      .execute();
    await db.schema
      .createIndex(`${prefix}session_clients_client`)
      .ifNotExists()
      .on('session_clients')
      .columns(['tenant', 'client_id'])
      .execute();
    await db.schema
      .createTable('deliveries')
      .ifNotExists()
      .addColumn('tenant', 'varchar(11)', (column) => column.notNull())
      .addColumn('kind', 'varchar(32)', (column) => column.notNull())
      .addColumn('about', 'varchar(43)', (column) => column.notNull())
      .addColumn('client_id', 'varchar(255)', (column) => column.notNull())
      .addColumn('sub', 'varchar(255)', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('due_at', 'bigint', (column) => column.notNull())
      .addColumn('attempts', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${prefix}deliveries_pk`, [
        'tenant',
        'kind',
        'about',
        'client_id',
      ] as never[])
      .execute();
    await db.schema
      .createIndex(`${prefix}deliveries_due`)
      .ifNotExists()
      .on('deliveries')
      .columns(['due_at'])
      .execute();
    await db.schema
      .createIndex(`${prefix}deliveries_client`)
      .ifNotExists()
      .on('deliveries')
      .columns(['tenant', 'client_id'])
      .execute();
  },
};

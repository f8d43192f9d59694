/**
 * Clients that register themselves: until when they stay unless they are used, when each client and
 * each secret was last used, and the tokens that let clients register. An older server shows and
 * serves such a client as any other, and does not note that it is used.
 */
import type { Kysely } from 'kysely';
import type { Migration } from '../migration.ts';

export const clientsThatRegisterThemselves: Migration = {
  name: '0006-clients-that-register-themselves',
  async up(db: Kysely<never>, prefix) {
    await db.schema.alterTable('clients').addColumn('expires_at', 'bigint').execute();
    await db.schema
      .createIndex(`${prefix}clients_expiry`)
      .ifNotExists()
      .on('clients')
      .columns(['expires_at'])
      .execute();
    await db.schema
      .createTable('client_uses')
      .ifNotExists()
      .addColumn('tenant', 'varchar(11)', (column) => column.notNull())
      .addColumn('client_id', 'varchar(255)', (column) => column.notNull())
      .addColumn('secret_id', 'varchar(32)', (column) => column.notNull())
      .addColumn('used_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${prefix}client_uses_pk`, [
        'tenant',
        'client_id',
        'secret_id',
      ] as never[])
      .execute();
    await db.schema
      .createTable('initial_access_tokens')
      .ifNotExists()
      .addColumn('tenant', 'varchar(11)', (column) => column.notNull())
      .addColumn('id', 'varchar(32)', (column) => column.notNull())
      .addColumn('digest', 'varchar(43)', (column) => column.notNull())
      .addColumn('name', 'varchar(255)', (column) => column.notNull())
      .addColumn('uses_left', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${prefix}initial_access_tokens_pk`, ['tenant', 'id'] as never[])
      .execute();
    await db.schema
      .createIndex(`${prefix}initial_access_tokens_digest`)
      .ifNotExists()
      .on('initial_access_tokens')
      .columns(['tenant', 'digest'])
      .unique()
      .execute();
    await db.schema
      .createIndex(`${prefix}initial_access_tokens_expiry`)
      .ifNotExists()
      .on('initial_access_tokens')
      .columns(['expires_at'])
      .execute();
  },
};

/**
 * Revocations of subjects have numbers, so that a login is put in order with them by these and not
 * by the clocks of two nodes.
 */
import type { Kysely } from 'kysely';
import type { Migration } from '../migration.ts';

export const numberedRevocations: Migration = {
  name: '0005-numbered-revocations',
  async up(db: Kysely<never>) {
    await db.schema
      .alterTable('subjects')
      .addColumn('revocation', 'bigint', (column) => column.notNull().defaultTo(0))
      .execute();
  },
};

/**
 * Revocations of subjects have numbers, so that a login is put in order with them by these and not
 * by the clocks of two nodes. `numbered_at` is the time of the last one that has a number: where it
 * is not `revoked_at`, a server of an earlier version revoked the subject later.
 */
import type { Kysely } from 'kysely';
import type { Migration } from '../migration.ts';

export const numberedRevocations: Migration = {
  name: '0005-numbered-revocations',
  async up(db: Kysely<never>) {
    for (const name of ['revocation', 'numbered_at'])
      await db.schema
        .alterTable('subjects')
        .addColumn(name, 'bigint', (column) => column.notNull().defaultTo(0))
        .execute();
  },
};

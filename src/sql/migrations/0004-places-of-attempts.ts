/**
 * Counters tell attempts that were wrong from those that are still evaluated, which have a place.
 * An older server counts both as one: in its rows `placed_at` is null, and all that is counted was
 * wrong.
 */
import type { Kysely } from 'kysely';
import type { Migration } from '../migration.ts';

export const placesOfAttempts: Migration = {
  name: '0004-places-of-attempts',
  async up(db: Kysely<never>) {
    const wrong = db.schema.alterTable('counters');
    await wrong.addColumn('wrong', 'integer', (column) => column.notNull().defaultTo(0)).execute();
    await db.schema.alterTable('counters').addColumn('placed_at', 'bigint').execute();
  },
};

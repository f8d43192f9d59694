/**
 * A migration that pauses half-way, so that a test can kill its process there. Its steps can be
 * repeated, because MariaDB commits each change of the schema at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Migration } from 'valetkey/sql';

/** The message that the worker sends to its parent in the middle of the migration. */
export const HALF_WAY = 'half-way';

export const STALLING = (stall: boolean): Migration => ({
  name: '9999-stalling',
  async up(db) {
    await db.schema.createTable('first_half').ifNotExists().addColumn('id', 'integer').execute();
    if (stall) {
      process.send?.(HALF_WAY);
      await sleep(60_000);
    }
    await db.schema.createTable('second_half').addColumn('id', 'integer').execute();
  },
});

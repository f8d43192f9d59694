/** A migration that stops half-way, so that its process can be killed there. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Migration } from 'valetkey/sql';

/** What the worker tells its parent from the middle of the migration. */
export const HALF_WAY = 'half-way';

export const STALLING = (stall: boolean): Migration => ({
  name: '9999-stalling',
  async up(db) {
    await db.schema.createTable('first_half').addColumn('id', 'integer').execute();
    if (stall) {
      process.send?.(HALF_WAY);
      await sleep(60_000);
    }
    await db.schema.createTable('second_half').addColumn('id', 'integer').execute();
  },
});

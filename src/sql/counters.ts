/**
 * Counters of attempts, in fixed windows. One upsert counts an attempt, so that concurrent attempts
 * are all counted. What a count means is decided by the rate limiter of the core.
 */
import { type Kysely, sql } from 'kysely';
import type { CounterStore } from 'valetkey';
import type { SqlDialect } from './dialect.ts';
import type { Tables } from './schema.ts';

const COUNTERS = sql.table('counters');

// None of these is hot: acts that travel together keep their rows locked until all are committed,
// and the row of a busy network is one that many want.
export function counterStore(
  db: Kysely<Tables>,
  dialect: SqlDialect,
  tenant: string,
): CounterStore {
  return {
    async hit(key, windowSeconds, now) {
      const end = now + windowSeconds;
      const over = sql`${COUNTERS}.reset_at <= ${now}`;
      // A window that has ended starts again at 1; in an open window the count goes up.
      const row = await dialect.upsert(db, {
        table: 'counters',
        row: { tenant, name: key, count: 1, reset_at: end },
        key: ['tenant', 'name'],
        set: {
          count: sql`case when ${over} then 1 else ${COUNTERS}.count + 1 end`,
          reset_at: sql`case when ${over} then ${end} else ${COUNTERS}.reset_at end`,
        },
      });
      return { count: Number(row['count']), resetAt: Number(row['reset_at']) };
    },
    async giveBack(key) {
      await db
        .updateTable('counters')
        .set({ count: sql<number>`count - 1` })
        .where('tenant', '=', tenant)
        .where('name', '=', key)
        .where('count', '>', 0)
        .execute();
    },
    async reset(key) {
      await db
        .deleteFrom('counters')
        .where('tenant', '=', tenant)
        .where('name', '=', key)
        .execute();
    },
  };
}

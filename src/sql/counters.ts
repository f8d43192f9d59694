/**
 * Counters of attempts, in fixed windows. One upsert counts an attempt, so that concurrent attempts
 * are all counted. What a count means is decided by the rate limiter of the core.
 */
import { type Kysely, sql } from 'kysely';
import type { CounterStore } from 'valetkey';
import type { Act } from './act.ts';
import type { SqlDialect } from './dialect.ts';
import { type Hot, slot } from './hot.ts';
import type { Tables } from './schema.ts';

const COUNTERS = sql.table('counters');
const OF_KEY = sql`tenant = ${slot('tenant')} and name = ${slot('key')}`;

const GIVE_BACK: Act = {
  writes: [
    {
      name: 'counter',
      sql: () => sql`update ${COUNTERS} set count = count - 1 where ${OF_KEY} and count > 0`,
    },
  ],
  rows: [],
};
const RESET: Act = {
  writes: [{ name: 'counter', sql: () => sql`delete from ${COUNTERS} where ${OF_KEY}` }],
  rows: [],
};

export function counterStore(
  db: Kysely<Tables>,
  hot: Hot,
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
      await hot.act('give back', () => GIVE_BACK, { tenant, key });
    },
    async reset(key) {
      await hot.act('reset counter', () => RESET, { tenant, key });
    },
  };
}

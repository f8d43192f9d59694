/** Counters of failures: one statement counts, so that no parallel guess goes uncounted. */
import { type Kysely, sql } from 'kysely';
import type { CounterStore } from 'valetkey';
import type { Tables } from './schema.ts';

export function counterStore(db: Kysely<Tables>, tenant: string): CounterStore {
  return {
    async hit(key, windowSeconds, now) {
      const counters = sql.table('counters');
      // One statement: a window that is over begins again, else the count goes up.
      const { rows } = await sql<{
        count: number;
        reset_at: number;
      }>`insert into ${counters} (tenant, name, count, reset_at)
        values (${tenant}, ${key}, 1, ${now + windowSeconds})
        on conflict (tenant, name) do update set
          count = case when ${counters}.reset_at <= ${now} then 1 else ${counters}.count + 1 end,
          reset_at = case when ${counters}.reset_at <= ${now} then ${now + windowSeconds} else ${counters}.reset_at end
        returning count, reset_at`.execute(db);
      const [row] = rows;
      return { count: row?.count ?? 1, resetAt: Number(row?.reset_at ?? now + windowSeconds) };
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

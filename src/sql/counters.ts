/**
 * Counters of calls and of attempts, in fixed windows. One upsert counts a call, so that concurrent
 * calls are all counted. A place is taken by one update with a condition. What a count means is
 * decided by the rate limiter of the core.
 */
import { type Kysely, sql } from 'kysely';
import type { CounterStore, FullCounter, PlaceLimit } from 'valetkey';
import type { SqlDialect } from './dialect.ts';
import type { Row, Tables } from './schema.ts';

const COUNTERS = sql.table('counters');

/** How often a place is tried for while others change the counter in between. */
const ROUNDS = 20;

// None of these is hot: acts that travel together keep their rows locked until all are committed,
// and the row of a busy network is one that many want.
export function counterStore(
  db: Kysely<Tables>,
  dialect: SqlDialect,
  tenant: string,
): CounterStore {
  const change = (key: string) =>
    db.updateTable('counters').where('tenant', '=', tenant).where('name', '=', key);
  return {
    async hit(key, windowSeconds, now) {
      const end = now + windowSeconds;
      const over = sql`(${COUNTERS}.reset_at <= ${now}
        or ${COUNTERS}.reset_at > ${end + windowSeconds})`;
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
    async place(key, { limit, seconds, life }, now) {
      const end = now + seconds;
      for (let round = 0; round < ROUNDS; round += 1) {
        // In this order: MariaDB sets one column after the other.
        const free = await change(key)
          .set({
            wrong: sql<number>`case when placed_at is null then count else wrong end`,
            count: sql<number>`count + 1`,
            placed_at: now,
          })
          .where('count', '<', limit)
          .where('reset_at', '>', now)
          .where('reset_at', '<=', end + seconds)
          .executeTakeFirst();
        if (free.numUpdatedRows > 0n) return null;
        const first = { tenant, name: key, count: 1, wrong: 0, reset_at: end, placed_at: now };
        if (await dialect.insertNew(db, 'counters', first)) return null;
        const row = await db
          .selectFrom('counters')
          .select(['count', 'wrong', 'reset_at', 'placed_at'])
          .where('tenant', '=', tenant)
          .where('name', '=', key)
          .executeTakeFirst();
        if (row === undefined) continue;
        const judged = judge(row, { limit, seconds, life }, now);
        if (judged === 'free') continue;
        const { isFull, wrong, resetAt } = judged;
        if (isFull) return { wrong, resetAt };
        // Only if nobody changed it since: of many that see the same, one renews it.
        const changed = await change(key)
          .set({ count: wrong + 1, wrong, reset_at: resetAt, placed_at: now })
          .where('count', '=', row['count'])
          .where('wrong', '=', row['wrong'])
          .where('reset_at', '=', row['reset_at'])
          .where('placed_at', row['placed_at'] === null ? 'is' : '=', row['placed_at'])
          .executeTakeFirst();
        if (changed.numUpdatedRows > 0n) return null;
      }
      return { wrong: 0, resetAt: end };
    },
    async settle(key, outcome) {
      // A place may have ended before its attempt did: then `count` is no more than `wrong`.
      if (outcome === 'wrong') {
        const count = sql<number>`case when count > wrong then count else wrong + 1 end`;
        await change(key).set({ count, wrong: sql<number>`wrong + 1` }).execute();
      } else if (outcome === 'uncounted') {
        await change(key)
          .set({ count: sql<number>`count - 1` })
          .where(sql<boolean>`count > wrong`)
          .execute();
      } else {
        const last = await db
          .deleteFrom('counters')
          .where('tenant', '=', tenant)
          .where('name', '=', key)
          .where(sql<boolean>`count <= wrong + 1`)
          .executeTakeFirst();
        if (last.numDeletedRows > 0n) return;
        await change(key)
          .set({ count: sql<number>`count - wrong - 1`, wrong: 0 })
          .where(sql<boolean>`count > wrong`)
          .execute();
      }
    },
    async forgive(key) {
      // In this order, as above. A row of an older server counts only wrong attempts.
      const places = sql<number>`case when placed_at is null or count < wrong then 0
        else count - wrong end`;
      await change(key).set({ count: places, wrong: 0 }).execute();
    },
    async find(key) {
      const row = await db
        .selectFrom('counters')
        .select(['count', 'wrong', 'reset_at', 'placed_at'])
        .where('tenant', '=', tenant)
        .where('name', '=', key)
        .executeTakeFirst();
      if (row === undefined) return null;
      const wrong = Number(row['placed_at'] === null ? row['count'] : row['wrong']);
      return { wrong, resetAt: Number(row['reset_at']) };
    },
  };
}

/**
 * What keeps an attempt from the counter: its window, or its places, may have ended. It is free
 * when somebody else changed it in between.
 */
function judge(
  row: Row,
  { limit, seconds, life }: PlaceLimit,
  now: number,
): (FullCounter & { readonly isFull: boolean }) | 'free' {
  const [count, resetAt] = [Number(row['count']), Number(row['reset_at'])];
  if (resetAt <= now || resetAt > now + 2 * seconds)
    return { isFull: false, wrong: 0, resetAt: now + seconds };
  if (count < limit) return 'free';
  // A row of an older server counts attempts that were wrong.
  if (row['placed_at'] === null) return { isFull: true, wrong: count, resetAt };
  const wrong = Math.min(Number(row['wrong']), count);
  const haveEnded = Math.abs(now - Number(row['placed_at'])) >= life;
  return { isFull: wrong >= limit || !haveEnded, wrong, resetAt };
}

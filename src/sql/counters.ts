/** Failure counters, large interactions, and the cleaner: what is short-lived. */
import { type Kysely, sql } from 'kysely';
import type { ClearedCounts, CounterStore, InteractionStore } from 'valetkey';
import type { Tables } from './schema.ts';

export function counterStore(db: Kysely<Tables>, tenant: string): CounterStore {
  return {
    async hit(key, windowSeconds, now) {
      const counters = sql.table('counters');
      // One statement: a window that is over begins again, else the count goes up.
      const { rows } = await sql<{ count: number; reset_at: number }>`insert into ${counters} (tenant, name, count, reset_at)
        values (${tenant}, ${key}, 1, ${now + windowSeconds})
        on conflict (tenant, name) do update set
          count = case when ${counters}.reset_at <= ${now} then 1 else ${counters}.count + 1 end,
          reset_at = case when ${counters}.reset_at <= ${now} then ${now + windowSeconds} else ${counters}.reset_at end
        returning count, reset_at`.execute(db);
      const [row] = rows;
      return { count: row?.count ?? 1, resetAt: Number(row?.reset_at ?? now + windowSeconds) };
    },
    async reset(key) {
      await db.deleteFrom('counters').where('tenant', '=', tenant).where('name', '=', key).execute();
    },
  };
}

export function interactionStore(db: Kysely<Tables>, tenant: string): InteractionStore {
  return {
    async put(handle, sealed, expiresAt) {
      await db.insertInto('interactions').values({ tenant, handle, sealed, expires_at: expiresAt }).execute();
    },
    async find(handle, now) {
      const row = await db
        .selectFrom('interactions')
        .select('sealed')
        .where('tenant', '=', tenant)
        .where('handle', '=', handle)
        .where('expires_at', '>', now)
        .executeTakeFirst();
      return row?.sealed ?? null;
    },
  };
}

/** A replayed code is recognised as long as its row stays; afterwards it is merely unknown. Seconds. */
const CODE_KEPT = 600;

/** Deletes at most `batch` rows of each kind, found by their expiry index. */
export async function clear(db: Kysely<Tables>, tenant: string, now: number, batch: number): Promise<ClearedCounts> {
  const expired = async (
    table: 'codes' | 'access_tokens' | 'families' | 'id_tokens' | 'sessions' | 'interactions' | 'counters',
    key: string,
    column: string,
    before: number,
  ): Promise<number> => {
    const { numAffectedRows } = await sql`delete from ${sql.table(table)} where tenant = ${tenant} and ${sql.id(key)} in
      (select ${sql.id(key)} from ${sql.table(table)} where tenant = ${tenant} and ${sql.id(column)} <= ${before} limit ${batch})`.execute(
      db,
    );
    return Number(numAffectedRows ?? 0);
  };
  return {
    codes: await expired('codes', 'digest', 'expires_at', now - CODE_KEPT),
    accessTokens: await expired('access_tokens', 'digest', 'expires_at', now),
    families: await expired('families', 'id', 'expires_at', now),
    idTokens: await expired('id_tokens', 'jti', 'expires_at', now),
    sessions: await expired('sessions', 'handle', 'expires_at', now),
    interactions: await expired('interactions', 'handle', 'expires_at', now),
    counters: await expired('counters', 'name', 'reset_at', now),
  };
}

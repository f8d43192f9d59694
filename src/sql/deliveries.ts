/**
 * Deliveries: stored in the transaction of the act that they tell of, taken by one conditional
 * update each. A delivery that is taken is due again later, so that one whose process ended is
 * taken again.
 */
import { type Kysely, sql } from 'kysely';
import type { Delivery, DeliveryStore } from 'valetkey';
import type { ActWrite } from './act.ts';
import type { Hot } from './hot.ts';
import { DELIVERY, recordOf, type Tables } from './schema.ts';

/** Session ids in one statement: databases limit the length of a list. */
const PIECE = 200;

const CLIENTS = sql.table('session_clients');
const DELIVERIES = sql.table('deliveries');

/**
 * Makes the deliveries that tell of the end of sessions. The caller has deleted the sessions in the
 * same transaction, so that no client joins any more.
 */
export async function tellOfEnd(
  trx: Kysely<Tables>,
  tenant: string,
  sids: readonly string[],
  now: number,
): Promise<void> {
  // A literal: databases do not infer the type of a value in a SELECT.
  const at = sql.lit(now);
  for (let from = 0; from < sids.length; from += PIECE) {
    const some = sids.slice(from, from + PIECE);
    await sql`insert into ${DELIVERIES}
        (tenant, kind, about, client_id, sub, created_at, due_at, attempts)
      select tenant, 'session_ended', sid, client_id, sub, ${at}, ${at}, 0
      from ${CLIENTS}
      where tenant = ${tenant} and sid in (${sql.join(some)}) and wants_delivery = 1
        and not exists (select 1 from ${DELIVERIES} where ${DELIVERIES}.tenant = ${CLIENTS}.tenant
          and ${DELIVERIES}.kind = 'session_ended' and ${DELIVERIES}.about = ${CLIENTS}.sid
          and ${DELIVERIES}.client_id = ${CLIENTS}.client_id)`.execute(trx);
    await trx
      .deleteFrom('session_clients')
      .where('tenant', '=', tenant)
      .where('sid', 'in', some)
      .execute();
  }
}

export function deliveryStore(db: Kysely<Tables>, hot: Hot, tenant: string): DeliveryStore {
  const update = (on: Kysely<Tables>, delivery: Delivery) =>
    on
      .updateTable('deliveries')
      .where('tenant', '=', tenant)
      .where('kind', '=', delivery.kind)
      .where('about', '=', delivery.about)
      .where('client_id', '=', delivery.clientId)
      .where('attempts', '=', delivery.attempts);
  return {
    async claim(now, limit, leaseUntil) {
      const rows = await db
        .selectFrom('deliveries')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('due_at', '<=', now)
        // One order for all, so that two processes that take the same wait for one another once.
        .orderBy('due_at')
        .orderBy('about')
        .orderBy('client_id')
        .limit(limit)
        .execute();
      if (rows.length === 0) return [];
      return await db.transaction().execute(async (trx) => {
        const claimed: Delivery[] = [];
        for (const row of rows) {
          const delivery = recordOf(DELIVERY, row);
          const attempts = delivery.attempts + 1;
          const { numUpdatedRows } = await update(trx, delivery)
            .set({ attempts, due_at: leaseUntil })
            .where('due_at', '<=', now)
            .executeTakeFirst();
          if (numUpdatedRows > 0n) claimed.push({ ...delivery, attempts, dueAt: leaseUntil });
        }
        return claimed;
      });
    },
    async finish({ kind, about, clientId, attempts }) {
      const write: ActWrite = {
        name: 'delivery',
        sql: () => sql`delete from ${DELIVERIES} where tenant = ${tenant} and kind = ${kind}
          and about = ${about} and client_id = ${clientId} and attempts = ${attempts}`,
      };
      return (await hot.once({ writes: [write], rows: [] })) === null;
    },
    async postpone(delivery, dueAt) {
      const { numUpdatedRows } = await update(db, delivery)
        .set({ due_at: dueAt })
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },
    async nextDue() {
      const row = await db
        .selectFrom('deliveries')
        .select('due_at')
        .where('tenant', '=', tenant)
        .orderBy('due_at')
        .limit(1)
        .executeTakeFirst();
      return row === undefined ? null : Number(row['due_at']);
    },
  };
}

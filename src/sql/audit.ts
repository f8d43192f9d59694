/**
 * The audit log. Rows are appended and listed, newest first. Only the cleaner (`clear.ts`) deletes
 * rows, once they are old.
 */
import type { Kysely } from 'kysely';
import type { ActRow, AuditStore } from 'valetkey';
import { AUDIT, type Row, recordOf, rowOf, type Tables } from './schema.ts';

/** The audit row of an act; null if the act stores none. */
export function auditRow(tenant: string, event: ActRow): Row | null {
  return event === null ? null : rowOf(AUDIT, tenant, event);
}

export function auditStore(db: Kysely<Tables>, tenant: string): AuditStore {
  return {
    async append(events) {
      const rows = events.map((event) => rowOf(AUDIT, tenant, event));
      if (rows.length > 0) await db.insertInto('audit').values(rows).execute();
    },
    async list({ limit, type, sub, clientId }) {
      let query = db
        .selectFrom('audit')
        .selectAll()
        .where('tenant', '=', tenant)
        .orderBy('at', 'desc')
        .limit(limit);
      if (type !== undefined) query = query.where('type', '=', type);
      if (sub !== undefined) query = query.where('sub', '=', sub);
      if (clientId !== undefined) query = query.where('client_id', '=', clientId);
      return (await query.execute()).map((row) => recordOf(AUDIT, row));
    },
  };
}

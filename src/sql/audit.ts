/** The audit log: lines are appended in batches and read by pages; only the cleaner takes old ones away. */
import type { Kysely } from 'kysely';
import type { AuditEvent, AuditStore } from 'valetkey';
import type { AuditRow, Tables } from './schema.ts';

export function auditStore(db: Kysely<Tables>, tenant: string): AuditStore {
  const rowOf = ({ id, at, type, sub, clientId, ip, reason, detail }: AuditEvent): AuditRow => ({
    tenant,
    id,
    at,
    type,
    sub,
    client_id: clientId,
    ip,
    reason,
    detail: JSON.stringify(detail),
  });
  return {
    async append(events) {
      if (events.length > 0) await db.insertInto('audit').values(events.map(rowOf)).execute();
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
      return (await query.execute()).map((row) => ({
        id: row.id,
        at: row.at,
        type: row.type,
        sub: row.sub,
        clientId: row.client_id,
        ip: row.ip,
        reason: row.reason,
        detail: JSON.parse(row.detail) as AuditEvent['detail'],
      }));
    },
  };
}

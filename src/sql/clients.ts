/** Clients, signing keys and audit lines: rows that are read rarely or written once. */
import type { Kysely } from 'kysely';
import type { AuditEvent, AuditStore, Client, ClientStore, KeySet, KeyStore } from 'valetkey';
import type { AuditRow, Tables } from './schema.ts';

export function clientStore(db: Kysely<Tables>, tenant: string): ClientStore {
  const read = (row: { readonly data: string }): Client => JSON.parse(row.data) as Client;
  return {
    async find(clientId) {
      const row = await db
        .selectFrom('clients')
        .select('data')
        .where('tenant', '=', tenant)
        .where('client_id', '=', clientId)
        .executeTakeFirst();
      return row === undefined ? null : read(row);
    },
    async insert(client) {
      const result = await db
        .insertInto('clients')
        .values({ tenant, client_id: client.clientId, owner: client.owner, data: JSON.stringify(client) })
        .onConflict((conflict) => conflict.columns(['tenant', 'client_id']).doNothing())
        .executeTakeFirst();
      return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
    },
    async replace(client) {
      const result = await db
        .updateTable('clients')
        .set({ owner: client.owner, data: JSON.stringify(client) })
        .where('tenant', '=', tenant)
        .where('client_id', '=', client.clientId)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async delete(clientId) {
      return await db.transaction().execute(async (trx) => {
        for (const table of ['codes', 'families', 'access_tokens', 'id_tokens', 'authorizations'] as const) {
          await trx.deleteFrom(table).where('tenant', '=', tenant).where('client_id', '=', clientId).execute();
        }
        const result = await trx.deleteFrom('clients').where('tenant', '=', tenant).where('client_id', '=', clientId).executeTakeFirst();
        return result.numDeletedRows > 0n;
      });
    },
    async list({ after, limit, owner }) {
      let query = db.selectFrom('clients').select('data').where('tenant', '=', tenant).orderBy('client_id').limit(limit);
      if (after !== undefined) query = query.where('client_id', '>', after);
      if (owner !== undefined) query = query.where('owner', '=', owner);
      return (await query.execute()).map(read);
    },
  };
}

export function keyStore(db: Kysely<Tables>, tenant: string): KeyStore {
  return {
    async load() {
      const row = await db.selectFrom('key_sets').select(['version', 'keys']).where('tenant', '=', tenant).executeTakeFirst();
      return row === undefined ? null : { version: row.version, keys: JSON.parse(row.keys) as KeySet['keys'] };
    },
    async swap(expected, keys) {
      const text = JSON.stringify(keys);
      if (expected === 0) {
        const result = await db
          .insertInto('key_sets')
          .values({ tenant, version: 1, keys: text })
          .onConflict((conflict) => conflict.column('tenant').doNothing())
          .executeTakeFirst();
        return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
      }
      const result = await db
        .updateTable('key_sets')
        .set({ version: expected + 1, keys: text })
        .where('tenant', '=', tenant)
        .where('version', '=', expected)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
  };
}

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
      let query = db.selectFrom('audit').selectAll().where('tenant', '=', tenant).orderBy('at', 'desc').limit(limit);
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

/**
 * Clients. The whole record is one JSON column, because it is rarely read from the database: the
 * core keeps clients in memory. Only values that statements search or compare have columns of
 * their own.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Client, ClientStore } from 'valetkey';
import { type ActWrite, auditRows, type Needed } from './act.ts';
import { auditRow } from './audit.ts';
import type { SqlDialect } from './dialect.ts';
import type { Hot } from './hot.ts';
import type { Row, Tables } from './schema.ts';

const CLIENTS = sql.table('clients');

/** What a look-up that joins `withEnabledClient` selects: null if the client is not enabled. */
export const CLIENT_VERSION: RawBuilder<unknown> = sql`${CLIENTS}.version as client_version`;

/**
 * The join that finds the client of a row if it is enabled. Other nodes keep a client in memory, so
 * what must end with it at once is found together with it.
 */
export function withEnabledClient(table: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`left join ${CLIENTS} on ${CLIENTS}.tenant = ${table}.tenant
    and ${CLIENTS}.client_id = ${table}.client_id and ${CLIENTS}.disabled_at is null`;
}

/** The client of an act that gives it something: registered, enabled, and as it was judged. */
export const NEEDS_CLIENT: Needed = {
  name: 'unchanged client',
  values: ['tenant', 'client_id', 'client_version'],
  from: (value) => sql`${CLIENTS} where ${CLIENTS}.tenant = ${value('tenant')}
    and ${CLIENTS}.client_id = ${value('client_id')}
    and ${CLIENTS}.version = ${value('client_version')} and ${CLIENTS}.disabled_at is null`,
};

export function clientStore(
  db: Kysely<Tables>,
  hot: Hot,
  dialect: SqlDialect,
  tenant: string,
): ClientStore {
  const read = (row: Row): Client => JSON.parse(String(row['data'])) as Client;
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
    async insert(client, audit) {
      const { clientId, owner, version, disabledAt } = client;
      const data = JSON.stringify(client);
      const row = { tenant, client_id: clientId, owner, version, data, disabled_at: disabledAt };
      const writes = dialect.insertIfAbsent('client', 'clients', row);
      const rows = auditRows(auditRow(tenant, audit));
      return (await hot.once({ writes, rows })) === null;
    },
    async replace(client, audit) {
      const { clientId, owner, version, disabledAt } = client;
      const write: ActWrite = {
        name: 'client',
        sql: () => sql`update ${CLIENTS} set owner = ${owner}, version = ${version},
          data = ${JSON.stringify(client)}, disabled_at = ${disabledAt}
          where tenant = ${tenant} and client_id = ${clientId} and version = ${version - 1}`,
      };
      const rows = auditRows(auditRow(tenant, audit));
      return (await hot.once({ writes: [write], rows })) === null;
    },
    async delete(clientId, audit) {
      return await db.transaction().execute(async (trx) => {
        const { numDeletedRows } = await trx
          .deleteFrom('clients')
          .where('tenant', '=', tenant)
          .where('client_id', '=', clientId)
          .executeTakeFirst();
        if (numDeletedRows === 0n) return false;
        await trx
          .deleteFrom('authorizations')
          .where('tenant', '=', tenant)
          .where('client_id', '=', clientId)
          .execute();
        const row = auditRow(tenant, audit);
        if (row !== null) await trx.insertInto('audit').values(row).execute();
        return true;
      });
    },
    async list({ after, limit, owner }) {
      let query = db
        .selectFrom('clients')
        .select('data')
        .where('tenant', '=', tenant)
        .orderBy('client_id')
        .limit(limit);
      if (after !== undefined) query = query.where('client_id', '>', after);
      if (owner !== undefined) query = query.where('owner', '=', owner);
      return (await query.execute()).map(read);
    },
  };
}

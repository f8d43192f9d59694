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
import { useToken } from './initial-access-tokens.ts';
import type { Row, Tables } from './schema.ts';

const CLIENTS = sql.table('clients');
const USES = sql.table('client_uses');

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

/** Tables whose rows go with their client: who takes its name later hears nothing of its people. */
const OF_CLIENTS = ['authorizations', 'client_uses', 'session_clients', 'deliveries'] as const;

/** The client of an act that gives it something: registered, enabled, and as it was judged. */
export const NEEDS_CLIENT: Needed = {
  name: 'unchanged client',
  values: ['tenant', 'client_id', 'client_version'],
  from: (value) => sql`${CLIENTS} where ${CLIENTS}.tenant = ${value('tenant')}
    and ${CLIENTS}.client_id = ${value('client_id')}
    and ${CLIENTS}.version = ${value('client_version')} and ${CLIENTS}.disabled_at is null`,
};

/** The record of a row. Its end is in a column of its own, which moves without a new version. */
function read(row: Row): Client {
  const client = JSON.parse(String(row['data'])) as Client;
  const expiresAt = row['expires_at'] ?? null;
  return expiresAt === null ? client : { ...client, expiresAt: Number(expiresAt) };
}

export function clientStore(
  db: Kysely<Tables>,
  hot: Hot,
  dialect: SqlDialect,
  tenant: string,
): ClientStore {
  const isClient = (clientId: string): RawBuilder<unknown> =>
    sql`tenant = ${tenant} and client_id = ${clientId}`;
  const rowFor = (client: Client): Row => {
    const { clientId, owner, version, disabledAt, expiresAt = null } = client;
    const data = JSON.stringify(client);
    const rest = { owner, version, data, disabled_at: disabledAt, expires_at: expiresAt };
    return { tenant, client_id: clientId, ...rest };
  };
  return {
    async find(clientId) {
      const row = await db
        .selectFrom('clients')
        .select(['data', 'expires_at'])
        .where('tenant', '=', tenant)
        .where('client_id', '=', clientId)
        .executeTakeFirst();
      return row === undefined ? null : read(row);
    },
    async insert(client, audit) {
      const writes = dialect.insertIfAbsent('client', 'clients', rowFor(client));
      const rows = auditRows(auditRow(tenant, audit));
      return (await hot.once({ writes, rows })) === null;
    },
    async register(client, token, now, audit) {
      const failed = await hot.once({
        writes: [useToken(tenant, token, now)],
        rows: [['clients', rowFor(client)], ...auditRows(auditRow(tenant, audit))],
      });
      return failed === null;
    },
    async replace(client, audit) {
      const { clientId, owner, version, disabledAt } = client;
      const write: ActWrite = {
        name: 'client',
        sql: () => sql`update ${CLIENTS} set owner = ${owner}, version = ${version},
          data = ${JSON.stringify(client)}, disabled_at = ${disabledAt},
          expires_at = ${client.expiresAt === null ? sql`null` : sql`expires_at`}
          where ${isClient(clientId)} and version = ${version - 1}`,
      };
      const rows = auditRows(auditRow(tenant, audit));
      return (await hot.once({ writes: [write], rows })) === null;
    },
    async delete(clientId, audit, { version, expiredBy } = {}) {
      return await db.transaction().execute(async (trx) => {
        const deleteFrom = (table: (typeof OF_CLIENTS)[number] | 'clients') =>
          trx.deleteFrom(table).where(sql<boolean>`${isClient(clientId)}`);
        let wanted = deleteFrom('clients');
        if (version !== undefined) wanted = wanted.where('version', '=', version);
        if (expiredBy !== undefined)
          wanted = wanted.where('expires_at', '<=', expiredBy).where('disabled_at', 'is', null);
        if ((await wanted.executeTakeFirst()).numDeletedRows === 0n) return false;
        for (const table of OF_CLIENTS) await deleteFrom(table).execute();
        const row = auditRow(tenant, audit);
        if (row !== null) await trx.insertInto('audit').values(row).execute();
        return true;
      });
    },
    async used(clientId, { at, secret, expiresAt }) {
      await db.transaction().execute(async (trx) => {
        // First, so that a delete under way waits, or this finds nothing.
        const { numUpdatedRows } = await trx
          .updateTable('clients')
          .set({
            expires_at: sql<number>`case when expires_at < ${expiresAt ?? 0} then ${expiresAt ?? 0}
              else expires_at end`,
          })
          .where(sql<boolean>`${isClient(clientId)}`)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) return;
        if (at === null) return;
        for (const secretId of secret === null ? [''] : ['', secret])
          await dialect.upsert(trx, {
            table: 'client_uses',
            row: { tenant, client_id: clientId, secret_id: secretId, used_at: at },
            key: ['tenant', 'client_id', 'secret_id'],
            set: {
              used_at: sql`case when ${USES}.used_at < ${at} then ${at} else ${USES}.used_at end`,
            },
          });
      });
    },
    async uses(clientId) {
      const rows = await db
        .selectFrom('client_uses')
        .select(['secret_id', 'used_at'])
        .where(sql<boolean>`${isClient(clientId)}`)
        .execute();
      const all = rows.map((row) => [String(row['secret_id']), Number(row['used_at'])] as const);
      return {
        at: all.find(([id]) => id === '')?.[1] ?? null,
        secrets: Object.fromEntries(all.filter(([id]) => id !== '')),
      };
    },
    async expired(now, limit) {
      const rows = await db
        .selectFrom('clients')
        .select('client_id')
        .where('tenant', '=', tenant)
        .where('expires_at', '<=', now)
        .where('disabled_at', 'is', null)
        .orderBy('expires_at')
        .limit(limit)
        .execute();
      return rows.map((row) => String(row['client_id']));
    },
    async list({ after, limit, owner }) {
      let query = db
        .selectFrom('clients')
        .select(['data', 'expires_at'])
        .where('tenant', '=', tenant)
        .orderBy('client_id')
        .limit(limit);
      if (after !== undefined) query = query.where('client_id', '>', after);
      if (owner !== undefined) query = query.where('owner', '=', owner);
      return (await query.execute()).map(read);
    },
  };
}

/** Clients: the whole record as JSON, since they are read rarely and kept in memory; beside it only what is searched or compared. */
import type { Kysely } from 'kysely';
import type { Client, ClientStore } from 'valetkey';
import type { ClientRow, Tables } from './schema.ts';

export function clientStore(db: Kysely<Tables>, tenant: string): ClientStore {
  const read = (row: { readonly data: string }): Client => JSON.parse(row.data) as Client;
  const columns = (client: Client): Pick<ClientRow, 'owner' | 'version' | 'data'> => ({
    owner: client.owner,
    version: client.version,
    data: JSON.stringify(client),
  });
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
        .values({ tenant, client_id: client.clientId, ...columns(client) })
        .onConflict((conflict) => conflict.columns(['tenant', 'client_id']).doNothing())
        .executeTakeFirst();
      return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
    },
    async replace(client) {
      const result = await db
        .updateTable('clients')
        .set(columns(client))
        .where('tenant', '=', tenant)
        .where('client_id', '=', client.clientId)
        .where('version', '=', client.version - 1)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async delete(clientId) {
      return await db.transaction().execute(async (trx) => {
        await trx
          .deleteFrom('authorizations')
          .where('tenant', '=', tenant)
          .where('client_id', '=', clientId)
          .execute();
        const result = await trx
          .deleteFrom('clients')
          .where('tenant', '=', tenant)
          .where('client_id', '=', clientId)
          .executeTakeFirst();
        return result.numDeletedRows > 0n;
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

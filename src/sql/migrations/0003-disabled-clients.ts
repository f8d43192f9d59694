/**
 * Clients get a column that says since when they are disabled, so that the statements that issue
 * or find their tokens can see it. The record of a client holds the same time. An older server
 * does not write this column. While both versions run, disable and enable clients on a new server.
 */
import type { Kysely } from 'kysely';
import type { Migration } from '../migration.ts';
import type { Tables } from '../schema.ts';

export const disabledClients: Migration = {
  name: '0003-disabled-clients',
  async up(on) {
    const db = on as unknown as Kysely<Pick<Tables, 'clients'>>;
    await db.schema.alterTable('clients').addColumn('disabled_at', 'bigint').execute();
    const rows = await db.selectFrom('clients').select(['tenant', 'client_id', 'data']).execute();
    for (const { tenant, client_id, data } of rows) {
      const { disabledAt } = JSON.parse(String(data)) as { disabledAt: number | null };
      if (disabledAt === null) continue;
      await db
        .updateTable('clients')
        .set({ disabled_at: disabledAt })
        .where('tenant', '=', tenant)
        .where('client_id', '=', client_id)
        .execute();
    }
  },
};

/** Authorizations. Ending one takes codes first, then families: a redemption under way cannot slip between. */
import type { Kysely } from 'kysely';
import type { AuthorizationStore } from 'valetkey';
import { consumeCodes } from './codes.ts';
import { authorizationOf, authorizationRow, type Tables } from './schema.ts';

export function authorizationStore(db: Kysely<Tables>, tenant: string): AuthorizationStore {
  const find = async (
    on: Kysely<Tables>,
    sub: string,
    clientId: string,
  ): Promise<ReturnType<typeof authorizationOf> | null> => {
    const row = await on
      .selectFrom('authorizations')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('sub', '=', sub)
      .where('client_id', '=', clientId)
      .executeTakeFirst();
    return row === undefined ? null : authorizationOf(row);
  };
  return {
    find: async (sub, clientId) => await find(db, sub, clientId),
    async remember(authorization) {
      return await db.transaction().execute(async (trx) => {
        // The upsert takes the row's lock whether it is new or not, so that the union below loses no scope.
        const row = await trx
          .insertInto('authorizations')
          .values(authorizationRow(tenant, authorization))
          .onConflict((conflict) =>
            conflict
              .columns(['tenant', 'sub', 'client_id'])
              .doUpdateSet({ updated_at: authorization.updatedAt }),
          )
          .returningAll()
          .executeTakeFirstOrThrow();
        const before = authorizationOf(row);
        const scopes = [...new Set([...before.scopes, ...authorization.scopes])];
        if (scopes.length > before.scopes.length) {
          await trx
            .updateTable('authorizations')
            .set({ scopes: scopes.join(' ') })
            .where('tenant', '=', tenant)
            .where('id', '=', before.id)
            .execute();
        }
        return { ...before, scopes };
      });
    },
    async revoke(id, now) {
      return await db.transaction().execute(async (trx) => {
        const row = await trx
          .deleteFrom('authorizations')
          .where('tenant', '=', tenant)
          .where('id', '=', id)
          .returning('sub')
          .executeTakeFirst();
        if (row === undefined) return false;
        await consumeCodes(trx, tenant, now, row.sub).where('authorization_id', '=', id).execute();
        await trx
          .updateTable('families')
          .set({ revoked_at: now })
          .where('tenant', '=', tenant)
          .where('sub', '=', row.sub)
          .where('authorization_id', '=', id)
          .where('revoked_at', 'is', null)
          .execute();
        return true;
      });
    },
    async listBySubject(sub) {
      const rows = await db
        .selectFrom('authorizations')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('sub', '=', sub)
        .execute();
      return rows.map(authorizationOf);
    },
  };
}

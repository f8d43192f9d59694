/**
 * Authorizations. Revoking one consumes its codes first and revokes its families second, so that a
 * concurrent redemption of a code cannot start a family that survives. Issuing tokens under an
 * authorization is in `tokens.ts`.
 */
import { type Kysely, sql } from 'kysely';
import type { AuthorizationStore } from 'valetkey';
import { namesIn } from './act.ts';
import { auditRow } from './audit.ts';
import { consumeCodes } from './codes.ts';
import type { SqlDialect } from './dialect.ts';
import { type Hot, slot } from './hot.ts';
import { AUTHORIZATION, columnNames, recordOf, rowOf, type Tables } from './schema.ts';

export function authorizationStore(
  db: Kysely<Tables>,
  hot: Hot,
  dialect: SqlDialect,
  tenant: string,
): AuthorizationStore {
  return {
    async find(sub, clientId) {
      const [row] = await hot.rows(
        'authorization',
        () => sql`select ${namesIn('authorizations', columnNames(AUTHORIZATION))}
          from ${sql.table('authorizations')} where tenant = ${slot('tenant')}
            and sub = ${slot('sub')} and client_id = ${slot('clientId')}`,
        { tenant, sub, clientId },
      );
      return row === undefined ? null : recordOf(AUTHORIZATION, row);
    },
    async remember(authorization, { clientVersion, session, expired = [] }) {
      return await db.transaction().execute(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('sessions')
          .set({ writes: sql`writes + 1` })
          .where('tenant', '=', tenant)
          .where('handle', '=', session.handle)
          .where('sid', '=', session.sid)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) return 'session_ended';
        const client = await trx
          .selectFrom('clients')
          .select('version')
          .where('tenant', '=', tenant)
          .where('client_id', '=', authorization.clientId)
          .where('version', '=', clientVersion)
          .where('disabled_at', 'is', null)
          .executeTakeFirst();
        if (client === undefined) return 'client_changed';
        // The upsert locks the row, new or existing, so that two concurrent unions lose no scope.
        const row = await dialect.upsert(trx, {
          table: 'authorizations',
          row: rowOf(AUTHORIZATION, tenant, authorization),
          key: ['tenant', 'sub', 'client_id'],
          set: { updated_at: sql`${authorization.updatedAt}` },
        });
        const before = recordOf(AUTHORIZATION, row);
        const kept = before.scopes.filter((scope) => !expired.includes(scope));
        const scopes = [...new Set([...kept, ...authorization.scopes])];
        if (scopes.join(' ') !== before.scopes.join(' ')) {
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
    async revoke({ id, sub }, now, audit) {
      return await db.transaction().execute(async (trx) => {
        const { numDeletedRows } = await trx
          .deleteFrom('authorizations')
          .where('tenant', '=', tenant)
          .where('id', '=', id)
          .executeTakeFirst();
        if (numDeletedRows === 0n) return false;
        await consumeCodes(trx, tenant, now, sub).where('authorization_id', '=', id).execute();
        await trx
          .updateTable('families')
          .set({ revoked_at: now })
          .where('tenant', '=', tenant)
          .where('sub', '=', sub)
          .where('authorization_id', '=', id)
          .where('revoked_at', 'is', null)
          .execute();
        const row = auditRow(tenant, audit);
        if (row !== null) await trx.insertInto('audit').values(row).execute();
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
      return rows.map((row) => recordOf(AUTHORIZATION, row));
    },
  };
}

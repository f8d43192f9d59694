/** Sessions. Ending one takes codes first, then families: a redemption under way cannot slip between. */
import type { Kysely } from 'kysely';
import type { SessionStore } from 'valetkey';
import { consumeCodes } from './codes.ts';
import { sessionOf, sessionRow, type Tables } from './schema.ts';
import { lockSubject } from './subjects.ts';

export function sessionStore(db: Kysely<Tables>, tenant: string): SessionStore {
  return {
    async find(handle) {
      const row = await db
        .selectFrom('sessions')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('handle', '=', handle)
        .executeTakeFirst();
      return row === undefined ? null : sessionOf(row);
    },
    async start(session, replaces, began) {
      return await db.transaction().execute(async (trx) => {
        const revokedAt = await lockSubject(trx, tenant, session.sub);
        if (revokedAt > 0 && revokedAt >= began) return false;
        if (replaces !== null)
          await trx
            .deleteFrom('sessions')
            .where('tenant', '=', tenant)
            .where('handle', '=', replaces)
            .execute();
        await trx.insertInto('sessions').values(sessionRow(tenant, session)).execute();
        return true;
      });
    },
    async touch(handle, seenAt) {
      await db
        .updateTable('sessions')
        .set({ seen_at: seenAt })
        .where('tenant', '=', tenant)
        .where('handle', '=', handle)
        .where('seen_at', '<', seenAt)
        .execute();
    },
    async end(handle, now, revokeTokens) {
      return await db.transaction().execute(async (trx) => {
        const row = await trx
          .deleteFrom('sessions')
          .where('tenant', '=', tenant)
          .where('handle', '=', handle)
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) return null;
        if (revokeTokens) {
          await consumeCodes(trx, tenant, now, row.sub).where('sid', '=', row.sid).execute();
          await trx
            .updateTable('families')
            .set({ revoked_at: now })
            .where('tenant', '=', tenant)
            .where('sub', '=', row.sub)
            .where('sid', '=', row.sid)
            .where('offline', '=', 0)
            .where('revoked_at', 'is', null)
            .execute();
        }
        return sessionOf(row);
      });
    },
    async listBySubject(sub) {
      const rows = await db
        .selectFrom('sessions')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('sub', '=', sub)
        .execute();
      return rows.map(sessionOf);
    },
  };
}

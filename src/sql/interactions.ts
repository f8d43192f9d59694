/** Interactions too large for an address, sealed as they would travel there. */
import type { Kysely } from 'kysely';
import type { InteractionStore } from 'valetkey';
import type { Tables } from './schema.ts';

export function interactionStore(db: Kysely<Tables>, tenant: string): InteractionStore {
  return {
    async put(handle, sealed, expiresAt) {
      await db
        .insertInto('interactions')
        .values({ tenant, handle, sealed, expires_at: expiresAt })
        .execute();
    },
    async find(handle, now) {
      const row = await db
        .selectFrom('interactions')
        .select('sealed')
        .where('tenant', '=', tenant)
        .where('handle', '=', handle)
        .where('expires_at', '>', now)
        .executeTakeFirst();
      return row?.sealed ?? null;
    },
  };
}

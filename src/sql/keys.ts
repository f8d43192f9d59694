/** The signing keys of an issuer: one row, changed by compare and swap. */
import type { Kysely } from 'kysely';
import type { KeySet, KeyStore } from 'valetkey';
import type { Tables } from './schema.ts';

export function keyStore(db: Kysely<Tables>, tenant: string): KeyStore {
  return {
    async load() {
      const row = await db
        .selectFrom('key_sets')
        .select(['version', 'keys'])
        .where('tenant', '=', tenant)
        .executeTakeFirst();
      return row === undefined
        ? null
        : { version: row.version, keys: JSON.parse(row.keys) as KeySet['keys'] };
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

/** Authorization codes: kept by digest, whether used or not, until no replay is worth telling (`clear.ts`). Their single use is in `tokens.ts`. */
import { type Kysely, sql, type UpdateQueryBuilder, type UpdateResult } from 'kysely';
import type { CodeStore } from 'valetkey';
import { codeOf, codeRow, type Tables } from './schema.ts';

/** Uses up the open codes of a subject; the caller narrows it further. */
export function spendCodes(
  db: Kysely<Tables>,
  tenant: string,
  now: number,
  sub: string,
): UpdateQueryBuilder<Tables, 'codes', 'codes', UpdateResult> {
  return db
    .updateTable('codes')
    .set({ redeemed_at: now })
    .where('tenant', '=', tenant)
    .where('sub', '=', sub)
    .where('redeemed_at', 'is', null);
}

export function codeStore(db: Kysely<Tables>, tenant: string): CodeStore {
  return {
    async insert(code) {
      const result = await db
        .insertInto('codes')
        .values(codeRow(tenant, code))
        .onConflict((conflict) => conflict.columns(['tenant', 'digest']).doNothing())
        .executeTakeFirst();
      return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
    },
    async find(digest) {
      const row = await db
        .selectFrom('codes')
        .leftJoin('authorizations', (join) =>
          join.onRef('authorizations.tenant', '=', 'codes.tenant').onRef('authorizations.id', '=', 'codes.authorization_id'),
        )
        .selectAll('codes')
        .select('authorizations.id as authorized')
        .where('codes.tenant', '=', tenant)
        .where('codes.digest', '=', digest)
        .executeTakeFirst();
      return row === undefined ? null : { code: codeOf(row), authorized: row.authorization_id === null || row.authorized !== null };
    },
    async countFailure(digest) {
      const row = await db
        .updateTable('codes')
        .set({ failed_attempts: sql<number>`failed_attempts + 1` })
        .where('tenant', '=', tenant)
        .where('digest', '=', digest)
        .returning('failed_attempts')
        .executeTakeFirst();
      return row?.failed_attempts ?? 0;
    },
  };
}

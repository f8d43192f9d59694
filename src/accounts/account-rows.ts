/** The rows of one tenant in the table of accounts: every query that `accounts.ts` makes. */
import type { Kysely } from 'kysely';
import { ACCOUNTS_TABLE, type AccountTables } from './tables.ts';

/** One row of the table. */
export type AccountRow = AccountTables['accounts'];

/** Reads and changes the rows of one tenant. */
export interface AccountRows {
  findBySub(sub: string): Promise<AccountRow | undefined>;
  /** @param name in its stored spelling */
  findByName(name: string): Promise<AccountRow | undefined>;
  /** Ordered by username, after `after` (exclusive). */
  list(page: { readonly after?: string; readonly limit: number }): Promise<readonly AccountRow[]>;
  /** False if the username or the subject is taken. */
  insert(row: AccountRow): Promise<boolean>;
  /** False if there is no such account. */
  update(sub: string, changes: Partial<AccountRow>): Promise<boolean>;
  /** Replaces only the hash that was read, so that a password changed in the meantime stays. */
  replaceHash(row: AccountRow, hash: string): Promise<void>;
  /** False if there is no such account. */
  delete(sub: string): Promise<boolean>;
}

export function accountRows(db: Kysely<AccountTables>, tenant: string): AccountRows {
  const rows = () => db.selectFrom(ACCOUNTS_TABLE).selectAll().where('tenant', '=', tenant);
  const updated = () => db.updateTable(ACCOUNTS_TABLE).where('tenant', '=', tenant);
  return {
    findBySub: async (sub) => await rows().where('sub', '=', sub).executeTakeFirst(),
    findByName: async (name) => await rows().where('username', '=', name).executeTakeFirst(),
    async list({ after, limit }) {
      const page = rows().orderBy('username').limit(limit);
      return await (after === undefined ? page : page.where('username', '>', after)).execute();
    },
    async insert(row) {
      const result = await db
        .insertInto(ACCOUNTS_TABLE)
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      return (result.numInsertedOrUpdatedRows ?? 0n) > 0n;
    },
    async update(sub, changes) {
      const result = await updated().set(changes).where('sub', '=', sub).executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async replaceHash({ sub, password }, hash) {
      await updated()
        .set({ password: hash })
        .where('sub', '=', sub)
        .where('password', '=', password)
        .execute();
    },
    async delete(sub) {
      const result = await db
        .deleteFrom(ACCOUNTS_TABLE)
        .where('tenant', '=', tenant)
        .where('sub', '=', sub)
        .executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}

/** The rows of one tenant in the table of accounts: every query that `accounts.ts` makes. */
import type { Kysely } from 'kysely';
import { ACCOUNTS_TABLE, type AccountTables, DELETED_TABLE } from './tables.ts';

/** One row of the table. */
export type AccountRow = AccountTables['accounts'];

/**
 * The part of a database that accounts need. `sqlDatabase(…)` with `migrations: accountsMigrations`
 * provides it.
 */
export interface AccountsDatabase {
  /** The query builder of the database. */
  // biome-ignore lint/suspicious/noExplicitAny: any tables will do, and Kysely is invariant in them
  readonly kysely: Kysely<any>;
  /** The value of the column `tenant` in all rows of an issuer, at most 11 characters. */
  tenantOf(issuer: string): string;
  /** Inserts a row. False when a row with the same key exists; then nothing changes. */
  insertNew(table: string, row: Readonly<Record<string, string | number | null>>): Promise<boolean>;
}

/** Reads and changes the rows of one tenant. */
export interface AccountRows {
  findBySub(sub: string): Promise<AccountRow | undefined>;
  /** @param name in its stored spelling */
  findByName(name: string): Promise<AccountRow | undefined>;
  /** The only account with this verified e-mail address; undefined when there are several. */
  findByEmail(email: string): Promise<AccountRow | undefined>;
  /** True if it is the verified e-mail address of another account. */
  isEmailOf(email: string, otherThan: string): Promise<boolean>;
  /** Ordered by username, after `after` (exclusive). */
  list(page: { readonly after?: string; readonly limit: number }): Promise<readonly AccountRow[]>;
  /** False if the username or the subject is taken. */
  insert(row: AccountRow): Promise<boolean>;
  /** False if there is no such account. */
  update(sub: string, changes: Partial<AccountRow>): Promise<boolean>;
  /** Replaces only the hash that was read, so that a password changed in the meantime stays. */
  replaceHash(row: AccountRow, hash: string): Promise<void>;
  /** Deletes the row, and remembers its subject. False if there is no such account. */
  delete(sub: string, now: number): Promise<boolean>;
  /** True if an account with this subject was deleted. */
  wasDeleted(sub: string): Promise<boolean>;
}

export function accountRows(sql: AccountsDatabase, tenant: string): AccountRows {
  const db = sql.kysely as Kysely<AccountTables>;
  const rows = () => db.selectFrom(ACCOUNTS_TABLE).selectAll().where('tenant', '=', tenant);
  const updated = () => db.updateTable(ACCOUNTS_TABLE).where('tenant', '=', tenant);
  return {
    findBySub: async (sub) => await rows().where('sub', '=', sub).executeTakeFirst(),
    findByName: async (name) => await rows().where('username', '=', name).executeTakeFirst(),
    async findByEmail(email) {
      const [only, second] = await rows().where('email', '=', email).limit(2).execute();
      return second === undefined ? only : undefined;
    },
    async isEmailOf(email, otherThan) {
      const found = rows().where('email', '=', email).where('sub', '!=', otherThan);
      return (await found.limit(1).execute()).length > 0;
    },
    async list({ after, limit }) {
      const page = rows().orderBy('username').limit(limit);
      return await (after === undefined ? page : page.where('username', '>', after)).execute();
    },
    insert: async (row) => await sql.insertNew(ACCOUNTS_TABLE, { ...row }),
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
    async delete(sub, now) {
      if ((await rows().where('sub', '=', sub).executeTakeFirst()) === undefined) return false;
      // Before the row goes, so that the subject is free at no moment.
      await sql.insertNew(DELETED_TABLE, { tenant, sub, deleted_at: now });
      const result = await db
        .deleteFrom(ACCOUNTS_TABLE)
        .where('tenant', '=', tenant)
        .where('sub', '=', sub)
        .executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
    async wasDeleted(sub) {
      const found = await db
        .selectFrom(DELETED_TABLE)
        .select('sub')
        .where('tenant', '=', tenant)
        .where('sub', '=', sub)
        .executeTakeFirst();
      return found !== undefined;
    },
  };
}

/** The table of accounts and its migration. */
import type { Kysely } from 'kysely';

export const ACCOUNTS_TABLE = 'accounts';

export interface AccountTables {
  accounts: {
    /** The issuer's, as in every table: one database may serve several. */
    tenant: string;
    sub: string;
    username: string;
    /** PHC string. */
    password: string;
    enabled: number;
    /** JSON. */
    claims: string;
    created_at: number;
    updated_at: number;
  };
}

/** For `sqlDatabase({ migrations })`. */
export const accountsMigrations: readonly {
  readonly name: string;
  up(db: Kysely<never>, prefix: string): Promise<void>;
}[] = [
  {
    name: '0001-accounts',
    async up(db, prefix) {
      await db.schema
        .createTable(ACCOUNTS_TABLE)
        .ifNotExists()
        .addColumn('tenant', 'varchar(11)', (column) => column.notNull())
        .addColumn('sub', 'varchar(255)', (column) => column.notNull())
        .addColumn('username', 'varchar(255)', (column) => column.notNull())
        .addColumn('password', 'text', (column) => column.notNull())
        .addColumn('enabled', 'integer', (column) => column.notNull())
        .addColumn('claims', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('updated_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint(`${ACCOUNTS_TABLE}_pk`, ['tenant', 'sub'] as never[])
        .execute();
      await db.schema
        .createIndex(`${prefix}accounts_username`)
        .ifNotExists()
        .on(ACCOUNTS_TABLE)
        .columns(['tenant', 'username'])
        .unique()
        .execute();
    },
  },
];

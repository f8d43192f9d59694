/**
 * The tables of accounts, and the migrations that create them. The queries are in `accounts.ts`;
 * applying the migrations is left to `valetkey/sql`.
 */
import type { Kysely } from 'kysely';
import { verifiedEmail } from './claims.ts';

/** Name of the table, without prefix. */
export const ACCOUNTS_TABLE = 'accounts';
/** Name of the table of subjects whose account was deleted, without prefix. */
export const DELETED_TABLE = 'deleted_accounts';

/** The tables of this folder, as Kysely needs them. */
export interface AccountTables {
  accounts: {
    /** Marks the issuer, as in every table, because one database may serve several issuers. */
    tenant: string;
    sub: string;
    /** In canonical spelling. */
    username: string;
    /** The password hash, as a PHC string. */
    password: string;
    /** 1 if the account is enabled, else 0. */
    enabled: number;
    /** JSON object. */
    claims: string;
    /** The verified e-mail address of the claims, in lower case; null without one. */
    email: string | null;
    /** Seconds since 1970. */
    created_at: number;
    /** Seconds since 1970. */
    updated_at: number;
  };
  deleted_accounts: {
    tenant: string;
    sub: string;
    /** Seconds since 1970. */
    deleted_at: number;
  };
}

/** One change of the schema, as `valetkey/sql` applies it. */
export interface AccountsMigration {
  /** Unique name. */
  readonly name: string;
  /**
   * Changes the schema.
   * @param prefix of names of indexes; table names get it automatically
   */
  up(db: Kysely<never>, prefix: string): Promise<void>;
}

/** The migrations of accounts, for `sqlDatabase({ migrations: accountsMigrations })`. */
export const accountsMigrations: readonly AccountsMigration[] = [
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
        .addPrimaryKeyConstraint(`${prefix}${ACCOUNTS_TABLE}_pk`, ['tenant', 'sub'] as never[])
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
  {
    name: '0002-deleted-accounts',
    async up(db, prefix) {
      await db.schema
        .createTable(DELETED_TABLE)
        .ifNotExists()
        .addColumn('tenant', 'varchar(11)', (column) => column.notNull())
        .addColumn('sub', 'varchar(255)', (column) => column.notNull())
        .addColumn('deleted_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint(`${prefix}${DELETED_TABLE}_pk`, ['tenant', 'sub'] as never[])
        .execute();
    },
  },
  {
    name: '0003-account-emails',
    async up(on, prefix) {
      await on.schema.alterTable(ACCOUNTS_TABLE).addColumn('email', 'varchar(255)').execute();
      await on.schema
        .createIndex(`${prefix}accounts_email`)
        .on(ACCOUNTS_TABLE)
        .columns(['tenant', 'email'])
        .execute();
      const db = on as unknown as Kysely<AccountTables>;
      for (const { tenant, sub, claims } of await db
        .selectFrom(ACCOUNTS_TABLE)
        .select(['tenant', 'sub', 'claims'])
        .execute()) {
        const email = verifiedEmail(JSON.parse(claims) as Readonly<Record<string, unknown>>);
        if (email === null) continue;
        await db
          .updateTable(ACCOUNTS_TABLE)
          .set({ email })
          .where('tenant', '=', tenant)
          .where('sub', '=', sub)
          .execute();
      }
    },
  },
];

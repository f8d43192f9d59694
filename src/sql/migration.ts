/**
 * The contract of one change of the schema. `migrations.ts` applies it. Other packages that store
 * tables in the same database (accounts, for example) bring migrations of their own.
 */
import type { Kysely } from 'kysely';

/** One change of the schema. The same code runs on every dialect. */
export interface Migration {
  /**
   * Unique name, at most 255 characters. The database remembers applied migrations by it, so it
   * must never change. Migrations run in list order, so choose names that sort in that order.
   */
  readonly name: string;
  /**
   * Changes the schema.
   * @param db a connection inside the migration's transaction; it adds the prefix to table names
   * @param prefix add it yourself to other names (indexes): they do not get it automatically
   */
  up(db: Kysely<never>, prefix: string): Promise<void>;
}

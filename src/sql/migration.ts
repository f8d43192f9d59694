/**
 * The contract of one change of the schema. Other ring parts that keep tables here bring their own.
 */
import type { Kysely } from 'kysely';

/** One change of the schema, the same for every dialect. Names sort in the order of application. */
export interface Migration {
  readonly name: string;
  /**
   * @param db inside the transaction; table names get the prefix by themselves
   * @param prefix for names that do not (indexes)
   */
  up(db: Kysely<never>, prefix: string): Promise<void>;
}

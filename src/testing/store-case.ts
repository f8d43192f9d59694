/**
 * The form of a check for one law of the store, and small functions that several checks need. The
 * laws are in the files `store-laws-*.ts`.
 */
import type { Database, Store } from 'valetkey';
import type { SampleIssue } from './store-samples.ts';

/** A check for one law of the store port. */
export interface StoreCase {
  /** The law, for the title of a test. */
  readonly name: string;
  /**
   * Checks the law.
   * @param store the records of an issuer, without any records yet
   * @param database the database of that store; some laws open another issuer on it
   * @throws AssertionError when the store breaks the law
   */
  run(store: Store, database: Database): Promise<void>;
}

/** The name and the check of a law, as the lists of laws contain them. */
export type Law = readonly [name: string, run: StoreCase['run']];

/** Number of concurrent calls in checks of concurrency. */
export const CROWD = 100;

/** Makes `CROWD` concurrent calls. */
export const crowd = async <T>(work: (index: number) => Promise<T>): Promise<T[]> =>
  await Promise.all(Array.from({ length: CROWD }, async (_, index) => await work(index)));
/** How often a value is in a list. */
export const count = <T>(list: readonly T[], wanted: T): number =>
  list.filter((item) => item === wanted).length;

/** True if the store finds the access token and says that it is live. */
export const isLive = async (store: Store, issue: SampleIssue): Promise<boolean> =>
  (await store.tokens.findAccessToken(issue.accessToken.digest))?.live ?? false;

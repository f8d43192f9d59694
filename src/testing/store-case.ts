/** One law of the store as a check, and what the checks share. */
import type { Database, Store } from 'valetkey';
import type { SampleIssue } from './store-samples.ts';

export interface StoreCase {
  readonly name: string;
  run(store: Store, database: Database): Promise<void>;
}

/** Name and check, as the lists of laws hold them. */
export type Law = readonly [name: string, run: StoreCase['run']];

export const CROWD = 100;

export const crowd = async <T>(work: (index: number) => Promise<T>): Promise<T[]> =>
  await Promise.all(Array.from({ length: CROWD }, async (_, index) => await work(index)));
export const count = <T>(list: readonly T[], wanted: T): number =>
  list.filter((item) => item === wanted).length;

export const isLive = async (store: Store, issue: SampleIssue): Promise<boolean> =>
  (await store.tokens.findAccessToken(issue.accessToken.digest))?.live ?? false;

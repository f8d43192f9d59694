/**
 * The laws of the store as checks that any runner can run against any `Store`: give every case a
 * fresh issuer of a migrated database. Concurrency is part of each law. A case throws when the law
 * is broken.
 */
import type { StoreCase } from './store-case.ts';
import { END_LAWS } from './store-laws-ends.ts';
import { ONE_TIME_LAWS } from './store-laws-one-time.ts';
import { RECORD_LAWS } from './store-laws-records.ts';
import { SESSION_LAWS } from './store-laws-sessions.ts';
import { TOKEN_LAWS } from './store-laws-tokens.ts';
import { TWIN_LAWS } from './store-laws-twins.ts';

/** Every law, as a case of its own. */
export function storeContract(): readonly StoreCase[] {
  return [
    ...TOKEN_LAWS,
    ...ONE_TIME_LAWS,
    ...SESSION_LAWS,
    ...RECORD_LAWS,
    ...END_LAWS,
    ...TWIN_LAWS,
  ].map(([name, run]) => ({
    name,
    run,
  }));
}

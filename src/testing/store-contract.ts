/**
 * All laws of the store port, as checks that any test runner can run against any `Store`. Give each
 * case a new issuer on a migrated database. Laws about concurrency make concurrent calls. The laws
 * are in the files `store-laws-*.ts`; their words are in the docstrings of `store/store.ts`.
 */
import type { StoreCase } from './store-case.ts';
import { CLIENT_LAWS } from './store-laws-clients.ts';
import { DELIVERY_LAWS } from './store-laws-deliveries.ts';
import { END_LAWS } from './store-laws-ends.ts';
import { ONE_TIME_LAWS } from './store-laws-one-time.ts';
import { RECORD_LAWS } from './store-laws-records.ts';
import { REGISTRATION_LAWS } from './store-laws-registration.ts';
import { RESOURCE_LAWS } from './store-laws-resources.ts';
import { SESSION_LAWS } from './store-laws-sessions.ts';
import { TOKEN_LAWS } from './store-laws-tokens.ts';
import { TWIN_LAWS } from './store-laws-twins.ts';

/** One case for every law of the store port. A case throws if the store breaks the law. */
export function storeContract(): readonly StoreCase[] {
  return [
    ...TOKEN_LAWS,
    ...ONE_TIME_LAWS,
    ...SESSION_LAWS,
    ...RECORD_LAWS,
    ...CLIENT_LAWS,
    ...REGISTRATION_LAWS,
    ...RESOURCE_LAWS,
    ...END_LAWS,
    ...DELIVERY_LAWS,
    ...TWIN_LAWS,
  ].map(([name, run]) => ({
    name,
    run,
  }));
}

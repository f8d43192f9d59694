/** What every rule may use, wired once in `provider.ts`. */
import type { Vault } from '../crypto/secrets.ts';
import type { Store } from '../store/store.ts';
import type { Clients } from './clients.ts';
import type { Events } from './events.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { Settings } from './settings.ts';
import type { SigningKeys } from './signing-keys.ts';

/** What a rule, a grant type or a client authentication method may use. */
export interface Context {
  /** The configuration after every default and check. */
  readonly settings: Settings;
  /** All records of this issuer. */
  readonly store: Store;
  /** Seals and keyed digests under the provider’s secret. */
  readonly vault: Vault;
  /** Registered clients, cached. */
  readonly clients: Clients;
  /** Signing keys. */
  readonly keys: SigningKeys;
  /** Events and the audit log. */
  readonly events: Events;
  /** RateLimits. */
  readonly rateLimiter: RateLimiter;
  /** Now, in whole seconds. */
  readonly now: () => number;
}

/**
 * What every rule may use. The provider makes one for itself, and one for each
 * request.
 */
import type { Vault } from '../crypto/vault.ts';
import type { Client, Seconds } from '../store/records.ts';
import type { Store } from '../store/store.ts';
import type { KnownClients } from './client-registry.ts';
import type { Deliveries } from './deliveries.ts';
import type { Events } from './events.ts';
import type { Outbound } from './outbound.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { RequestFacts } from './request-facts.ts';
import type { KnownResources } from './resources.ts';
import type { Settings } from './settings.ts';
import type { SigningKeys } from './signing-keys.ts';

/** What a rule may use. */
export interface Context {
  /** The configuration after every default and check. */
  readonly settings: Settings;
  /** All records of this issuer. */
  readonly store: Store;
  /** Seals and keyed digests under the provider’s secret. */
  readonly vault: Vault;
  /** Registered clients, cached. */
  readonly clients: KnownClients;
  /** Signing keys. */
  readonly keys: SigningKeys;
  /** APIs that tokens are issued for. */
  readonly resources: KnownResources;
  /** Events and the audit log. Events carry address and id of the request by themselves. */
  readonly events: Events;
  /** Fetches documents from addresses that others chose. */
  readonly outbound: Outbound;
  /** Sends what clients have to be told, beside requests. */
  readonly deliveries: Pick<Deliveries, 'wake'>;
  /** Counts attempts and refuses those above a limit. */
  readonly rateLimiter: RateLimiter;
  /** Now, in whole seconds. */
  readonly now: () => Seconds;
  /** The `sub` by which a client knows a subject (OIDC Core §8). */
  readonly subjectOf: (client: Client, sub: string) => string;
  /**
   * The absolute address of an endpoint, by its name.
   * @throws Error for a name that no endpoint has
   */
  readonly url: (endpoint: string) => string;
  /** Address of the page where people see and withdraw what they allowed; null: there is none. */
  readonly accountUrl: string | null;
  /** The request that is being answered; null for acts of the host and of the command line. */
  readonly request: RequestFacts | null;
}

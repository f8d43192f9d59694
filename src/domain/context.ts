/** What every rule may use, wired once in `provider.ts`. */
import type { Vault } from '../crypto/secrets.ts';
import type { Store } from '../store/store.ts';
import type { Clients } from './clients.ts';
import type { Events } from './events.ts';
import type { Limiter } from './limiter.ts';
import type { Settings } from './settings.ts';
import type { SigningKeys } from './signing-keys.ts';

export interface Context {
  readonly settings: Settings;
  readonly store: Store;
  readonly vault: Vault;
  readonly clients: Clients;
  readonly keys: SigningKeys;
  readonly events: Events;
  readonly limiter: Limiter;
  /** Now, in whole seconds. */
  readonly now: () => number;
}

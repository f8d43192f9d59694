/**
 * What is measured: a product on a store. Valetkey runs on every store that it supports, the
 * reference on two of them.
 */
import type { Product, StoreName } from './servers/server.ts';

export interface Target {
  /** `Valetkey, PostgreSQL`. */
  readonly title: string;
  readonly product: Product;
  readonly store: StoreName;
}

/** In the order of the tables: each target of Valetkey, then its reference if there is one. */
export const TARGETS: readonly Target[] = [
  { title: 'Valetkey, memory', product: 'valetkey', store: 'memory' },
  { title: 'oidc-provider, memory', product: 'oidc-provider', store: 'memory' },
  { title: 'Valetkey, SQLite file', product: 'valetkey', store: 'sqlite' },
  { title: 'Valetkey, PostgreSQL', product: 'valetkey', store: 'postgres' },
  { title: 'oidc-provider, PostgreSQL', product: 'oidc-provider', store: 'postgres' },
  { title: 'Valetkey, MariaDB', product: 'valetkey', store: 'mariadb' },
];

/**
 * Valetkey as a host mounts it on `node:http`, with defaults wherever the scenarios allow it. Its
 * people are in memory, like those of the reference, so no figure contains the hashing of
 * passwords.
 */
import type { RequestListener } from 'node:http';
import {
  type ChosenCredentials,
  type ClientMetadata,
  createProvider,
  type Database,
  memoryDatabase,
  type Provider,
  type Store,
} from 'valetkey';
import { nodeListener } from 'valetkey/node';
import { builtInPages } from 'valetkey/pages';
import { sqlDatabase } from 'valetkey/sql';
import { memoryAccounts } from 'valetkey/testing';
import { counted } from './counted.ts';
import {
  API_SCOPE,
  APPLICATION,
  PASSWORD,
  PEOPLE,
  personName,
  REDIRECT_URI,
  type RegisteredClient,
  SERVICE,
} from './registrations.ts';
import type { Order } from './server.ts';

export async function valetkeyListener(order: Order, count: () => void): Promise<RequestListener> {
  const provider = createProvider({
    issuer: `http://127.0.0.1:${order.port}`,
    store: withCount(await openDatabase(order), count),
    accounts: memoryAccounts(
      Array.from({ length: PEOPLE }, (_, index) => ({
        sub: personName(index),
        username: personName(index),
        password: PASSWORD,
        claims: { name: `Person ${index}` },
      })),
    ),
    pages: builtInPages(),
    secret: 'only-for-the-benchmark-0123456789abcdef-0123456789',
    scopes: { [API_SCOPE]: 'Read the API' },
    logger: { info() {}, warn: print, error: print },
  });
  await provider.maintain();
  await register(provider, SERVICE, { name: 'Service', grantTypes: ['client_credentials'] });
  await register(provider, APPLICATION, {
    name: 'Application',
    redirectUris: [REDIRECT_URI],
    grantTypes: ['authorization_code', 'refresh_token'],
  });
  // This process runs only the provider, as the standalone server does.
  return nodeListener(provider, { overrideGlobals: true });
}

async function openDatabase({ url, prefix }: Order): Promise<Database> {
  if (url === null) return memoryDatabase();
  const database = sqlDatabase({ url, prefix });
  await database.migrate();
  return database;
}

function withCount(database: Database, count: () => void): Database {
  return {
    ephemeral: database.ephemeral,
    forIssuer: (issuer) => countedStore(database.forIssuer(issuer), count),
  };
}

/** The store with its parts counted. The cleaner is no part of a request. */
function countedStore(store: Store, count: () => void): Store {
  return {
    clients: counted(store.clients, count),
    initialAccessTokens: counted(store.initialAccessTokens, count),
    resources: counted(store.resources, count),
    sessions: counted(store.sessions, count),
    authorizations: counted(store.authorizations, count),
    codes: counted(store.codes, count),
    tokens: counted(store.tokens, count),
    oneTime: counted(store.oneTime, count),
    deliveries: counted(store.deliveries, count),
    keys: counted(store.keys, count),
    counters: counted(store.counters, count),
    audit: counted(store.audit, count),
    clear: store.clear,
  };
}

async function register(
  provider: Provider,
  { id, secret }: RegisteredClient,
  metadata: ClientMetadata,
): Promise<void> {
  const credentials: ChosenCredentials = { clientId: id, clientSecret: secret };
  await provider.clients.create(metadata, credentials);
}

function print(fields: object, message: string): void {
  console.error(message, fields);
}

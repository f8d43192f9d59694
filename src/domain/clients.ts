/**
 * Clients: registering, changing, finding. Found clients are kept in memory for a bounded time and dropped at once when changed here.
 * Secrets are generated with 256 bits and kept as digests; only HS256 clients' secrets also rest sealed.
 */
import { LRUCache } from 'lru-cache';
import { equalSecrets, sha256 } from '../crypto/bytes.ts';
import { base64url, newHandle, type Random, type Vault } from '../crypto/secrets.ts';
import {
  type ClientMetadata,
  type CompleteClientMetadata,
  completeMetadata,
  type MetadataProblem,
  type MetadataRules,
  metadataProblems,
} from '../protocol/client-metadata.ts';
import type { SigningAlg } from '../protocol/names.ts';
import type { Client, ClientSecret } from '../store/records.ts';
import type { ClientStore } from '../store/store.ts';
import type { Events } from './events.ts';

/** A registration was refused; lists everything wrong with it. */
export class ClientMetadataError extends Error {
  override readonly name = 'ClientMetadataError';
  readonly problems: readonly MetadataProblem[];

  constructor(problems: readonly MetadataProblem[]) {
    super(problems.map((p) => `${p.field} ${p.problem}`).join('; '));
    this.problems = problems;
  }
}

/** A client just made, with its secret in clear: the only time it is seen. */
export interface RegisteredClient {
  readonly client: Client;
  readonly clientSecret: string | null;
}

export interface Clients {
  find(clientId: string): Promise<Client | null>;
  /** @throws ClientMetadataError */
  create(metadata: ClientMetadata, chosen?: { readonly clientId?: string; readonly clientSecret?: string }): Promise<RegisteredClient>;
  /** Changes the named fields. @throws ClientMetadataError; null when there is no such client */
  update(clientId: string, changes: Partial<ClientMetadata> & { readonly disabled?: boolean }): Promise<Client | null>;
  /** Adds a new secret; the others end after `overlap` seconds. Null when there is no such confidential client. */
  rotateSecret(clientId: string, overlap: number): Promise<RegisteredClient | null>;
  delete(clientId: string): Promise<boolean>;
  list(page: { readonly after?: string; readonly limit: number; readonly owner?: string }): Promise<readonly Client[]>;
}

interface Parts {
  readonly store: ClientStore;
  readonly vault: Vault;
  readonly events: Events;
  readonly rules: MetadataRules;
  /** Has a signing key ready for an algorithm that a client registers for. */
  readonly provideKey: (alg: SigningAlg) => Promise<void>;
  readonly cacheSeconds: number;
  readonly now: () => number;
  readonly random: Random;
}

const SHORTEST_SECRET = 32;

export function createClients(parts: Parts): Clients {
  const { store, now } = parts;
  const cache = new LRUCache<string, { readonly client: Client; readonly until: number }>({ max: 5000 });

  const makeSecret = (text: string, alg: string): ClientSecret => ({
    id: base64url(parts.random(9)),
    digest: sha256(text),
    sealed: alg === 'HS256' ? parts.vault.seal('client secret', text) : null,
    createdAt: now(),
    expiresAt: null,
  });
  const provideKeyOf = async ({ idTokenSignedResponseAlg: alg, responseTypes }: Client): Promise<void> => {
    if (alg !== 'HS256' && responseTypes.length > 0) await parts.provideKey(alg);
  };
  const checked = (metadata: ClientMetadata): CompleteClientMetadata => {
    const complete = completeMetadata(metadata, parts.rules);
    const problems = metadataProblems(complete, parts.rules);
    if (problems.length > 0) throw new ClientMetadataError(problems);
    return complete;
  };

  return {
    async find(clientId) {
      const cached = cache.get(clientId);
      if (cached !== undefined && cached.until > now()) return cached.client;
      // The identifier comes from the wire: nothing longer than a column reaches the store.
      if (clientId.length > 255) return null;
      const client = await store.find(clientId);
      if (client !== null) cache.set(clientId, { client, until: now() + parts.cacheSeconds });
      else cache.delete(clientId);
      return client;
    },

    async create(metadata, chosen = {}) {
      const complete = checked(metadata);
      const clientId = chosen.clientId ?? base64url(parts.random(16));
      if (!/^[\x21-\x7e]{1,255}$/.test(clientId) || clientId.startsWith('https://')) {
        throw new ClientMetadataError([
          { field: 'name', code: 'invalid_client_metadata', problem: 'the client_id is 1 to 255 printable characters and no URL' },
        ]);
      }
      let clientSecret: string | null = null;
      if (complete.clientType === 'confidential') {
        clientSecret = chosen.clientSecret ?? newHandle('clientSecret', parts.random);
        if (clientSecret.length < SHORTEST_SECRET) {
          throw new ClientMetadataError([
            {
              field: 'tokenEndpointAuthMethod',
              code: 'invalid_client_metadata',
              problem: `needs a secret of at least ${SHORTEST_SECRET} characters`,
            },
          ]);
        }
      }
      const client: Client = {
        ...complete,
        clientId,
        secrets: clientSecret === null ? [] : [makeSecret(clientSecret, complete.idTokenSignedResponseAlg)],
        registrationSource: 'manual',
        disabledAt: null,
        createdAt: now(),
        updatedAt: now(),
      };
      if (!(await store.insert(client))) {
        throw new ClientMetadataError([{ field: 'name', code: 'invalid_client_metadata', problem: `the client_id ${clientId} is taken` }]);
      }
      await provideKeyOf(client);
      await parts.events.tell('client.created', { clientId });
      return { client, clientSecret };
    },

    async update(clientId, changes) {
      const before = await store.find(clientId);
      if (before === null) return null;
      const { disabled, ...metadata } = changes;
      const complete = checked({ ...before, ...metadata });
      if (
        complete.clientType !== before.clientType ||
        (complete.idTokenSignedResponseAlg === 'HS256' && before.secrets.some((s) => s.sealed === null))
      ) {
        throw new ClientMetadataError([
          { field: 'clientType', code: 'invalid_client_metadata', problem: 'needs other credentials: register a new client' },
        ]);
      }
      const disabledAt = disabled === undefined ? before.disabledAt : disabled ? (before.disabledAt ?? now()) : null;
      const client: Client = { ...before, ...complete, disabledAt, updatedAt: now() };
      if (!(await store.replace(client))) return null;
      cache.delete(clientId);
      await provideKeyOf(client);
      await parts.events.tell('client.updated', { clientId });
      return client;
    },

    async rotateSecret(clientId, overlap) {
      const before = await store.find(clientId);
      if (before === null || before.clientType !== 'confidential') return null;
      const clientSecret = newHandle('clientSecret', parts.random);
      const end = now() + overlap;
      const kept = before.secrets
        .filter((secret) => overlap > 0 && (secret.expiresAt === null || secret.expiresAt > now()))
        .map((secret) => ({ ...secret, expiresAt: Math.min(secret.expiresAt ?? end, end) }));
      const client = { ...before, secrets: [makeSecret(clientSecret, before.idTokenSignedResponseAlg), ...kept], updatedAt: now() };
      if (!(await store.replace(client))) return null;
      cache.delete(clientId);
      await parts.events.tell('client.updated', { clientId, detail: { secret: 'rotated' } });
      return { client, clientSecret };
    },

    async delete(clientId) {
      const deleted = await store.delete(clientId);
      cache.delete(clientId);
      if (deleted) await parts.events.tell('client.deleted', { clientId });
      return deleted;
    },

    list: (page) => store.list(page),
  };
}

/** True when `presented` is one of the client's unexpired secrets. Takes the same time for any wrong one. */
export function secretMatches(client: Client, presented: string, now: number): boolean {
  const digest = sha256(presented);
  let matched = false;
  for (const secret of client.secrets) {
    const alive = secret.expiresAt === null || secret.expiresAt > now;
    if (equalSecrets(secret.digest, digest) && alive) matched = true;
  }
  return matched;
}

/** The readable secret of an HS256 client: its newest; null when it has none. */
export function readableSecret(client: Client, vault: Vault): string | null {
  const sealed = client.secrets[0]?.sealed ?? null;
  return sealed === null ? null : vault.open('client secret', sealed);
}

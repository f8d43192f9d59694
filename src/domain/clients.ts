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
  metadataOf,
  metadataProblems,
  metadataTypeProblems,
} from '../protocol/client-metadata.ts';
import type { SigningAlg } from '../protocol/names.ts';
import type { AuditEvent, Client, ClientSecret, Seconds } from '../store/records.ts';
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

/** What may be changed of a client: its metadata, and whether it is disabled. */
export type ClientChanges = Partial<ClientMetadata> & { readonly disabled?: boolean };

/** Registered clients: the only way to change them that keeps the rules and the memory of this process right. */
export interface Clients {
  /** A registered client, also one that is disabled; null when there is none. May be served from memory (`clientCacheSeconds`). */
  find(clientId: string): Promise<Client | null>;
  /** The same, and null for one that is disabled. */
  findEnabled(clientId: string): Promise<Client | null>;
  /**
   * Registers a client. Without `chosen` its `client_id` is random and its secret made here.
   * @throws ClientMetadataError
   */
  create(
    metadata: ClientMetadata,
    chosen?: { readonly clientId?: string; readonly clientSecret?: string },
  ): Promise<RegisteredClient>;
  /** Changes the named fields; `disabled` alone asks for nothing else to be right. Null when there is no such client. @throws ClientMetadataError */
  update(clientId: string, changes: ClientChanges): Promise<Client | null>;
  /** Adds a new secret; the others end after `overlap` seconds. Null when there is no such confidential client. */
  rotateSecret(clientId: string, overlap: number): Promise<RegisteredClient | null>;
  /** Deletes a client; what was issued to it is worth nothing from then on. False when there was none. */
  delete(clientId: string): Promise<boolean>;
  /** In order of client_id, after `after` (exclusive), at most `limit`. */
  list(page: {
    readonly after?: string;
    readonly limit: number;
    readonly owner?: string;
  }): Promise<readonly Client[]>;
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
const LONGEST_ID = 255;

/** Attempts of a change when others change the same client; one administrator is rarely more than two. */
const MOST_ATTEMPTS = 10;

export function createClients(parts: Parts): Clients {
  const { store, now, rules } = parts;
  const cache = new LRUCache<string, { readonly client: Client; readonly until: number }>({
    max: 5000,
  });
  const counter = { changes: 0 };
  const forget = (clientId: string): void => {
    counter.changes += 1;
    cache.delete(clientId);
  };

  const makeSecret = (text: string, alg: string): ClientSecret => ({
    id: base64url(parts.random(9)),
    digest: sha256(text),
    sealed: alg === 'HS256' ? parts.vault.seal('client secret', text) : null,
    createdAt: now(),
    expiresAt: null,
  });
  const provideKeyOf = async ({
    idTokenSignedResponseAlg: alg,
    responseTypes,
  }: Client): Promise<void> => {
    if (alg !== 'HS256' && responseTypes.length > 0) await parts.provideKey(alg);
  };
  const checked = (metadata: ClientMetadata): CompleteClientMetadata => {
    const problems = metadataTypeProblems(metadata);
    const complete = problems.length > 0 ? null : completeMetadata(metadata, rules);
    if (complete !== null) problems.push(...metadataProblems(complete, rules));
    if (complete === null || problems.length > 0) throw new ClientMetadataError(problems);
    return complete;
  };
  // A record of an earlier version of this software lacks what came later.
  const completed = (client: Client): Client => ({ ...client, ...completeMetadata(client, rules) });
  const load = async (clientId: string): Promise<Client | null> => {
    const client = await store.find(clientId);
    return client === null ? null : completed(client);
  };

  /** Changes a client until no other change comes in between; null when there is none, or `plan` makes none. */
  const change = async (
    clientId: string,
    plan: (before: Client) => Client | null,
    detail: AuditEvent['detail'] = {},
  ): Promise<Client | null> => {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const before = await load(clientId);
      const planned = before === null ? null : plan(before);
      if (before === null || planned === null) return null;
      const client = { ...planned, updatedAt: now(), version: before.version + 1 };
      const replaced = await parts.events.act(
        'client.updated',
        { clientId, detail },
        async (row) => await store.replace(client, row),
      );
      if (replaced) {
        forget(clientId);
        return client;
      }
    }
    throw new Error(`The client ${clientId} kept changing while it was being changed.`);
  };
  const find = async (clientId: string): Promise<Client | null> => {
    const cached = cache.get(clientId);
    if (cached !== undefined && cached.until > now()) return cached.client;
    // The identifier comes from the wire: nothing longer than a column reaches the store.
    if (clientId.length > LONGEST_ID) return null;
    const { changes } = counter;
    const client = await load(clientId);
    // What was read before a change must not be kept after it.
    if (client !== null && changes === counter.changes)
      cache.set(clientId, { client, until: now() + parts.cacheSeconds });
    return client;
  };

  return {
    find,
    async findEnabled(clientId) {
      const client = await find(clientId);
      return client === null || client.disabledAt !== null ? null : client;
    },

    async create(metadata, chosen = {}) {
      const complete = checked(metadata);
      const clientId = chosen.clientId ?? base64url(parts.random(16));
      if (!/^[\x21-\x7e]{1,255}$/.test(clientId) || clientId.startsWith('https://')) {
        throw refused('clientId', 'is 1 to 255 printable characters and no URL');
      }
      let clientSecret: string | null = null;
      if (complete.clientType === 'confidential') {
        clientSecret = chosen.clientSecret ?? newHandle('clientSecret', parts.random);
        if (clientSecret.length < SHORTEST_SECRET)
          throw refused('clientSecret', `has at least ${SHORTEST_SECRET} characters`);
      }
      const client: Client = {
        ...complete,
        clientId,
        secrets:
          clientSecret === null
            ? []
            : [makeSecret(clientSecret, complete.idTokenSignedResponseAlg)],
        registrationSource: 'manual',
        disabledAt: null,
        createdAt: now(),
        updatedAt: now(),
        version: 1,
      };
      const inserted = await parts.events.act(
        'client.created',
        { clientId },
        async (row) => await store.insert(client, row),
      );
      if (!inserted) throw refused('clientId', `${clientId} is taken`);
      forget(clientId);
      await provideKeyOf(client);
      return { client, clientSecret };
    },

    async update(clientId, { disabled, ...metadata }) {
      const client = await change(clientId, (before) => {
        const disabledAt =
          disabled === undefined
            ? before.disabledAt
            : disabled
              ? (before.disabledAt ?? now())
              : null;
        // Switching off must work for a client that could not be registered today.
        if (Object.keys(metadata).length === 0) return { ...before, disabledAt };
        const complete = checked({ ...metadataOf(before), ...metadata });
        if (
          complete.clientType !== before.clientType ||
          (complete.idTokenSignedResponseAlg === 'HS256' &&
            before.secrets.some((secret) => secret.sealed === null))
        ) {
          throw refused('clientType', 'needs other credentials: register a new client');
        }
        return { ...before, ...complete, disabledAt };
      });
      if (client === null) return null;
      await provideKeyOf(client);
      return client;
    },

    async rotateSecret(clientId, overlap) {
      const clientSecret = newHandle('clientSecret', parts.random);
      const client = await change(
        clientId,
        (before) => {
          if (before.clientType !== 'confidential') return null;
          const end = now() + overlap;
          const kept = before.secrets
            .filter(
              (secret) => overlap > 0 && (secret.expiresAt === null || secret.expiresAt > now()),
            )
            .map((secret) => ({ ...secret, expiresAt: Math.min(secret.expiresAt ?? end, end) }));
          return {
            ...before,
            secrets: [makeSecret(clientSecret, before.idTokenSignedResponseAlg), ...kept],
          };
        },
        { secret: 'rotated' },
      );
      if (client === null) return null;
      return { client, clientSecret };
    },

    async delete(clientId) {
      try {
        return await parts.events.act(
          'client.deleted',
          { clientId },
          async (row) => await store.delete(clientId, row),
        );
      } finally {
        forget(clientId);
      }
    },

    list: async (page) => (await store.list(page)).map(completed),
  };
}

function refused(field: MetadataProblem['field'], problem: string): ClientMetadataError {
  return new ClientMetadataError([{ field, code: 'invalid_client_metadata', problem }]);
}

/** True when it was issued to this registration, not to an earlier one of the same client_id that was deleted. */
export function issuedToThis(client: Client, issuedAt: Seconds): boolean {
  return client.createdAt <= issuedAt;
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

/** The readable secrets of an HS256 client that are alive, the one that signs first; none when they rest as digests. */
export function readableSecrets(client: Client, vault: Vault, now: number): readonly string[] {
  return client.secrets.flatMap(({ sealed, expiresAt }) => {
    const text =
      sealed === null || (expiresAt !== null && expiresAt <= now)
        ? null
        : vault.open('client secret', sealed);
    return text === null ? [] : [text];
  });
}

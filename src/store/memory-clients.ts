/**
 * Clients of the memory store, when they were used, and the initial access tokens by which they
 * register themselves.
 */
import { isExpired } from './clients.ts';
import { deleteAuthorization, type MemoryTables, recordAct, removeWhere } from './memory-tables.ts';
import type { Store } from './store.ts';

export function clientStore(tables: MemoryTables): Store['clients'] {
  const { clients, clientUses, initialAccessTokens } = tables;
  return {
    find: async (clientId) => clients.get(clientId) ?? null,
    async insert(client, audit) {
      if (clients.has(client.clientId)) return false;
      clients.set(client.clientId, client);
      recordAct(tables, audit);
      return true;
    },
    async register(client, digest, now, audit) {
      const token = initialAccessTokens.get(digest);
      if (token === undefined || token.usesLeft < 1 || token.expiresAt <= now) return false;
      initialAccessTokens.set(digest, { ...token, usesLeft: token.usesLeft - 1 });
      clients.set(client.clientId, client);
      recordAct(tables, audit);
      return true;
    },
    async replace(client, audit) {
      const before = clients.get(client.clientId);
      if (before?.version !== client.version - 1) return false;
      const { expiresAt = null } = before;
      const isBounded = (client.expiresAt ?? null) !== null && expiresAt !== null;
      clients.set(client.clientId, isBounded ? { ...client, expiresAt } : client);
      recordAct(tables, audit);
      return true;
    },
    async delete(clientId, audit, { version, expiredBy } = {}) {
      const client = clients.get(clientId);
      if (client === undefined) return false;
      if (version !== undefined && client.version !== version) return false;
      if (expiredBy !== undefined && !isExpired(client, expiredBy)) return false;
      clients.delete(clientId);
      clientUses.delete(clientId);
      for (const row of tables.authorizations.values())
        if (row.clientId === clientId) deleteAuthorization(tables, row);
      removeWhere(tables.sessionClients, (row) => row.clientId === clientId);
      removeWhere(tables.deliveries, (row) => row.clientId === clientId);
      recordAct(tables, audit);
      return true;
    },
    async used(clientId, { at, secret, expiresAt }) {
      const client = clients.get(clientId);
      if (client === undefined) return;
      const before = clientUses.get(clientId) ?? { at: null, secrets: {} };
      const { secrets } = before;
      const ofSecret =
        secret === null || at === null ? {} : { [secret]: Math.max(secrets[secret] ?? 0, at) };
      if (at !== null)
        clientUses.set(clientId, {
          at: Math.max(before.at ?? 0, at),
          secrets: { ...secrets, ...ofSecret },
        });
      const end = client.expiresAt ?? null;
      if (end !== null && expiresAt !== null && end < expiresAt)
        clients.set(clientId, { ...client, expiresAt });
    },
    uses: async (clientId) => clientUses.get(clientId) ?? { at: null, secrets: {} },
    async expired(now, limit) {
      return [...clients.values()]
        .filter((client) => isExpired(client, now))
        .slice(0, limit)
        .map(({ clientId }) => clientId);
    },
    async list({ after = '', limit, owner }) {
      return [...clients.values()]
        .filter(
          (client) => client.clientId > after && (owner === undefined || client.owner === owner),
        )
        .sort((a, b) => (a.clientId < b.clientId ? -1 : 1))
        .slice(0, limit);
    },
  };
}

export function initialAccessTokenStore(tables: MemoryTables): Store['initialAccessTokens'] {
  const { initialAccessTokens } = tables;
  return {
    async insert(token, audit) {
      initialAccessTokens.set(token.digest, token);
      recordAct(tables, audit);
    },
    find: async (digest) => initialAccessTokens.get(digest) ?? null,
    async list({ after = '', limit }) {
      return [...initialAccessTokens.values()]
        .filter(({ id }) => id > after)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit);
    },
    async delete(id, audit) {
      const token = [...initialAccessTokens.values()].find((one) => one.id === id);
      if (token === undefined) return false;
      initialAccessTokens.delete(token.digest);
      recordAct(tables, audit);
      return true;
    },
  };
}

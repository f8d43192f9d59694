/**
 * The reference implementation of the store port: plain maps in one process. JavaScript runs each
 * method to its end before the next one begins, so every method is atomic without locks. It is for
 * tests, demonstrations and short-lived providers. Clients are in `memory-clients.ts`; codes,
 * tokens and one-time records in `memory-tokens.ts`.
 */
import { clientStore, initialAccessTokenStore } from './memory-clients.ts';
import { deliveryStore } from './memory-deliveries.ts';
import { resourceStore } from './memory-resources.ts';
import {
  type Counter,
  consumeCodes,
  deleteAuthorization,
  isProven,
  type MemoryTables,
  memoryTables,
  pairKey,
  recordAct,
  removeWhere,
  revokeFamilies,
  tellOfEnd,
  versionOf,
} from './memory-tables.ts';
import { codeStore, oneTimeStore, tokenStore } from './memory-tokens.ts';
import type { AuditEvent, Authorization } from './records.ts';
import { type ClearedCounts, CODE_KEPT, type Database, type Store } from './store.ts';

/** A new, empty database in memory. Its records are lost when the process ends. */
export function memoryDatabase(): Database {
  const stores = new Map<string, Store>();
  return {
    ephemeral: true,
    forIssuer(issuer) {
      let store = stores.get(issuer);
      if (store === undefined) {
        store = createStore();
        stores.set(issuer, store);
      }
      return store;
    },
  };
}

function createStore(): Store {
  const tables = memoryTables();
  return {
    clients: clientStore(tables),
    initialAccessTokens: initialAccessTokenStore(tables),
    resources: resourceStore(tables),
    sessions: sessionStore(tables),
    authorizations: authorizationStore(tables),
    codes: codeStore(tables),
    tokens: tokenStore(tables),
    oneTime: oneTimeStore(tables),
    deliveries: deliveryStore(tables),
    keys: keyStore(tables),
    counters: counterStore(tables),
    audit: auditStore(tables),
    clear: async (now, batch, auditFrom) => clear(tables, now, batch, auditFrom),
  };
}

function sessionStore(tables: MemoryTables): Store['sessions'] {
  const { sessions } = tables;
  return {
    find: async (handle) => sessions.get(handle) ?? null,
    async findFor(handle, clientId) {
      const session = sessions.get(handle);
      if (session === undefined) return null;
      const id = tables.authorizationIds.get(pairKey(session.sub, clientId)) ?? '';
      return { session, authorization: tables.authorizations.get(id) ?? null };
    },
    async start(session, replaces, proof) {
      if (!isProven(tables, session.sub, proof)) return 'subject_revoked';
      if (session.handle !== replaces && sessions.has(session.handle)) return 'exists';
      const before = replaces === null ? undefined : sessions.get(replaces);
      if (replaces !== null) sessions.delete(replaces);
      if (before !== undefined && before.sid !== session.sid)
        tellOfEnd(tables, before.sid, session.createdAt);
      if (before?.sid === session.sid)
        for (const [key, joined] of tables.sessionClients)
          if (joined.sid === session.sid)
            tables.sessionClients.set(key, { ...joined, expiresAt: session.expiresAt });
      sessions.set(session.handle, session);
      return 'started';
    },
    async touch(handle, seenAt) {
      const session = sessions.get(handle);
      if (session !== undefined && session.seenAt < seenAt)
        sessions.set(handle, { ...session, seenAt });
    },
    async end({ handle, sid }, now, revokeTokens, audit) {
      if (!sessions.delete(handle)) return false;
      if (revokeTokens) {
        consumeCodes(tables, now, (code) => code.sid === sid);
        revokeFamilies(
          tables,
          now,
          (family) => family.sid === sid && !family.scopes.includes('offline_access'),
        );
      }
      tellOfEnd(tables, sid, now);
      recordAct(tables, audit);
      return true;
    },
    async join({ handle, sid, sub, expiresAt }, clientId, wantsDelivery) {
      if (sessions.get(handle)?.sid !== sid) return false;
      const key = pairKey(sid, clientId);
      tables.sessionClients.set(key, { sid, sub, clientId, wantsDelivery, expiresAt });
      return true;
    },
    clients: async (sid) =>
      [...tables.sessionClients.values()]
        .filter((joined) => joined.sid === sid)
        .map(({ clientId }) => clientId)
        .sort(),
    listBySubject: async (sub) => [...sessions.values()].filter((session) => session.sub === sub),
  };
}

function authorizationStore(tables: MemoryTables): Store['authorizations'] {
  const { authorizations, authorizationIds } = tables;
  const find = (sub: string, clientId: string): Authorization | null =>
    authorizations.get(authorizationIds.get(pairKey(sub, clientId)) ?? '') ?? null;
  return {
    find: async (sub, clientId) => find(sub, clientId),
    async remember(authorization, { clientVersion, session, expired = [] }) {
      if (tables.sessions.get(session.handle)?.sid !== session.sid) return 'session_ended';
      if (versionOf(tables, authorization.clientId) !== clientVersion) return 'client_changed';
      const before = find(authorization.sub, authorization.clientId);
      const after =
        before === null
          ? authorization
          : {
              ...before,
              scopes: [
                ...new Set([
                  ...before.scopes.filter((scope) => !expired.includes(scope)),
                  ...authorization.scopes,
                ]),
              ],
              updatedAt: authorization.updatedAt,
            };
      authorizations.set(after.id, after);
      authorizationIds.set(pairKey(after.sub, after.clientId), after.id);
      return after;
    },
    async revoke({ id }, now, audit) {
      const row = authorizations.get(id);
      if (row === undefined) return false;
      deleteAuthorization(tables, row);
      consumeCodes(tables, now, (code) => code.authorizationId === id);
      revokeFamilies(tables, now, (family) => family.authorizationId === id);
      recordAct(tables, audit);
      return true;
    },
    listBySubject: async (sub) => [...authorizations.values()].filter((row) => row.sub === sub),
  };
}

function keyStore(tables: MemoryTables): Store['keys'] {
  return {
    load: async () => tables.keySet,
    async swap(expected, keys, audit) {
      if ((tables.keySet?.version ?? 0) !== expected) return false;
      tables.keySet = { version: expected + 1, keys };
      recordAct(tables, audit);
      return true;
    },
  };
}

function counterStore({ counters }: MemoryTables): Store['counters'] {
  /** The counter of an open window. */
  const open = (key: string, seconds: number, now: number): Counter => {
    const before = counters.get(key);
    const isOpen =
      before !== undefined && before.resetAt > now && before.resetAt <= now + 2 * seconds;
    return isOpen ? before : { count: 0, wrong: 0, resetAt: now + seconds, placedAt: now };
  };
  return {
    async hit(key, windowSeconds, now) {
      const before = open(key, windowSeconds, now);
      const after = { ...before, count: before.count + 1 };
      counters.set(key, after);
      return { count: after.count, resetAt: after.resetAt };
    },
    async place(key, { limit, seconds, life }, now) {
      const before = open(key, seconds, now);
      const { wrong, resetAt } = before;
      const count = Math.abs(now - before.placedAt) >= life ? wrong : before.count;
      if (count >= limit) return { wrong, resetAt };
      counters.set(key, { ...before, count: count + 1, placedAt: now });
      return null;
    },
    async settle(key, outcome) {
      const before = counters.get(key);
      if (before === undefined) return;
      const { count, wrong } = before;
      // Its place may have ended before it did.
      const others = Math.max(count - wrong - 1, 0);
      const nowWrong = { wrong: wrong + 1, right: 0, uncounted: wrong }[outcome];
      counters.set(key, { ...before, wrong: nowWrong, count: nowWrong + others });
    },
    async forgive(key) {
      const before = counters.get(key);
      if (before !== undefined)
        counters.set(key, { ...before, wrong: 0, count: before.count - before.wrong });
    },
    async find(key) {
      const found = counters.get(key);
      return found === undefined ? null : { wrong: found.wrong, resetAt: found.resetAt };
    },
  };
}

function auditStore({ audit }: MemoryTables): Store['audit'] {
  return {
    async append(events) {
      for (const event of events) audit.set(event.id, event);
    },
    async list({ limit, type, sub, clientId }) {
      const wanted = (event: AuditEvent): boolean =>
        (type === undefined || event.type === type) &&
        (sub === undefined || event.sub === sub) &&
        (clientId === undefined || event.clientId === clientId);
      return [...audit.values()].filter(wanted).reverse().slice(0, limit);
    },
  };
}

function clear(tables: MemoryTables, now: number, batch: number, auditFrom: number): ClearedCounts {
  const expired = (row: { readonly expiresAt: number }): boolean => row.expiresAt <= now;
  const counts = {
    codes: removeWhere(tables.codes, (code) => code.expiresAt + CODE_KEPT <= now, batch),
    accessTokens: removeWhere(tables.accessTokens, expired, batch),
    families: removeWhere(tables.families, expired, batch),
    idTokens: removeWhere(tables.idTokens, expired, batch),
    sessions: removeWhere(tables.sessions, expired, batch),
    sessionClients: removeWhere(tables.sessionClients, expired, batch),
    oneTimeRecords: removeWhere(tables.oneTime, expired, batch),
    counters: removeWhere(tables.counters, (row) => row.resetAt <= now, batch),
    initialAccessTokens: removeWhere(tables.initialAccessTokens, expired, batch),
    audit: removeWhere(tables.audit, (event) => event.at < auditFrom, batch),
  };
  removeWhere(tables.oneTimeBySecondKey, (key) => !tables.oneTime.has(key));
  return counts;
}

/**
 * The reference implementation of the store: plain maps in one process. JavaScript runs each method to its end before the next begins,
 * so every law holds by construction. For tests, demonstrations and throw-away providers.
 */
import type {
  AccessToken,
  AuditEvent,
  Authorization,
  Client,
  Code,
  Family,
  IdTokenRecord,
  KeySet,
  Session,
} from './records.ts';
import { type ClearedCounts, CODE_KEPT, type Database, type Issue, type Store } from './store.ts';

/** A database that forgets everything with the process. */
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

interface Tables {
  readonly clients: Map<string, Client>;
  readonly sessions: Map<string, Session>;
  /** When everything of a subject was last revoked. */
  readonly revokedSubjects: Map<string, number>;
  readonly authorizations: Map<string, Authorization>;
  readonly codes: Map<string, Code>;
  readonly families: Map<string, Family>;
  readonly accessTokens: Map<string, AccessToken>;
  readonly idTokens: Map<string, IdTokenRecord>;
  readonly interactions: Map<string, { readonly sealed: string; readonly expiresAt: number }>;
  readonly counters: Map<string, { readonly count: number; readonly resetAt: number }>;
  readonly audit: Map<string, AuditEvent>;
}

function createStore(): Store {
  const tables: Tables = {
    clients: new Map(),
    sessions: new Map(),
    revokedSubjects: new Map(),
    authorizations: new Map(),
    codes: new Map(),
    families: new Map(),
    accessTokens: new Map(),
    idTokens: new Map(),
    interactions: new Map(),
    counters: new Map(),
    audit: new Map(),
  };
  return {
    clients: clientStore(tables),
    sessions: sessionStore(tables),
    authorizations: authorizationStore(tables),
    codes: codeStore(tables),
    tokens: tokenStore(tables),
    keys: keyStore(),
    interactions: {
      async put(handle, sealed, expiresAt) {
        tables.interactions.set(handle, { sealed, expiresAt });
      },
      async find(handle, now) {
        const found = tables.interactions.get(handle);
        return found === undefined || found.expiresAt <= now ? null : found.sealed;
      },
    },
    counters: {
      async hit(key, windowSeconds, now) {
        const before = tables.counters.get(key);
        const fresh = before === undefined || before.resetAt <= now;
        const after = fresh
          ? { count: 1, resetAt: now + windowSeconds }
          : { count: before.count + 1, resetAt: before.resetAt };
        tables.counters.set(key, after);
        return after;
      },
      async giveBack(key) {
        const before = tables.counters.get(key);
        if (before !== undefined)
          tables.counters.set(key, { ...before, count: Math.max(0, before.count - 1) });
      },
      async reset(key) {
        tables.counters.delete(key);
      },
    },
    audit: {
      async append(events) {
        for (const event of events) tables.audit.set(event.id, event);
      },
      async list({ limit, type, sub, clientId }) {
        const wanted = (event: AuditEvent): boolean =>
          (type === undefined || event.type === type) &&
          (sub === undefined || event.sub === sub) &&
          (clientId === undefined || event.clientId === clientId);
        return [...tables.audit.values()].filter(wanted).reverse().slice(0, limit);
      },
    },
    clear: async (now, batch, auditFrom) => clear(tables, now, batch, auditFrom),
  };
}

function clientStore(tables: Tables): Store['clients'] {
  return {
    find: async (clientId) => tables.clients.get(clientId) ?? null,
    async insert(client) {
      if (tables.clients.has(client.clientId)) return false;
      tables.clients.set(client.clientId, client);
      return true;
    },
    async replace(client) {
      if (tables.clients.get(client.clientId)?.version !== client.version - 1) return false;
      tables.clients.set(client.clientId, client);
      return true;
    },
    async delete(clientId) {
      removeWhere(tables.authorizations, (row) => row.clientId === clientId);
      return tables.clients.delete(clientId);
    },
    async list({ after = '', limit, owner }) {
      return [...tables.clients.values()]
        .filter(
          (client) => client.clientId > after && (owner === undefined || client.owner === owner),
        )
        .sort((a, b) => (a.clientId < b.clientId ? -1 : 1))
        .slice(0, limit);
    },
  };
}

function sessionStore(tables: Tables): Store['sessions'] {
  const { sessions } = tables;
  return {
    find: async (handle) => sessions.get(handle) ?? null,
    async start(session, replaces, began) {
      if ((tables.revokedSubjects.get(session.sub) ?? Number.NEGATIVE_INFINITY) >= began)
        return false;
      if (replaces !== null) sessions.delete(replaces);
      sessions.set(session.handle, session);
      return true;
    },
    async touch(handle, seenAt) {
      const session = sessions.get(handle);
      if (session !== undefined && session.seenAt < seenAt)
        sessions.set(handle, { ...session, seenAt });
    },
    async end(handle, now, revokeTokens) {
      const session = sessions.get(handle);
      if (session === undefined) return null;
      sessions.delete(handle);
      if (revokeTokens) {
        consumeWhere(tables, now, (code) => code.sid === session.sid);
        revokeWhere(
          tables,
          now,
          (family) => family.sid === session.sid && !family.scopes.includes('offline_access'),
        );
      }
      return session;
    },
    listBySubject: async (sub) => [...sessions.values()].filter((session) => session.sub === sub),
  };
}

function authorizationStore(tables: Tables): Store['authorizations'] {
  const { authorizations } = tables;
  const find = (sub: string, clientId: string): Authorization | null =>
    [...authorizations.values()].find((row) => row.sub === sub && row.clientId === clientId) ??
    null;
  return {
    find: async (sub, clientId) => find(sub, clientId),
    async remember(authorization) {
      const before = find(authorization.sub, authorization.clientId);
      const after =
        before === null
          ? authorization
          : {
              ...before,
              scopes: [...new Set([...before.scopes, ...authorization.scopes])],
              updatedAt: authorization.updatedAt,
            };
      authorizations.set(after.id, after);
      return after;
    },
    async revoke(id, now) {
      if (!authorizations.delete(id)) return false;
      consumeWhere(tables, now, (code) => code.authorizationId === id);
      revokeWhere(tables, now, (family) => family.authorizationId === id);
      return true;
    },
    listBySubject: async (sub) => [...authorizations.values()].filter((row) => row.sub === sub),
  };
}

function codeStore(tables: Tables): Store['codes'] {
  const { codes } = tables;
  return {
    async insert(code, session) {
      if (codes.has(code.digest)) return 'exists';
      if (!tables.sessions.has(session)) return 'session_ended';
      codes.set(code.digest, code);
      return 'stored';
    },
    async find(digest) {
      const code = codes.get(digest);
      return code === undefined
        ? null
        : { code, authorized: isAuthorized(tables, code.authorizationId) };
    },
    async countFailure(digest) {
      const code = codes.get(digest);
      if (code === undefined) return 0;
      const failedAttempts = code.failedAttempts + 1;
      codes.set(digest, { ...code, failedAttempts });
      return failedAttempts;
    },
  };
}

function tokenStore(tables: Tables): Store['tokens'] {
  const { codes, families, accessTokens, idTokens } = tables;
  const store = ({ accessToken, idToken }: Issue): void => {
    if (accessToken !== null) accessTokens.set(accessToken.digest, accessToken);
    if (idToken !== null) idTokens.set(idToken.jti, idToken);
  };
  /** The family, if `presented` is its live refresh token and it may still be used. */
  const usable = (id: string, presented: string, now: number): Family | null => {
    const family = families.get(id);
    if (family === undefined || family.refreshDigest !== presented || family.revokedAt !== null)
      return null;
    const expired =
      family.expiresAt <= now || family.refreshExpiresAt === null || family.refreshExpiresAt <= now;
    return expired || !isAuthorized(tables, family.authorizationId) ? null : family;
  };
  return {
    async redeem(digest, family, issue, now) {
      const code = codes.get(digest);
      if (code === undefined || code.redeemedAt !== null || code.expiresAt <= now)
        return 'consumed';
      codes.set(digest, { ...code, redeemedAt: now, familyId: family.id });
      families.set(family.id, family);
      store(issue);
      return 'fresh';
    },
    async rotate(
      { familyId, presented, refreshDigest, refreshExpiresAt, sealedSuccessor },
      issue,
      now,
    ) {
      const family = usable(familyId, presented, now);
      if (family === null) return 'consumed';
      families.set(familyId, {
        ...family,
        refreshDigest,
        refreshExpiresAt,
        previousDigest: presented,
        sealedSuccessor,
        rotatedAt: now,
      });
      store(issue);
      return 'fresh';
    },
    async extend(familyId, presented, refreshExpiresAt, issue, now) {
      const family = usable(familyId, presented, now);
      if (family === null) return 'consumed';
      families.set(familyId, { ...family, refreshExpiresAt });
      store(issue);
      return 'fresh';
    },
    async insert(issue, family) {
      if (family !== null) families.set(family.id, family);
      store(issue);
    },
    async findFamily(id) {
      const family = families.get(id);
      return family === undefined
        ? null
        : { family, authorized: isAuthorized(tables, family.authorizationId) };
    },
    async findAccessToken(digest) {
      const token = accessTokens.get(digest);
      if (token === undefined) return null;
      const family = token.familyId === null ? null : families.get(token.familyId);
      const authorized = isAuthorized(tables, token.authorizationId);
      return { token, live: family !== undefined && family?.revokedAt == null && authorized };
    },
    async revokeFamily(id, now) {
      return revokeWhere(tables, now, (family) => family.id === id) === 1;
    },
    async revokeAccessToken(digest) {
      return accessTokens.get(digest)?.familyId === null && accessTokens.delete(digest);
    },
    async revokeSubject(sub, now) {
      tables.revokedSubjects.set(sub, Math.max(now, tables.revokedSubjects.get(sub) ?? now));
      consumeWhere(tables, now, (code) => code.sub === sub);
      const ended = revokeWhere(tables, now, (family) => family.sub === sub);
      removeWhere(tables.sessions, (session) => session.sub === sub);
      return ended;
    },
    findIdToken: async (jti) => idTokens.get(jti) ?? null,
  };
}

function keyStore(): Store['keys'] {
  let stored: KeySet | null = null;
  return {
    load: async () => stored,
    async swap(expected, keys) {
      if ((stored?.version ?? 0) !== expected) return false;
      stored = { version: expected + 1, keys };
      return true;
    },
  };
}

function isAuthorized(tables: Tables, authorizationId: string | null): boolean {
  return authorizationId === null || tables.authorizations.has(authorizationId);
}

function consumeWhere(tables: Tables, now: number, matches: (code: Code) => boolean): void {
  for (const [digest, code] of tables.codes) {
    if (code.redeemedAt === null && matches(code))
      tables.codes.set(digest, { ...code, redeemedAt: now });
  }
}

function removeWhere<Row>(
  table: Map<string, Row>,
  matches: (row: Row) => boolean,
  most: number = Number.POSITIVE_INFINITY,
): number {
  let removed = 0;
  for (const [key, row] of table) {
    if (removed >= most) break;
    if (matches(row) && table.delete(key)) removed += 1;
  }
  return removed;
}

function revokeWhere(tables: Tables, now: number, matches: (family: Family) => boolean): number {
  let revoked = 0;
  for (const [id, family] of tables.families) {
    if (family.revokedAt !== null || !matches(family)) continue;
    tables.families.set(id, { ...family, revokedAt: now });
    revoked += 1;
  }
  return revoked;
}

function clear(tables: Tables, now: number, batch: number, auditFrom: number): ClearedCounts {
  return {
    codes: removeWhere(tables.codes, (code) => code.expiresAt + CODE_KEPT <= now, batch),
    accessTokens: removeWhere(tables.accessTokens, (token) => token.expiresAt <= now, batch),
    families: removeWhere(tables.families, (family) => family.expiresAt <= now, batch),
    idTokens: removeWhere(tables.idTokens, (token) => token.expiresAt <= now, batch),
    sessions: removeWhere(tables.sessions, (session) => session.expiresAt <= now, batch),
    interactions: removeWhere(tables.interactions, (row) => row.expiresAt <= now, batch),
    counters: removeWhere(tables.counters, (row) => row.resetAt <= now, batch),
    audit: removeWhere(tables.audit, (event) => event.at < auditFrom, batch),
  };
}
